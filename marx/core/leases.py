"""Leases: their fences, who holds them, when they end, and those that were lost but may report.

A worker's leases all live and end together, since hearing of it renews them all; so there is one
deadline for each worker. The heap of deadlines is lazy: hearing of a worker only writes down
when (O(1)), and a deadline that comes up too early is put back with its new time.

A fence is ``epoch << 32 | counter``. The epoch grows with each start of the server, so a fence
is never given twice, and one of an earlier server can be told from one that nobody ever gave.
"""

from __future__ import annotations

from dataclasses import replace
from heapq import heappop, heappush, heapreplace
from typing import Iterator

from marx.core.model import Lease, Range
from marx.core.portions import Portion
from marx.core.ranges import RangeSet
from marx.core.states import ATTEMPT, AttemptState, AttemptStep, advance
from marx.core.tasks import Task

FENCE_BITS = 32


class LiveLease:
    """A lease together with what has come of it.

    contender: for whom it holds its slot or seat: its task or, on a seat, the task's main program.
    left: its items that are neither reported under it nor given back; others may have finished
    some of them meanwhile.  reached: the index after the last item reported under it.
    estimate: seconds that it will take.  weight: bytes of the packs of its items.  recalled: its worker was asked to give it back unless
    it has begun.  revoked: its worker was asked to end it in any case.
    moved_at: when it began, or when items were last reported under it; None before.  twin: the other attempt that is at work on some
    of the same items.  copied: whether it ever had one.  went_well: whether an item of it has a good result.
    asked_at: when its worker was asked to give back the rest of it, and has not answered yet.
    """

    __slots__ = (
        "lease",
        "task",
        "contender",
        "portion",
        "left",
        "state",
        "reached",
        "estimate",
        "weight",
        "recalled",
        "revoked",
        "moved_at",
        "twin",
        "copied",
        "went_well",
        "asked_at",
    )

    def __init__(self, lease: Lease, task: Task, portion: Portion, left: list[Range], estimate: float) -> None:
        self.lease = lease
        self.task = task
        self.contender = task if lease.slot >= 0 else task.main
        self.portion = portion
        self.left = RangeSet(left)
        self.state = AttemptState.GRANTED
        self.reached = lease.first
        self.estimate = estimate
        self.weight = portion.weights.of(lease.first, lease.stop)
        self.recalled = False
        self.revoked = False
        self.moved_at: float | None = None
        self.twin: LiveLease | None = None
        self.copied = False
        self.went_well = False
        self.asked_at: float | None = None

    @property
    def begun(self) -> bool:
        """Whether its items may have been touched."""
        return self.state is not AttemptState.GRANTED

    def begin(self) -> None:
        """It runs. If it was recalled, that came too late: reports come in the order of what happened."""
        if self.state is AttemptState.GRANTED:
            self.state = advance(ATTEMPT, self.state, AttemptStep.BEGIN)
            self._set_recalled(False)

    def recall(self) -> None:
        """Its worker is asked to give it back."""
        self._set_recalled(True)

    def end(self, step: AttemptStep) -> None:
        """It is over. Raises IllegalTransition if it was before."""
        self.state = advance(ATTEMPT, self.state, step)
        self._set_recalled(False)

    def _set_recalled(self, recalled: bool) -> None:
        self.task.recalled += recalled - self.recalled
        self.recalled = recalled

    def unfinished(self) -> list[Range]:
        """Its items that still have no result."""
        done = self.portion.done
        return [part for run in self.left for part in done.complement(*run)]

    def shorten(self, stop: int) -> list[Range]:
        """It ends at that item from now on; those behind it that nobody has."""
        back = [(max(first, stop), end) for first, end in self.sole() if end > stop]
        self.left.remove(stop, self.lease.stop)
        self.lease = replace(self.lease, count=stop - self.lease.first)
        self.asked_at = None
        return back

    def pair(self, copy: LiveLease) -> None:
        """Another attempt at some of its items is at work beside it."""
        self.twin, copy.twin = copy, self
        self.copied = copy.copied = True

    def unpair(self) -> None:
        """It is over; its twin, if it has one, is alone from now on."""
        if self.twin is not None:
            self.twin.twin = self.twin = None

    def shares(self, item: int) -> bool:
        """Whether its twin is to bring a result of this item, too."""
        return self.twin is not None and item in self.twin.left

    def sole(self) -> list[Range]:
        """Its items without a result that nobody else is at work on."""
        if self.twin is None:
            return self.unfinished()
        return [part for run in self.unfinished() for part in self.twin.left.complement(*run)]

    def names(self, task: str, portion: int, first: int, stop: int) -> bool:
        """Whether these items were part of it."""
        lease = self.lease
        return (lease.task, lease.portion) == (task, portion) and lease.first <= first <= stop <= lease.stop


