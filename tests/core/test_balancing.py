"""Chunks at work give back what they have not begun while slots are idle, and nothing of it is lost or run twice for that."""

from __future__ import annotations

import pytest

from marx.core.actions import Shorten
from marx.core.events import HoldAsked, RestReturned, WorkerCut, WorkerLeft
from marx.core.model import Lease, Policy, TaskTerms
from tests.core.builders import Desk, of
from tests.core.house import House
from tests.core.simulation import simulate




def asked(desk: Desk) -> list[tuple[int, int]]:
    """By fence, from which item on something was wanted back."""
    return [(shorten.fence, shorten.stop) for shorten in of(Shorten, desk.actions)]


def give_back(desk: Desk, lease: Lease, stop: int, **changes: object) -> str:
    return desk.verdict(RestReturned(lease.worker, lease.fence, lease.task, stop), **changes)


def last_of(count: int, seconds: float) -> tuple[Desk, Lease]:
    """A chunk of so many items at work, the last of its task, where others took that long each."""
    desk = Desk(Policy(ahead_chunks=0, lease_seconds=1e6, copy_times=0.0, least_seconds=count * seconds))
    desk.submit(count + 1)
    desk.join("alpha")
    desk.run(desk.leases[0], seconds=seconds)
    [lease] = desk.leases
    assert lease.count == count
    return desk, lease


def test_half_of_what_is_behind_the_item_at_work_is_wanted_back_for_an_idle_slot():
    desk, lease = last_of(20, 0.02)
    desk.report(lease, count=3, seconds=0.06, after=0.06)
    assert asked(desk) == [], "nobody is idle"
    desk.join("beta")
    assert asked(desk) == [(lease.fence, 3 + lease.first + 1 + 8)]
    assert give_back(desk, lease, lease.first + 12) == "accepted"
    [granted] = desk.granted()
    assert (granted.worker, granted.first, granted.attempt) == ("beta", lease.first + 12, 1)
    assert desk.scheduler.is_alone(granted)


def test_all_of_it_is_wanted_when_the_item_at_work_takes_long():
    desk, lease = last_of(20, 0.02)
    desk.join("beta")
    give_back(desk, lease, lease.first + 10)
    desk.run(desk.leases[-1], seconds=0.2)
    assert asked(desk) == [(lease.fence, lease.first + 1)]


def test_a_few_quick_items_are_left_where_they_are_until_their_chunk_does_not_get_on():
    desk, lease = last_of(4, 0.001)
    desk.join("beta")
    assert asked(desk) == []
    desk.tick(0.05)
    assert asked(desk) == []
    desk.tick(0.06)
    assert asked(desk) == [(lease.fence, lease.first + 1)]


def test_the_scheduler_asks_to_be_woken_when_a_chunk_will_not_have_got_on():
    desk, _ = last_of(4, 0.001)
    desk.join("beta")
    assert desk.scheduler._balancing.next() == pytest.approx(desk.now + 0.1)


def test_nobody_is_asked_twice_before_there_was_time_to_answer():
    desk, lease = last_of(20, 0.02)
    desk.join("beta")
    for _ in range(40):
        desk.tick(0.1)
        assert asked(desk) == []
    desk.tick(1.0)
    assert asked(desk) == [(lease.fence, lease.first + 1)]


@pytest.mark.parametrize("more", [{"chunk_items": 4}, {"max_slots": 1}])
def test_what_the_task_asked_for_is_kept(more):
    desk = Desk(Policy(ahead_chunks=0, copy_times=0.0, least_seconds=1.0))
    desk.submit(5, **more)
    desk.join("alpha")
    desk.run(desk.leases[0], seconds=0.1)
    desk.join("beta")
    for _ in range(10):
        desk.tick(1)
        assert asked(desk) == []


def test_a_held_task_and_a_worker_that_is_cut_off_are_not_asked():
    for event in (HoldAsked("task", "ada"), WorkerCut("alpha")):
        desk, _ = last_of(20, 0.02)
        desk.do(event)
        desk.join("beta")
        desk.tick(1)
        assert asked(desk) == []


def test_what_is_given_back_is_counted_and_the_rest_ends_as_any_chunk():
    desk, lease = last_of(20, 0.02)
    assert give_back(desk, lease, lease.first + 5) == "accepted"
    assert give_back(desk, lease, lease.first + 5) == "known"
    again = desk.counts()
    assert again == (15, 5, 1)
    desk.report(lease, count=5)
    desk.end(lease)
    assert desk.counts()[2] == 6
    assert give_back(desk, lease, lease.first + 2) == "known"


@pytest.mark.parametrize("stop", [-1, 0, 10**6])
def test_nonsense_gives_nothing_back(stop):
    desk, lease = last_of(20, 0.02)
    assert give_back(desk, lease, stop) == "known"
    assert give_back(desk, lease, lease.first + 3, worker="mallory") == "not yours"
    assert give_back(desk, lease, lease.first + 3, fence=77) == "not yours"
    assert desk.counts() == (0, 20, 1)


def test_what_is_given_back_after_the_lease_was_lost_changes_nothing():
    desk, lease = last_of(20, 0.02)
    desk.do(WorkerLeft("alpha"))
    assert give_back(desk, lease, lease.first + 5, worker="alpha") == "known"
    assert desk.counts() == (20, 0, 1)


def test_what_is_queued_behind_a_chunk_that_does_not_get_on_is_recalled_however_short_it_is():
    desk = Desk(Policy(copy_times=0.0))
    desk.submit(4, chunk_items=1)
    desk.join("alpha")
    desk.run(desk.leases[0], seconds=0.001)
    queued = desk.leases[1:]
    desk.join("beta")
    while desk.leases[-1].worker == "beta":
        desk.run(desk.leases[-1], seconds=0.001)
    desk.tick(0.2)
    assert queued and {revoke.fence for revoke in desk.revoked()} <= {lease.fence for lease in queued}


def test_the_house_in_which_everything_happens_shortens_chunks():
    house = House()
    house.open_house()
    house.submit(TaskTerms(id="", user="ada"), 300, True)
    for name in ("alpha", "beta", "gamma", "gamma"):
        house.work(name, 9, 0, 0)
    for _ in range(8):
        house.lag("gamma", 0)
    assert any("given back" in line for line in house.scheduler.story("task-1"))
    house.teardown()


# -- whole maps


@pytest.mark.parametrize("longest_last", [False, True])
def test_items_that_differ_a_thousandfold_are_balanced(longest_last):
    """Between a tenth of a millisecond and several seconds, drawn by a small generator of our own."""
    times, state = [], 12345
    for _ in range(2000):
        state = (1103515245 * state + 12345) % (1 << 31)
        times.append(0.004 / (0.0005 + state / (1 << 31)))
    times.sort() if longest_last else None
    assert max(times) > 1000 * sorted(times)[200]
    simulation, efficiency = simulate(len(times), 4, 4, lambda item: times[item])
    assert efficiency >= 1 / 1.7
    assert sum(simulation.sizes) == len(times) + simulation.given_back, "nothing was run twice"


def test_one_item_in_two_hundred_that_takes_a_thousand_times_as_long_keeps_nobody_waiting():
    simulation, efficiency = simulate(3000, 4, 4, lambda item: 5.0 if item % 200 == 77 else 0.005)
    assert efficiency >= 0.8
