"""Who gets what: chunks for idle slots, and chunks queued ahead.

A slot's queue holds chunks of one task. When it is another task's turn the slot is left to run
empty, which takes no longer than what may be queued ahead, and is granted the other's chunk then.
"""

from __future__ import annotations

from typing import NamedTuple

from marx.core.actions import Grant
from marx.core.assignments import Assignments
from marx.core.chunking import Chunking, Prospect
from marx.core.leases import Leases, LiveLease
from marx.core.lives import Lives
from marx.core.model import Policy, Range
from marx.core.orders import Orders
from marx.core.portions import Portion
from marx.core.tasks import GUESSED_SECONDS, Task
from marx.core.turns import Turns
from marx.core.workers import Pool, Slot


class Cut(NamedTuple):
    """A chunk that could be cut: how many items from the beginning of a waiting run."""

    task: Task
    portion: Portion
    run: Range
    prospect: Prospect
    size: int


class Granting:
    """Called once at the end of each event, to use what the event has freed or brought."""

    def __init__(
        self,
        policy: Policy,
        pool: Pool,
        leases: Leases,
        turns: Turns,
        assignments: Assignments,
        lives: Lives,
        orders: Orders,
    ) -> None:
        self._policy = policy
        self._chunking = Chunking(policy)
        self._pool = pool
        self._leases = leases
        self._turns = turns
        self._assignments = assignments
        self._lives = lives
        self._orders = orders

    def serve(self, now: float) -> None:
        """Grant whatever can be granted now: one chunk to each idle slot first, then ahead."""
        touched = self._assignments.take_touched()
        for slot in touched:
            if not slot.queue:
                self._start(slot, now)
        fresh = self._turns.take_fresh()
        if fresh and self._pool.idle:
            wanted = {task.demand for task in fresh}
            for slot in self._pool.idle_for(self._pool.idle, lambda worker: any(map(worker.suits, wanted))):
                self._start(slot, now)
        for slot in dict.fromkeys(touched + self._assignments.take_touched()):
            self._queue_ahead(slot, now)
        self._assignments.take_touched()

    def _start(self, slot: Slot, now: float) -> None:
        task = self._turns.pick(slot, now) if slot.open else None
        if task is not None:
            self._grant(self._next_chunk(task, slot, now), slot, now)
            self._turns.offer(task)

    def _queue_ahead(self, slot: Slot, now: float) -> None:
        """Queue chunks behind the one that runs, so that the slot never waits for a round trip."""
        task, chunking = slot.holder, self._chunking
        if task is None or chunking.has_plenty(slot.queued, slot.ahead_seconds):
            return
        if not (slot.open and task.open):
            return
        cut = self._next_chunk(task, slot, now)
        if cut is None or not chunking.runs_low(cut.prospect, cut.size, slot.queued):
            return
        if self._turns.pick(slot, now) is not task:
            return
        while cut is not None and self._may_queue(cut, slot):
            self._grant(cut, slot, now)
            cut = self._next_chunk(task, slot, now)
        self._turns.offer(task)

    def _may_queue(self, cut: Cut, slot: Slot) -> bool:
        if not self._chunking.may_queue(cut.prospect, cut.size, slot.queued, slot.ahead_seconds):
            return False
        weight = cut.portion.weights.of(cut.run[0], min(cut.run[0] + cut.size, cut.run[1]))
        return slot.queued == 0 or slot.ahead_bytes + weight <= self._policy.ahead_bytes

    def _next_chunk(self, task: Task, slot: Slot, now: float) -> Cut | None:
        """What would be cut of this task for this slot; nothing is changed yet."""
        found = task.next_run(slot.worker.name, now)
        if found is None:
            return None
        portion, run = found
        prospect = self._prospect(task, portion, slot.worker.name)
        size, reach = self._chunking.size(prospect), portion.weights.reach(run[0], self._policy.chunk_bytes)
        return Cut(task, portion, run, prospect, size if reach is None else min(size, reach))

    def _grant(self, cut: Cut, slot: Slot, now: float) -> None:
        """Cut the chunk and grant it."""
        task, portion, run, prospect, size = cut
        part = portion.cut(run, size)
        lease = self._leases.make(task, portion, part, slot.worker.name, slot.index, now)
        seconds = self._chunking.seconds(prospect, lease.count)
        estimate = lease.count * GUESSED_SECONDS if seconds is None else seconds
        self._assignments.put(LiveLease(lease, task, portion, [part], estimate), slot, now)
        self._lives.start(task, now)
        task.note(now, "granted", portion.number, *part, lease.worker, lease.fence)
        self._orders.send(Grant(lease))
        self._orders.tell(task.id)

    def _prospect(self, task: Task, portion: Portion, worker: str) -> Prospect:
        slots = self._pool.slots_for(task.demand)
        if task.terms.max_slots is not None:
            slots = min(slots, task.terms.max_slots)
        return Prospect(
            waiting=len(portion.waiting),
            slots=max(1, slots),
            mean=portion.mean_on(worker),
            measured=portion.pace.measured,
            fixed=task.terms.chunk_items,
            final=portion.final,
        )
