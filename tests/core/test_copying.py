"""Second copies of slow items: when there is one, whose result stands, and what becomes of a copy that fails."""

from __future__ import annotations

import pytest

from marx.core.events import CancelAsked, HoldAsked, WorkerCut, WorkerHeard, WorkerLeft
from marx.core.model import Lease, Policy, TaskTerms
from tests.core.builders import Desk, held
from tests.core.house import House



def policy(**more: object) -> Policy:
    """One chunk at a time on each slot, and workers that may stay silent: what is slow here is not lost."""
    return Policy(**{"ahead_chunks": 0, "lease_seconds": 10_000.0, "copy_least_seconds": 5.0, **more})


def lagging(desk: Desk, count: int = 6, joins: bool = True, **more: object) -> Lease:
    """One worker is at the last item of a task, all others took a second each; another worker is idle."""
    desk.submit(count, **{"chunk_items": 1, **more})
    desk.join("alpha")
    for _ in range(count - 1):
        desk.run(desk.leases[-1], seconds=1.0)
    if joins:
        desk.join("beta")
    return desk.leases[-1]


def copied(desk: Desk, **more: object) -> tuple[Lease, Lease]:
    """The same, and the other worker has a copy of it."""
    slow = lagging(desk, **more)
    desk.tick(5)
    [copy] = desk.granted()
    return slow, copy


@pytest.fixture
def desk() -> Desk:
    return Desk(policy())


# -- when there is a copy


def test_a_slow_item_is_granted_again_on_an_idle_slot_of_another_worker(desk):
    slow = lagging(desk)
    desk.tick(4.9)
    assert desk.granted() == []
    desk.tick(0.1)
    [copy] = desk.granted()
    assert (copy.worker, copy.first, copy.count, copy.is_copy) == ("beta", slow.first, 1, True)
    assert copy.fence > slow.fence and (slow.attempt, copy.attempt) == (1, 2)
    assert desk.counts() == (0, 1, 5)


def test_the_scheduler_asks_to_be_woken_when_something_will_have_become_slow():
    desk = Desk(policy())
    lagging(desk)
    assert desk.scheduler._copying.next() == desk.now + 5


def test_slow_is_what_takes_a_multiple_of_the_mean():
    desk = Desk(policy(copy_times=30.0))
    lagging(desk)
    desk.tick(29)
    assert desk.granted() == []
    desk.tick(1)
    assert len(desk.granted()) == 1


def test_where_hardly_anything_was_measured_nothing_is_slow(desk):
    lagging(desk, count=3)
    desk.tick(1000)
    assert desk.granted() == []


def test_copies_can_be_turned_off():
    desk = Desk(policy(copy_times=0.0))
    lagging(desk)
    desk.tick(1000)
    assert desk.granted() == []


def test_the_worker_that_is_slow_gets_no_copy_of_its_own_item(desk):
    desk.submit(6, chunk_items=1)
    desk.join("alpha", slots=2)
    for _ in range(5):
        desk.run(desk.leases[0], seconds=1.0)
    desk.tick(100)
    assert desk.granted() == []


@pytest.mark.parametrize("more", [{"max_slots": 1}, {"labels": frozenset({("gpu", "yes")})}])
def test_terms_of_the_task_hold_for_copies_too(desk, more):
    desk.submit(6, chunk_items=1, **more)
    desk.join("alpha", labels=frozenset({("gpu", "yes")}))
    for _ in range(5):
        desk.run(desk.leases[-1], seconds=1.0)
    desk.join("beta")
    desk.tick(100)
    assert desk.granted() == []


def test_what_uses_the_network_is_not_run_twice_at_a_time(desk):
    desk.submit(6, chunk_items=1, network=True)
    desk.join("alpha", network=True)
    for _ in range(5):
        desk.run(desk.leases[-1], seconds=1.0)
    desk.join("beta", network=True)
    desk.tick(100)
    assert desk.granted() == []


def test_a_held_task_gets_no_copies(desk):
    lagging(desk)
    desk.do(HoldAsked("task", "ada"))
    desk.tick(100)
    assert desk.granted() == []


def test_what_waits_goes_before_copies(desk):
    lagging(desk)
    desk.submit(1, task="other", chunk_items=1)
    [other] = desk.granted()
    desk.tick(50)
    assert (other.worker, desk.granted()) == ("beta", [])
    desk.run(other)
    assert [copy.is_copy for copy in desk.granted()] == [True]


def test_there_is_one_copy_of_an_item_and_no_second_when_that_is_lost(desk):
    copied(desk)
    desk.join("gamma")
    desk.tick(100)
    assert desk.granted() == []
    desk.do(WorkerLeft("beta"))
    desk.tick(100)
    assert desk.granted() == [] and desk.counts() == (0, 1, 5)


def test_copies_hold_no_more_than_their_share_of_the_slots():
    desk = Desk(policy(copy_share=0.5))
    desk.submit(9, chunk_items=1)
    desk.join("alpha", slots=4)
    for _ in range(5):
        desk.run(desk.leases[0], seconds=1.0)
    desk.join("beta", slots=4)
    desk.tick(20)
    assert len(desk.granted()) == 4
    desk = Desk(policy(copy_share=0.25))
    desk.submit(9, chunk_items=1)
    desk.join("alpha", slots=4)
    for _ in range(5):
        desk.run(desk.leases[0], seconds=1.0)
    desk.join("beta", slots=4)
    desk.tick(20)
    assert len(desk.granted()) == 2


def test_a_main_program_is_never_copied():
    desk = Desk(policy())
    desk.submit_program()
    desk.join("alpha", slots=1, seats=1)
    desk.join("beta", slots=1, seats=1)
    desk.tick(1000)
    assert [lease.is_copy for lease in desk.leases] == [False]


