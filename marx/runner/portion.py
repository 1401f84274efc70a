"""Role *portion*: the loop of role *chunk* for the items that a main program gave to its pools and executors.

T says whether a ``state`` follows: K, in parts, directly behind it. F then names "state" where it cannot be put up here as it was taken.
"""

from __future__ import absolute_import

from marx.runner import chunk
from marx.runner.answering import Answering, be_process
from marx.runner.carry import restoring
from marx.runner.carry.building import empty_main
from marx.runner.carry.content import FOUND
from marx.runner.carry.errors import NotRestored
from marx.runner.loading import NotLoaded
from marx.runner.standins import hook, inplace
from marx.runner.state import read_state


def play(order, reader, writer):
    """Put up the state, then take chunks until told to quit; the exit code. Raises `FrameError`, `PipeClosed`."""
    state = read_state(reader) if order.get("state") else b""
    return chunk.serve(order, reader, writer, loader_of(state), state)


def loader_of(state):
    """The ``load`` of a `Program` that is a state, empty where items bring along everything that they need."""

    def load(order):
        hook.install()
        inplace.begin()
        loaded = _put_up(state)
        if loaded.style == FOUND:
            return _serving(loaded, order)
        be_process(loaded)
        return Answering(loaded.style)

    return load


def _serving(loaded, order):
    from marx.runner.found.serving import Serving

    try:
        return Serving(loaded, order)
    except Exception:
        raise NotLoaded("state")


def _put_up(state):
    if not state:
        empty_main()
        return restoring.Loaded("spawn", "joblib")
    try:
        return restoring.load(state)
    except NotRestored:
        raise NotLoaded("state")
