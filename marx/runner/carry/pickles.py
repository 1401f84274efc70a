"""Pickling with numbers in place of what travels apart, alike in every version."""

from __future__ import absolute_import

import io
import pickle

from marx.runner.compat import IS_2

if IS_2:
    import cPickle

#: What all interpreters of a task understand, which have the same minor version.
PROTOCOL = pickle.HIGHEST_PROTOCOL

if not IS_2:

    class _Unpickler(pickle.Unpickler):
        def __init__(self, source, find_number, find_global):
            pickle.Unpickler.__init__(self, source)
            self._find_number = find_number
            self._find_global = find_global

        def persistent_load(self, number):
            return self._find_number(number)

        def find_class(self, module, name):
            if self._find_global is not None:
                return self._find_global(module, name)
            return pickle.Unpickler.find_class(self, module, name)

    class _Pickler(pickle.Pickler):
        def __init__(self, sink, number_of):
            pickle.Pickler.__init__(self, sink, PROTOCOL)
            self._number_of = number_of

        def persistent_id(self, something):
            return self._number_of(something)


def new_pickler(sink, number_of):
    """A pickler onto a file. ``number_of(object)``: the number that stands for it, or None."""
    if not IS_2:
        return _Pickler(sink, number_of)
    pickler = cPickle.Pickler(sink, PROTOCOL)
    pickler.persistent_id = number_of
    return pickler


def new_unpickler(source, find_number, find_global=None):
    """Its reverse. ``find_number(number)``: the object; ``find_global(module, name)``: in place of importing it."""
    if not IS_2:
        return _Unpickler(source, find_number, find_global)
    unpickler = cPickle.Unpickler(source)
    unpickler.persistent_load = find_number
    if find_global is not None:
        unpickler.find_global = find_global
    return unpickler


def dumped(something, number_of):
    """The pickle of one object."""
    sink = io.BytesIO()
    new_pickler(sink, number_of).dump(something)
    return sink.getvalue()


class Nowhere(object):
    """A file that takes everything and keeps nothing."""

    def write(self, content):
        """Forget it."""
        return len(content)
