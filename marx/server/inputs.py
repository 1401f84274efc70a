"""
Standard input on its way from a tasker to a program: stored as it comes, read by the worker from any byte on.

Who types ahead of the program waits: a part is answered when it is durable and not too far ahead of what was read. A tasker says with an
empty part that it is there. Where none is, or none any more, the program finds the end of its input, as it would when its terminal is closed.
"""

from __future__ import annotations

from typing import Any, Callable

from twisted.internet.defer import Deferred, DeferredLock
from twisted.internet.defer import TimeoutError as DeferredTimeout
from twisted.internet.interfaces import IReactorTime

from marx.server.directory import Directory, LiveTask
from marx.server.program_records import NewInput
from marx.server.records import NewNote
from marx.server.service import SchedulingService
from marx.server.store import Store
from marx.wire.calls import BadRequest, NotFound, TooLarge
from marx.wire.worker import INPUT_SECONDS

#: Bytes of standard input in one answer.
INPUT_BYTES = 256_000
#: Bytes that a tasker may be ahead of the program.
AHEAD_BYTES = 1_000_000
#: Seconds that a tasker which feeds a program has to come, and to come back; looked at when the program's worker asks again.
FEEDER_SECONDS = 60.0
#: What a person is told of a program that found the end of its input so.
UNFED = "the program's standard input ended at byte {}: no tasker was there to send more"


def has_ended(task: str) -> str:
    """Why it takes no input."""
    return f"task {task} has ended and reads no more input"


class _Fed:
    """
    The standard input of one open task, which it watches. ``known``: its bytes so far, all of them once ``final``; ``read``: up to where it
    was asked for. ``alone_since``: since when nobody is there to send more. ``forget``: called when the task has ended.
    """

    def __init__(self, task: str, known: int, final: bool, alone_since: float, forget: Callable[[str], object]) -> None:
        self._task = task
        self._forget = forget
        self.known, self.final = known, final
        self.read = 0
        self._feeder: object = None
        self._alone_since: float | None = alone_since
        self._waiting: list[tuple[int, Deferred[None]]] = []

    def fed_by(self, feeder: object) -> None:
        """Somebody is there to send more."""
        self._feeder, self._alone_since = feeder, None

    def left_by(self, feeder: object, now: float) -> None:
        """Somebody is gone, which matters if nobody came after."""
        if self._feeder is feeder:
            self._alone_since = now

    def is_given_up(self, now: float) -> bool:
        """Whether nobody was there to send more for too long."""
        return not self.final and self._alone_since is not None and now - self._alone_since >= FEEDER_SECONDS

    def reached(self, offset: int) -> None:
        """The program has read up to there."""
        self.read = max(self.read, offset)
        due = [waiting for waiting in self._waiting if waiting[0] <= self.read]
        self._waiting = [waiting for waiting in self._waiting if waiting[0] > self.read]
        for _, waited in due:
            waited.callback(None)

    def wait_until_read(self, offset: int) -> Deferred[None]:
        """Fires once the program has read up to ``offset``."""
        waited: Deferred[None] = Deferred()
        self._waiting.append((offset, waited))
        self.reached(0)
        return waited

    def moved(self, at_once: bool = False) -> None:
        """Something of the task was committed, which is nothing to us."""

    def ended(self) -> None:
        """The task is over, and nobody reads any more."""
        self._forget(self._task)
        waiting, self._waiting = self._waiting, []
        for _, waited in waiting:
            waited.errback(NotFound(has_ended(self._task)))


class Inputs:
    """The standard inputs of all open programs. ``limit``: how many bytes one may have."""

    def __init__(self, service: SchedulingService, store: Store, directory: Directory, clock: IReactorTime, limit: int) -> None:
        self._service = service
        self._store = store
        self._directory = directory
        self._clock = clock
        self._limit = limit
        self._fed: dict[str, _Fed] = {}
        # The store answers reads side by side, and a second part must not overtake the first.
        self._looking = DeferredLock()

    async def put(self, feeder: object, task: str, offset: int, part: bytes, final: bool) -> None:
        """More of an open task's standard input, from the connection ``feeder``; what is there already is taken as such."""
        async with self._looking:
            fed = await self._of(task)
            fed.fed_by(feeder)
            is_new = self._check(fed, offset, part, final)
            if is_new:
                # Before it is written, so that a second part need not wait for the first one's commit.
                fed.known, fed.final = offset + len(part), final
        if is_new:
            await self._write(task, NewInput(task, offset, final, part))
        await fed.wait_until_read(fed.known - AHEAD_BYTES)

    async def read(self, task: str, offset: int) -> dict[str, Any]:
        """What :class:`marx.wire.worker.ReadInput` answers, as soon as there is something or the time for it is up."""
        until = self._clock.seconds() + INPUT_SECONDS
        fed = await self._of(task)
        fed.reached(offset)
        while True:
            if fed.is_given_up(self._clock.seconds()):
                await self._end(task, fed)
            arrival, live = _Arrival(), self._live(task)
            live.watches.add(arrival)
            try:
                part, final = await self._store.input_from(task, offset, INPUT_BYTES)
                left = until - self._clock.seconds()
                if part or final or left <= 0:
                    return {"part": part, "final": final}
                await arrival.wait(left, self._clock)
            finally:
                live.watches.discard(arrival)

    def feeder_left(self, feeder: object) -> None:
        """A tasker's connection is gone: if it does not come back, what it fed ends."""
        for fed in self._fed.values():
            fed.left_by(feeder, self._clock.seconds())

    async def _end(self, task: str, fed: _Fed) -> None:
        fed.final = True
        await self._write(task, NewInput(task, fed.known, True, b""), NewNote(task, "", UNFED.format(fed.known)))

    def _check(self, fed: _Fed, offset: int, part: bytes, final: bool) -> bool:
        """Whether a part is new. Raises where it cannot follow what is known, or is too much."""
        if offset + len(part) <= fed.known and (fed.final or not final):
            return False
        if fed.final:
            raise NotFound(f"the input has ended at byte {fed.known}")
        if offset != fed.known:
            raise BadRequest(f"input from byte {offset} on, and {fed.known} are known")
        if fed.known + len(part) > self._limit:
            raise TooLarge(f"a standard input may have {self._limit:,} bytes (file_bytes)")
        return True

    async def _write(self, task: str, *rows: NewInput | NewNote) -> None:
        try:
            await self._service.happened(writes=rows)
        except Exception:
            self._fed.pop(task, None)
            raise

    async def _of(self, task: str) -> _Fed:
        if task not in self._fed:
            known, final = await self._store.input_end(task)
            live = self._live(task)
            if task not in self._fed:
                self._fed[task] = _Fed(task, known, final, self._clock.seconds(), self._fed.pop)
                live.watches.add(self._fed[task])
        return self._fed[task]

    def _live(self, task: str) -> LiveTask:
        live = self._directory.tasks.get(task)
        if live is None:
            raise NotFound(has_ended(task))
        return live


class _Arrival:
    """Watches a task until anything of it is committed."""

    def __init__(self) -> None:
        self._moved: Deferred[None] = Deferred()

    def moved(self, at_once: bool = False) -> None:
        if not self._moved.called:
            self._moved.callback(None)

    ended = moved

    async def wait(self, seconds: float, clock: IReactorTime) -> None:
        """Until then, or so many seconds."""
        try:
            await self._moved.addTimeout(seconds, clock)
        except DeferredTimeout:
            return
