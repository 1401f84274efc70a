"""Whether anybody waits forever: for each task that has not ended, its owner, its place in a queue, or the obstacle that is named.

What the obstacle is, is found out here once more, from what workers offer and what was remembered of troubles, and held against the
sentence that a person is shown. An obstacle that time removes must have an instant at which the scheduler asked to be woken.
"""

from __future__ import annotations

from collections.abc import Iterator

from marx.core.placing import objection
from marx.core.scheduler import Scheduler
from marx.core.states import SlotState
from marx.core.tasks import MainProgram, Task
from marx.core.workers import Worker


def neglected(scheduler: Scheduler, now: float) -> list[str]:
    """One line about each task of which something waits for nothing, or for what nobody is told."""
    return [
        f"{task.id}: {complaint} (it says: {scheduler.why(task.id)!r})"
        for task in scheduler._lives.tasks.values()
        if not task.ended
        for complaint in _complaints(scheduler, task, now)
    ]


def _complaints(scheduler: Scheduler, task: Task, now: float) -> Iterator[str]:
    leases, workers = scheduler._leases.of_task(task.id), scheduler._pool.workers
    for live in leases:
        if live.lease.worker not in workers:
            yield f"a lease of {live.lease.worker}, which is not known"
        yield from _unwatched(scheduler, "a lease", max(now, scheduler._leases.ends_at(live.lease.worker)))
    waiting = [contender for contender in (task.main, task) if contender is not None and contender.waiting]
    if task.open and task.held_by is None and waiting:
        yield from _obstacle(scheduler, waiting[0], now)
        for contender in waiting[1:]:
            yield from _idle(contender, list(workers.values()), now)
    elif not (leases or scheduler.why(task.id)):
        yield "nothing of it waits or is out, and it does not end"
    elif task.held_by is not None and task.open and "held" not in scheduler.why(task.id):
        yield "it is held"


def _obstacle(scheduler: Scheduler, contender: Task | MainProgram, now: float) -> Iterator[str]:
    why, workers = scheduler.why(contender.id), list(scheduler._pool.workers.values())
    objections = {worker.name: objection(contender.demand, worker.offer) for worker in workers}
    able = [worker for worker in workers if objections[worker.name] is None]
    takers = [worker for worker in able if worker.connected and not worker.silent and worker.aside is None and not _rests(worker)]
    expected: list[str] = []
    if not workers:
        expected = ["No worker"]
    elif not able:
        expected = [str(text) for text in objections.values()]
    elif now < contender.resume_at:
        expected = ["restarted"]
        yield from _unwatched(scheduler, "a pause", contender.resume_at)
    elif not takers:
        expected = ["cut off", "silent", "paused", "draining", "set aside"]
    elif contender.full:
        expected = ["as many slots"]
    else:
        yield from _idle(contender, takers, now)
        expected = yield from _among(scheduler, contender, takers, now)
    if not any(text in why for text in expected):
        yield f"it should say one of {expected}"


def _among(scheduler: Scheduler, contender: Task | MainProgram, takers: list[Worker], now: float) -> Iterator[str]:
    """What keeps it from the rooms of workers that are willing in principle."""
    is_main = isinstance(contender, MainProgram)
    lenders = [worker for worker in takers if (worker.seat_count if is_main else worker.slot_count)]
    willing = [worker for worker in lenders if contender.next_run(worker.name, now) is not None]
    for worker in lenders:
        if worker not in willing:
            yield from _unwatched(scheduler, f"{worker.name} is left alone", contender.again_at(worker.name, now))
    if not lenders:
        return ["lends no", "lend no", "lends none", "lend none"]
    if not willing:
        refusing = [worker for worker in lenders if worker.name in contender.refusals and now < contender.refusals[worker.name].until]
        return ["tried again"] if refusing else ["left for another"]
    rooms = [room for worker in willing for room in (worker.seats if is_main else worker.slots) if room.open]
    return ["busy", "other programs'", "another program's"] if rooms else ["works"]


def _idle(contender: Task | MainProgram, takers: list[Worker], now: float) -> Iterator[str]:
    """Nobody waits while a room is idle that could have it."""
    if contender.full or now < contender.resume_at:
        return
    for worker in takers:
        rooms = worker.seats if isinstance(contender, MainProgram) else worker.slots
        free = [room for room in rooms if room.open and not room.queue and room.state is not SlotState.BROKEN]
        if free and worker.suits(contender.demand) and contender.next_run(worker.name, now) is not None:
            yield f"it waits, and {worker.name} has room for it"


def _rests(worker: Worker) -> bool:
    return worker.offer.paused or worker.offer.draining


def _unwatched(scheduler: Scheduler, what: str, until: float) -> Iterator[str]:
    asked = scheduler._asked_for
    if asked is None or asked > until:
        yield f"{what} until {until}, and nobody looks before {asked}"