class Leases:
    """All live leases, and a bounded memory of lost ones.

    seconds: how long a worker may be silent.  remembered: how many lost leases are kept.
    """

    def __init__(self, epoch: int, seconds: float, remembered: int) -> None:
        self._epoch = epoch
        self._given = 0
        self._seconds = seconds
        self._remembered = remembered
        self._live: dict[int, LiveLease] = {}
        self._by_task: dict[str, dict[int, LiveLease]] = {}
        self._by_worker: dict[str, dict[int, LiveLease]] = {}
        self._mains: dict[str, LiveLease] = {}
        self._lost: dict[int, LiveLease] = {}
        self._heard_at: dict[str, float] = {}
        self._deadlines: list[tuple[float, str]] = []
        self._watched: set[str] = set()

    def __len__(self) -> int:
        return len(self._live)

    @property
    def chunks(self) -> int:
        """How many of them are not of main programs."""
        return len(self._live) - len(self._mains)

    def __iter__(self) -> Iterator[LiveLease]:
        """All live ones, oldest first."""
        return iter(self._live.values())

    def next_fence(self) -> int:
        """A number that was never given before."""
        self._given += 1
        return self._epoch << FENCE_BITS | self._given

    def make(
        self,
        task: Task,
        portion: Portion,
        part: Range,
        worker: str,
        slot: int,
        now: float,
        fence: int | None = None,
        is_copy: bool = False,
    ) -> Lease:
        """A lease of these items from now on; with a new fence unless somebody says that it has one."""
        return Lease(
            self.next_fence() if fence is None else fence,
            task.id,
            portion.number,
            part[0],
            part[1] - part[0],
            worker,
            slot,
            portion.tries.attempt(*part),
            now,
            now + self._seconds,
            is_copy,
        )

    def from_earlier_server(self, fence: int) -> bool:
        """Whether a server that ran before this one may have given it: epochs count from 1."""
        return 0 < fence >> FENCE_BITS < self._epoch

    def was_given(self, fence: int) -> bool:
        """Whether this or an earlier server may have given it."""
        epoch, count = fence >> FENCE_BITS, fence & (1 << FENCE_BITS) - 1
        return self.from_earlier_server(fence) or (epoch == self._epoch and count <= self._given)

    def add(self, live: LiveLease) -> None:
        """Keep a lease that was granted, or that its holder was believed about."""
        lease = live.lease
        self._live[lease.fence] = live
        self._lost.pop(lease.fence, None)
        self._by_task.setdefault(lease.task, {})[lease.fence] = live
        self._by_worker.setdefault(lease.worker, {})[lease.fence] = live
        if lease.slot < 0:
            self._mains[lease.task] = live
        # A lease lasts its full time from its grant, however long its worker was silent before.
        self.heard(lease.worker, lease.granted_at)
        if lease.worker not in self._watched:
            self._watched.add(lease.worker)
            heappush(self._deadlines, (lease.granted_at + self._seconds, lease.worker))

    def drop(self, live: LiveLease) -> None:
        """Forget a lease that is over."""
        lease = live.lease
        del self._live[lease.fence]
        for index, key in ((self._by_task, lease.task), (self._by_worker, lease.worker)):
            of_key = index[key]
            del of_key[lease.fence]
            if not of_key:
                del index[key]
        if lease.slot < 0:
            del self._mains[lease.task]

    def remember(self, live: LiveLease) -> None:
        """Keep a lost lease, so that its holder's late reports are recognised."""
        self._lost[live.lease.fence] = live
        if len(self._lost) > self._remembered:
            del self._lost[next(iter(self._lost))]

    def get(self, fence: int) -> LiveLease | None:
        """The live lease with this fence."""
        return self._live.get(fence)

    def lost(self, fence: int) -> LiveLease | None:
        """The remembered lost lease with this fence."""
        return self._lost.get(fence)

    def main(self, task: str) -> LiveLease | None:
        """The live lease of a task's main program."""
        return self._mains.get(task)

    def of_task(self, task: str) -> list[LiveLease]:
        """The live leases of a task, oldest first."""
        return list(self._by_task.get(task, {}).values())

    def of_worker(self, worker: str) -> list[LiveLease]:
        """The live leases of a worker, oldest first."""
        return list(self._by_worker.get(worker, {}).values())

    def held_by(self, worker: str) -> int:
        """How many live leases a worker has."""
        return len(self._by_worker.get(worker, ()))

    def has_any(self, task: str) -> bool:
        """Whether a task has live leases."""
        return task in self._by_task

    def heard(self, worker: str, now: float) -> None:
        """Renew all leases of a worker."""
        self._heard_at[worker] = now

    def heard_at(self, worker: str) -> float:
        """When that worker was last heard of."""
        return self._heard_at[worker]

    def ends_at(self, worker: str) -> float:
        """When the leases of a worker end if nothing more is heard of it."""
        return self._heard_at[worker] + self._seconds

    def forget_worker(self, worker: str) -> None:
        """Nothing more is expected of a worker; its deadline lapses by itself."""
        self._heard_at.pop(worker, None)

    def next_expiry(self) -> float | None:
        """An instant before which no lease ends, None when there are none."""
        return self._deadlines[0][0] if self._deadlines else None

    def expired(self, now: float) -> list[str]:
        """The workers whose leases have ended by now, each said once."""
        silent = []
        while self._deadlines and self._deadlines[0][0] <= now:
            worker = self._deadlines[0][1]
            if worker not in self._by_worker:
                self._unwatch(worker)
            elif self._heard_at[worker] + self._seconds > now:
                heapreplace(self._deadlines, (self._heard_at[worker] + self._seconds, worker))
            else:
                self._unwatch(worker)
                silent.append(worker)
        return silent

    def _unwatch(self, worker: str) -> None:
        heappop(self._deadlines)
        self._watched.discard(worker)
