"""How deep calls may go on: an item that runs into the limit, and goes on from there, must meet it where it would in its program.

Some calls of C count as well, and which ones differs from Python to Python. So what counts is measured, by calling to the end: not to that of the
program, which may have set it where no stack ends, but to one that is set near for so long.
"""

from __future__ import absolute_import

import itertools
import sys

#: How many calls further that end is. Up to 3.11 an interpreter that came to it is itself again only 50 calls before it.
_NEAR = 200


def used(frame=None):
    """How many of the calls that the limit allows are in use; in ``frame``, one of those that are at work, rather than here."""
    limit, here = sys.getrecursionlimit(), _depth(sys._getframe(1))
    below = here - _depth(frame) if frame is not None else 0
    end = here + _NEAR
    while end < limit:
        left = _left_to(end, limit)
        if left is not None:
            return end - left - below
        end += _NEAR
    return limit - _left() - below


def _left_to(end, limit):
    """How many there are to an ``end``; None if it is behind us already: calls of C are not among the frames."""
    try:
        sys.setrecursionlimit(end)
        return _left()
    except RuntimeError:
        return None
    finally:
        sys.setrecursionlimit(limit)


def _left():
    try:
        return 1 + _left()
    except RuntimeError:
        return 0


def _depth(frame):
    depth = 0
    while frame is not None:
        frame, depth = frame.f_back, depth + 1
    return depth


def asked(*_):
    """`used`, as a function that something is called with."""
    return used()


def more(kind, is_spread):
    """
    How many calls more a site of a ``kind`` takes from its own frame to its item's expression, or to the function that it maps, than the
    function of `work` that stands for it. ``is_spread``: whether that calls the mapped function with a tuple.
    """
    if kind not in _SITES:
        return 0
    ours = "list" if kind not in ("map", "starmap") else "spread" if is_spread else "called"
    return _SITES[kind]() - _SITES[ours]()


def _generator():
    for given in (used() for _ in (None,)):  # what consumes one has been counted where the site stands
        return given


def _map():
    for given in map(asked, (None,)):
        return given


def _starmap():
    for given in itertools.starmap(asked, ((None,),)):
        return given


_SITES = {
    "list": lambda: [used() for _ in (None,)][0],
    "set": lambda: list({used() for _ in (None,)})[0],
    "dict": lambda: {_: used() for _ in (None,)}[None],
    "generator": _generator,
    "map": _map,
    "starmap": _starmap,
    "called": lambda: asked(None),
    "spread": lambda: asked(*(None,)),
}
