"""Why a task waits, in one sentence for a person."""

from __future__ import annotations

from typing import Iterable

from marx.core.leases import LiveLease
from marx.core.placing import objection
from marx.core.states import TaskState
from marx.core.tasks import MainProgram, Task
from marx.core.workers import Worker


def why_waiting(
    task: Task, leases: list[LiveLease], workers: Iterable[Worker], now: float
) -> str:
    """One sentence, or "" for a task of which nothing waits. ``leases``: those of the task."""
    if task.state is TaskState.STOPPING:
        names = ", ".join(sorted({live.lease.worker for live in leases}))
        return f"It waits for {names} to end its chunks."
    if not task.open:
        return ""
    if task.held_by is not None:
        return f"It is held by {task.held_by}." if task.held_by else "It is held."
    if not (task.main.portion.known if task.main is not None else len(task.items)):
        return "Its items have not come yet."
    if task.main is not None and task.main.waiting:
        return _why_not_granted(task.main, list(workers), now)
    return _why_not_granted(task, list(workers), now) if task.waiting else ""


def _why_not_granted(contender: Task | MainProgram, workers: list[Worker], now: float) -> str:
    if not workers:
        return "No worker is connected."
    able = [worker for worker in workers if worker.suits(contender.demand)]
    if not able:
        return _why_nobody(contender, workers)
    takers = [worker for worker in able if worker.open]
    if now < contender.resume_at:
        return "It ran when the server was restarted, and waits a moment for its workers to return."
    if not takers:
        return f"{_names(able)} could run it, but {_state(able)}."
    if contender.full:
        return f"It has as many slots at a time as it asked for: {contender.slots}."
    seated = isinstance(contender, MainProgram)
    takers = [worker for worker in takers if seated or worker.slots] or takers
    willing = [worker for worker in takers if contender.next_run(worker.name, now) is not None]
    if not willing:
        return _why_later(contender, takers, now)
    return _why_no_seat(willing) if seated else _why_busy(contender, willing)


def _why_nobody(contender: Task | MainProgram, workers: list[Worker]) -> str:
    """What each worker lacks, those with the same trouble together and the commonest first."""
    demand = contender.demand
    if len(workers) == 1:
        return f"The only worker, {workers[0].name}, {objection(demand, workers[0].offer)}."
    having: dict[str | None, list[Worker]] = {}
    for worker in workers:
        having.setdefault(objection(demand, worker.offer), []).append(worker)
    commonest = sorted(having.items(), key=lambda entry: -len(entry[1]))[:3]
    troubles = "; ".join(f"{_names(group)}: {reason}" for reason, group in commonest)
    return f"None of {len(workers)} workers can run it ({troubles})."


def _state(workers: list[Worker]) -> str:
    """What keeps suitable workers from taking anything, said once."""
    reasons = set()
    for worker in workers:
        if not worker.connected:
            reasons.add("cut off")
        elif worker.silent:
            reasons.add("silent")
        else:
            reasons.add("draining" if worker.offer.draining else "paused")
    return ("is " if len(workers) == 1 else "are ") + " or ".join(sorted(reasons))


def _why_later(contender: Task | MainProgram, workers: list[Worker], now: float) -> str:
    for worker in workers:
        refusal = contender.refusals.get(worker.name)
        if refusal is not None and now < refusal.until:
            reason = refusal.reason or "no reason given"
            return f"{worker.name} could not run it ({reason}); it is tried again soon."
    return f"What waits went wrong on {_names(workers)} and is left for another worker at first."


def _why_busy(task: Task, workers: list[Worker]) -> str:
    slots = [slot for worker in workers for slot in worker.slots if slot.open]
    if not slots:
        return f"{_names(workers)} could run it, but no slot there works."
    others = sum(1 for slot in slots if slot.holder is not task)
    if len(slots) == 1:
        return f"The only slot that can run it now is busy with {'another task' if others else 'it'}."
    with_others = f", {others} of them with other tasks" if others else " with it"
    return f"All {len(slots)} slots that can run it now are busy{with_others}."


def _why_no_seat(workers: list[Worker]) -> str:
    lenders = [worker for worker in workers if worker.seat_count]
    if not lenders:
        return f"It waits for a free seat: {_names(workers)} {'lends' if len(workers) == 1 else 'lend'} none."
    seats = [seat for worker in lenders for seat in worker.seats if seat.open]
    if not seats:
        return f"It waits for a free seat: of {_names(lenders)} none works."
    if len(seats) == 1:
        return "It waits for a free seat: the only one that it could have is another program's."
    return f"It waits for a free seat: all {len(seats)} that it could have are other programs'."


def _names(workers: list[Worker]) -> str:
    names = sorted(worker.name for worker in workers)
    if len(names) <= 3:
        return " and ".join(names)
    return f"{', '.join(names[:2])} and {len(names) - 2} others"
