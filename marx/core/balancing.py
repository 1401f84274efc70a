"""What slots have too much of, asked back for those that are idle: chunks that are queued, and what chunks at work have not begun.

Sizes of chunks rest on a mean; where items differ a thousandfold one of them keeps all behind it waiting. So nothing stays where it was
granted while somebody else could begin with it. Nothing is run twice for that: the worker says from which item on nothing has begun.
"""

from __future__ import annotations

from math import inf

from marx.core.actions import Shorten
from marx.core.assignments import Assignments
from marx.core.leases import Leases, LiveLease
from marx.core.orders import Orders
from marx.core.placing import Demand
from marx.core.states import PortionState
from marx.core.workers import Pool, Slot

RECALL_SECONDS = 0.02
"""Queued work below which asking for it back takes longer than letting it run."""

SHARED_SECONDS = 0.05
"""The same for what is behind the item at work, of which no more than half is asked back."""

STUCK_SECONDS = 0.1
STUCK_TIMES = 3.0
"""After so long without a result, and so many times the mean, all that is behind an item is asked back: nobody knows how long it will take."""

LOOK_SECONDS = 0.01
"""Between two looks at all chunks at work, while slots are idle."""

ANSWER_SECONDS = 5.0
"""After so long a worker that has not answered is asked again: its chunk had perhaps not begun."""


class Balancing:
    """Called once at the end of each event, when ``Granting`` has used the slots that it could."""

    def __init__(self, pool: Pool, leases: Leases, assignments: Assignments, orders: Orders) -> None:
        self._pool = pool
        self._leases = leases
        self._assignments = assignments
        self._orders = orders
        self._looked_at = -inf
        self._look_at = inf

    def serve(self, now: float) -> None:
        """Nothing waits for some idle slots: let those give something back who have more than they can begin with."""
        if not self._pool.idle:
            return
        if self._pool.queued:
            self._recall(now)
        if now >= min(self._look_at, self._looked_at + LOOK_SECONDS):
            self._shorten(now)
        elif self._leases.chunks:
            self._look_at = min(self._look_at, self._looked_at + LOOK_SECONDS)

    def next(self) -> float | None:
        """When to look again whether somebody is stuck."""
        return self._look_at if self._pool.idle and self._looked_at < self._look_at < inf else None

    def _recall(self, now: float) -> None:
        """For each idle slot ask for half of what is queued on the slot with most, or for all if it does not get on.

        Only once per task and round trip; what comes back waits, and goes to the idle slots.
        """
        rich: dict[Demand, list[Slot]] = {}
        for slot in self._pool.queued:
            if self._can_spare(slot, now):
                rich.setdefault(slot.queue[-1].task.demand, []).append(slot)
        for demand, slots in rich.items():
            slots.sort(key=lambda slot: slot.ahead_seconds, reverse=True)
            idle = [slot for slot in self._pool.idle if slot.worker.suits(demand)]
            for slot, _ in zip(slots, idle):
                kept = 0 if self._stuck_at(slot.queue[0]) <= now else slot.queued // 2
                for live in list(slot.queue)[1 + kept :]:
                    self._assignments.recall(live, "another slot is idle", now)

    def _can_spare(self, slot: Slot, now: float) -> bool:
        task = slot.queue[-1].task
        if not task.open or task.recalled or task.full or task.waiting or not slot.worker.connected:
            return False
        return slot.ahead_seconds >= RECALL_SECONDS or self._stuck_at(slot.queue[0]) <= now

    def _shorten(self, now: float) -> None:
        """For each idle slot have one chunk at work give back its rest, first those of which nothing is heard, then the longest."""
        rich: list[tuple[float, int, LiveLease, int]] = []
        self._looked_at = now
        self._look_at = min((at for slot in self._pool.queued if (at := self._stuck_at(slot.queue[0])) > now), default=inf)
        for live in self._leases:
            if not self._may_shorten(live, now):
                continue
            rest, mean, stuck_at = live.lease.stop - live.reached - 1, self._mean(live), self._stuck_at(live)
            if stuck_at <= now:
                rich.append((-inf, live.lease.fence, live, live.reached + 1))
            elif rest * mean >= SHARED_SECONDS:
                rich.append((-rest * mean, live.lease.fence, live, live.reached + 1 + rest // 2))
            else:
                self._look_at = min(self._look_at, stuck_at)
        idle = list(self._pool.idle)
        for _, _, live, stop in sorted(rich, key=lambda entry: entry[:2]):
            slot = next((slot for slot in idle if slot.worker.suits(live.task.demand)), None)
            if slot is not None:
                idle.remove(slot)
                live.asked_at = now
                lease = live.lease
                self._orders.send(Shorten(lease.worker, lease.fence, lease.task, stop))

    def _mean(self, live: LiveLease) -> float:
        return live.portion.mean_on(live.lease.worker) or 0.0

    def _stuck_at(self, live: LiveLease) -> float:
        """From when on nobody knows how long the item at work will take."""
        return (live.moved_at or 0.0) + max(STUCK_SECONDS, STUCK_TIMES * self._mean(live))

    def _may_shorten(self, live: LiveLease, now: float) -> bool:
        """Whether something is behind the item that a lease is at, and nobody waits for it already."""
        task, lease = live.task, live.lease
        if lease.slot < 0 or lease.stop - live.reached < 2 or not live.begun or live.revoked or live.twin is not None:
            return False
        if live.asked_at is not None and now < live.asked_at + ANSWER_SECONDS:
            return False
        if not task.open or task.held_by is not None or task.recalled or task.full or task.waiting or task.terms.chunk_items is not None:
            return False
        return live.portion.state is PortionState.OPEN and self._pool.workers[lease.worker].connected
