"""What the spawn and forkserver start methods show: the main program imported as ``__mp_main__``, by the library's own rules."""

from __future__ import absolute_import

import pickle
import signal
import sys

from marx.runner.carry import surroundings
from marx.runner.carry.capturing import Captured
from marx.runner.carry.content import packed
from marx.runner.carry.errors import CannotCarry
from marx.runner.carry.muting import muted
from marx.runner.carry.pickles import PROTOCOL

#: What of the library's preparation is said of the process that would have been made, and not of the program.
_OF_PROCESS = ("name", "authkey", "log_level", "log_to_stderr", "sys_path")


#: What a fork server has that was started by now, or would have been.
_served = None


def spawn_state(initializer=None, initargs=(), style="pool", method="spawn"):
    """A `Captured` of what a process sees that the start method ``method`` makes now. Raises `CannotCarry`.

    To be called in the main program. Items may name anything: what is not there raises there as it would in the process.
    """
    from multiprocessing import spawn

    prepared = spawn.get_preparation_data("")
    try:
        starting = pickle.dumps(None if initializer is None else (initializer, tuple(initargs)), PROTOCOL)
    except Exception as error:
        raise CannotCarry("the initializer or its arguments cannot be pickled: %s" % error)
    said = {
        "kind": "spawn",
        "style": style,
        "surroundings": _surroundings(method),
        "prepared": dict((name, value) for name, value in prepared.items() if name not in _OF_PROCESS),
        "starting": starting,
    }
    return Captured(packed(said), frozenset())


def _surroundings(method):
    """Such a process is told some things, inherits others, and has a new interpreter for all the rest."""
    global _served
    said = dict(surroundings.taken(), recursion=None)
    if method == "forkserver":
        # All its processes are forked from the one that the first of them was made with.
        _served = _served or _of_server() or surroundings.inherited()
        said.update(_served)
    return said


def _of_server():
    """What one has inherited that runs already; None where none does."""
    server = getattr(sys.modules.get("multiprocessing.forkserver"), "_forkserver", None)
    pid = getattr(server, "_forkserver_pid", None)
    return None if pid is None else surroundings.inherited_by(pid)


def restore(said):
    """Put it up; the initializer with its arguments, or None. Raises whatever the program raises when it is imported."""
    from multiprocessing import spawn

    surroundings.put_up(said["surroundings"])
    if said["surroundings"]["ignores"]:
        signal.signal(signal.SIGINT, signal.SIG_IGN)
    with muted():
        spawn.prepare(said["prepared"])
    return pickle.loads(said["starting"])
