"""Why a task waits, in one sentence for a person: every obstacle has one, and where it is an instant, the sentence says how far off.

What is leased has an owner and needs no reason, unless all that is out is with workers that are away. What waits has a place in the
queue of the slots that can run it, or one of the obstacles here.
"""

from __future__ import annotations

from typing import Iterable

from marx.core.leases import Leases
from marx.core.placing import objection
from marx.core.states import SlotState, TaskState
from marx.core.tasks import MainProgram, Task
from marx.core.workers import Worker


def why_waiting(task: Task, leases: Leases, workers: Iterable[Worker], now: float) -> str:
    """One sentence, or "" for a task of which nothing waits."""
    known = {worker.name: worker for worker in workers}
    if task.state is TaskState.STOPPING:
        return _why_not_ended(task, leases, known, now)
    if not task.open:
        return ""
    if task.held_by is not None:
        return f"It is held by {task.held_by}." if task.held_by else "It is held."
    if not (task.main.portion.known if task.main is not None else len(task.items)):
        return "Its items have not come yet."
    if task.main is not None and task.main.waiting:
        return _why_not_granted(task.main, list(known.values()), now)
    if task.waiting:
        return _why_not_granted(task, list(known.values()), now)
    return _why_nothing_comes(task, leases, known, now)


def span(seconds: float) -> str:
    """How long something still takes, for a person: "7 s", "4 min", "3 h"."""
    for unit, size in (("h", 3600.0), ("min", 60.0)):
        if seconds >= 2 * size:
            return f"{seconds / size:.0f} {unit}"
    return f"{max(1.0, seconds):.0f} s"


# What is out


def _why_not_ended(task: Task, leases: Leases, known: dict[str, Worker], now: float) -> str:
    names = sorted({live.lease.worker for live in leases.of_task(task.id)})
    away = [known[name] for name in names if _is_away(known[name])]
    waited = f"; {_names(away)} {_state(away)}, and waited for {_wait(away, leases, now)} at most" if away else ""
    return f"It waits for {', '.join(names)} to end its chunks{waited}."


def _why_nothing_comes(task: Task, leases: Leases, known: dict[str, Worker], now: float) -> str:
    """All that is not done is out, or not here yet."""
    holders = [known[name] for name in sorted({live.lease.worker for live in leases.of_task(task.id)})]
    if holders and all(map(_is_away, holders)):
        wait = _wait(holders, leases, now)
        return f"What is not done is with {_names(holders)}, which {_state(holders)}: it goes to others in {wait} if nothing is heard till then."
    if not holders and not task.items.final:
        return "All items that have come are done; whoever sends them has not said that there are no more."
    return ""


def _is_away(worker: Worker) -> bool:
    return worker.silent or not worker.connected


def _wait(workers: list[Worker], leases: Leases, now: float) -> str:
    return span(max(leases.ends_at(worker.name) for worker in workers) - now)


# What waits


def _why_not_granted(contender: Task | MainProgram, workers: list[Worker], now: float) -> str:
    if not workers:
        return "No worker is connected."
    able = [worker for worker in workers if worker.suits(contender.demand)]
    if not able:
        return _why_nobody(contender, workers)
    takers = [worker for worker in able if worker.open]
    if now < contender.resume_at:
        wait = span(contender.resume_at - now)
        return f"It ran when the server was restarted, and waits for its workers to return, for {wait} at most."
    if not takers:
        return f"{_names(able)} could run it, but {_state(able)}."
    if contender.full:
        return f"It has as many slots at a time as it asked for: {contender.slots}."
    seated = isinstance(contender, MainProgram)
    lenders = [worker for worker in takers if (worker.seat_count if seated else worker.slot_count)]
    willing = [worker for worker in lenders if contender.next_run(worker.name, now) is not None]
    if lenders and not willing:
        return _why_later(contender, lenders, now)
    return _why_no_seat(willing or takers) if seated else _why_busy(contender, willing or takers)


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
        elif worker.aside is not None:
            reasons.add(f"set aside until tests of {'itself' if len(workers) == 1 else 'themselves'} go well ({worker.aside})")
        else:
            reasons.add("draining" if worker.offer.draining else "paused")
    return ("is " if len(workers) == 1 else "are ") + " or ".join(sorted(reasons))


def _why_later(contender: Task | MainProgram, workers: list[Worker], now: float) -> str:
    """It was tried on all of them, and is left alone there for a while."""
    by_reason: dict[str, list[Worker]] = {}
    for worker in workers:
        refusal = contender.refusals.get(worker.name)
        if refusal is not None and now < refusal.until:
            by_reason.setdefault(refusal.reason or "no reason given", []).append(worker)
    again = {worker.name: contender.again_at(worker.name, now) for worker in workers}
    soonest = min(again, key=lambda name: (again[name], name))
    where = f" on {soonest}" if len(workers) > 1 else ""
    if not by_reason:
        return f"What waits went wrong on {_names(workers)} and is left for another worker for {span(again[soonest] - now)}."
    groups = list(by_reason.items())
    more = f"; {len(groups) - 3} more reasons" if len(groups) > 3 else ""
    troubles = "; ".join(f"{_names(group)} could not run it ({reason})" for reason, group in groups[:3])
    return f"{troubles}{more}; it is tried again{where} in {span(again[soonest] - now)}."


def _why_busy(task: Task, workers: list[Worker]) -> str:
    slots = [slot for worker in workers for slot in worker.slots if slot.open]
    if not slots:
        is_broken = any(slot.state is SlotState.BROKEN for worker in workers for slot in worker.slots[: worker.slot_count])
        lends = "lends" if len(workers) == 1 else "lend"
        trouble = "no slot there works: each could not run several tasks in a row" if is_broken else f"{lends} no slots"
        return f"{_names(workers)} could run it, but {trouble}."
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
