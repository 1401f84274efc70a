"""
All slots and seats of this worker: what the server grants, takes back and forgets, handed to the slot that it concerns.

This is where a chunk is held from its grant until its end: its packs, its blobs, its lease in the ledger.
"""

from __future__ import annotations

from contextlib import ExitStack
from typing import Any, Callable, Iterable, Iterator, Sequence

from twisted.internet.defer import CancelledError, Deferred, ensureDeferred, gatherResults, succeed
from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger
from twisted.python.failure import Failure

from marx.wire.calls import WireError
from marx.wire.packs import ItemPack
from marx.worker.assignments import Chunk
from marx.worker.cache import WrongBlob
from marx.worker.items import Key, MissingItems
from marx.worker.ledger import Ledger
from marx.worker.portions import Load
from marx.worker.recipes import CannotRun
from marx.worker.runners import SlotRunner, Tools
from marx.worker.slot import Slot

log = Logger()


class Slots:
    """``count``: how many slots, numbered from 0; ``seats``: how many of those, numbered from -1 down."""

    def __init__(self, count: int, seats: int, clock: IReactorTime, tools: Tools, ledger: Ledger) -> None:
        self._tools = tools
        self._ledger = ledger
        self._slots = {number: Slot(number, clock, self, tools) for number in (*range(count), *range(-1, -seats - 1, -1))}
        self._held: set[int] = set()
        self._holding_blobs: dict[int, ExitStack] = {}
        self._fetching: dict[int, Deferred[None]] = {}
        self._waiting: list[tuple[Callable[[], bool], Deferred[None]]] = []

    @property
    def _all(self) -> Iterable[Slot]:
        return self._slots.values()

    @property
    def runners(self) -> Iterator[SlotRunner]:
        """All that may have a process."""
        return (runner for slot in self._all for runner in slot.runners)

    # What the server asks for

    def carry(self, task: str, portion: int, pack: ItemPack) -> None:
        """Items for grants that follow."""
        self._tools.items.carry(task, portion, pack)

    def drop(self, keys: Iterable[Key]) -> None:
        """No later grant needs these packs."""
        self._tools.items.drop(keys)

    def grant(self, chunks: Sequence[Chunk]) -> None:
        """Run these, each on its slot, behind what was granted before."""
        for chunk in chunks:
            self._ledger.granted(chunk)
            if chunk.slot not in self._slots or (chunk.slot < 0 and chunk.portion):
                self._refuse(chunk, f"this worker has no slot {chunk.slot} for portion {chunk.portion}")
                continue
            try:
                self._hold(chunk)
            except MissingItems as error:
                self._refuse(chunk, str(error))
            else:
                # It may have turned out already that what it needs cannot be brought.
                if chunk.fence in self._held:
                    self._slots[chunk.slot].grant(chunk)

    def revoke(self, fences: Sequence[int], gently: bool) -> Deferred[int]:
        """Stop these (``gently``: if they have not begun); fires with how many processes were ended, when they are gone."""
        waited = [ended for slot in self._all for ended in slot.revoke(fences, gently)]
        return gatherResults(waited).addCallback(sum)

    def shorten(self, wanted: Iterable[Sequence[int]]) -> None:
        """Give back what has not begun of chunks at work: their fences, each with the item from which on."""
        for fence, stop in wanted:
            for slot in self._all:
                slot.shorten(fence, stop)

    def forget(self, task: str) -> None:
        """Nothing more of this task will come."""
        self._tools.starter.forget(task)
        for slot in self._all:
            slot.forget(task)
        self._tools.reporter.forget(task)
        self._tools.items.forget(task)
        self._tools.portions.forget(task)
        self._ledger.forget(task)

    # What the worker asks for

    def cut(self) -> None:
        """The connection was lost: the server will carry anew what later grants need."""
        self._tools.items.drop_all()

    def distrust(self, task: str) -> None:
        """The server did not want results of this task: what else their items did must not be found by later ones."""
        for slot in self._all:
            slot.distrust(task)

    def press(self, hard: bool) -> None:
        """``hard``: take nothing from runners until this is called again."""
        for slot in self._all:
            (slot.pause if hard else slot.resume)()

    def pack_removed(self, task: str, portion: int, first: int) -> None:
        """A pack is not held here any more."""
        for slot in self._all:
            slot.drop_pack(task, portion, first)

    def known_tasks(self) -> list[str]:
        """Those that have a runner here, and so files."""
        return sorted({runner.task for slot in self._all for runner in slot.runners})

    def states(self) -> list[dict[str, Any]]:
        """What each slot does now, for the worker's owner."""
        return [{"slot": slot.number, "state": slot.state, "tasks": slot.tasks} for slot in self._all]

    def wait_quiet(self) -> Deferred[None]:
        """Fire when nothing that was granted is still to be run."""
        return self._wait(lambda: not self._held)

    def stop(self) -> Deferred[None]:
        """End all runners now; fires when their processes are gone, or have proved that they do not die."""
        for fetching in list(self._fetching.values()):
            fetching.cancel()
        for slot in self._all:
            slot.stop()
        return self._wait(lambda: all(slot.is_broken or not slot.runners for slot in self._all))

    # What slots tell

    def is_ready(self, chunk: Chunk) -> bool:
        return chunk.fence not in self._fetching

    def load_of(self, chunk: Chunk) -> Load | None:
        return self._tools.portions.load_of(chunk)

    def chunk_over(self, chunk: Chunk) -> None:
        self._held.discard(chunk.fence)
        self._tools.items.release(chunk)
        self._tools.portions.release(chunk)
        if chunk.fence in self._holding_blobs:
            self._holding_blobs.pop(chunk.fence).close()
        if chunk.fence in self._fetching:
            self._fetching[chunk.fence].cancel()
        self._look()

    def task_left(self, task: str, slot: int) -> None:
        self._tools.starter.clear(task, slot)

    def runner_left(self) -> None:
        self._look()

    # Holding

    def _hold(self, chunk: Chunk) -> None:
        """Keep what the chunk needs until it is over, and fetch what is not here yet."""
        packs = self._tools.items.hold(chunk) if chunk.slot >= 0 else []
        self._held.add(chunk.fence)
        blobs = [pack.blob for pack in packs if pack.blob is not None]
        is_known = self._tools.portions.hold(chunk)
        if blobs:
            self._holding_blobs[chunk.fence] = holding = ExitStack()
            holding.enter_context(self._tools.cache.holding(*blobs))
        if blobs or not is_known:
            self._fetching[chunk.fence] = fetching = ensureDeferred(self._fetch(chunk, blobs, is_known))
            fetching.addBoth(self._fetched, chunk)

    async def _fetch(self, chunk: Chunk, blobs: Sequence[str], is_known: bool) -> None:
        if not is_known:
            await self._tools.portions.learn(chunk)
        await self._tools.cache.fetch_all(chunk.task, blobs)

    def _fetched(self, result: None | Failure, chunk: Chunk) -> None:
        del self._fetching[chunk.fence]
        slot = self._slots[chunk.slot]
        if isinstance(result, Failure):
            if result.check(CancelledError):
                return
            slot.refuse(chunk, _why_not(result))
        slot.advance()

    def _refuse(self, chunk: Chunk, why: str) -> None:
        self._tools.reporter.ended(chunk, "refused", None, why)

    # Waiting

    def _wait(self, is_so: Callable[[], bool]) -> Deferred[None]:
        if is_so():
            return succeed(None)
        waited: Deferred[None] = Deferred()
        self._waiting.append((is_so, waited))
        return waited

    def _look(self) -> None:
        for entry in [entry for entry in self._waiting if entry[0]()]:
            self._waiting.remove(entry)
            entry[1].callback(None)


def _why_not(failure: Failure) -> CannotRun:
    if failure.check(CannotRun):
        return failure.value
    if failure.check(WireError, WrongBlob, OSError):
        return CannotRun(f"what the chunk needs could not be brought here: {failure.getErrorMessage()}")
    log.failure("fetching what a chunk needs failed", failure)
    return CannotRun("a fault of the worker, whose log says why")
