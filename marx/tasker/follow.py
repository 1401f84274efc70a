"""
Watching a task: what it makes, in order, through any number of lost connections, to its end.

A watch remembers how far it is (results by item, output by row), so that after a pause it goes on where it was.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Awaitable, Protocol

from twisted.internet.defer import CancelledError, Deferred

from marx.core.ranges import RangeSet
from marx.tasker.link import Connection, TaskerLink, trouble_of
from marx.wire.calls import Unavailable, WireError
from marx.wire.tasker import StopWatching, WatchTask


@dataclass(frozen=True, slots=True)
class Wants:
    """``results``: "ordered", "unordered" or ""; ``live``: until the task ends, else what is there now; ``after_output``: a row."""

    results: str = ""
    output: bool = False
    live: bool = True
    after_output: int | None = None
    tail_bytes: int | None = None


@dataclass(frozen=True, slots=True)
class ResultPack:
    """Results of items ``first`` to ``first + count``, a part of the pack that begins at ``pack_first``."""

    first: int
    count: int
    pack_first: int
    codec: str
    payload: bytes | None
    blob: str | None


@dataclass(frozen=True, slots=True)
class OutputPack:
    """What items from ``first`` on printed on one worker, read at ``at_utc``."""

    row: int
    portion: int
    first: int
    worker: str
    at_utc: float
    payload: bytes


class Sink(Protocol):
    """Where a watched task goes. What one of these raises ends the watch."""

    async def take_results(self, pack: ResultPack) -> None:
        """Results that were not there before."""

    async def take_output(self, pack: OutputPack) -> None:
        """Output that was not there before."""

    def take_change(self, task: dict[str, Any]) -> None:
        """The task's counts or state."""


class Following:
    """One watch of one task, on however many connections. ``output_row``: the last row of output that was taken."""

    def __init__(self, connection: Connection, task: str, wants: Wants, sink: Sink) -> None:
        self._connection = connection
        self._task = task
        self._wants = wants
        self._sink = sink
        self._next_item = 0
        self._seen = RangeSet()
        self.output_row = wants.after_output
        self._outcome: dict[str, Any] | BaseException | None = None
        self._woken: Deferred[None] = Deferred()
        self._dialling: Deferred[TaskerLink] | None = None

    async def run(self) -> dict[str, Any]:
        """Watch to the end; the task as it was told last. Raises :class:`Trouble`, or what the sink raised."""
        while self._outcome is None:
            self._dialling = Deferred.fromCoroutine(self._connection.link())
            try:
                link = await self._dialling
            except CancelledError:
                if self._outcome is None:
                    raise
            else:
                await self._watch(link)
        if isinstance(self._outcome, BaseException):
            raise self._outcome
        return self._outcome

    @property
    def is_over(self) -> bool:
        """Whether :meth:`run` has returned, or is about to."""
        return self._outcome is not None

    def stop(self, outcome: dict[str, Any] | BaseException) -> None:
        """End the watch: :meth:`run` returns or raises the first ``outcome``."""
        if self._outcome is None:
            self._outcome = outcome
            self._wake()
            if self._dialling is not None:
                self._dialling.cancel()

    async def _watch(self, link: TaskerLink) -> None:
        """From asking until the end, or until this link is lost."""
        number = self._connection.next_watch()
        link.watchers[number] = self
        self._woken = Deferred()
        link.wait_lost().addCallback(lambda _: self._wake())
        try:
            await self._ask(link, number)
            await self._woken
        finally:
            del link.watchers[number]
            link.tell(StopWatching, watch=number)

    async def _ask(self, link: TaskerLink, number: int) -> None:
        try:
            answer = await link.ask(WatchTask, task=self._task, watch=number, **self._where_to_go_on())
        except Unavailable:
            await self._connection.pause()
            self._wake()
        except WireError as error:
            raise trouble_of(error) or error from error
        else:
            self._sink.take_change(answer["task"])

    def _wake(self) -> None:
        if not self._woken.called:
            self._woken.callback(None)

    def _where_to_go_on(self) -> dict[str, Any]:
        wants = self._wants
        return {
            "results": wants.results,
            "first_item": self._next_item if wants.results == "ordered" else None,
            "output": wants.output,
            "after_output": self.output_row,
            "tail_bytes": wants.tail_bytes if self.output_row is None else None,
            "live": wants.live,
        }

    async def on_results(self, portion: int, first: int, count: int, **pack: Any) -> None:
        """Take what was not taken before: its place is moved at once, so that a lost connection repeats nothing."""
        stop = first + count
        new = self._seen.complement(first, stop) if self._wants.results == "unordered" else [(max(first, self._next_item), stop)]
        self._next_item = max(self._next_item, stop)
        self._seen.add(first, stop)
        for start, end in new:
            if start < end:
                await self._guard(self._sink.take_results(ResultPack(start, end - start, **pack)))

    async def on_output(self, row: int, **pack: Any) -> None:
        """Take output once."""
        if self.output_row is None or row > self.output_row:
            self.output_row = row
            await self._guard(self._sink.take_output(OutputPack(row, **pack)))

    def on_change(self, task: dict[str, Any], complete: bool) -> None:
        """Show it; ``complete``: the watch is over."""
        self._sink.take_change(task)
        if complete:
            self.stop(task)

    async def _guard(self, taking: Awaitable[None]) -> None:
        """What a sink raises ends the watch; AMP must not see it."""
        try:
            await taking
        except Exception as error:
            self.stop(error)
