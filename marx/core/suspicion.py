"""Workers on which everything fails while others succeed: set aside, asked to test themselves, and back when that goes well.

What counts is chunks: one is bad when it died, was refused, or gave no item a good result. One good chunk clears its worker of all that
came before. Of each task it is known how its chunks went elsewhere; so the chance that a worker is innocent is that of as many chunks
failing in a row if they failed there as often as elsewhere. A program that fails everywhere, or mostly, says nothing about anybody. Nor
does one that just cannot run on some machines say more than once: when the worker's test goes well, that task is left alone there.

Never are more than half of the workers set aside for what programs did there: then it is something else that is wrong.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from math import prod
from typing import AbstractSet as Set

from marx.core.actions import AskToTest
from marx.core.assignments import Assignments
from marx.core.events import WorkerTested
from marx.core.leases import LiveLease
from marx.core.lives import Lives
from marx.core.model import Policy
from marx.core.orders import Orders
from marx.core.tasks import Task
from marx.core.workers import Pool, Worker

INNOCENT = 0.001
"""The chance of being innocent below which a worker is set aside."""

LEAST_BAD = 3
"""Bad chunks in a row below which nobody is suspected."""

MOST_TASKS = 100
"""Tasks that are remembered of one worker; then what is held against it is counted from nothing again."""


@dataclass(slots=True)
class Record:
    """What is held against one worker, since it was started.

    bad: chunks in a row, by task.  times: tests in a row that followed trouble.  accusing: tasks for which it was set aside.
    cleared: those of which a test has shown that it is not the worker.  since, reason: when and why it was set aside; None while it is not.  test_at: when it is to test itself;
    None when it has no need to.  is_asked: it was asked, and has not answered.
    """

    boot: str
    bad: dict[str, int] = field(default_factory=dict)
    times: int = 0
    accusing: set[str] = field(default_factory=set)
    cleared: set[str] = field(default_factory=set)
    since: float | None = None
    reason: str = ""
    test_at: float | None = None
    is_asked: bool = False


class Suspicion:
    """Keeps the records of all workers."""

    def __init__(self, policy: Policy, pool: Pool, assignments: Assignments, lives: Lives, orders: Orders) -> None:
        self._policy = policy
        self._pool = pool
        self._assignments = assignments
        self._lives = lives
        self._orders = orders
        self._records: dict[str, Record] = {}

    def went_well(self, live: LiveLease) -> None:
        """An item of this chunk has a good result."""
        live.went_well = True
        live.task.outcomes.setdefault(live.lease.worker, [0, 0])[0] += 1
        record = self._records.get(live.lease.worker)
        if record is not None and record.since is None:
            record.bad.clear()
            record.times = 0

    def went_badly(self, live: LiveLease, reason: str, now: float) -> None:
        """A chunk ended, and nothing good has come of it."""
        worker, task = self._pool.workers.get(live.lease.worker), live.task
        task.outcomes.setdefault(live.lease.worker, [0, 0])[1] += 1
        if worker is None or worker.aside is not None:
            return
        record = self._record(worker)
        if max(len(record.bad), len(record.cleared)) >= MOST_TASKS:
            record.bad.clear()
            record.cleared.clear()
        record.bad[task.id] = record.bad.get(task.id, 0) + 1
        if self._condemns(worker, record, record.bad.keys() - record.cleared):
            if self._can_be_spared():
                self._set_aside(worker, record, self._told(record, reason), now)
        elif self._condemns(worker, record, record.bad.keys() & record.cleared):
            self._leave_alone(worker, record, record.bad.keys() & record.cleared, reason, now)

    def broke(self, worker: Worker, now: float) -> None:
        """A slot of it could not run several tasks in a row: if the worker is well, the slot may try again."""
        record = self._record(worker)
        if record.test_at is None:
            record.times += 1
            record.test_at = now + self._pause(record)

    def returned(self, worker: Worker) -> None:
        """It joined: if it was started anew nothing is known of it, else it is what it was."""
        record = self._records.get(worker.name)
        if record is None:
            return
        if record.boot != worker.offer.boot:
            del self._records[worker.name]
            worker.aside = None
            return
        worker.aside = None if record.since is None else record.reason
        record.is_asked = False

    def seconds_aside(self, worker: str, now: float) -> float:
        """For how long a worker has been set aside; 0.0 if it is not."""
        record = self._records.get(worker)
        return 0.0 if record is None or record.since is None else now - record.since

    def serve(self, now: float) -> None:
        """Ask those for their test whose time has come."""
        for name, record in self._due():
            if record.test_at is not None and record.test_at <= now:
                record.is_asked = True
                self._orders.send(AskToTest(name))

    def next(self) -> float | None:
        """When the next worker is to test itself."""
        return min((record.test_at for _, record in self._due() if record.test_at is not None), default=None)

    def tested(self, event: WorkerTested, now: float) -> None:
        """A worker has tested itself, or says that it cannot: then time has to do."""
        worker, record = self._pool.workers.get(event.worker), self._records.get(event.worker)
        if worker is None or record is None or not record.is_asked:
            return
        record.is_asked = False
        record.cleared |= record.accusing if event.passed else set()
        record.accusing.clear()
        began = record.test_at if record.since is None else record.since
        if event.passed or (event.passed is None and began is not None and now >= began + self._pause(record)):
            self._release(worker, record, now)
            return
        record.times += event.passed is False
        record.test_at = now + max(self._pause(record), self._policy.aside_seconds)
        if event.passed is False:
            self._put_aside(worker, record, f"its test of itself failed: {event.reason}", now)

    def _due(self) -> list[tuple[str, Record]]:
        """Those that have to test themselves and can be asked."""
        workers = self._pool.workers
        return [
            (name, record)
            for name, record in self._records.items()
            if record.test_at is not None and not record.is_asked and name in workers and workers[name].connected
        ]

    def _record(self, worker: Worker) -> Record:
        record = self._records.get(worker.name)
        if record is None or record.boot != worker.offer.boot:
            record = self._records[worker.name] = Record(worker.offer.boot)
        return record

    def _condemns(self, worker: Worker, record: Record, tasks: Set[str]) -> bool:
        """Whether the worker can hardly be innocent of what became of these tasks on it."""
        if sum(record.bad[name] for name in tasks) < LEAST_BAD:
            return False
        chances = (_failing_elsewhere(task, worker.name) ** record.bad[name] for name in tasks if (task := self._lives.find(name)))
        return prod(chances) < INNOCENT

    def _can_be_spared(self) -> bool:
        connected = [worker for worker in self._pool.workers.values() if worker.connected]
        return 2 * (1 + sum(worker.aside is not None for worker in connected)) <= len(connected)

    def _told(self, record: Record, reason: str) -> str:
        chunks, tasks = sum(record.bad.values()), len(record.bad)
        of_tasks = "" if tasks == 1 else f" of {tasks} tasks"
        return f"{chunks} chunks{of_tasks} in a row failed there that go well elsewhere; of the last: {reason}"

    def _set_aside(self, worker: Worker, record: Record, reason: str, now: float) -> None:
        record.accusing = set(record.bad)
        self._leave_alone(worker, record, record.accusing, reason, now)
        record.test_at = now + self._pause(record)
        record.times += 1
        self._put_aside(worker, record, reason, now)

    def _put_aside(self, worker: Worker, record: Record, reason: str, now: float) -> None:
        record.since = now if record.since is None else record.since
        record.reason = worker.aside = reason
        self._assignments.look_at(worker, now)

    def _leave_alone(self, worker: Worker, record: Record, tasks: Set[str], reason: str, now: float) -> None:
        for name in sorted(tasks):
            del record.bad[name]
            task = self._lives.find(name)
            if task is not None and task.open:
                self._lives.leave_alone(task, worker.name, reason, now)
                task.note(now, "left alone", worker=worker.name, remark=reason)

    def _release(self, worker: Worker, record: Record, now: float) -> None:
        record.since, record.reason, record.test_at = None, "", None
        worker.aside = None
        for room in worker.rooms:
            room.mend()
        self._assignments.look_at(worker, now)

    def _pause(self, record: Record) -> float:
        """How long the next test waits: the first one after trouble does not."""
        if not record.times:
            return 0.0
        return float(min(self._policy.aside_seconds * 2.0 ** (min(record.times, 30) - 1), self._policy.aside_longest))


def _failing_elsewhere(task: Task, worker: str) -> float:
    """How likely a chunk of the task fails on other workers, by what was seen there; 1.0 where none has gone well."""
    others = [counts for name, counts in task.outcomes.items() if name != worker]
    good, bad = sum(counts[0] for counts in others), sum(counts[1] for counts in others)
    return (bad + 1) / (good + bad + 2) if good else 1.0
