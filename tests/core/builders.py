"""Events with everything that a test does not care about filled in, and a desk that hands them to a scheduler."""

from __future__ import annotations

from collections.abc import Collection
from typing import TypeVar

from marx.core.actions import Action, Answer, Grant, Revoke
from marx.core.events import (
    ChunkEnded,
    Event,
    ItemsAdded,
    ItemsReported,
    PortionDropped,
    PortionOpened,
    TaskSubmitted,
    Ticked,
    WorkerJoined,
)
from marx.core.model import Held, Interpreter, Lease, Policy, TaskTerms, WorkerOffer
from marx.core.scheduler import Scheduler

PYTHONS = (Interpreter("3.11.7", "/usr/bin/python3"), Interpreter("2.7.18", "/usr/bin/python2"))
EPOCH = 7
NOTHING_AHEAD = Policy(ahead_chunks=0)
"""One chunk at a time on each slot, for tests of what happens to that one."""

Kind = TypeVar("Kind", bound=Action)


def terms(task: str = "task", user: str = "ada", **more: object) -> TaskTerms:
    """The terms of a map that any worker can run."""
    return TaskTerms(id=task, user=user, **more)


def offer(name: str = "alpha", slots: int = 1, boot: str = "boot-1", **more: object) -> WorkerOffer:
    """A worker that can run everything."""
    return WorkerOffer(**{"interpreters": PYTHONS, "sandbox": "bwrap", **more}, name=name, boot=boot, slots=slots)


def held(lease: Lease, reported: int = 0) -> Held:
    """What a worker says of a lease of which the first items are reported and answered."""
    return Held(lease.fence, lease.task, lease.portion, lease.first + reported, lease.count - reported, lease.slot)


def fence(counter: int, epoch: int = EPOCH) -> int:
    """A fence as a server of that epoch gives it."""
    return epoch << 32 | counter


def of(kind: type[Kind], actions: list[Action]) -> list[Kind]:
    """The actions of one kind, in order."""
    return [action for action in actions if isinstance(action, kind)]


class Desk:
    """Hands events to a scheduler at its own time, checks it after each, and keeps what it answered.

    actions: those of the last event.  leases: all granted and neither ended nor lost, oldest first, as their workers see it.
    """

    def __init__(self, policy: Policy = Policy(), epoch: int = EPOCH, awaited: Collection[str] = ()) -> None:
        self.scheduler = Scheduler(epoch, policy, awaited)
        self.now = 1000.0
        self.actions: list[Action] = []
        self.leases: list[Lease] = []

    def do(self, event: Event, after: float = 0.0) -> list[Action]:
        """Let an event happen, some seconds after the last one."""
        self.now += after
        self.actions = self.scheduler.handle(event, self.now)
        self.scheduler.check()
        self.leases += [grant.lease for grant in of(Grant, self.actions)]
        return self.actions

    def submit(self, count: int = 10, task: str = "task", final: bool = True, **more: object) -> list[Action]:
        """Submit a task with that many items."""
        self.do(TaskSubmitted(terms(task, **more)))
        return self.do(ItemsAdded(task, 0, 0, count, final))

    def submit_program(self, task: str = "task", **more: object) -> list[Action]:
        """Submit a run."""
        return self.submit(1, task, kind="run", **more)

    def open(self, number: int = 1, count: int = 0, final: bool = False, task: str = "task", **changes: object) -> str:
        """The main program opens a portion, and adds that many items; the verdict about the portion."""
        main = self.scheduler.main_lease(task)
        verdict = self.verdict(PortionOpened(main.worker, main.fence, task, number), **changes)
        if count or final:
            assert self.add(number, count, final, task=task) == "accepted"
        return verdict

    def add(self, number: int, count: int, final: bool = False, first: int = 0, task: str = "task", **changes: object) -> str:
        """The main program adds items to a portion; the verdict."""
        main = self.scheduler.main_lease(task)
        added = ItemsAdded(task, number, first, count, final, worker=main.worker, fence=main.fence)
        return self.verdict(added, **changes)

    def drop(self, number: int = 1, task: str = "task", **changes: object) -> str:
        """The main program wants nothing more of a portion; the verdict."""
        main = self.scheduler.main_lease(task)
        return self.verdict(PortionDropped(main.worker, main.fence, task, number), **changes)

    def join(self, name: str = "alpha", *holds: Held, **more: object) -> list[Action]:
        """A worker joins."""
        return self.do(WorkerJoined(offer(name, **more), holds))

    def report(self, lease: Lease, failed: tuple[int, ...] = (), **changes: object) -> str:
        """The lease's worker reports all of it, unless `changes` say otherwise; the verdict."""
        event = ItemsReported(lease.worker, lease.fence, lease.task, lease.portion, lease.first, lease.count, failed)
        return self.verdict(event, **changes)

    def end(self, lease: Lease, outcome: str = "succeeded", **changes: object) -> str:
        """The lease's worker says that its chunk has ended; the verdict."""
        self.leases = [other for other in self.leases if other is not lease]
        return self.verdict(ChunkEnded(lease.worker, lease.fence, lease.task, outcome), **changes)

    def verdict(
        self, event: ItemsReported | ChunkEnded | ItemsAdded | PortionOpened | PortionDropped, **changes: object
    ) -> str:
        """Let an event happen with some of its fields changed; what its sender is answered."""
        fields = {name: getattr(event, name) for name in event.__dataclass_fields__}
        after = changes.pop("after", 0.0)
        [answer] = of(Answer, self.do(type(event)(**{**fields, "receipt": "receipt", **changes}), after))
        assert answer.worker == event.worker or "worker" in changes
        return answer.verdict

    def tick(self, after: float) -> list[Action]:
        """Time passes."""
        return self.do(Ticked(), after)

    def run(self, lease: Lease, failed: tuple[int, ...] = (), seconds: float = 0.1) -> None:
        """A chunk runs to its end: that long, then reported and ended."""
        self.report(lease, failed, seconds=seconds, after=seconds)
        self.end(lease)

    def revoked(self) -> list[Revoke]:
        """What the last event asked workers to give up."""
        return of(Revoke, self.actions)

    def granted(self) -> list[Lease]:
        """What the last event granted."""
        return [grant.lease for grant in of(Grant, self.actions)]

    def counts(self, task: str = "task") -> tuple[int, int, int]:
        """Items of a task that wait, are leased, are done."""
        now = self.scheduler.snapshot(task)
        return now.waiting, now.leased, now.done
