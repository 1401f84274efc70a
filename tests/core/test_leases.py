"""Fences, expiry and the memory of lost leases."""

from hypothesis import given
from hypothesis import strategies as st

from marx.core.leases import Leases, LiveLease
from marx.core.model import Lease, Policy
from marx.core.states import AttemptState, AttemptStep
from marx.core.tasks import Task
from tests.core.builders import fence, terms


def live(leases: Leases, worker: str = "alpha", now: float = 0.0, number: int | None = None) -> LiveLease:
    """A lease of items 0 to 9, entered in the book."""
    task = Task(terms(), Policy(), now)
    task.portion(0).extend(10, final=True)
    claimed = task.portion(0).claim(0, 10)
    lease = Lease(number or leases.next_fence(), task.id, 0, 0, 10, worker, 0, 1, now, now + 60)
    entered = LiveLease(lease, task, task.portion(0), claimed, 1.0)
    leases.add(entered)
    return entered


def test_fences_grow_and_those_of_a_later_server_are_larger():
    early, late = Leases(3, 60, 10), Leases(4, 60, 10)
    given = [early.next_fence(), early.next_fence(), late.next_fence()]
    assert given == [fence(1, 3), fence(2, 3), fence(1, 4)]


def test_a_fence_tells_who_may_have_given_it():
    leases = Leases(3, 60, 10)
    leases.next_fence()
    assert leases.from_earlier_server(fence(900, 2))
    assert not leases.from_earlier_server(fence(1, 3))
    assert not leases.from_earlier_server(-1)
    assert not leases.from_earlier_server(fence(900, 0)), "no server was the 0th"
    assert leases.was_given(fence(900, 2)) and leases.was_given(fence(1, 3))
    assert not leases.was_given(fence(2, 3)) and not leases.was_given(fence(1, 4))


def test_a_lease_is_found_by_fence_task_and_worker_until_it_is_dropped():
    leases = Leases(1, 60, 10)
    one = live(leases)
    assert leases.get(one.lease.fence) is one
    assert leases.of_task("task") == leases.of_worker("alpha") == [one]
    assert (leases.has_any("task"), leases.held_by("alpha"), len(leases)) == (True, 1, 1)
    leases.drop(one)
    assert leases.get(one.lease.fence) is None
    assert leases.of_task("task") == leases.of_worker("alpha") == []
    assert (leases.has_any("task"), leases.held_by("alpha"), len(leases)) == (False, 0, 0)


def test_leases_end_when_their_worker_was_silent_for_too_long():
    leases = Leases(1, 60, 10)
    live(leases, "alpha", 0.0)
    live(leases, "beta", 10.0)
    assert leases.next_expiry() == 60.0
    assert leases.expired(59.9) == []
    assert leases.expired(60.0) == ["alpha"]
    assert leases.expired(70.0) == ["beta"]
    assert leases.next_expiry() is None


def test_hearing_of_a_worker_renews_all_its_leases():
    leases = Leases(1, 60, 10)
    live(leases, "alpha", 0.0)
    live(leases, "alpha", 5.0)
    leases.heard("alpha", 50.0)
    assert leases.expired(60.0) == []
    assert leases.next_expiry() == 110.0
    assert leases.expired(110.0) == ["alpha"]


def test_a_lease_lasts_its_full_time_from_its_grant():
    leases = Leases(1, 60, 10)
    leases.heard("alpha", 0.0)
    live(leases, "alpha", 50.0)
    assert leases.expired(100.0) == []
    assert leases.expired(110.0) == ["alpha"]


def test_a_worker_without_leases_is_not_watched_and_is_watched_again_with_the_next():
    leases = Leases(1, 60, 10)
    leases.drop(live(leases, "alpha", 0.0))
    assert leases.expired(60.0) == []
    assert leases.next_expiry() is None
    live(leases, "alpha", 70.0)
    assert leases.expired(130.0) == ["alpha"]


@given(st.lists(st.tuples(st.sampled_from("abc"), st.booleans(), st.floats(0.1, 90)), max_size=40))
def test_nobody_expires_early_and_nobody_late(steps):
    leases, now, contact = Leases(1, 60, 10), 0.0, {}
    for worker, heard, passed in steps:
        if heard and worker in contact:
            leases.heard(worker, now)
        else:
            live(leases, worker, now)
        contact[worker] = now
        now += passed
        silent = {name for name, at in contact.items() if at + 60 <= now}
        assert set(leases.expired(now)) == silent
        for name in silent:
            del contact[name]
            for one in leases.of_worker(name):
                leases.drop(one)


def test_the_memory_of_lost_leases_is_bounded_and_forgets_the_oldest():
    leases = Leases(1, 60, 2)
    lost = [live(leases) for _ in range(3)]
    for one in lost:
        leases.drop(one)
        leases.remember(one)
    assert [leases.lost(one.lease.fence) for one in lost] == [None, lost[1], lost[2]]
    leases.add(lost[2])
    assert leases.lost(lost[2].lease.fence) is None


def test_what_a_lease_still_has_to_do_shrinks_with_what_others_finish():
    one = live(Leases(1, 60, 10))
    one.left.remove(0, 2)
    one.portion.accept([(5, 7)])
    assert one.unfinished() == [(2, 5), (7, 10)]


def test_a_lease_names_its_items_and_no_others():
    one = live(Leases(1, 60, 10))
    assert one.names("task", 0, 0, 10) and one.names("task", 0, 3, 3)
    assert not one.names("task", 0, 0, 11)
    assert not one.names("task", 1, 0, 5)
    assert not one.names("other", 0, 0, 5)


def test_a_recall_is_over_when_the_chunk_begins_or_ends():
    leases = Leases(1, 60, 10)
    one, other = live(leases), live(leases)
    for recalled in (one, other):
        recalled.recall()
        assert recalled.task.recalled == 1
    one.begin()
    other.end(AttemptStep.CANCEL)
    assert (one.recalled, one.task.recalled, one.state) == (False, 0, AttemptState.RUNNING)
    assert (other.recalled, other.task.recalled, other.state) == (False, 0, AttemptState.CANCELLED)
