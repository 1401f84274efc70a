"""Which line of the program asked for a portion, as a person would say it."""

from __future__ import absolute_import

import functools
import os
import sys

from marx.runner.carry.own import is_library_path
from marx.runner.compat import path_text

_OURS = os.path.dirname(os.path.dirname(os.path.abspath(__file__))) + os.sep
_MACHINERY = tuple(os.sep + name for name in ("multiprocessing", "concurrent", "joblib"))


def call_of(frame, kind, function):
    """The ``call`` of a portion: {"file", "line", "kind", "function"}.

    ``frame``: where the call came in. The line is that of the innermost frame of the program itself, not of a library that maps on its behalf.
    """
    outside = _outside(frame, _is_of_program) or _outside(frame, _is_no_machinery) or frame
    place = outside.f_code.co_filename
    return {"file": path_text(place), "line": outside.f_lineno, "kind": kind, "function": name_of(function)}


def said(call):
    """A call in words, as in "Pool.map at prog.py, line 12"."""
    return u"%s at %s, line %d" % (call["kind"], call["file"], call["line"])


def beneath(function):
    """What was defined in source, under partials and bound methods: a function or a class."""
    for _ in range(100):
        inner = function.func if isinstance(function, functools.partial) else getattr(function, "__func__", None)
        if inner is None or not callable(inner):
            break
        function = inner
    return function if hasattr(function, "__name__") else type(function)


def name_of(function):
    """Its qualified name; in Python 2 the plain one. The module stands in front, if it is not the program's main file."""
    inner = beneath(function)
    name = getattr(inner, "__qualname__", None) or getattr(inner, "__name__", "?")
    module = getattr(inner, "__module__", None)
    if not isinstance(module, str) or module in ("__main__", "__mp_main__"):
        return path_text(name)
    return path_text("%s.%s" % (module, name))


def outermost(frame, place):
    """The outermost of the consecutive frames from ``frame`` on whose code stands in the file ``place``; None if ``frame``'s does not."""
    found = None
    while frame is not None and (frame.f_code.co_filename == place or frame.f_code.co_filename.startswith(_OURS)):
        if frame.f_code.co_filename == place:
            found = frame
        frame = frame.f_back
    return found


def _outside(frame, is_outside):
    while frame is not None and not is_outside(frame.f_code.co_filename):
        frame = frame.f_back
    return frame


def _remembering(decide):
    """The same for paths, each of which is looked at once."""
    known = {}

    def decided(place):
        if place not in known:
            known[place] = decide(place)
        return known[place]

    return decided


@_remembering
def _is_of_program(place):
    return not is_library_path(place) and _is_no_machinery(place)


@_remembering
def _is_no_machinery(place):
    folder = os.path.dirname(place)
    while len(folder) > 1:
        if folder.endswith(_MACHINERY):
            return False
        folder = os.path.dirname(folder)
    return not place.startswith((_OURS, "<frozen "))


#: The frame of whoever called the function that asks.
frame_at = sys._getframe