def test_a_worker_that_was_cut_off_has_its_item_copied_before_its_lease_ends(desk):
    lagging(desk)
    desk.do(WorkerCut("alpha"))
    desk.tick(5)
    assert len(desk.granted()) == 1


def test_what_a_worker_does_not_give_back_when_asked_is_copied_too():
    desk = Desk(policy(ahead_chunks=4))
    desk.submit(40, chunk_items=10)
    desk.join("alpha")
    desk.report(desk.leases[0], seconds=0.01, after=0.01)
    waiting = [lease for lease in desk.leases[1:]]
    desk.end(desk.leases[0])
    desk.join("beta")
    desk.run(desk.leases[-1])
    assert len(waiting) == 2
    desk.tick(5)
    copies = desk.granted()
    for _ in range(4):
        for copy in desk.granted():
            desk.report(copy)
            desk.end(copy)
            copies += desk.granted()
    assert {copy.first for copy in copies} == {lease.first for lease in waiting}
    assert desk.scheduler.snapshot("task").state == "done"


# -- whose result stands


@pytest.mark.parametrize("winner", [0, 1])
def test_the_first_result_stands_and_the_other_copy_is_revoked(desk, winner):
    pair = copied(desk, final=False)
    first, second = pair[winner], pair[1 - winner]
    assert desk.report(first) == "accepted"
    assert [revoke.fence for revoke in desk.revoked()] == [second.fence]
    assert desk.report(second) == "known"
    assert desk.end(second, "cancelled") == desk.end(first) == "accepted"
    assert desk.counts() == (0, 0, 6)


def test_what_one_copy_made_of_an_item_is_too_late_once_the_other_has_reported_it(desk):
    slow, copy = copied(desk, final=False)
    scheduler = desk.scheduler
    assert not scheduler.done_elsewhere(slow, slow.first) and not scheduler.done_elsewhere(copy, slow.first)
    desk.report(copy)
    assert scheduler.done_elsewhere(slow, slow.first) and not scheduler.done_elsewhere(copy, slow.first)


def test_neither_of_two_copies_is_alone(desk):
    slow, copy = copied(desk)
    assert not desk.scheduler.is_alone(slow) and not desk.scheduler.is_alone(copy)


def test_a_chunk_of_several_items_is_copied_from_the_one_at_work_on(desk):
    desk.submit(8, chunk_items=4)
    desk.join("alpha")
    desk.run(desk.leases[-1], seconds=4.0)
    slow = desk.leases[-1]
    desk.report(slow, count=1, seconds=1.0)
    desk.join("beta")
    desk.tick(5)
    [copy] = desk.granted()
    assert (copy.first, copy.count) == (5, 3)
    desk.report(copy, count=1)
    assert desk.counts() == (0, 2, 6) and desk.revoked() == []
    desk.report(slow, first=5, count=2)
    assert desk.counts() == (0, 1, 7) and desk.revoked() == []
    desk.report(copy, first=6, count=2)
    assert {revoke.fence for revoke in desk.revoked()} == {slow.fence}


# -- what fails


@pytest.mark.parametrize("loser", [0, 1])
@pytest.mark.parametrize("outcome", ["died", "refused", "cancelled", "succeeded"])
def test_a_copy_that_ends_badly_costs_the_item_nothing_while_the_other_is_at_work(desk, loser, outcome):
    pair = copied(desk, retries=0)
    desk.end(pair[loser], outcome, item=pair[loser].first, fatal=True)
    assert desk.counts() == (0, 1, 5)
    assert desk.report(pair[1 - loser]) == "accepted"
    assert desk.scheduler.snapshot("task").state == "done" and desk.scheduler.snapshot("task").failed == 0


def test_when_both_have_died_the_item_has_failed_once(desk):
    for retries, state in ((0, (0, 0, 6)), (1, (0, 1, 5))):
        desk = Desk(policy())
        slow, copy = copied(desk, retries=retries, final=False)
        desk.end(slow, "died", item=slow.first)
        desk.end(copy, "died", item=slow.first)
        desk.tick(5)
        assert desk.counts() == state, retries


@pytest.mark.parametrize("retries, state", [(0, (0, 0, 6)), (1, (0, 1, 5))])
def test_an_exception_of_one_copy_is_left_to_the_other_and_counts_once(desk, retries, state):
    slow, copy = copied(desk, retries=retries, final=False)
    assert desk.report(copy, failed=(copy.first,)) == "known"
    assert desk.counts() == (0, 1, 5)
    desk.end(copy)
    assert desk.report(slow, failed=(slow.first,)) == "accepted"
    desk.end(slow)
    assert desk.counts() == state


def test_a_lost_worker_leaves_its_item_to_the_copy():
    desk = Desk(policy(lease_seconds=60.0))
    slow, copy = copied(desk)
    desk.do(WorkerHeard("beta"), after=50)
    desk.tick(11)
    assert desk.counts() == (0, 1, 5)
    desk.join("alpha", held(slow))
    assert desk.report(slow) == "accepted"
    assert [revoke.fence for revoke in desk.revoked()] == [copy.fence]


def test_cancelling_revokes_both(desk):
    slow, copy = copied(desk)
    desk.do(CancelAsked("task", "ada"))
    assert {revoke.fence for revoke in desk.revoked()} == {slow.fence, copy.fence}


def test_the_house_in_which_everything_happens_makes_copies():
    house = House()
    house.open_house()
    house.submit(TaskTerms(id="", user="ada", chunk_items=1), 20, True)
    house.lag("alpha", 0)
    house.lag("alpha", 0)
    assert any(lease.is_copy for lease in house.leases)
    house.teardown()
