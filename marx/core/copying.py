"""Second copies of the last slow items, on slots for which nothing waits.

A task ends with its slowest item, and what makes it slow is often not the item: a machine that swaps, a disk that hangs, a worker that
was cut off. So an item that has been at work for much longer than others of its portion took is granted once more, on another worker, if
a slot there is idle; and so is what is queued behind it and was not given back. The first result stands and the other attempt is revoked; a failure of one is nothing while the other goes on.

What runs with the network may do something out there, and is never run twice at a time. The wrong choice where a portion's last items are
always the longest: then the copies are work for nothing, on slots that nobody else wanted.
"""

from __future__ import annotations

from math import inf
from typing import Iterable

from marx.core.actions import Grant
from marx.core.assignments import Assignments
from marx.core.leases import Leases, LiveLease
from marx.core.model import Policy
from marx.core.orders import Orders
from marx.core.states import PortionState
from marx.core.tasks import GUESSED_SECONDS
from marx.core.workers import Pool, Slot, Worker

MEASURED = 3
"""Items of a portion that must have been timed before another one of it can be called slow."""


class Copying:
    """Called once at the end of each event, when ``Granting`` has used the slots that it could."""

    def __init__(self, policy: Policy, pool: Pool, leases: Leases, assignments: Assignments, orders: Orders) -> None:
        self._policy = policy
        self._pool = pool
        self._leases = leases
        self._assignments = assignments
        self._orders = orders
        self._looked_at = self._look_at = 0.0

    def serve(self, now: float) -> None:
        """Grant copies of what is slow by now to slots that are still idle."""
        if not (self._policy.copy_times and self._pool.idle) or now < self._look_at:
            return
        self._looked_at = now
        slow, soonest = self._survey(now)
        room = self._most() - sum(live.lease.is_copy for live in self._leases)
        for live in slow:
            if room <= 0 or not self._pool.idle:
                self._look_at = now  # whatever ends next may make room
                return
            slot = self._slot_for(live, now)
            if slot is not None:
                self._copy(live, slot, now)
                room -= 1
        # What begins from now on cannot be slow before that, either.
        self._look_at = min(soonest, now + self._policy.copy_least_seconds)

    def next(self) -> float | None:
        """When to look again; None where nothing is idle or nothing at work, or where only an event can bring what is missing."""
        is_needed = self._policy.copy_times and self._pool.idle and len(self._leases) and self._look_at > self._looked_at
        return self._look_at if is_needed else None

    def _survey(self, now: float) -> tuple[list[LiveLease], float]:
        """What is slow, for its portion the slowest first, and when the next will be."""
        slow, soonest = [], inf
        for live in self._leases:
            pace = self._pace(live)
            if pace is None:
                continue
            moved_at = self._moved_at(live)
            due = moved_at + max(self._policy.copy_least_seconds, self._policy.copy_times * pace)
            if due <= now:
                slow.append(((moved_at - now) / pace, live.lease.fence, live))
            else:
                soonest = min(soonest, due)
        return [live for *_, live in sorted(slow, key=lambda entry: entry[:2])], soonest

    def _pace(self, live: LiveLease) -> float | None:
        """The mean of what a lease may be compared with, None if it is not to be copied however long it takes."""
        task, portion = live.task, live.portion
        if live.copied or live.revoked or task.is_main(portion) or portion.state is not PortionState.OPEN:
            return None
        if not task.open or task.held_by is not None or task.terms.network or task.waiting or task.full:
            return None
        if portion.pace.measured < MEASURED:
            return None
        return portion.pace.mean if live.unfinished() else None

    def _moved_at(self, live: LiveLease) -> float:
        """When something was last heard of the chunk in front of the slot where a lease is or waits."""
        moved_at = self._pool.slot_of(live).queue[0].moved_at
        return inf if moved_at is None else moved_at

    def _slot_for(self, live: LiveLease, now: float) -> Slot | None:
        """An idle slot of another worker that may have what is left of a lease."""
        task, [part, *_] = live.task, live.unfinished()

        def suits(worker: Worker) -> bool:
            refusal = task.refusals.get(worker.name)
            is_other = worker.name != live.lease.worker and (refusal is None or now >= refusal.until)
            return is_other and worker.suits(task.demand) and live.portion.lets(worker.name, part, now)

        idle: Iterable[Slot] = self._pool.idle_for(self._pool.idle, suits)
        return next(iter(idle), None)

    def _most(self) -> int:
        """How many copies there may be at a time."""
        slots = sum(worker.slot_count for worker in self._pool.workers.values() if worker.open)
        return max(1, int(slots * self._policy.copy_share))

    def _copy(self, live: LiveLease, slot: Slot, now: float) -> None:
        task, portion, [part, *_] = live.task, live.portion, live.unfinished()
        portion.tries.repeat([part])
        lease = self._leases.make(task, portion, part, slot.worker.name, slot.index, now, is_copy=True)
        copy = LiveLease(lease, task, portion, [part], lease.count * (portion.mean_on(lease.worker) or GUESSED_SECONDS))
        live.pair(copy)
        self._assignments.put(copy, slot, now)
        remark = f"a copy of what {live.lease.worker} has had without a result for {now - self._moved_at(live):.0f} s"
        task.note(now, "granted", portion.number, *part, lease.worker, lease.fence, remark)
        self._orders.send(Grant(lease))
        self._orders.tell(task.id)
