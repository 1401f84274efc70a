"""The one door of the core: events in, actions out.

    actions = scheduler.handle(event, now)

It holds all mutable state and knows no clock: ``now`` is the caller's monotonic time and never
goes back. One caller, ``server/service.py``, carries the actions out, saves first.

Where an event goes from here: tasks and items to ``submissions``, ``restoring`` and ``lives``, workers to ``arrivals``, results to
``reports``, ends and losses of chunks to ``endings``, what programs say of their portions to ``programs``; afterwards
``granting`` uses the slots that became free, ``balancing`` and ``copying`` those for which nothing waits, and ``seating`` the seats. ``portions`` know where items stand, ``stock`` the
portions of a task, ``leases`` who holds them, ``workers`` what is queued where, ``turns`` whose turn it is.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Callable

from marx.core.actions import Action, WakeAt
from marx.core.alarms import Alarms
from marx.core.arrivals import Arrivals
from marx.core.assignments import Assignments
from marx.core.balancing import Balancing
from marx.core.checking import check
from marx.core.copying import Copying
from marx.core.endings import Endings
from marx.core.errors import UnknownTask
from marx.core.events import (
    CancelAsked,
    ChunkBegun,
    ChunkEnded,
    Event,
    HoldAsked,
    ItemsAdded,
    ItemsReported,
    PortionDropped,
    PortionOpened,
    ReleaseAsked,
    RestReturned,
    TaskForgotten,
    TaskRestored,
    TaskSubmitted,
    Ticked,
    WorkerChanged,
    WorkerCut,
    WorkerHeard,
    WorkerJoined,
    WorkerLeft,
    WorkerTested,
)
from marx.core.granting import Granting
from marx.core.leases import Leases
from marx.core.lives import Lives
from marx.core.model import Lease, Policy, PortionCounts, TaskCounts, WorkerCounts
from marx.core.orders import Orders
from marx.core.programs import Programs
from marx.core.reasons import why_waiting
from marx.core.reports import Reports
from marx.core.restoring import Restoring
from marx.core.seating import Seating
from marx.core.submissions import Submissions
from marx.core.suspicion import Suspicion
from marx.core.tasks import Task
from marx.core.turns import Turns
from marx.core.workers import Pool


class Scheduler:
    """Decides what happens next.

    epoch: grows with each start of the server, 1 or more.  policy: the numbers it decides by.
    awaited: all workers that may come back with something of an earlier server; none where that is not known.
    """

    def __init__(self, epoch: int, policy: Policy = Policy(), awaited: Collection[str] = ()) -> None:
        self._now = 0.0
        self._asked_for: float | None = None
        self._orders = orders = Orders()
        self._alarms = alarms = Alarms()
        self._pool = pool = Pool()
        self._turns = turns = Turns(policy)
        self._seat_turns = seat_turns = Turns(policy)
        self._leases = leases = Leases(epoch, policy.lease_seconds, policy.lost_leases)
        assignments = Assignments(pool, leases, turns, seat_turns, orders)
        self._lives = lives = Lives(policy, leases, turns, seat_turns, assignments, alarms, orders)
        programs = Programs(leases, assignments, lives, orders)
        submissions = Submissions(lives, programs, orders)
        self._restoring = restoring = Restoring(policy, lives, alarms, awaited)
        self._suspicion = suspicion = Suspicion(policy, pool, assignments, lives, orders)
        endings = Endings(policy, pool, leases, assignments, lives, programs, suspicion, alarms, orders)
        self._reports = reports = Reports(pool, leases, assignments, lives, suspicion, orders)
        arrivals = Arrivals(policy, pool, leases, assignments, lives, endings, suspicion, orders)
        self._arrivals = arrivals
        self._granting = Granting(policy, pool, leases, turns, assignments, lives, orders)
        self._balancing = Balancing(pool, leases, assignments, orders)
        self._copying = Copying(policy, pool, leases, assignments, orders)
        self._seating = Seating(pool, leases, seat_turns, assignments, lives, orders)
        self._doors: dict[type, Callable[..., None]] = {
            TaskSubmitted: submissions.submit,
            TaskRestored: restoring.restore,
            ItemsAdded: self._hearing(submissions.extend),
            PortionOpened: self._hearing(programs.open),
            PortionDropped: self._hearing(programs.drop),
            CancelAsked: self._of_task(lives.cancel),
            HoldAsked: self._of_task(lives.hold),
            ReleaseAsked: self._of_task(lives.release),
            TaskForgotten: self._of_task(lives.forget),
            WorkerJoined: self._join,
            WorkerChanged: lambda event, now: arrivals.change(event.offer, now),
            WorkerHeard: lambda event, now: arrivals.heard(event.worker, now),
            WorkerCut: lambda event, now: arrivals.cut(event.worker),
            WorkerLeft: lambda event, now: arrivals.leave(event.worker, now),
            WorkerTested: suspicion.tested,
            ItemsReported: self._hearing(reports.report),
            ChunkBegun: self._hearing(reports.begin),
            RestReturned: self._hearing(endings.shorten),
            ChunkEnded: self._hearing(endings.end),
            Ticked: self._tick,
        }

    def handle(self, event: Event, now: float) -> list[Action]:
        """Take in what happened at ``now``; what should be done about it, in that order.

        Never raises for what a peer can cause. Raises TaskExists when the server gives an id twice.
        """
        self._now = now
        self._doors[type(event)](event, now)
        self._granting.serve(now)
        self._balancing.serve(now)
        self._copying.serve(now)
        self._seating.serve(now)
        self._suspicion.serve(now)
        self._ask_to_be_woken(now)
        return self._orders.take()

    def check(self) -> None:
        """Raises AssertionError, saying what is wrong, if any invariant is broken."""
        check(self._lives.tasks, self._pool, self._leases, self._turns, self._seat_turns)

    def story(self, task: str, portion: int = 0, item: int | None = None) -> list[str]:
        """What is remembered of an item, or of all, oldest first, one line each. Raises UnknownTask."""
        return [str(line) for line in self._find(task).story(portion, item)]

    def snapshot(self, task: str) -> TaskCounts:
        """A task as it stands. Raises UnknownTask: then the store has the last word."""
        found = self._find(task)
        totals = found.items.totals
        return TaskCounts(
            state=str(found.state),
            total=totals.known,
            final=found.items.final if found.main is None else found.complete,
            done=totals.done,
            failed=totals.failed,
            leased=totals.leased,
            waiting=totals.waiting,
            slots=found.slots,
            why_waiting=self.why(task),
            held=found.held_by is not None,
        )

    def portions(self, task: str) -> list[PortionCounts]:
        """How far each portion of a task is, by number; of a run those that its program opened. Raises UnknownTask."""
        return self._find(task).items.counts()

    def refusals(self, task: str) -> dict[int, str]:
        """Why portions of a task cannot be run elsewhere, for a program that is started again or was cut off. Raises UnknownTask."""
        return dict(self._find(task).refused)

    def main_lease(self, task: str) -> Lease | None:
        """The live lease of a task's main program: who runs it, under which fence."""
        live = self._leases.main(task)
        return None if live is None else live.lease

    def slots_for(self, task: str) -> int:
        """How many slots of the lab a task may hope for now: those of suitable workers that take work, no more than it wants. Raises UnknownTask."""
        found = self._find(task)
        slots, most = self._pool.slots_for(found.demand), found.terms.max_slots
        return slots if most is None else min(slots, most)

    def why(self, task: str) -> str:
        """Why something of a task waits, in one sentence, or "". Raises UnknownTask."""
        found = self._find(task)
        return why_waiting(found, self._leases, self._pool.workers.values(), self._now)

    def holders(self, task: str) -> tuple[str, ...]:
        """The workers that have chunks of a task, by name."""
        return tuple(sorted({live.lease.worker for live in self._leases.of_task(task)}))

    def lease(self, fence: int, worker: str, task: str, portion: int) -> Lease | None:
        """The lease under which this worker may say more than results, one that it lost included; None for other fences."""
        return self._reports.lease(fence, worker, task, portion)

    def is_alone(self, lease: Lease) -> bool:
        """Whether no other attempt can have run the items of this lease."""
        task = self._lives.find(lease.task)
        if task is None or task.restored or self._leases.lost(lease.fence) is not None:
            return False
        live = self._leases.get(lease.fence)
        return lease.attempt == 1 and not (live is not None and live.copied)

    def done_elsewhere(self, lease: Lease, item: int) -> bool:
        """Whether an item of this lease has a result that came under another one: nothing that this one made of it counts."""
        found = self._leases.get(lease.fence) or self._leases.lost(lease.fence)
        return found is not None and item in found.left and item in found.portion.done

    def is_live(self, fence: int) -> bool:
        """Whether the lease with this fence was neither ended nor lost."""
        return self._leases.get(fence) is not None

    def is_queued(self, fence: int) -> bool:
        """Whether nothing was heard of a live lease that shows it to be at work."""
        live = self._leases.get(fence)
        return live is not None and not live.begun

    def holds_any(self, worker: str, task: str) -> bool:
        """Whether a worker has leases of a task."""
        return any(live.lease.worker == worker for live in self._leases.of_task(task))

    def may_run(self, worker: str, task: str) -> bool:
        """Whether a worker that is here may have chunks of an open task, so that what it has of it may still count."""
        known, found = self._pool.workers.get(worker), self._lives.find(task)
        return known is not None and found is not None and found.open and known.suits(found.demand)

    def workers(self) -> list[WorkerCounts]:
        """All workers that are connected or may still come back to their leases."""
        return [
            WorkerCounts(
                offer=worker.offer,
                connected=worker.connected,
                busy=worker.busy,
                leases=self._leases.held_by(worker.name),
                heard_at=self._leases.heard_at(worker.name),
                slot_states=tuple(str(slot.state) for slot in worker.slots),
                seats_busy=worker.seats_busy,
                seat_states=tuple(str(seat.state) for seat in worker.seats),
                aside=worker.aside or "",
                aside_seconds=self._suspicion.seconds_aside(worker.name, self._now),
            )
            for worker in self._pool.workers.values()
        ]

    def _find(self, task: str) -> Task:
        found = self._lives.find(task)
        if found is None:
            raise UnknownTask(task)
        return found

    def _join(self, event: WorkerJoined, now: float) -> None:
        self._arrivals.join(event, now)
        self._restoring.returned(event.offer.name, now)

    def _hearing(self, door: Callable[..., None]) -> Callable[..., None]:
        """What a worker says is a sign of its life first."""
        heard = self._arrivals.heard

        def hear(event: ItemsReported | ChunkBegun | RestReturned | ChunkEnded | ItemsAdded | PortionOpened | PortionDropped, now: float) -> None:
            if event.worker is not None:
                heard(event.worker, now)
            door(event, now)

        return hear

    def _of_task(self, door: Callable[..., None]) -> Callable[..., None]:
        """What is asked about a task that is not remembered any more is no matter."""
        find = self._lives.find

        def ask(event: CancelAsked | HoldAsked | ReleaseAsked | TaskForgotten, now: float) -> None:
            task = find(event.task)
            if task is not None:
                door(task, event, now)

        return ask

    def _tick(self, event: Ticked, now: float) -> None:
        self._asked_for = None
        self._arrivals.expire(now)
        for name in self._alarms.due(now):
            task = self._lives.find(name)
            if task is not None:
                self._lives.look_again(task, self.why(name), now)

    def _ask_to_be_woken(self, now: float) -> None:
        """Ask for the next instant that matters, unless an earlier one was asked for and is to come."""
        instants = (self._leases.next_expiry(), self._alarms.next(), self._balancing.next(), self._copying.next(), self._suspicion.next())
        at = min((instant for instant in instants if instant is not None), default=None)
        if at is not None and (self._asked_for is None or at < self._asked_for):
            self._asked_for = at
            self._orders.send(WakeAt(at))
