"""Results that come in, and which of them count.

A report is judged by its items first. It must come under a lease that its sender has, or had
and lost (then its work is as good as any), or under a fence of an earlier server, of which nobody
can know whose it was: that is believed of a worker which may run the task at all. Whatever of it
has no result yet is accepted, whoever is busy with the same items now.
"""

from __future__ import annotations

from typing import NamedTuple

from marx.core.actions import SaveResults
from marx.core.assignments import Assignments
from marx.core.events import ChunkBegun, ItemsReported
from marx.core.leases import Leases, LiveLease
from marx.core.lives import Lives
from marx.core.model import Lease, Range
from marx.core.orders import Orders
from marx.core.portions import Portion
from marx.core.ranges import RangeSet
from marx.core.suspicion import Suspicion
from marx.core.tasks import Task
from marx.core.workers import Pool

ANY_ITEMS = (0, 1 << 62)
"""The range of a lease of an earlier server that nobody presented: it may have named any items."""


class Sorted(NamedTuple):
    """What becomes of the items of a report: accepted, those of them that are errors, tried again, left to another copy."""

    accepted: list[Range]
    failed: list[int]
    again: list[int]
    shared: list[int]


class Reports:
    """Takes reports in."""

    def __init__(
        self, pool: Pool, leases: Leases, assignments: Assignments, lives: Lives, suspicion: Suspicion, orders: Orders
    ) -> None:
        self._pool = pool
        self._suspicion = suspicion
        self._leases = leases
        self._assignments = assignments
        self._lives = lives
        self._orders = orders

    def lease(self, fence: int, worker: str, task: str, portion: int) -> Lease | None:
        """The lease under which this worker may say more than results of a portion, judged as its results would be; None for other fences."""
        found = self._leases.get(fence) or self._leases.lost(fence)
        if found is not None and found.lease.worker == worker:
            return found.lease if found.lease.task == task else None
        known = self._lives.find(task)
        named = known.find(portion) if known else None
        source = self._of_earlier_server(fence, worker, known, named) if known and named else None
        return None if source is None else source.lease

    def begin(self, event: ChunkBegun, now: float) -> None:
        """A chunk is at work, whatever is thought of the one before it."""
        live = self._leases.get(event.fence)
        if live is not None and (live.lease.worker, live.lease.task) == (event.worker, event.task):
            live.begin()

    def report(self, event: ItemsReported, now: float) -> None:
        """Results came in; the sender gets its verdict whatever they are."""
        verdict = "not yours"
        task = self._lives.find(event.task)
        portion = task.find(event.portion) if task else None
        stop = event.first + event.count
        if task and portion and event.count > 0 and portion.holds(event.first, stop):
            source = self._source(event, task, portion)
            missing = portion.done.complement(event.first, stop)
            if source is not None:
                self._note_progress(source, event, now)
            if not missing:
                verdict = "known"
            elif source is not None and not task.ended:
                verdict = self._accept(source, event, missing, now)
        self._orders.answer(event.worker, event.receipt, verdict)

    def _source(self, event: ItemsReported, task: Task, portion: Portion) -> LiveLease | None:
        """The lease under which this worker may report these items."""
        found = self._leases.get(event.fence) or self._leases.lost(event.fence)
        if found is not None and found.lease.worker == event.worker:
            stop = event.first + event.count
            return found if found.names(task.id, portion.number, event.first, stop) else None
        source = self._of_earlier_server(event.fence, event.worker, task, portion)
        if source is not None and found is None:
            self._leases.remember(source)
        return source

    def _of_earlier_server(self, fence: int, name: str, task: Task, portion: Portion) -> LiveLease | None:
        """The lease that a worker must have had under this fence."""
        worker = self._pool.workers.get(name)
        if worker is None or not worker.suits(task.demand) or not self._leases.from_earlier_server(fence):
            return None
        lease = self._leases.make(task, portion, ANY_ITEMS, name, 0, 0.0, fence)
        return LiveLease(lease, task, portion, [ANY_ITEMS], 0.0)

    def _holds(self, source: LiveLease) -> bool:
        """Whether the lease is live, so that its items are nobody else's."""
        return self._leases.get(source.lease.fence) is source

    def _note_progress(self, source: LiveLease, event: ItemsReported, now: float) -> None:
        """A live lease is at work: its slot is busy, and its items took so long."""
        if not self._holds(source):
            return
        source.begin()
        source.moved_at = now
        if not source.went_well and len(event.failed) < event.count:
            self._suspicion.went_well(source)
        source.reached = max(source.reached, event.first + event.count)
        # A worker that exaggerates would only spoil the sizes of its own chunks, if not for the mean.
        seconds = min(event.seconds, now - source.lease.granted_at)
        source.portion.measure(event.worker, event.count, seconds)
        slot = self._pool.slot_of(source)
        slot.heard()
        self._assignments.touch(slot)

    def _accept(self, source: LiveLease, event: ItemsReported, missing: list[Range], now: float) -> str:
        """Take the items without a result, but for those whose failure is tried again."""
        accepted, failed, again, shared = self._sort(source, missing, event.failed)
        own = self._holds(source) and source.twin is None and all(source.left.covers(*part) for part in accepted)
        source.left.remove(event.first, event.first + event.count)
        if shared:
            self._leave_to_twin(source, shared, now)
        if again:
            self._try_again(source, again, event, now)
        if not accepted:
            return "accepted" if again else "known"
        source.portion.accept(accepted, failed)
        self._save(source, accepted, failed, event, now)
        if not own:
            self._spare_others(source, now)
        for item in failed[:1]:
            self._lives.item_failed(source, item, now)
        self._lives.settle(source.task, now)
        return "accepted"

    def _sort(self, source: LiveLease, missing: list[Range], failed: tuple[int, ...]) -> Sorted:
        """What becomes of the items of a report.

        To a program an exception of an item is a result like any other, and it would notice a second try.
        """
        if not failed:
            return Sorted(missing, [], [], [])
        accepted, final, again, shared = RangeSet(missing), [], [], []
        raised_is_final = source.task.main is not None
        for item in sorted(set(failed)):
            if item not in accepted:
                continue
            if source.shares(item):
                accepted.remove(item, item + 1)
                shared.append(item)
            elif raised_is_final:
                final.append(item)
            elif item not in source.left and source.task.terms.retries > 0:
                accepted.remove(item, item + 1)  # this failure was counted when it came first
            elif source.portion.tries.fail(item):
                final.append(item)
            else:
                accepted.remove(item, item + 1)
                again.append(item)
        return Sorted(list(accepted), final, again, shared)

    def _leave_to_twin(self, source: LiveLease, items: list[int], now: float) -> None:
        """Items failed here while the other copy is at work on them: that one has the last word."""
        lease, reason = source.lease, "it failed, and another copy of it was at work"
        for item in items:
            part = (item, item + 1)
            source.task.note(now, "failed", lease.portion, *part, lease.worker, lease.fence, "its other copy goes on")
            self._orders.save_attempt(lease, part, "cancelled", None, reason)

    def _try_again(self, source: LiveLease, items: list[int], event: ItemsReported, now: float) -> None:
        """Items whose code failed wait again, if this lease had them until now."""
        task, portion, lease = source.task, source.portion, source.lease
        for item in items:
            part = (item, item + 1)
            portion.tries.repeat([part])
            task.note(now, "failed", portion.number, *part, lease.worker, lease.fence)
            self._orders.save_attempt(lease, part, "failed", item, "", event.cargo)
            if self._holds(source):
                portion.give_back([part])
        self._orders.tell(task.id)
        self._lives.offer(task)

    def _save(self, source: LiveLease, accepted: list[Range], failed: list[int], event: ItemsReported, now: float) -> None:
        task, lease = source.task, source.lease
        stop = event.first + event.count
        task.note(now, "reported", lease.portion, event.first, stop, lease.worker, lease.fence)
        self._orders.save(
            SaveResults(
                task.id, lease.portion, tuple(accepted), tuple(failed), lease.worker, lease.attempt, event.cargo
            )
        )
        self._orders.tell(task.id)

    def _spare_others(self, source: LiveLease, now: float) -> None:
        """Stop those whose items have all been finished by somebody else, be it the source itself."""
        for other in self._leases.of_task(source.task.id):
            if other.revoked or not other.left:
                continue
            if not other.unfinished():
                self._assignments.revoke(other, "its items have been done elsewhere", now)
