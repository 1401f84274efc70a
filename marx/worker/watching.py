"""
Looks at the runners whose tasks have bounds, twice a second.
"""

from __future__ import annotations

from typing import Callable, Iterable

from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.logger import Logger

from marx.worker.runners import SlotRunner
from marx.worker.scales import Closer
from marx.worker.tasks import InThread

log = Logger()

#: Seconds between two looks. A process that takes memory as fast as it can gets about 1 GB further meanwhile.
LOOK_SECONDS = 0.5


class Watch:
    """``runners``: all that may have a process, whenever it is asked. ``in_thread``: runs what takes its time."""

    def __init__(self, clock: IReactorTime, runners: Callable[[], Iterable[SlotRunner]], in_thread: InThread) -> None:
        self._clock = clock
        self._runners = runners
        self._in_thread = in_thread
        self._weighing: set[SlotRunner] = set()
        self._due: IDelayedCall | None = None

    def start(self) -> None:
        """Look from now on."""
        self._due = self._clock.callLater(LOOK_SECONDS, self._look)

    def stop(self) -> None:
        """Look no more."""
        if self._due is not None and self._due.active():
            self._due.cancel()
        self._due = None

    def _look(self) -> None:
        self.start()
        for runner in self._runners():
            try:
                if runner not in self._weighing:
                    self._weigh(runner, runner.look(self._clock.seconds()))
            except Exception:
                # The others have to be looked at all the same.
                log.failure("looking at a runner of task {task} failed", task=runner.task)

    def _weigh(self, runner: SlotRunner, closer: Closer | None) -> None:
        if closer is None:
            return
        self._weighing.add(runner)
        weighed = self._in_thread(closer)
        weighed.addCallback(lambda tell: tell())
        weighed.addErrback(lambda failure: log.failure("weighing a runner failed", failure))
        weighed.addBoth(lambda _: self._weighing.discard(runner))
