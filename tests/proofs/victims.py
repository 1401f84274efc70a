"""
Killing parts of a real lab at random, and starting them again at once: ``kill -9`` of the one process, whatever it was about to do.
"""

from __future__ import annotations

import signal
from collections import Counter
from random import Random

import psutil

from tests.end_to_end.lab import Daemon, Lab
from tests.proofs.shows import Shows

KINDS = ("server", "worker", "runner", "tasker")


class Victims:
    """The processes of ``lab``, and the taskers of ``shows``. ``kills``: how many of each kind died here."""

    def __init__(self, lab: Lab, shows: Shows, random: Random) -> None:
        self._lab = lab
        self._shows = shows
        self._random = random
        self.kills: Counter[str] = Counter(dict.fromkeys(KINDS, 0))

    def kill_one(self) -> str:
        """Kill somebody at random, and start them again where nobody else would; of which kind it was."""
        kind = self._random.choice(KINDS)
        if kind == "server":
            _again(self._lab.server)
        elif kind == "worker":
            _again(self._random.choice(self._workers()))
        elif kind == "tasker":
            self._shows.kill()
        elif not self._kill_runner():
            return self.kill_one()
        self.kills[kind] += 1
        return kind

    def _workers(self) -> list[Daemon]:
        return [daemon for daemon in self._lab.daemons if daemon is not self._lab.server]

    def _kill_runner(self) -> bool:
        """Any process below any worker that is up: a sandbox, its init, a runner, the fork that runs a chunk. False where there is none."""
        below = [process for worker in self._workers() if lends(worker) for process in children_of(worker)]
        if not below:
            return False
        try:
            self._random.choice(below).send_signal(signal.SIGKILL)
        except psutil.NoSuchProcess:
            return False
        return True


def _again(daemon: Daemon) -> None:
    assert daemon.process.poll() is None, f"{daemon.argv} ended by itself with {daemon.process.returncode}:\n{daemon.said()[-4000:]}"
    daemon.kill()
    daemon.start()


def lends(daemon: Daemon) -> bool:
    """Whether it is a worker that is up: before that it tries its sandbox, and one whose trial was killed has none to offer."""
    return " seats, sandbox " in daemon.said().rpartition("starting up.")[2]


def runs_program(process: psutil.Process) -> bool:
    """Whether it is a main program, or will be: what a keeper forks looks for sites for a while before it executes the program."""
    try:
        parent = process.parent()
        return _is_program(process) or (parent is not None and _is_keeper(process) and _is_keeper(parent))
    except psutil.Error:
        return False


def _is_program(process: psutil.Process) -> bool:
    """It runs ``prog.py``, of which a sandbox's own words name the folder, never the file; one with sites has other code."""
    words = process.cmdline()
    return not words or any(word.endswith("prog.py") or word.startswith("/proc/self/fd/") for word in words[1:])  # none: it is being executed just now


def _is_keeper(process: psutil.Process) -> bool:
    """Among the runners only keepers take nothing from the environment (marx/worker/starting.py)."""
    return process.cmdline()[1:3] == ["-E", "-s"]


def children_of(daemon: Daemon) -> list[psutil.Process]:
    """All processes below a daemon at this moment."""
    try:
        return psutil.Process(daemon.process.pid).children(recursive=True)
    except psutil.NoSuchProcess:
        return []
