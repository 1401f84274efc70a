"""A small model of what surrounds the scheduler: a store that keeps what it is told, and workers with an outbox.

The store is the truth that a test holds the scheduler against: it refuses a second result for an item. The workers are
honest but unlucky: links break with answers under way, daemons are killed, goodbyes are said with reports still unsent.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from marx.core.actions import (
    Action,
    Answer,
    FailItem,
    Grant,
    Revoke,
    SaveAttempt,
    SaveHeld,
    SaveSpent,
    SaveItems,
    SavePortion,
    SavePortionEnd,
    SaveResults,
    SaveState,
    SaveTask,
    Shorten,
)
from marx.core.events import ChunkEnded, ItemsAdded, ItemsReported, PortionDropped, PortionOpened, RestReturned, TaskRestored
from marx.core.model import Finished, Held, Lease, PortionCounts, TaskTerms, Tried, WorkerOffer
from marx.core.ranges import RangeSet

Report = ItemsReported | RestReturned | ChunkEnded | ItemsAdded | PortionOpened | PortionDropped
"""What a worker says and waits for an answer to."""


@dataclass
class Row:
    """A task in the store; `results` maps (portion, item) to whether it is an error, `opened` portions to Python and state."""

    terms: TaskTerms
    state: str = "queued"
    totals: dict[int, tuple[int, bool]] = field(default_factory=dict)
    results: dict[tuple[int, int], bool] = field(default_factory=dict)
    tried: list[Tried] = field(default_factory=list)
    opened: dict[int, tuple[str, str]] = field(default_factory=dict)
    held: bool = False
    spent_seconds: float = 0.0

    @property
    def ended(self) -> bool:
        return self.state in ("done", "failed", "cancelled")

    def keep(self, portion: int, item: int, failed: bool) -> None:
        assert item < self.totals[portion][0], f"a result for item {portion}.{item} that was never stored"
        assert (portion, item) not in self.results, f"a second result for item {portion}.{item}"
        assert not self.ended, f"a result for a task that is {self.state}"
        self.results[portion, item] = failed

    def restored(self) -> TaskRestored:
        finished = []
        for portion in self.totals:
            done = RangeSet((item, item + 1) for number, item in self.results if number == portion)
            failed = RangeSet((item, item + 1) for (number, item), bad in self.results.items() if number == portion and bad)
            finished.append(Finished(portion, tuple(done), tuple(failed)))
        return TaskRestored(
            self.terms,
            self.state,
            self.totals,
            tuple(finished),
            len(self.tried),
            tuple(self.tried),
            self.held,
            self.opened,
            self.spent_seconds,
        )

    def counts(self) -> list[PortionCounts]:
        """How far the portions are that slots run."""
        counts = []
        for number in sorted({*self.totals, *self.opened} - ({0} if self.terms.kind == "run" else set())):
            known, final = self.totals.get(number, (0, self.opened.get(number, ("", ""))[1] == "home"))
            results = [failed for (portion, _), failed in self.results.items() if portion == number]
            counts.append(PortionCounts(number, known, final, len(results), sum(results)))
        return counts


class Store:
    """Everything that was saved, by task."""

    def __init__(self) -> None:
        self.rows: dict[str, Row] = {}

    def carry_out(self, action: Action) -> None:
        """Make one action durable, if it is such a one."""
        if isinstance(action, SaveTask):
            self.rows[action.task] = Row(action.cargo)
        elif isinstance(action, SaveItems):
            known, final = self.rows[action.task].totals.get(action.portion, (0, False))
            assert action.first == known and not final
            assert action.portion == 0 or self.rows[action.task].opened[action.portion][1] != "home"
            self.rows[action.task].totals[action.portion] = (known + action.count, action.final)
        elif isinstance(action, SaveResults):
            for first, stop in action.accepted:
                for item in range(first, stop):
                    self.rows[action.task].keep(action.portion, item, item in action.failed)
        elif isinstance(action, FailItem):
            self.rows[action.task].keep(action.portion, action.item, True)
        elif isinstance(action, SaveState):
            assert not self.rows[action.task].ended
            self.rows[action.task].state = action.state
        elif isinstance(action, SavePortion):
            assert action.portion not in self.rows[action.task].opened
            self.rows[action.task].opened[action.portion] = action.cargo
        elif isinstance(action, SavePortionEnd):
            python, state = self.rows[action.task].opened[action.portion]
            # A home portion stays one that takes no items; the store knows both of it.
            self.rows[action.task].opened[action.portion] = (python, state if state == "home" else action.state)
        elif isinstance(action, SaveHeld):
            assert self.rows[action.task].held is not action.held
            self.rows[action.task].held = action.held
        elif isinstance(action, SaveSpent):
            self.rows[action.task].spent_seconds = action.seconds
        elif isinstance(action, SaveAttempt):
            tried = Tried(action.portion, action.first, action.count, action.worker, action.outcome, action.item, action.reason)
            self.rows[action.task].tried.append(tried)


@dataclass
class Chunk:
    """A lease as its worker has it; `reached` is the first item not yet put into a report."""

    lease: Lease
    reached: int

    @property
    def complete(self) -> bool:
        return self.reached == self.lease.stop


class Laborer:
    """One worker daemon and its outbox, which survives the daemon."""

    def __init__(self, offer: WorkerOffer) -> None:
        self.offer = offer
        self.connected = False
        self.running = True
        self.queues: dict[int, list[Chunk]] = {}
        self.outbox: dict[int, Report] = {}
        self._ended: dict[int, Lease] = {}
        self._receipts = 0

    def take(self, action: Grant | Revoke | Shorten | Answer) -> None:
        """Something came over the link."""
        if isinstance(action, Grant):
            lease = action.lease
            self.queues.setdefault(lease.slot, []).append(Chunk(lease, lease.first))
        elif isinstance(action, Revoke):
            self._give_up(action)
        elif isinstance(action, Shorten):
            self._give_back(action)
        else:
            event = self.outbox.pop(action.receipt, None)
            if isinstance(event, ChunkEnded):
                self._ended.pop(event.fence, None)

    def report(self, slot: int, count: int, failing: int, seconds: float) -> None:
        """The chunk in front of a slot gets on by so many items; the first ones of them fail."""
        chunk = self.queues[slot][0]
        first, stop = chunk.reached, min(chunk.lease.stop, chunk.reached + count)
        chunk.reached = stop
        failed = tuple(range(first, min(stop, first + failing)))
        lease = chunk.lease
        self._put(
            ItemsReported(self.offer.name, lease.fence, lease.task, lease.portion, first, stop - first, failed, seconds)
        )

    def program_says(self, slot: int, kind: type[Report], *details: object, **more: object) -> None:
        """The program on that seat opens or drops a portion, or adds items to one."""
        lease = self.queues[slot][0].lease
        if kind is ItemsAdded:
            self._put(ItemsAdded(lease.task, *details, worker=self.offer.name, fence=lease.fence, **more))
        else:
            self._put(kind(self.offer.name, lease.fence, lease.task, *details, **more))

    def end(self, slot: int, outcome: str, **more: object) -> None:
        """The chunk in front of a slot is over."""
        self._end(self.queues[slot].pop(0), outcome, **more)

    def restart(self, boot: str) -> None:
        """The daemon dies and comes back; what it finds it had been running, it declares ended."""
        for queue in self.queues.values():
            while queue:
                self._end(queue.pop(0), "cancelled", reason="the worker was restarted")
        self.offer = replace(self.offer, boot=boot)
        self.connected = False

    def busy_slots(self) -> list[int]:
        """The slots that have something to do."""
        return [slot for slot, queue in self.queues.items() if queue and slot >= 0]

    def busy_seats(self) -> list[int]:
        """The seats on which a program runs."""
        return [slot for slot, queue in self.queues.items() if queue and slot < 0]

    def held(self) -> tuple[Held, ...]:
        """What it presents when it joins: running, queued, and ended without an answer yet."""
        found = [self._still_held(lease, lease.stop, None) for lease in self._ended.values()]
        for slot, queue in self.queues.items():
            found += [self._still_held(chunk.lease, chunk.reached, slot) for chunk in queue]
        return tuple(found)

    def _still_held(self, lease: Lease, reached: int, slot: int | None) -> Held:
        unanswered = [
            event.first
            for event in self.outbox.values()
            if isinstance(event, ItemsReported) and event.fence == lease.fence
        ]
        first = min([reached, *unanswered])
        return Held(lease.fence, lease.task, lease.portion, first, lease.stop - first, slot)

    def _give_up(self, revoke: Revoke) -> None:
        for queue in self.queues.values():
            for place, chunk in enumerate(queue):
                if chunk.lease.fence == revoke.fence and not (revoke.gently and place == 0):
                    queue.remove(chunk)
                    self._end(chunk, "cancelled")
                    return

    def _give_back(self, shorten: Shorten) -> None:
        """The chunk in front of a slot is at the item behind those it has reported."""
        for queue in self.queues.values():
            for chunk in queue[:1]:
                stop = max(shorten.stop, chunk.reached + 1)
                lease = chunk.lease
                if lease.fence == shorten.fence and stop < lease.stop:
                    chunk.lease = replace(lease, count=stop - lease.first)
                    self._put(RestReturned(self.offer.name, lease.fence, lease.task, stop))

    def _end(self, chunk: Chunk, outcome: str, **more: object) -> None:
        lease = chunk.lease
        self._ended[lease.fence] = lease
        self._put(ChunkEnded(self.offer.name, lease.fence, lease.task, outcome, **more))

    def _put(self, event: Report) -> None:
        self._receipts += 1
        self.outbox[self._receipts] = replace(event, receipt=self._receipts)

    def pending(self) -> Iterator[Report]:
        """The reports without an answer, oldest first."""
        return iter(list(self.outbox.values()))
