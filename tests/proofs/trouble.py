"""
Whatever can happen to a lab, at random: processes die, stop for a while, are restarted; connections are cut, frozen and slow.
"""

from __future__ import annotations

import heapq
import itertools
import signal
import time
from collections import Counter
from collections.abc import Callable, Sequence
from random import Random

import psutil

from tests.end_to_end.lab import Daemon, Lab
from tests.proofs.jobs import Job
from tests.proofs.relay import Relay
from tests.proofs.victims import children_of, lends, runs_program

#: How long something is stopped, frozen or slow, in seconds: from a blink to longer than a chunk, a back-off and a commit.
SHORTEST, LONGEST = 0.1, 6.0
#: Seconds by which a slow wire holds each part.
SLOWNESS = 0.15


class Trouble:
    """Makes it, and mends everything in the end. ``done``: what happened how often; ``found``: daemons that ended by themselves."""

    def __init__(self, lab: Lab, relay: Relay, random: Random) -> None:
        self._lab = lab
        self._relay = relay
        self._random = random
        self._due: list[tuple[float, int, Callable[[], None]]] = []
        self._numbers = itertools.count()
        self._expected: set[int] = set()
        self.done: Counter[str] = Counter()
        self.found: list[str] = []

    def make(self, jobs: Sequence[Job]) -> None:
        """One piece of it. ``jobs``: those whose taskers may be hit."""
        shown = [job for job in jobs if job.task and job.tasker.poll() is None]
        kinds = ["kill a daemon", "stop a daemon", "restart a daemon", "kill a runner", "stop a runner", "cut", "freeze", "slow"]
        kind = self._random.choice([*kinds, *(["kill a tasker", "stop a tasker"] if shown else [])])
        verb, _, victim = kind.partition(" a ")
        if victim == "daemon":
            daemon = self._random.choice(self._lab.daemons)
            kind = f"{verb} the server" if daemon is self._lab.server else f"{verb} a worker"
            self._hit(verb, daemon)
        elif victim == "runner":
            if not self._hit_runner(verb):
                return
        elif victim == "tasker":
            self._signal(verb, psutil.Process(self._random.choice(shown).tasker.pid))
        else:
            getattr(self, f"_{kind}")()
        self.done[kind] += 1

    def look(self) -> None:
        """Do what is due, and start what has ended."""
        while self._due and self._due[0][0] <= time.monotonic():
            heapq.heappop(self._due)[2]()
        for daemon in self._lab.daemons:
            code = daemon.process.poll()
            if code is None:
                continue
            if daemon.process.pid not in self._expected:
                self.found.append(f"{daemon.argv[3]} ended by itself with {code}:\n{daemon.said()[-3000:]}")
            daemon.start()

    def mend(self) -> None:
        """Let everything that stands go on, and nothing more happen."""
        while self._due:
            heapq.heappop(self._due)[2]()
        self.look()

    def _hit(self, verb: str, daemon: Daemon) -> None:
        process = psutil.Process(daemon.process.pid)
        if verb == "stop":
            self._pause(process)
            return
        self._expected.add(daemon.process.pid)
        process.send_signal(signal.SIGKILL if verb == "kill" else signal.SIGTERM)

    def _hit_runner(self, verb: str) -> bool:
        below = [process for daemon in self._lab.daemons if lends(daemon) for process in children_of(daemon)]
        if verb == "kill":  # a main program that is killed has ended, as it would in a plain run
            below = [process for process in below if not runs_program(process)]
        if below:
            self._signal(verb, self._random.choice(below))
        return bool(below)

    def _signal(self, verb: str, process: psutil.Process) -> None:
        if verb == "stop":
            self._pause(process)
            return
        try:
            process.kill()
        except psutil.NoSuchProcess:
            return

    def _pause(self, process: psutil.Process) -> None:
        try:
            process.suspend()
        except psutil.NoSuchProcess:
            return
        self._later(lambda: _go_on(process))

    def _cut(self) -> None:
        self._relay.cut()

    def _freeze(self) -> None:
        self._relay.freeze()
        self._later(self._relay.thaw)

    def _slow(self) -> None:
        self._relay.delay = SLOWNESS
        self._later(lambda: setattr(self._relay, "delay", 0.0))

    def _later(self, what: Callable[[], None]) -> None:
        due = time.monotonic() + SHORTEST * (LONGEST / SHORTEST) ** self._random.random()
        heapq.heappush(self._due, (due, next(self._numbers), what))


def _go_on(process: psutil.Process) -> None:
    try:
        process.resume()
    except psutil.NoSuchProcess:
        return
