"""
What a worker that runs a program, or chunks of its portions, asks the server for: what a portion needs, what was asked for before, input.
"""

from __future__ import annotations

from itertools import groupby
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.defer import TimeoutError as DeferredTimeout
from twisted.internet.interfaces import IReactorTime

from marx.server.directory import Directory
from marx.server.program_records import NewInput
from marx.server.returns import Returns, open_returns
from marx.server.service import SchedulingService
from marx.server.store import Store
from marx.wire.calls import BadRequest, GuardedLink, NotFound, TooLarge
from marx.wire.worker import INPUT_SECONDS

#: Bytes of standard input in one answer.
INPUT_BYTES = 256_000
#: Packs that a record names at most: what fits a box with room to spare.
RECORDED_PACKS = 15_000


class Programs:
    """Reads what is stored of programs. ``input_bytes``: how long a standard input may be."""

    def __init__(self, service: SchedulingService, store: Store, directory: Directory, clock: IReactorTime, input_bytes: int) -> None:
        self._service = service
        self._store = store
        self._directory = directory
        self._clock = clock
        self._input_bytes = input_bytes
        self._ends: dict[str, tuple[int, bool]] = {}

    # Portions

    def describe_task(self, task: str) -> dict[str, Any]:
        """What :class:`marx.wire.worker.DescribeTask` answers."""
        live = self._directory.tasks.get(task)
        if live is None:
            raise NotFound(f"task {task} has ended")
        return {"spec": live.spec, "slots": self._slots(live.spec.get("max_slots"))}

    async def describe_portion(self, task: str, portion: int) -> dict[str, Any]:
        """What :class:`marx.wire.worker.DescribePortion` answers."""
        opened = await self._store.portion(task, portion)
        if opened is None:
            raise NotFound(f"task {task} has no portion {portion}")
        return {"state": opened.state, "files": opened.files, "python": opened.python or None, "call": opened.call}

    async def record(self, task: str) -> list[Any]:
        """What :class:`marx.wire.worker.DescribeRecord` answers: every portion whose packs all fit, up to the first that does not."""
        opened = await self._store.portions(task)
        packs, final = await self._store.packs(task)
        by_portion = {number: list(group) for number, group in groupby(packs, key=lambda pack: pack.portion)}
        record: list[Any] = []
        room = RECORDED_PACKS
        for portion in opened:
            own = by_portion.get(portion.portion, [])
            room -= len(own) + 1
            if room < 0 or portion.dropped:
                break
            named = [[pack.first, pack.count, pack.digest] for pack in own]
            record.append([portion.portion, portion.call, portion.place, portion.portion in final, named])
        return record

    def returns(self, link: GuardedLink, task: str, fence: int, rows: tuple[int, int]) -> Returns:
        """What a program is brought over ``link`` behind ``rows``; not started."""
        return open_returns(link, self._store, self._directory, self._clock, task, fence, rows)

    def _slots(self, most: int | None) -> int:
        """How many slots of the lab a task may hope for now."""
        lent = sum(counts.offer.slots for counts in self._service.scheduler.workers() if counts.connected and not counts.offer.paused)
        return max(1, min(lent, most or lent))

    # Standard input

    async def put_input(self, task: str, offset: int, part: bytes, final: bool) -> None:
        """More of an open task's standard input; what is there already is taken as such."""
        if task not in self._directory.tasks:
            raise NotFound(f"task {task} has ended and reads no more input")
        known, ended = await self._input_end(task)
        if offset + len(part) <= known and (ended or not final):
            return
        if ended or offset != known:
            raise BadRequest(f"input from byte {offset} on, and {known} are known{', which is all' if ended else ''}")
        if known + len(part) > self._input_bytes:
            raise TooLarge(f"a standard input may have {self._input_bytes:,} bytes (file_bytes)")
        # Before it is written, so that a second part need not wait for the first one's commit.
        self._ends[task] = known + len(part), final
        try:
            await self._service.happened(writes=[NewInput(task, offset, final, part)])
        except Exception:
            self._ends.pop(task, None)
            raise

    async def read_input(self, task: str, offset: int) -> dict[str, Any]:
        """What :class:`marx.wire.worker.ReadInput` answers, as soon as there is something or the time for it is up."""
        until = self._clock.seconds() + INPUT_SECONDS
        while True:
            arrival = _Arrival()
            live = self._directory.tasks.get(task)
            if live is None:
                raise NotFound(f"task {task} has ended")
            live.watches.add(arrival)
            try:
                part, final = await self._store.input_from(task, offset, INPUT_BYTES)
                left = until - self._clock.seconds()
                if part or final or left <= 0:
                    return {"part": part, "final": final}
                await arrival.wait(left, self._clock)
            finally:
                live.watches.discard(arrival)

    async def _input_end(self, task: str) -> tuple[int, bool]:
        if task not in self._ends:
            stored = await self._store.input_end(task)
            self._ends.setdefault(task, stored)
            for ended in self._ends.keys() - self._directory.tasks.keys():
                del self._ends[ended]
        return self._ends[task]


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
