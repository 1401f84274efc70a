"""Whose turn is it: which task gets a slot that has room.

Between users: who would hold the fewest slots for their weight with this one, and among equals
who used the least slot time lately. A slot stays with its user until another one, with as few
slots, is behind by ``turn_seconds``, since changing hands costs the start of a runner.

Within a user: priority, then the least remaining work, where waiting counts in favour: a task
that waited an hour longer beats one with up to an hour's work less. Since all tasks age alike,
``remaining + ageing * arrival`` orders them without anything having to be counted up.

The wrong choice where chunks last longer than people are willing to wait: a slot is never taken
away from a running chunk.

Seats are given out by the same rules among main programs, in a second ``Turns`` of their own.

All orders are lazy heaps over tasks that have waiting items, so a pick costs O(log users) and
not a look at every task.
"""

from __future__ import annotations

from heapq import heapify, heappop, heappush
from typing import Any, Callable, Generic, TypeVar

from marx.core.model import Policy
from marx.core.placing import Demand
from marx.core.tasks import MainProgram, Task
from marx.core.workers import Slot

Key = tuple[Any, ...]
Found = TypeVar("Found")
Contender = Task | MainProgram

LEAST_WEIGHT = 1e-6
"""A user who is configured with no weight at all gets what nobody else wants."""

STALE_ENTRIES = 64
"""Outdated heap entries that are tolerated besides as many as there are valid ones."""


class Order(Generic[Found]):
    """Names by key, smallest first. Keys may change at any time; old entries die when met."""

    __slots__ = ("_heap", "_keys")

    def __init__(self) -> None:
        self._heap: list[tuple[Key, str]] = []
        self._keys: dict[str, Key] = {}

    def __len__(self) -> int:
        return len(self._keys)

    def __contains__(self, name: str) -> bool:
        return name in self._keys

    def key(self, name: str) -> Key:
        """The key under which a name stands."""
        return self._keys[name]

    def put(self, name: str, key: Key) -> None:
        """Let a name stand under this key."""
        if self._keys.get(name) == key:
            return
        self._keys[name] = key
        heappush(self._heap, (key, name))
        if len(self._heap) > 2 * len(self._keys) + STALE_ENTRIES:
            self._heap = [(key, name) for name, key in self._keys.items()]
            heapify(self._heap)

    def drop(self, name: str) -> None:
        """Take a name out, if it is in."""
        self._keys.pop(name, None)

    def best(self, accept: Callable[[str], Found | None]) -> Found | None:
        """What ``accept`` says to the first name that it does not answer with None."""
        found, aside = None, []
        while self._heap:
            key, name = self._heap[0]
            if self._keys.get(name) == key:
                found = accept(name)
                if found is not None:
                    break
                aside.append(self._heap[0])
            heappop(self._heap)
        for entry in aside:
            heappush(self._heap, entry)
        return found


class Share:
    """One user's part: weight, slots held now, slot seconds used lately, tasks with waiting items."""

    __slots__ = ("user", "weight", "slots", "used_seconds", "tasks")

    def __init__(self, user: str, weight: float) -> None:
        self.user = user
        self.weight = weight
        self.slots = 0
        self.used_seconds = 0.0
        self.tasks: dict[Demand, Order[Contender]] = {}

    def rank(self, own_slots: int = 0, favour_seconds: float = 0.0) -> Key:
        """What is compared between users; ``own_slots`` of those held are what it is about."""
        return (
            (self.slots - own_slots + 1) / self.weight,
            (self.used_seconds - favour_seconds) / self.weight,
        )


