"""The pool: workers, their slots and seats, and what is queued on each."""

from __future__ import annotations

from collections import deque
from typing import Callable, Iterable

from marx.core.leases import LiveLease
from marx.core.model import WorkerOffer
from marx.core.placing import Demand, objection
from marx.core.states import SLOT, SlotState, SlotStep, advance
from marx.core.tasks import MainProgram, Task

REFUSALS_UNTIL_BROKEN = 3
"""Different tasks that a slot may refuse in a row before nothing more is granted to it."""


class Slot:
    """Room for one chunk runner. The front of ``queue`` runs there, the others have not begun.

    holder: the task of the last queued chunk, None when idle.  since: when it was last charged.
    ahead_seconds, ahead_bytes: how long the chunks behind the front will take, and what their items weigh.  refused: tasks that it could not
    run, since it ran anything.
    """

    __slots__ = ("worker", "index", "queue", "state", "holder", "since", "ahead_seconds", "ahead_bytes", "refused")

    def __init__(self, worker: Worker, index: int) -> None:
        self.worker = worker
        self.index = index
        self.queue: deque[LiveLease] = deque()
        self.state = SlotState.IDLE
        self.holder: Task | MainProgram | None = None
        self.since = 0.0
        self.ahead_seconds = 0.0
        self.ahead_bytes = 0
        self.refused: set[str] = set()

    @property
    def open(self) -> bool:
        """Whether it may be granted anything."""
        worker = self.worker
        return worker.open and self.index < worker.slot_count and self.state is not SlotState.BROKEN

    @property
    def siblings(self) -> list[Slot]:
        """All rooms of its sort that its worker has, itself among them."""
        return self.worker.slots

    @property
    def lent(self) -> int:
        """How many rooms of its sort its worker lends."""
        return self.worker.slot_count

    @property
    def queued(self) -> int:
        """How many chunks wait behind the one that runs."""
        return max(0, len(self.queue) - 1)

    def step(self, step: SlotStep) -> None:
        """Take a step of its life. Raises IllegalTransition."""
        self.state = advance(SLOT, self.state, step)

    def push(self, live: LiveLease) -> None:
        """Queue a chunk; on an idle slot it runs."""
        if self.queue:
            self.ahead_seconds += live.estimate
            self.ahead_bytes += live.weight
        else:
            live.begin()
            if self.state is not SlotState.BROKEN:
                self.step(SlotStep.GRANT)
        self.queue.append(live)

    def heard(self) -> None:
        """Something came from the chunk that runs."""
        self.refused.clear()
        if self.state is SlotState.STARTING:
            self.step(SlotStep.HEAR)

    def stop(self) -> None:
        """The chunk that runs was revoked."""
        if self.state in (SlotState.STARTING, SlotState.BUSY):
            self.step(SlotStep.STOP)

    def pull(self, live: LiveLease) -> LiveLease | None:
        """Take a chunk out of the queue, wherever it stands; the next if it begins by that."""
        if live is not self.queue[0]:
            self.queue.remove(live)
            self.ahead_seconds -= live.estimate
            self.ahead_bytes -= live.weight
            return None
        self.queue.popleft()
        following = self.queue[0] if self.queue else None
        if following is not None:
            following.begin()
            self.ahead_seconds -= following.estimate
            self.ahead_bytes -= following.weight
        if self.state is not SlotState.BROKEN:
            self.step(SlotStep.FREE if following is None else SlotStep.GO_ON)
        return following

    def refuse(self, task: str) -> None:
        """It could not run a chunk of this task. When several tasks found that, it is broken."""
        self.refused.add(task)
        if len(self.refused) >= REFUSALS_UNTIL_BROKEN and self.state is SlotState.IDLE:
            self.step(SlotStep.BREAK)

    def mend(self) -> None:
        """Its worker offers it anew."""
        self.refused.clear()
        if self.state is SlotState.BROKEN:
            self.step(SlotStep.MEND)


class Seat(Slot):
    """Room for one program runner; lives as a slot does, with never more than one lease. ``index`` is -1, -2, ..."""

    __slots__ = ()

    @property
    def open(self) -> bool:
        """Whether it may be granted a main program."""
        worker = self.worker
        return worker.open and -self.index <= worker.seat_count and self.state is not SlotState.BROKEN

    @property
    def siblings(self) -> list[Slot]:
        """All seats of its worker."""
        return self.worker.seats

    @property
    def lent(self) -> int:
        """How many seats its worker lends."""
        return self.worker.seat_count


