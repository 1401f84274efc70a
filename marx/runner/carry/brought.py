"""For items that bring along everything of the program that they see, as joblib's do: its surroundings, and the libraries that it uses.

Every chunk is run by a fork of the runner, so what the runner does not import every chunk would: with scikit-learn a second each.
"""

from __future__ import absolute_import

import importlib

from marx.runner.carry import surroundings
from marx.runner.carry.capturing import Captured
from marx.runner.carry.content import packed
from marx.runner.carry.muting import muted
from marx.runner.carry.own import libraries


#: What surrounded the program when it made such items first: the processes of a plain run would be from then.
_first = None


def brought_state(style):
    """A `Captured` of the first surroundings. To be called in the main program. Raises `CannotCarry`."""
    global _first
    _first = _first or dict(surroundings.taken(), recursion=None)
    said = {"kind": "brought", "style": style, "surroundings": _first, "libraries": libraries()}
    return Captured(packed(said), frozenset())


def begin_anew():
    """The processes of a plain run would be gone now, and others take their places."""
    global _first
    _first = None


def restore(said):
    """Put it up. There is no initializer: None."""
    surroundings.put_up(said["surroundings"])
    with muted():
        for name in said["libraries"]:
            try:
                importlib.import_module(name)
            except Exception:
                # An item that needs it will say so, in a place where the program can see it.
                continue
    return None
