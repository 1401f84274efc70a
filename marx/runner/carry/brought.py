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


def brought_state(style):
    """A `Captured` of the present surroundings. To be called in the main program. Raises `CannotCarry`."""
    said = {"kind": "brought", "style": style, "surroundings": surroundings.taken(), "libraries": libraries()}
    return Captured(packed(said), frozenset())


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