class Worker:
    """A worker that offered itself.

    connected: False between a cut and its return.  silent: its leases ended although its link
    stands; it gets nothing until it is heard of.  aside: why it gets nothing until it has tested itself, or None.
    """

    def __init__(self, offer: WorkerOffer) -> None:
        self.offer = offer
        self.connected = True
        self.silent = False
        self.aside: str | None = None
        self.slot_count = 0
        self.seat_count = 0
        self.slots: list[Slot] = []
        self.seats: list[Slot] = []
        self._suits: dict[Demand, bool] = {}

    @property
    def name(self) -> str:
        """Its name, unique."""
        return self.offer.name

    @property
    def open(self) -> bool:
        """Whether it takes anything new."""
        offer = self.offer
        return self.connected and not (self.silent or self.aside is not None or offer.paused or offer.draining)

    @property
    def busy(self) -> int:
        """How many of its slots are at work."""
        return sum(1 for slot in self.slots if slot.queue)

    @property
    def seats_busy(self) -> int:
        """How many of its seats are taken."""
        return sum(1 for seat in self.seats if seat.queue)

    @property
    def rooms(self) -> list[Slot]:
        """Its slots and its seats."""
        return self.slots + self.seats

    def suits(self, demand: Demand) -> bool:
        """Whether it could run such a task; remembered until the offer changes."""
        known = self._suits.get(demand)
        if known is None:
            known = self._suits[demand] = objection(demand, self.offer) is None
        return known

    def lend(self, offer: WorkerOffer, most: int) -> None:
        """Take a new offer: more slots or seats at once, fewer as the last ones fall empty; ``most`` of each are believed."""
        self.offer = offer
        self._suits.clear()
        self.slot_count = max(0, min(offer.slots, most))
        self.seat_count = max(0, min(offer.seats, most))
        self.slots.extend(Slot(self, index) for index in range(len(self.slots), self.slot_count))
        self.seats.extend(Seat(self, -index - 1) for index in range(len(self.seats), self.seat_count))
        for room in self.rooms:
            room.mend()

    def slot_for(self, wanted: int | None) -> Slot:
        """The slot with that index, else the one with the shortest queue; there is always one."""
        if not self.slots:
            self.slots.append(Slot(self, 0))
        if isinstance(wanted, int) and 0 <= wanted < len(self.slots):
            return self.slots[wanted]
        return min(self.slots, key=lambda slot: len(slot.queue))

    def seat_for(self, wanted: int | None) -> Slot:
        """The seat with that index if it is free, else another free one; where there is none, one more."""
        free = [seat for seat in self.seats if not seat.queue]
        if not free:
            self.seats.append(Seat(self, -len(self.seats) - 1))
            return self.seats[-1]
        return next((seat for seat in free if seat.index == wanted), free[0])


class Pool:
    """All workers, by name.

    idle: open slots with nothing to do.  free_seats: open seats with none.  queued: slots with chunks that have not begun.
    All are dicts for their order; ``review`` keeps them true.
    """

    def __init__(self) -> None:
        self.workers: dict[str, Worker] = {}
        self.idle: dict[Slot, None] = {}
        self.free_seats: dict[Slot, None] = {}
        self.queued: dict[Slot, None] = {}
        self._slots_for: dict[Demand, int] = {}

    def add(self, worker: Worker) -> None:
        """A worker is new."""
        self.workers[worker.name] = worker

    def remove(self, worker: Worker) -> None:
        """A worker, which holds nothing, is gone."""
        del self.workers[worker.name]
        worker.connected = False
        self.changed(worker)

    def changed(self, worker: Worker) -> None:
        """What a worker offers, or whether it is there, is different now."""
        self._slots_for.clear()
        for room in worker.rooms:
            self.review(room)

    def slot_of(self, live: LiveLease) -> Slot:
        """Where a live lease runs or is queued, be it a slot or a seat."""
        worker, index = self.workers[live.lease.worker], live.lease.slot
        return worker.slots[index] if index >= 0 else worker.seats[-index - 1]

    def review(self, slot: Slot) -> None:
        """Note whether a slot or a seat is idle or has something queued."""
        idle = self.idle if slot.index >= 0 else self.free_seats
        if slot.queue:
            idle.pop(slot, None)
        elif slot.open:
            idle[slot] = None
        else:
            idle.pop(slot, None)
        if len(slot.queue) > 1:
            self.queued[slot] = None
        else:
            self.queued.pop(slot, None)

    def slots_for(self, demand: Demand) -> int:
        """How many open slots could run such a task."""
        known = self._slots_for.get(demand)
        if known is None:
            open_ones = (worker for worker in self.workers.values() if worker.open and worker.suits(demand))
            known = self._slots_for[demand] = sum(worker.slot_count for worker in open_ones)
        return known

    def others_for(self, demand: Demand, worker: str, seated: bool = False) -> bool:
        """Whether an open worker other than that one lends slots, or seats, to such a task."""
        others = (other for other in self.workers.values() if other.name != worker and other.open and other.suits(demand))
        return any(other.seat_count if seated else other.slot_count for other in others)

    def idle_for(self, idle: Iterable[Slot], suits: Callable[[Worker], bool]) -> Iterable[Slot]:
        """Of these, all slots or all seats, those of suitable workers, so that work spreads: the least busy workers first."""
        answers: dict[Worker, bool] = {}
        busy: dict[Worker, int] = {}
        ranked = []
        for slot in idle:
            worker = slot.worker
            if worker not in answers:
                answers[worker] = suits(worker)
                busy[worker] = sum(1 for room in slot.siblings if room.queue)
            if answers[worker]:
                ranked.append((busy[worker] / slot.lent, worker.name, abs(slot.index), slot))
                busy[worker] += 1
        return [slot for *_, slot in sorted(ranked)]
