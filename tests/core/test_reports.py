"""Results that come in: early, late, twice, from the wrong one."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marx.core.actions import Answer, SaveAttempt, SaveResults, Tell
from marx.core.events import ItemsAdded, ItemsReported, WorkerCut, WorkerLeft
from marx.core.model import Held, Lease
from tests.core.builders import EPOCH, NOTHING_AHEAD, Desk, fence, held, of


@pytest.fixture
def desk() -> Desk:
    """A task of 40 items in chunks of 4; alpha and beta have one each."""
    desk = Desk(NOTHING_AHEAD)
    desk.submit(40, chunk_items=4)
    desk.join("alpha")
    desk.join("beta")
    return desk


@pytest.fixture
def late() -> tuple[Desk, Lease, Lease]:
    """A task of 4 items, the lease of alpha, which fell silent, and that of beta, which has them now."""
    desk = Desk()
    desk.submit(4, chunk_items=4, final=False)
    desk.join("alpha")
    desk.join("beta")
    desk.do(WorkerCut("alpha"))
    desk.tick(61)
    return desk, *desk.leases


def test_results_are_saved_then_answered_then_told(desk):
    lease = desk.leases[0]
    report = ItemsReported("alpha", lease.fence, "task", 0, 0, 4, (2,), 0.1, "receipt", "pack")
    saved, *_, answered, told = desk.do(report)
    assert saved == SaveResults("task", 0, ((0, 4),), (2,), "alpha", 1, "pack")
    assert answered == Answer("alpha", "receipt", "accepted")
    assert told == Tell("task")
    assert desk.counts() == (32, 4, 4)


def test_a_chunk_may_be_reported_in_parts_and_in_any_order(desk):
    lease = desk.leases[0]
    assert desk.report(lease, first=2, count=2) == "accepted"
    assert desk.report(lease, first=0, count=2) == "accepted"
    assert desk.report(lease, first=0, count=4) == "known"
    assert desk.counts()[2] == 4


def test_a_report_said_twice_is_known_the_second_time_and_not_saved(desk):
    lease = desk.leases[0]
    assert desk.report(lease) == "accepted"
    assert desk.report(lease) == "known"
    assert of(SaveResults, desk.actions) == []
    desk.end(lease)
    assert desk.report(lease) == "known"


def test_of_a_report_that_overlaps_only_the_new_is_accepted(desk):
    lease = desk.leases[0]
    desk.report(lease, first=1, count=1)
    desk.report(lease, failed=(1, 3))
    [saved] = of(SaveResults, desk.actions)
    assert (saved.accepted, saved.failed) == (((0, 1), (2, 4)), (3,))


def test_items_outside_the_lease_are_not_yours(desk):
    lease = desk.leases[0]
    assert desk.report(lease, first=2, count=4) == "not yours"
    assert desk.report(lease, first=30, count=1) == "not yours"
    assert desk.report(lease, portion=1) == "not yours"
    assert desk.counts()[2] == 0


@pytest.mark.parametrize("first, count", [(0, 0), (0, -1), (-1, 2), (39, 2), (0, 2**70), (2**70, 1), (-(2**70), 2**71)])
def test_ranges_that_make_no_sense_are_not_yours(desk, first, count):
    assert desk.report(desk.leases[0], first=first, count=count) == "not yours"
    assert of(SaveResults, desk.actions) == []


def test_another_workers_fence_is_not_yours(desk):
    assert desk.report(desk.leases[0], worker="beta") == "not yours"
    assert desk.report(desk.leases[0], worker="nobody") == "not yours"


@pytest.mark.parametrize("number", [fence(99), fence(1, EPOCH + 1), 0, -5, 2**80])
def test_a_fence_that_was_never_given_is_not_yours(desk, number):
    assert desk.report(desk.leases[0], fence=number, worker="mallory") == "not yours"
    assert desk.report(desk.leases[0], fence=number, worker="alpha") == "not yours"
    assert desk.counts()[2] == 0


def test_an_unknown_task_is_not_yours(desk):
    assert desk.report(desk.leases[0], task="another") == "not yours"


def test_what_is_done_is_known_to_whoever_says_it(desk):
    lease = desk.leases[0]
    desk.report(lease)
    assert desk.report(lease, worker="beta", fence=fence(99)) == "known"


@given(st.integers(), st.integers(), st.integers(), st.integers(), st.lists(st.integers(), max_size=4), st.floats())
def test_no_report_can_break_anything(number, portion, first, count, failed, seconds):
    desk = Desk()
    desk.submit(40, chunk_items=4)
    desk.join("alpha")
    lie = ItemsReported("alpha", number, "task", portion, first, count, tuple(failed), seconds, "receipt")
    assert of(Answer, desk.do(lie))
    honest = ItemsReported("alpha", desk.leases[0].fence, "task", 0, 0, 4, tuple(failed), seconds, "receipt")
    assert of(Answer, desk.do(honest))


def test_failed_indices_outside_the_report_are_ignored(desk):
    desk.report(desk.leases[0], first=0, count=2, failed=(-1, 1, 3, 1, 99))
    [saved] = of(SaveResults, desk.actions)
    assert saved.failed == (1,)


@pytest.mark.parametrize("seconds", [math.nan, math.inf, -1.0, 1e300])
def test_a_worker_that_lies_about_time_cannot_spoil_the_sizes_of_chunks(seconds):
    desk = Desk()
    desk.submit(1000)
    desk.join()
    desk.run(desk.leases[0], seconds=0.01)
    desk.report(desk.leases[0], seconds=seconds, after=0.01)
    desk.end(desk.leases[0])
    assert all(1 < lease.count <= 500 for lease in desk.leases)


# -- failed items that are tried again


@pytest.fixture
def retrying() -> Desk:
    desk = Desk()
    desk.submit(4, chunk_items=4, retries=1)
    desk.join("alpha")
    return desk


def test_a_failed_item_waits_again_as_long_as_it_has_retries(retrying):
    [lease] = retrying.leases
    assert retrying.report(lease, failed=(1,)) == "accepted"
    [saved] = of(SaveResults, retrying.actions)
    [tried] = of(SaveAttempt, retrying.actions)
    assert (saved.accepted, saved.failed) == (((0, 1), (2, 4)), ())
    assert (tried.first, tried.count, tried.outcome, tried.item, tried.attempt) == (1, 1, "failed", 1, 1)
    assert retrying.counts() == (1, 0, 3)
    retrying.end(lease)
    [again] = retrying.leases
    assert (again.first, again.count, again.attempt) == (1, 1, 2)
    retrying.report(again, failed=(1,))
    [saved] = of(SaveResults, retrying.actions)
    assert (saved.accepted, saved.failed, saved.attempt) == (((1, 2),), (1,), 2)
    assert retrying.scheduler.snapshot("task").state == "done"


def test_a_failure_said_twice_counts_once(retrying):
    [lease] = retrying.leases
    assert retrying.report(lease, failed=(1,)) == "accepted"
    assert retrying.report(lease, failed=(1,)) == "known"
    assert of(SaveAttempt, retrying.actions) == []
    assert retrying.counts() == (1, 0, 3)


def test_a_report_of_which_everything_is_tried_again_is_accepted(retrying):
    [lease] = retrying.leases
    assert retrying.report(lease, failed=(0, 1, 2, 3)) == "accepted"
    assert of(SaveResults, retrying.actions) == []
    assert [tried.item for tried in of(SaveAttempt, retrying.actions)] == [0, 1, 2, 3]


# -- late reports


def test_a_late_result_of_a_lost_lease_is_accepted_while_there_is_none(late):
    desk, early, again = late
    assert desk.report(early, first=0, count=2) == "accepted"
    assert desk.report(again) == "accepted"
    [saved] = of(SaveResults, desk.actions)
    assert saved.accepted == ((2, 4),)
    assert desk.report(early) == "known"


def test_a_late_result_may_be_of_items_that_wait(desk):
    early, other = desk.leases
    desk.do(WorkerLeft("alpha"))
    assert desk.counts() == (36, 4, 0)
    assert desk.report(early) == "accepted"
    assert desk.counts() == (32, 4, 4)
    desk.run(other)
    assert 0 not in [lease.first for lease in desk.leases[1:]]


def test_who_works_on_what_somebody_else_has_finished_is_told_to_stop(late):
    desk, early, again = late
    desk.do(ItemsAdded("task", 0, 4, 6, True))
    desk.report(early, first=0, count=3)
    assert desk.revoked() == []
    desk.report(early, first=3, count=1)
    assert [(revoke.worker, revoke.fence, revoke.gently) for revoke in desk.revoked()] == [("beta", again.fence, False)]
    assert desk.report(early) == "known"
    assert desk.revoked() == [], "and once is enough"
    assert desk.end(again, "cancelled") == "accepted"


def test_when_the_last_item_is_done_elsewhere_whoever_works_on_it_is_told_to_stop(late):
    desk, early, again = late
    desk.do(ItemsAdded("task", 0, 4, 0, True))
    desk.report(early)
    assert [revoke.fence for revoke in desk.revoked()] == [again.fence]
    assert desk.scheduler.snapshot("task").state == "done"


def test_a_late_result_outside_the_lost_lease_is_not_yours(late):
    desk, early, _ = late
    assert desk.report(early, first=2, count=3) == "not yours"
    assert desk.report(early, worker="beta") == "not yours"


def test_a_late_failure_counts_once_and_takes_nothing_from_who_has_the_item_now():
    desk = Desk()
    desk.submit(4, chunk_items=4, retries=1)
    desk.join("alpha")
    [early] = desk.leases
    desk.join("beta")
    desk.do(WorkerLeft("alpha"))
    again = desk.granted()[0]
    for verdict in ("accepted", "known"):
        assert desk.report(early, first=0, count=1, failed=(0,)) == verdict
    assert desk.counts() == (0, 4, 0)
    assert desk.report(again) == "accepted"
    assert desk.scheduler.snapshot("task").failed == 0


# -- fences of an earlier server


def test_a_worker_of_an_earlier_server_is_believed_about_undone_items(desk):
    assert desk.report(desk.leases[0], fence=fence(5, EPOCH - 1), first=20, count=4) == "accepted"
    assert desk.report(desk.leases[0], fence=fence(5, EPOCH - 1), first=18, count=4) == "accepted"
    [saved] = of(SaveResults, desk.actions)
    assert saved.accepted == ((18, 20),)


def test_an_earlier_server_is_no_excuse_for_who_may_not_run_the_task():
    desk = Desk()
    desk.submit(10, workers=frozenset({"alpha"}))
    desk.join("alpha")
    desk.join("mallory")
    for speaker in ("mallory", "nobody"):
        assert desk.report(desk.leases[0], worker=speaker, fence=fence(5, EPOCH - 1), first=5, count=1) == "not yours"


def test_who_is_believed_about_results_is_believed_about_output(desk):
    lease = desk.scheduler.lease(fence(5, EPOCH - 1), "alpha", "task", 0)
    assert (lease.worker, lease.task, lease.portion) == ("alpha", "task", 0)
    assert desk.report(desk.leases[0], fence=fence(5, EPOCH - 1), first=20, count=4) == "accepted"
    for stranger in ((fence(5, EPOCH - 1), "nobody", "task", 0), (fence(5, EPOCH - 1), "alpha", "other", 0), (fence(99), "alpha", "task", 0)):
        assert desk.scheduler.lease(*stranger) is None
    assert desk.scheduler.lease(fence(6, EPOCH - 1), "alpha", "task", 7) is None


def test_a_failure_under_an_earlier_servers_fence_counts_once():
    desk = Desk()
    desk.submit(4, retries=1)
    desk.join("alpha")
    early = {"fence": fence(5, EPOCH - 1), "first": 3, "count": 1, "failed": (3,)}
    assert desk.report(desk.leases[0], **early) == "accepted"
    assert desk.report(desk.leases[0], **early) == "known"
    assert desk.counts()[2] == 0


def test_two_who_claim_the_same_earlier_fence_are_both_believed(desk):
    claim = Held(fence(5, EPOCH - 1), "task", 0, 20, 4)
    desk.join("gamma", claim)
    assert desk.report(desk.leases[0], worker="gamma", fence=claim.fence, first=20, count=2) == "accepted"
    assert desk.report(desk.leases[0], worker="alpha", fence=claim.fence, first=22, count=2) == "accepted"


def test_a_returning_worker_may_report_what_it_still_had(desk):
    lease = desk.leases[0]
    desk.do(WorkerCut("alpha"))
    desk.join("alpha", held(lease))
    assert desk.report(lease) == "accepted"
