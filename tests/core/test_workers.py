"""Slots with their queues, workers with their offers, the pool of all of them."""

import pytest

from marx.core.errors import IllegalTransition
from marx.core.leases import Leases, LiveLease
from marx.core.model import Interpreter, Policy
from marx.core.placing import Demand
from marx.core.states import SlotState, SlotStep
from marx.core.tasks import Task
from marx.core.workers import Pool, Slot, Worker
from tests.core.builders import offer, terms

ANYTHING = Demand.of(terms())
OLD_PYTHON = Demand.of(terms(python="2.7"))


def worker(slots: int = 1, name: str = "alpha", **more: object) -> Worker:
    lent = Worker(offer(name, slots, **more))
    lent.lend(lent.offer, most=100)
    return lent


def chunk(slot: Slot, estimate: float = 1.0) -> LiveLease:
    """A chunk of some task for this slot, not queued yet."""
    task = Task(terms(), Policy(), 0.0)
    task.portion(0).extend(10, final=True)
    part = task.portion(0).cut((0, 10), 5)
    lease = Leases(1, 60, 10).make(task, task.portion(0), part, slot.worker.name, slot.index, 0.0)
    return LiveLease(lease, task, task.portion(0), [part], estimate)


def queued(slot: Slot, *estimates: float) -> list[LiveLease]:
    chunks = [chunk(slot, estimate) for estimate in estimates]
    for one in chunks:
        slot.push(one)
    return chunks


# -- slots


def test_the_first_chunk_of_an_idle_slot_runs_and_the_others_wait():
    [slot] = worker().slots
    first, second = queued(slot, 1.0, 0.25)
    assert (slot.state, slot.queued, slot.ahead_seconds) == (SlotState.STARTING, 1, 0.25)
    assert first.begun and not second.begun


def test_what_is_heard_makes_a_slot_busy_and_the_last_end_makes_it_idle():
    [slot] = worker().slots
    first, second = queued(slot, 1.0, 0.25)
    slot.heard()
    slot.heard()
    assert slot.state is SlotState.BUSY
    slot.pull(first)
    assert (slot.state, slot.queued, slot.ahead_seconds, second.begun) == (SlotState.BUSY, 0, 0.0, True)
    slot.pull(second)
    assert slot.state is SlotState.IDLE


def test_a_chunk_can_be_taken_out_of_the_middle_of_a_queue():
    [slot] = worker().slots
    first, second, third = queued(slot, 1.0, 0.25, 0.5)
    slot.pull(second)
    assert list(slot.queue) == [first, third]
    assert (slot.ahead_seconds, third.begun) == (0.5, False)


def test_a_slot_whose_chunk_was_revoked_is_stopping_until_it_ends():
    [slot] = worker().slots
    first, second = queued(slot, 1.0, 1.0)
    slot.stop()
    slot.stop()
    assert slot.state is SlotState.STOPPING
    slot.heard()
    assert slot.state is SlotState.STOPPING
    slot.pull(first)
    assert slot.state is SlotState.BUSY
    slot.stop()
    slot.pull(second)
    assert slot.state is SlotState.IDLE


def test_three_different_tasks_can_tell_that_a_slot_is_broken():
    [slot] = worker().slots
    for task in ("a", "a", "a", "b"):
        slot.refuse(task)
        assert slot.open
    slot.refuse("c")
    assert (slot.state, slot.open) == (SlotState.BROKEN, False)
    slot.mend()
    assert (slot.state, slot.open) == (SlotState.IDLE, True)


def test_something_that_worked_clears_a_slot_of_suspicion():
    [slot] = worker().slots
    slot.refuse("a")
    slot.refuse("b")
    slot.heard()
    slot.refuse("c")
    assert slot.open


def test_a_slot_with_something_queued_is_not_broken_yet():
    [slot] = worker().slots
    queued(slot, 1.0)
    for task in "abc":
        slot.refuse(task)
    assert slot.state is SlotState.STARTING


def test_a_slot_takes_no_step_that_its_state_does_not_have():
    [slot] = worker().slots
    with pytest.raises(IllegalTransition):
        slot.step(SlotStep.HEAR)
    assert slot.state is SlotState.IDLE


# -- workers


@pytest.mark.parametrize("closed", [{"paused": True}, {"draining": True}])
def test_a_paused_or_draining_worker_is_not_open(closed):
    assert not worker(**closed).open


def test_a_worker_that_is_cut_off_or_silent_is_not_open():
    lent = worker()
    assert lent.open
    lent.silent = True
    assert not lent.open
    lent.silent, lent.connected = False, False
    assert not lent.open
    assert not lent.slots[0].open


def test_slots_beyond_a_smaller_offer_are_closed_and_open_again_with_a_larger():
    lent = worker(3)
    lent.lend(offer(slots=1), most=100)
    assert [slot.open for slot in lent.slots] == [True, False, False]
    lent.lend(offer(slots=2), most=100)
    assert [slot.open for slot in lent.slots] == [True, True, False]
    lent.lend(offer(slots=9), most=4)
    assert [slot.index for slot in lent.slots if slot.open] == [0, 1, 2, 3]


def test_what_a_worker_can_run_changes_with_its_offer():
    lent = worker()
    assert lent.suits(OLD_PYTHON)
    lent.lend(offer(interpreters=(Interpreter("3.11.7", "/usr/bin/python3"),)), most=100)
    assert not lent.suits(OLD_PYTHON)
    assert lent.suits(ANYTHING)


def test_a_held_chunk_gets_the_slot_it_names_or_the_one_with_the_shortest_queue():
    lent = worker(3)
    queued(lent.slots[0], 1.0)
    assert lent.slot_for(2) is lent.slots[2]
    for nonsense in (None, 3, -1, "1"):
        assert lent.slot_for(nonsense) is lent.slots[1]
    assert worker(0).slot_for(None).index == 0


# -- the pool


@pytest.fixture
def pool() -> Pool:
    pool = Pool()
    for lent in (worker(2, "alpha"), worker(1, "beta", interpreters=())):
        pool.add(lent)
        pool.changed(lent)
    return pool


def test_the_pool_knows_idle_slots_and_slots_with_a_queue(pool):
    first, second = pool.workers["alpha"].slots
    queued(first, 1.0)
    queued(second, 1.0, 1.0)
    for slot in (first, second):
        pool.review(slot)
    assert list(pool.idle) == pool.workers["beta"].slots
    assert list(pool.queued) == [second]


def test_it_counts_the_slots_that_could_run_a_task(pool):
    assert pool.slots_for(ANYTHING) == 2
    pool.workers["alpha"].silent = True
    pool.changed(pool.workers["alpha"])
    assert pool.slots_for(ANYTHING) == 0


def test_it_knows_whether_there_is_another_worker(pool):
    assert not pool.others_for(ANYTHING, "alpha")
    assert pool.others_for(ANYTHING, "beta")


def test_idle_slots_are_offered_so_that_work_spreads(pool):
    gamma = worker(4, "gamma")
    pool.add(gamma)
    pool.changed(gamma)
    order = [(slot.worker.name, slot.index) for slot in pool.idle_for(pool.idle, lambda lent: lent.suits(ANYTHING))]
    assert order == [("alpha", 0), ("gamma", 0), ("gamma", 1), ("alpha", 1), ("gamma", 2), ("gamma", 3)]


def test_a_worker_that_is_gone_leaves_nothing_behind(pool):
    alpha = pool.workers["alpha"]
    pool.remove(alpha)
    assert list(pool.workers) == ["beta"]
    assert all(slot.worker is not alpha for slot in pool.idle)
    assert pool.slots_for(ANYTHING) == 0
