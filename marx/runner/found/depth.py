"""How deep calls may go on: an item that runs into the limit, and goes on from there, must meet it where it would in its program.

Some calls of C count as well, and which ones differs from Python to Python. So what counts is measured, by calling to the end: not to that of the
program, which may have set it where no stack ends, but to one that is set near for so long. What the program has finalize its objects would run
into that one, so nothing is collected meanwhile.
"""

from __future__ import absolute_import

import gc
import itertools
import sys

#: How many calls further that end is, and how many must be left to the program's own where we do more than count. Up to 3.8 an interpreter that
#: came to the end is itself again only 50 calls before it: if it goes on until 50 behind it, that aborts it.
_NEAR = 200

#: What we may catch where calls have come to their end: nothing from 3.0 to 3.8, see `_NEAR`.
ENDED = () if (3,) <= sys.version_info < (3, 9) else RuntimeError

#: Calls for each frame, those of C between two frames among them, where Python goes deep by way of C (``sorted(xs, key=f)``).
_MOST_CALLS = 4


def is_near_end():
    """Whether so few calls are left that we might come to the end before the program does."""
    limit, frames = sys.getrecursionlimit(), _depth(sys._getframe())
    nearer = limit - _NEAR
    if frames >= nearer:
        return True
    if frames * _MOST_CALLS < nearer:
        return False  # the limit is one for all threads, of which others may be near it
    try:
        sys.setrecursionlimit(nearer)  # from 3.5 on it is refused where calls of C have come so far
    except RuntimeError:
        return True
    sys.setrecursionlimit(limit)
    return False


def used(frame=None):
    """How many of the calls that the limit allows are in use; in ``frame``, one of those that are at work, rather than here."""
    here = _depth(sys._getframe(1))
    below = here - _depth(frame) if frame is not None else 0
    collects = gc.isenabled()
    gc.disable()
    try:
        return _used(here) - below
    finally:
        if collects:
            gc.enable()


def _used(here):
    """Of all; ``here``: how many of them are frames of whoever called `used`, which counts with this function as one."""
    limit, end = sys.getrecursionlimit(), here + _NEAR
    while end < limit:
        left = _left_to(end, limit)
        if left is not None:
            return end - left
        end += _NEAR
    return limit - _left() + 1  # `_left_to` would be one


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
