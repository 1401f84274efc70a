"""Pickles of items and outcomes in which the classes that functions have made are numbers: no pickle can name those."""

from __future__ import absolute_import

import io

from marx.runner.carry.pickles import dumped, new_unpickler
from marx.runner.standins import pickling


class Numbering(object):
    """``classes``: those of the program, or what they have become in a runner, in the same order."""

    def __init__(self, classes):
        self.classes = list(classes)
        self._numbers = dict((id(each), number) for number, each in enumerate(self.classes))

    def dumps(self, value):
        """The bytes of a value. Raises whatever pickling it raises."""
        return dumped(value, lambda each: self._numbers.get(id(each))) if self.classes else pickling.dumps(value)

    def loads(self, content):
        """The reverse."""
        return new_unpickler(io.BytesIO(content), self.classes.__getitem__).load() if self.classes else pickling.loads(content)
