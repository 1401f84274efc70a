"""Whether what a loop collects in is held by its name alone, as it stands when the loop is reached: then nobody sees when it changes.

CPython counts who holds an object, and what one dictionary alone holds says how many of these are ours. Whatever else holds it, in C or in
Python, by a strong reference, is one more.
"""

from __future__ import absolute_import

import sys
import weakref

from marx.runner.found.looking import ATOMS, Looked


def why_shared(frame, name, hows):
    """None if nobody but the name ``name`` of a frame can come to its value, in which a loop collects in the ways ``hows``; else a sentence."""
    inner = frame.f_locals
    space = inner if name in inner else frame.f_globals
    if name not in space or type(space[name]) in ATOMS:
        return None
    others = _others(space, name)
    if space is not frame.f_globals and not _IS_WRITTEN_THROUGH:
        others -= 1  # before 3.13 the dictionary of a function's names is a second one, which stays
    if others > 0:
        return "`%s` is held by something else as well" % name
    value = space[name]
    if type(value) in (set, dict) and Looked().add(list(value)).classes:
        return "`%s` holds objects of the program's already" % name
    if not hows.isdisjoint(("setinner", "group")) and type(value) in (list, dict):
        for place in value if type(value) is dict else range(len(value)):
            if _others(value, place) > 0:
                return "what `%s` holds is held by something else as well" % name
    return None


def _others(space, name):
    """How many hold the value under a name, or at a place, beside ``space``."""
    return _count(space, name) - _ALONE


def _count(space, name):
    value = space[name]
    return sys.getrefcount(value) + weakref.getweakrefcount(value)


_ALONE = _count({"": []}, "")
_IS_WRITTEN_THROUGH = sys.version_info >= (3, 13)
