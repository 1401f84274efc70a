"""The globals that a pickle names: it is loaded with a class that can be anything in place of everything, so nothing of it runs."""

from __future__ import absolute_import

import io

from marx.runner.carry.errors import CannotCarry
from marx.runner.carry.own import is_own_name
from marx.runner.carry.pickles import new_unpickler


def references(pickled):
    """The (module, name) of the program's own functions and classes that a pickle names; a name may have dots. Raises `CannotCarry`.

    To be asked before an item goes out: costs about what loading it does.
    """
    return frozenset(pair for pair in named(pickled) if is_own_name(pair[0]))


def named(pickled):
    """The (module, name) of everything that a pickle names. Raises `CannotCarry` if it is none."""
    found = set()

    def find(module, name):
        found.add((module, name))
        return _Anything

    try:
        new_unpickler(io.BytesIO(pickled), lambda number: _Anything(), find).load()
    except Exception as error:
        raise CannotCarry("an item cannot be loaded again: %s" % error)
    return found


class _Anything(object):
    """A class, a function, an instance, a container: whatever a pickle does with it is right."""

    def __new__(cls, *_args, **_more):
        return object.__new__(cls)

    def __init__(self, *_args, **_more):
        pass

    def _take(self, *_args, **_more):
        return None

    __setstate__ = append = extend = add = __setitem__ = _take

    def __call__(self, *_args, **_more):
        return _Anything()
