"""What a loop collects in an item: kept as operations, for the program to do in order."""

from __future__ import absolute_import

from marx.runner.compat import TEXT
from marx.runner.found.looking import NUMBERS

#: Of what is summed up exactly: nothing of the program's runs when these are added or compared.
SCALARS = NUMBERS | frozenset([str, bytes, TEXT])


class Unrecorded(Exception):
    """The loop does something with what it collects in that cannot be done afterwards."""


class Recorder(object):
    """Stands for what a loop collects in: a list, set, dictionary, number or text. ``record(how, arguments)`` keeps each operation.

    What would raise there at once raises here: the item is then computed in place.
    """

    def __init__(self, kind, record):
        self._kind = kind
        self._record = record

    def append(self, value):
        """Of a list."""
        self._only("list")
        self._record("append", (value,))

    def extend(self, values):
        """Of a list."""
        self._only("list")
        self._record("extend", (list(values),))

    def add(self, value):
        """Of a set."""
        self._only("set")
        hash(value)
        self._record("add", (value,))

    def update(self, values):
        """Of a set or a dictionary."""
        if self._kind == "dict":
            values = dict(values)
            self._record("update", (list(values.items()),))
        else:
            self._only("set")
            values = list(values)
            for value in values:
                hash(value)
            self._record("update", (values,))

    def __setitem__(self, key, value):
        self._only("dict")
        hash(key)
        self._record("setitem", (key, value))

    def __iadd__(self, value):
        if self._kind == "list":
            self.extend(value)
        else:
            self._scalar("iadd", value)
        return self

    def max(self, value):
        """In place of ``name = max(name, value)``."""
        self._scalar("max", value)

    def min(self, value):
        """The same for the least."""
        self._scalar("min", value)

    def _scalar(self, how, value):
        self._only("scalar")
        if type(value) not in SCALARS:
            raise Unrecorded("it sums up a %s" % type(value).__name__)
        self._record(how, (value,))

    def _only(self, kind):
        if self._kind != kind:
            raise Unrecorded("it collects in a %s" % self._kind)


#: What a name that a loop collects in must be exactly, and what `Recorder` calls it.
KINDS = dict([(list, "list"), (set, "set"), (dict, "dict")] + [(kind, "scalar") for kind in SCALARS])


def done_to_objects(how, value, arguments):
    """Do an operation to a list, set or dictionary. Nothing that `Recorder` has kept can fail."""
    if how == "setitem":
        value[arguments[0]] = arguments[1]
    else:
        getattr(value, how)(*arguments)


def summed(how, value, arguments):
    """A number or text after an operation. Raises what that raises in place."""
    if how == "iadd":
        value += arguments[0]
        return value
    return (max if how == "max" else min)(value, arguments[0])
