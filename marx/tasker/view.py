"""
Where a watched task is shown: its results, what it prints, and how far it is.
"""

from __future__ import annotations

import os
from typing import Any, Mapping

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IDelayedCall, IReactorTime

from marx.tasker.follow import OutputPack, ResultPack
from marx.tasker.printed import OutputWriter
from marx.tasker.progress import Progress
from marx.tasker.results import ResultsWriter
from marx.tasker.screen import Screen
from marx.tasker.surroundings import Surroundings

#: Seconds without any slot at work before a person who has no live line is told why.
PATIENCE_SECONDS = 3.0


class TaskView:
    """
    The sink of one watch. ``results`` or ``output`` None: not wanted.

    ``task``: the snapshot that came last.
    """

    def __init__(self, screen: Screen, around: Surroundings, results: ResultsWriter | None, output: OutputWriter | None) -> None:
        self._screen = screen
        self._clock: IReactorTime = around.reactor
        self._width = _columns(around)
        self._progress = Progress(colour=not around.environ.get("NO_COLOR"))
        self._results = results
        self._output = output
        self._patience: IDelayedCall | None = None
        self._said = ""
        self.task: Mapping[str, Any] = {}

    async def take_results(self, pack: ResultPack) -> None:
        """Write them."""
        if self._results is not None:
            await self._results.take(pack)

    async def take_output(self, pack: OutputPack) -> None:
        """Show what can be shown with it."""
        if self._output is not None:
            await self._output.take(pack)

    def take_change(self, task: Mapping[str, Any]) -> None:
        """Renew the live line."""
        self.task = task
        if self._screen.is_live:
            self._screen.show_line(self._progress.line(task, self._clock.seconds(), self._width))
        else:
            self._watch_idleness()

    async def finish(self) -> None:
        """Show what was kept back, and take the live line away."""
        self._stop_waiting()
        await self._screen.end_line()
        if self._output is not None:
            await self._output.finish()

    def _watch_idleness(self) -> None:
        """Without a live line, say why nothing runs once it has taken a moment; a task that ends at once is not worth a word."""
        is_idle = bool(self.task.get("why_waiting")) and not self.task["slots"]
        if is_idle and self._patience is None:
            self._patience = self._clock.callLater(PATIENCE_SECONDS, self._say_why_it_waits)
        elif not is_idle:
            self._stop_waiting()

    def _say_why_it_waits(self) -> None:
        self._patience = None
        why = self.task["why_waiting"]
        if why != self._said:
            self._said = why
            Deferred.fromCoroutine(self._screen.say(f"task {self.task['id']} waits: {why}")).addErrback(lambda _: None)

    def _stop_waiting(self) -> None:
        if self._patience is not None:
            self._patience.cancel()
            self._patience = None


def _columns(around: Surroundings) -> int:
    """The width of the person's terminal; 80 where there is none."""
    try:
        return os.get_terminal_size(around.streams.stderr.fileno()).columns or 80
    except (OSError, AttributeError):
        return 80
