"""The globals that a pickle names: it is loaded with something that can be anything in place of everything, so nothing of it runs."""

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
        new_unpickler(io.BytesIO(pickled), lambda number: _Anything, find).load()
    except Exception as error:
        raise CannotCarry("an item cannot be loaded again: %s" % error)
    return found


class _Kind(type):
    """Of a class that is its own only instance: a pickle may ask for either where it finds a name."""

    def __call__(cls, *_args, **_more):
        return cls

    def __setitem__(cls, _name, _value):
        pass


def _itself(cls, *_args, **_more):
    return cls


def _nothing(*_args, **_more):
    return None


_TAKING = dict.fromkeys(["__setstate__", "append", "extend", "add"], staticmethod(_nothing))
_Anything = _Kind("_Anything", (object,), dict(_TAKING, __new__=_itself))