class Turns:
    """The tasks with waiting items, and the shares of all users.

    fresh: those that somebody who has room may not have seen yet, by id.
    """

    def __init__(self, policy: Policy) -> None:
        self._policy = policy
        self._shares: dict[str, Share] = {}
        self._users: Order[tuple[Share, Contender]] = Order()
        self._ready: dict[str, Contender] = {}
        self.fresh: dict[str, Contender] = {}
        self._halve_at: float | None = None

    def offer(self, task: Contender) -> None:
        """Note whether a task could use another slot now, and how urgently."""
        if not task.wants:
            self.withdraw(task)
            return
        share = self._share(task.terms.user)
        if task.id not in self._ready:
            self._ready[task.id] = self.fresh[task.id] = task
        share.tasks.setdefault(task.demand, Order()).put(task.id, self._urgency(task))
        self._users.put(share.user, share.rank())

    def offer_again(self, task: Contender) -> None:
        """As ``offer``, for a task whose waiting items some worker may have only from now on."""
        self.offer(task)
        if task.id in self._ready:
            self.fresh[task.id] = task

    def withdraw(self, task: Contender) -> None:
        """The task needs no slot now."""
        if self._ready.pop(task.id, None) is None:
            return
        self.fresh.pop(task.id, None)
        share = self._share(task.terms.user)
        order = share.tasks[task.demand]
        order.drop(task.id)
        if not order:
            del share.tasks[task.demand]
        if not share.tasks:
            self._users.drop(share.user)

    def is_ready(self, task: Contender) -> bool:
        """Whether the task could use another slot now."""
        return task.id in self._ready

    def take_fresh(self) -> list[Contender]:
        """The tasks that an idle slot may not have seen yet; each is said once."""
        fresh, self.fresh = list(self.fresh.values()), {}
        return fresh

    def pick(self, slot: Slot, now: float) -> Contender | None:
        """The task that should have the next chunk of this slot; may be its holder again."""
        self._charge(slot, now)
        best = self._users.best(lambda user: self._most_urgent(user, slot, now))
        holder = slot.holder
        if holder is None or not self._can_go_on(holder, slot, now):
            return None if best is None else best[1]
        share = self._share(holder.terms.user)
        if best is not None and best[0] is not share:
            favoured = share.rank(own_slots=1, favour_seconds=self._policy.turn_seconds)
            if best[0].rank() < favoured:
                return best[1]
            best = self._most_urgent(share.user, slot, now)
        if best is None or best[1] is holder or self._urgency(holder) <= self._urgency(best[1]):
            return holder
        return best[1]

    def hold(self, slot: Slot, task: Contender | None, now: float) -> None:
        """From now on the slot is this task's, or nobody's."""
        before = slot.holder
        if before is task:
            return
        self._charge(slot, now)
        slot.holder, slot.since = task, now
        for changed, by in ((before, -1), (task, 1)):
            if changed is not None:
                changed.slots += by
                share = self._share(changed.terms.user)
                share.slots += by
                self._rerank(share)
                if changed.terms.max_slots is not None:
                    self.offer(changed)

    def _share(self, user: str) -> Share:
        share = self._shares.get(user)
        if share is None:
            share = self._shares[user] = Share(user, max(LEAST_WEIGHT, self._policy.weights.get(user, 1.0)))
        return share

    def _rerank(self, share: Share) -> None:
        if share.tasks:
            self._users.put(share.user, share.rank())

    def _urgency(self, task: Contender) -> Key:
        waited = self._policy.ageing * task.arrived_at
        return (-task.terms.priority, task.remaining_seconds() + waited, task.terms.arrival)

    def _can_go_on(self, task: Contender, slot: Slot, now: float) -> bool:
        """Whether the slot's holder has more for it; asked apart, since a full task is not ready."""
        worker = slot.worker
        return task.open and worker.suits(task.demand) and task.next_run(worker.name, now) is not None

    def _most_urgent(self, user: str, slot: Slot, now: float) -> tuple[Share, Contender] | None:
        """The user's first task that this slot's worker can have something of."""
        share, worker = self._shares[user], slot.worker

        def accept(name: str) -> Contender | None:
            task = self._ready[name]
            return task if task.next_run(worker.name, now) is not None else None

        first: Contender | None = None
        for demand, order in share.tasks.items():
            task = order.best(accept) if worker.suits(demand) else None
            if task is not None:
                if first is None or self._urgency(task) < self._urgency(first):
                    first = task
        return None if first is None else (share, first)

    def _charge(self, slot: Slot, now: float) -> None:
        """Add the time since the last look to what the holder's user has used."""
        self._forget_old_usage(now)
        if slot.holder is not None:
            share = self._share(slot.holder.terms.user)
            share.used_seconds += now - slot.since
            slot.since = now
            self._rerank(share)

    def _forget_old_usage(self, now: float) -> None:
        half_life = self._policy.usage_half_life
        if self._halve_at is None:
            self._halve_at = now + half_life
        if now < self._halve_at:
            return
        halvings = 1 + int((now - self._halve_at) / half_life)
        self._halve_at += halvings * half_life
        for share in self._shares.values():
            share.used_seconds *= 0.5**halvings
            self._rerank(share)
