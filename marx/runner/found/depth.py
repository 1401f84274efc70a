"""How deep calls may go on: an item that runs into the limit, and goes on from there, must meet it where it would in its program.

Some calls of C count as well, so what counts is measured, by calling to the end.
"""

from __future__ import absolute_import

import sys


def used(frame=None):
    """How many of the calls that the limit allows are in use; in ``frame``, one of those that are at work, rather than here."""
    below = _depth(sys._getframe(1)) - _depth(frame) if frame is not None else 0
    return sys.getrecursionlimit() - _left() - below


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
