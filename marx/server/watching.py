"""
Sending a tasker what a task makes: results, output, changes.

A watch reads the store and nothing else, so it shows the same to whoever comes late, and a slow tasker costs a window of memory, never
more. What is new wakes it (:meth:`Watch.moved`, after the commit); it then reads on from where it was.
"""

from __future__ import annotations

from typing import Any, Awaitable, Callable, Protocol, Sequence

from twisted.internet.defer import CancelledError, Deferred, ensureDeferred, gatherResults
from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import deferLater
from twisted.logger import Logger
from twisted.python.failure import Failure

from marx.server.cursors import Cursor
from marx.server.records import StoreFailed
from marx.server.window import Window
from marx.wire.bursts import Bursts
from marx.wire.calls import GuardedLink, NotFound, WireError
from marx.wire.tasker import TaskChanged

log = Logger()

#: Bytes that may be under way to one watch unanswered: a round trip of a slow line at full speed.
WINDOW_BYTES = 2_000_000
#: Reads of the store, and so boxes, in so many seconds while a task runs: a single result goes at once, many gather.
READS, READS_SECONDS = 14, 0.1
#: Seconds between two messages about counts; a change of state is told at once.
COUNTS_SECONDS = 0.2
#: Bytes that a box counts beside its payload, so that a window of empty ones is bounded as well.
BOX_BYTES = 200


class Watched(Protocol):
    """The task that is watched, as far as a watch needs it."""

    def has_ended(self) -> bool:
        """Whether nothing more can come of it, and all that came is committed."""

    def describe(self) -> Awaitable[dict[str, Any]]:
        """Its record and counts, for people."""


def _nothing() -> None:
    """What an unregistered watch does when it stops."""


class Watch:
    """One watch over one link. ``live``: wait for what is still to come; else only what is there now."""

    def __init__(self, link: GuardedLink, number: int, cursors: Sequence[Cursor], watched: Watched, live: bool, clock: IReactorTime) -> None:
        self._link = link
        self._number = number
        self._cursors = cursors
        self._watched = watched
        self._live = live
        self._clock = clock
        self._window = Window(WINDOW_BYTES)
        self._sleepers: list[Deferred[None]] = []
        self._pauses: set[Deferred[Any]] = set()
        self._telling: Any = None
        self._stopped = False
        self._moves = 0
        self._forget: Callable[[], None] = _nothing

    def start(self) -> Deferred[None]:
        """Begin; fires when all that was asked for has been sent and answered, or the watch was stopped."""
        pumps = [ensureDeferred(self._pump(cursor)) for cursor in self._cursors] or [ensureDeferred(self._wait_for_end())]
        finished = gatherResults(pumps, consumeErrors=True)
        finished.addCallback(lambda _: ensureDeferred(self._tell(complete=True)))
        finished.addErrback(self._broke)
        finished.addCallback(lambda _: self.stop())
        return finished

    def moved(self, at_once: bool = False) -> None:
        """Something of this task was committed; ``at_once``: its state changed, which is told without waiting."""
        self._moves += 1
        sleepers, self._sleepers = self._sleepers, []
        for sleeper in sleepers:
            sleeper.callback(None)
        if self._live and not self._stopped and (at_once or self._telling is None):
            self._cancel_telling()
            self._telling = self._clock.callLater(0 if at_once else COUNTS_SECONDS, self._tell_now)

    def ended(self) -> None:
        """The task has ended, and that is committed."""
        self.moved(at_once=True)

    def on_stop(self, forget: Callable[[], None]) -> None:
        """Call ``forget`` once when this watch is over."""
        self._forget = forget

    def stop(self) -> None:
        """Send no more. May be called again."""
        if not self._stopped:
            self._stopped = True
            self._forget()
            self._window.close()
            for pause in list(self._pauses):
                pause.cancel()
            self._cancel_telling()
            self.moved()

    async def _pump(self, cursor: Cursor) -> None:
        """Read and carry until nothing more can come. Whether it ended is asked before reading, so that nothing slips in between."""
        unanswered: set[Deferred[Any]] = set()
        bursts = Bursts(READS, READS_SECONDS)
        while not self._stopped:
            await self._pause(bursts)
            ended, moves = self._watched.has_ended() or not self._live, self._moves
            rows = await cursor.read()
            for row in rows:
                size = len(row.payload or b"") + BOX_BYTES
                await self._window.take(size)
                answer = cursor.carry(self._link, self._number, row)
                unanswered.add(answer)
                answer.addBoth(self._answered, size, unanswered, answer)
            if not rows and ended:
                break
            if not rows and moves == self._moves:
                await self._sleep()
        await gatherResults(list(unanswered))

    def _answered(self, result: Any, size: int, unanswered: set[Deferred[Any]], answer: Deferred[Any]) -> Any:
        unanswered.discard(answer)
        self._window.give(size)
        if isinstance(result, Failure) and not self._stopped:
            log.debug("watch {number} ends: {why}", number=self._number, why=result.value)
            self.stop()
        return None

    async def _wait_for_end(self) -> None:
        while self._live and not self._stopped and not self._watched.has_ended():
            await self._sleep()

    async def _pause(self, bursts: Bursts) -> None:
        """Let what is committed one by one gather, unless this task has ended and nobody should wait for the rest."""
        seconds = bursts.wait(self._clock.seconds())
        if seconds and not self._watched.has_ended():
            pause = deferLater(self._clock, seconds)
            self._pauses.add(pause)
            await pause.addBoth(self._paused, pause)
        bursts.go(self._clock.seconds())

    def _paused(self, result: Any, pause: Deferred[Any]) -> Any:
        self._pauses.discard(pause)
        return result

    def _sleep(self) -> Deferred[None]:
        sleeper: Deferred[None] = Deferred()
        self._sleepers.append(sleeper)
        return sleeper

    def _tell_now(self) -> None:
        self._telling = None
        ensureDeferred(self._tell(complete=False)).addErrback(self._broke)

    async def _tell(self, complete: bool) -> None:
        if not self._stopped:
            described = await self._watched.describe()
            self._link.tell(TaskChanged, watch=self._number, task=described, complete=complete)

    def _cancel_telling(self) -> None:
        if self._telling is not None:
            self._telling.cancel()
            self._telling = None

    def _broke(self, failure: Failure) -> None:
        """A closed window or link ends a watch quietly; anything else is our fault, and the tasker will ask again."""
        first = failure.value.subFailure if hasattr(failure.value, "subFailure") else failure
        if first.check(NotFound, StoreFailed):
            # The task was forgotten under the watch, or cannot be read: who asks again is told so. Nobody does where the server ends.
            self._link.hang_up()
            return
        if not first.check(CancelledError, WireError):
            log.failure("a watch broke", first)
            self._link.hang_up()
