"""Everything that must hold between events, asserted. Slow; for tests and for the operator's shell."""

from __future__ import annotations

from marx.core.leases import Leases, LiveLease
from marx.core.portions import Portion, Totals
from marx.core.ranges import RangeSet
from marx.core.states import PortionState, SlotState, TaskState
from marx.core.tasks import Task
from marx.core.turns import Contender, Turns
from marx.core.workers import Pool, Slot


def check(tasks: dict[str, Task], pool: Pool, leases: Leases, turns: Turns, seat_turns: Turns) -> None:
    """Raises AssertionError, saying what is wrong, if any invariant is broken."""
    for task in tasks.values():
        check_task(task, leases.of_task(task.id))
        _check_turn(task, turns)
        if task.main is not None:
            _check_turn(task.main, seat_turns)
            _check_main(task, leases)
    queued = 0
    for worker in pool.workers.values():
        for room in worker.rooms:
            _check_slot(room, pool, leases)
            queued += len(room.queue)
    assert queued == len(leases), f"{queued} leases are queued, {len(leases)} are live"


def check_task(task: Task, leases: list[LiveLease]) -> None:
    """Each item is exactly one of waiting, leased (to two at most, which know of each other) and done; the state says what the items say."""
    for portion in task.portions():
        own = [live for live in leases if live.lease.portion == portion.number]
        _check_portion(task, portion, own)
    if not task.ended:
        _check_totals(task.items.totals, list(task.items), task.id)
    assert task.recalled == sum(live.recalled for live in leases), f"{task.id}: recalled"
    if task.state is TaskState.DONE:
        assert task.complete, f"{task.id} is done with items missing"
    if task.open:
        assert not task.complete, f"{task.id} has all results and is {task.state}"
    if task.state is TaskState.STOPPING:
        assert leases, f"{task.id} is stopping although nothing of it is out"
    if task.state in (TaskState.FAILED, TaskState.CANCELLED, TaskState.QUEUED):
        assert not leases, f"{task.id} is {task.state} with chunks out"
    if task.terms.max_slots is not None and task.slots > task.terms.max_slots:
        assert any(live.task is task for live in leases), f"{task.id} counts slots it has not"


def _check_portion(task: Task, portion: Portion, leases: list[LiveLease]) -> None:
    name = f"{task.id}.{portion.number}"
    seen = RangeSet()
    for live in leases:
        _check_twin(name, live, leases)
        for first, stop in live.sole() if live.twin in leases[: leases.index(live)] else live.unfinished():
            assert not seen.intersect(first, stop), f"{name}: {first}-{stop} leased twice"
            seen.add(first, stop)
    for part in portion.waiting:
        assert not seen.intersect(*part), f"{name}: {part} waits and is leased"
        assert not portion.done.intersect(*part), f"{name}: {part} waits and is done"
    assert len(seen) == portion.leased, f"{name}: {portion.leased} out, {len(seen)} leased"
    for whole in (portion.waiting, portion.done):
        assert all(portion.holds(*part) for part in whole), f"{name}: unknown items in {whole}"
    for part in portion.failed:
        assert portion.done.covers(*part), f"{name}: {part} failed without a result"


def _check_twin(name: str, live: LiveLease, leases: list[LiveLease]) -> None:
    """Who has a twin is its twin's, on another worker, and neither is a main program."""
    twin = live.twin
    if twin is not None:
        assert twin in leases and twin.twin is live and live.copied, f"{name}: {live.lease} has a twin that is not its own"
        assert live.lease.worker != twin.lease.worker, f"{name}: both copies are on {live.lease.worker}"
        assert live.lease.slot >= 0, f"{name}: a main program has a copy"


def _check_totals(totals: Totals, portions: list[Portion], name: str) -> None:
    """The totals are what adding up all portions gives."""
    wanted = [portion for portion in portions if portion.state is PortionState.OPEN]
    unwanted = sum(len(portion.waiting) for portion in portions if portion.state is not PortionState.OPEN)
    ready = RangeSet((portion.number, portion.number + 1) for portion in wanted if portion.waiting)
    assert totals.waiting == sum(len(portion.waiting) for portion in wanted), f"{name}: {totals.waiting} waiting"
    assert totals.known == sum(portion.known for portion in portions) - unwanted, f"{name}: {totals.known} known"
    assert totals.done == sum(len(portion.done) for portion in portions), f"{name}: {totals.done} done"
    assert totals.failed == sum(len(portion.failed) for portion in portions), f"{name}: {totals.failed} failed"
    assert totals.growing == sum(not portion.final for portion in portions), f"{name}: {totals.growing} growing"
    assert totals.ready == ready, f"{name}: ready are {totals.ready}, should be {ready}"
    front = totals.front.number if totals.front is not None else None
    assert front is None or front == list(ready)[0][0], f"{name}: {front} is not the first of {ready}"
    assert not totals.completed, f"{name}: {totals.completed} were not put away"


def _check_main(task: Task, leases: Leases) -> None:
    """A main program has a seat or none, and nobody else has one for its task."""
    main, seated = leases.main(task.id), [live for live in leases.of_task(task.id) if live.lease.slot < 0]
    assert seated == ([main] if main is not None else []), f"{task.id}: {len(seated)} seats, {main} is its main program"
    for live in leases.of_task(task.id):
        assert (live.lease.slot < 0) == (live.lease.portion == 0), f"{task.id}: portion {live.lease.portion} on {live.lease.slot}"


def _check_turn(contender: Contender, turns: Turns) -> None:
    ready = contender.wants
    assert turns.is_ready(contender) == ready, f"{contender.id}: ready is {not ready}, should be {ready}"


def _check_slot(slot: Slot, pool: Pool, leases: Leases) -> None:
    name = f"{'slot' if slot.index >= 0 else 'seat'} {slot.worker.name}/{slot.index}"
    for live in slot.queue:
        assert leases.get(live.lease.fence) is live, f"{name} has a dead lease"
        assert pool.slot_of(live) is slot, f"{name} has a lease of another slot"
    assert slot.index >= 0 or len(slot.queue) <= 1, f"{name} has {len(slot.queue)} programs"
    assert not slot.queue or slot.queue[0].begun, f"{name}: what is in front has not begun"
    holder = slot.queue[-1].contender if slot.queue else None
    assert slot.holder is holder, f"{name} is counted for {slot.holder}"
    idle_states = (SlotState.IDLE, SlotState.BROKEN)
    assert bool(slot.queue) != (slot.state in idle_states), f"{name} is {slot.state}"
    ahead = sum(live.estimate for live in list(slot.queue)[1:])
    assert abs(ahead - slot.ahead_seconds) < 1e-6 * (1 + ahead), f"{name}: seconds queued"
    assert sum(live.weight for live in list(slot.queue)[1:]) == slot.ahead_bytes, f"{name}: bytes queued"
    idle = pool.idle if slot.index >= 0 else pool.free_seats
    assert (slot in idle) == (slot.open and not slot.queue), f"{name}: idle"
    assert (slot in pool.queued) == (len(slot.queue) > 1), f"{name}: queued"
