"""The pool: workers, their slots, and what is queued on each slot."""

from __future__ import annotations

from collections import deque
from typing import Callable, Iterable

from marx.core.leases import LiveLease
from marx.core.model import WorkerOffer
from marx.core.placing import Demand, objection
from marx.core.states import SLOT, SlotState, SlotStep, advance
from marx.core.tasks import Task

REFUSALS_UNTIL_BROKEN = 3
"""Different tasks that a slot may refuse in a row before nothing more is granted to it."""


class Slot:
    """Room for one chunk runner. The front of ``queue`` runs there, the others have not begun.

    holder: the task of the last queued chunk, None when idle.  since: when it was last charged.
    ahead_seconds: how long the chunks behind the front will take.  refused: tasks that it could not
    run, since it ran anything.
    """

    __slots__ = ("worker", "index", "queue", "state", "holder", "since", "ahead_seconds", "refused")

    def __init__(self, worker: Worker, index: int) -> None:
        self.worker = worker
        self.index = index
        self.queue: deque[LiveLease] = deque()
        self.state = SlotState.IDLE
        self.holder: Task | None = None
        self.since = 0.0
        self.ahead_seconds = 0.0
        self.refused: set[str] = set()

    @property
    def open(self) -> bool:
        """Whether it may be granted anything."""
        worker = self.worker
        return worker.open and self.index < worker.slot_count and self.state is not SlotState.BROKEN

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

    def pull(self, live: LiveLease) -> None:
        """Take a chunk out of the queue, wherever it stands; the next may begin by that."""
        if live is not self.queue[0]:
            self.queue.remove(live)
            self.ahead_seconds -= live.estimate
            return
        self.queue.popleft()
        if self.queue:
            self.queue[0].begin()
            self.ahead_seconds -= self.queue[0].estimate
        if self.queue and self.state is not SlotState.BROKEN:
            self.step(SlotStep.GO_ON)
        elif self.state is not SlotState.BROKEN:
            self.step(SlotStep.FREE)

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


class Worker:
    """A worker that offered itself.

    connected: False between a cut and its return.  silent: its leases ended although its link
    stands; it gets nothing until it is heard of.
    """

    def __init__(self, offer: WorkerOffer) -> None:
        self.offer = offer
        self.connected = True
        self.silent = False
        self.slot_count = 0
        self.slots: list[Slot] = []
        self._suits: dict[Demand, bool] = {}

    @property
    def name(self) -> str:
        """Its name, unique."""
        return self.offer.name

    @property
    def open(self) -> bool:
        """Whether it takes anything new."""
        offer = self.offer
        return self.connected and not (self.silent or offer.paused or offer.draining)

    @property
    def busy(self) -> int:
        """How many of its slots are at work."""
        return sum(1 for slot in self.slots if slot.queue)

    def suits(self, demand: Demand) -> bool:
        """Whether it could run such a task; remembered until the offer changes."""
        known = self._suits.get(demand)
        if known is None:
            known = self._suits[demand] = objection(demand, self.offer) is None
        return known

    def lend(self, offer: WorkerOffer, most_slots: int) -> None:
        """Take a new offer: more slots at once, fewer as the last ones fall empty."""
        self.offer = offer
        self._suits.clear()
        self.slot_count = max(0, min(offer.slots, most_slots))
        self.slots.extend(Slot(self, index) for index in range(len(self.slots), self.slot_count))
        for slot in self.slots:
            slot.mend()

    def slot_for(self, wanted: int | None) -> Slot:
        """The slot with that index, else the one with the shortest queue; there is always one."""
        if not self.slots:
            self.slots.append(Slot(self, 0))
        if isinstance(wanted, int) and 0 <= wanted < len(self.slots):
            return self.slots[wanted]
        return min(self.slots, key=lambda slot: len(slot.queue))


class Pool:
    """All workers, by name.

    idle: open slots with nothing to do.  queued: slots with chunks that have not begun. Both
    are dicts for their order; ``review`` keeps them true.
    """

    def __init__(self) -> None:
        self.workers: dict[str, Worker] = {}
        self.idle: dict[Slot, None] = {}
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
        for slot in worker.slots:
            self.review(slot)

    def slot_of(self, live: LiveLease) -> Slot:
        """Where a live lease runs or is queued."""
        return self.workers[live.lease.worker].slots[live.lease.slot]

    def review(self, slot: Slot) -> None:
        """Note whether a slot is idle or has something queued."""
        if slot.queue:
            self.idle.pop(slot, None)
        elif slot.open:
            self.idle[slot] = None
        else:
            self.idle.pop(slot, None)
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

    def others_for(self, demand: Demand, worker: str) -> bool:
        """Whether an open worker other than that one could run such a task."""
        return any(other.name != worker and other.open and other.suits(demand) for other in self.workers.values())

    def idle_for(self, suits: Callable[[Worker], bool]) -> Iterable[Slot]:
        """Idle slots of suitable workers, so that work spreads: the least busy workers first."""
        answers: dict[Worker, bool] = {}
        busy: dict[Worker, int] = {}
        ranked = []
        for slot in self.idle:
            worker = slot.worker
            if worker not in answers:
                answers[worker] = suits(worker)
                busy[worker] = worker.busy
            if answers[worker]:
                ranked.append((busy[worker] / worker.slot_count, worker.name, slot.index, slot))
                busy[worker] += 1
        return [slot for *_, slot in sorted(ranked)]
