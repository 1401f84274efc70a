"""Portions of which nothing more is granted: dropped by their program, or refused where they ran."""

import pytest

from marx.core.actions import RefusePortion, SaveAttempt, SaveItems, SavePortionEnd, Tell
from marx.core.events import ChunkEnded, WorkerChanged, WorkerLeft
from marx.core.model import Lease, PortionCounts
from tests.core.builders import NOTHING_AHEAD, Desk, held, of, offer


@pytest.fixture
def desk() -> Desk:
    """A program that runs on alpha, which has a slot too."""
    desk = Desk(NOTHING_AHEAD)
    desk.submit_program(chunk_items=2)
    desk.join("alpha", seats=1)
    return desk


def chunks(desk: Desk) -> list[tuple[int, int, int, str]]:
    """Chunks that are out: portion, first, count, worker."""
    return [(one.portion, one.first, one.count, one.worker) for one in desk.leases if one.slot >= 0]


def slot_lease(desk: Desk) -> Lease:
    return next(lease for lease in desk.leases if lease.slot >= 0)


# -- dropped


def test_of_a_dropped_portion_nothing_more_is_granted_and_what_is_out_is_stopped(desk):
    desk.open(1, 10, True)
    desk.open(2, 2, True)
    chunk = slot_lease(desk)
    assert desk.drop(1) == "accepted"
    assert of(SavePortionEnd, desk.actions) == [SavePortionEnd("task", 1, "dropped")]
    assert desk.actions[-1] == Tell("task")
    assert [(revoke.fence, revoke.gently) for revoke in desk.revoked()] == [(chunk.fence, False)]
    desk.end(chunk, "cancelled")
    assert chunks(desk) == [(2, 0, 2, "alpha")]
    assert desk.drop(1) == "known"


def test_items_that_nobody_wants_are_not_counted_unless_they_come_after_all(desk):
    desk.open(1, 10, True)
    chunk = slot_lease(desk)
    desk.report(chunk, count=1)
    desk.drop(1)
    counts = desk.scheduler.snapshot("task")
    assert (counts.total, counts.waiting, counts.leased, counts.done) == (2, 0, 1, 1)
    assert desk.report(chunk, first=1, count=1) == "accepted"
    desk.end(chunk)
    counts = desk.scheduler.snapshot("task")
    assert (counts.total, counts.waiting, counts.leased, counts.done) == (2, 0, 0, 2)
    assert desk.scheduler.portions("task") == [PortionCounts(1, 10, True, 2, 0)]
    assert desk.scheduler.why("task") == ""


def test_items_that_come_for_a_dropped_portion_are_stored_and_never_granted(desk):
    desk.open(1)
    desk.drop(1)
    assert desk.add(1, 4, True) == "accepted"
    assert len(of(SaveItems, desk.actions)) == 1
    assert chunks(desk) == []
    assert desk.scheduler.snapshot("task").total == 0


def test_a_portion_that_is_complete_can_be_dropped_too_since_a_later_attempt_must_know(desk):
    desk.open(1, 2, True)
    desk.run(slot_lease(desk))
    assert desk.drop(1) == "accepted"
    assert of(SavePortionEnd, desk.actions) == [SavePortionEnd("task", 1, "dropped")]
    assert desk.drop(1) == "known"
    assert desk.drop(7) == "refused"


def test_a_worker_that_comes_back_with_a_chunk_of_a_dropped_portion_is_asked_to_end_it(desk):
    desk.join("beta")
    desk.open(1, 4, True)
    chunk = next(lease for lease in desk.leases if lease.slot >= 0 and lease.worker == "beta")
    desk.do(WorkerLeft("beta"))
    desk.drop(1)
    desk.join("beta", held(chunk))
    assert [(revoke.worker, revoke.reason) for revoke in desk.revoked()] == [
        ("beta", "its program wants nothing more of that portion")
    ]


# -- refused


def refuse(desk: Desk, **more: object) -> str:
    return desk.end(slot_lease(desk), "refused", **{"fatal": True, "reason": "no module named secret", **more})


def test_a_portion_that_no_worker_can_load_is_given_back_to_its_program(desk):
    desk.join("beta")
    desk.open(1, 6, True)
    desk.open(2, 2, True)
    one, two = [lease for lease in desk.leases if lease.slot >= 0]
    assert refuse(desk) == "accepted"
    assert of(RefusePortion, desk.actions) == [RefusePortion("task", 1, "no module named secret")]
    assert [revoke.fence for revoke in desk.revoked()] == [two.fence]
    assert [(saved.portion, saved.outcome) for saved in of(SaveAttempt, desk.actions)] == [(1, "refused")]
    assert [(lease.portion, lease.worker) for lease in desk.granted()] == [(2, "alpha")]
    assert desk.scheduler.refusals("task") == {1: "no module named secret"}
    assert desk.scheduler.snapshot("task").state == "running"


def test_results_of_a_refused_portion_still_count_and_it_is_refused_once(desk):
    desk.join("beta")
    desk.open(1, 8, True)
    one, two = [lease for lease in desk.leases if lease.slot >= 0]
    refuse(desk)
    assert desk.report(two) == "accepted"
    assert desk.end(two, "refused", fatal=True, reason="again") == "accepted"
    assert of(RefusePortion, desk.actions) == []
    assert desk.scheduler.refusals("task") == {1: "no module named secret"}
    counts = desk.scheduler.snapshot("task")
    assert (counts.total, counts.waiting, counts.leased, counts.done) == (2, 0, 0, 2)


def test_a_portion_that_is_complete_is_not_refused_any_more(desk):
    desk.join("beta")
    desk.open(1, 4, True)
    lost = next(lease for lease in desk.leases if lease.slot >= 0 and lease.worker == "beta")
    desk.leases.remove(lost)
    desk.do(WorkerLeft("beta"))
    desk.run(slot_lease(desk))
    desk.tick(5)
    assert desk.report(lost) == "accepted"
    refuse(desk)
    assert of(RefusePortion, desk.actions) == []
    assert desk.scheduler.refusals("task") == {}


def test_a_refused_portion_that_is_dropped_is_no_refusal_any_more(desk):
    desk.open(1, 8, True)
    refuse(desk)
    assert desk.drop(1) == "accepted"
    assert desk.scheduler.refusals("task") == {}


def test_refusals_outlive_the_attempt_of_the_program(desk):
    desk.open(1, 8, True)
    refuse(desk)
    desk.do(WorkerLeft("alpha"))
    desk.join("beta", seats=1)
    assert desk.scheduler.main_lease("task").worker == "beta"
    assert desk.scheduler.refusals("task") == {1: "no module named secret"}


def test_a_refusal_that_is_not_fatal_leaves_the_portion_to_others_and_pauses(desk):
    desk.join("beta", slots=0)
    desk.open(1, 2, True)
    refuse(desk, fatal=False, reason="its disk is full")
    assert of(RefusePortion, desk.actions) == []
    assert desk.scheduler.refusals("task") == {}
    assert desk.scheduler.why("task").startswith("alpha could not run it (its disk is full)")
    desk.do(WorkerChanged(offer("beta", slots=1)))
    assert chunks(desk) == [(1, 0, 2, "beta")]


def test_an_end_that_comes_twice_refuses_once(desk):
    desk.open(1, 8, True)
    chunk = slot_lease(desk)
    refuse(desk)
    again = ChunkEnded("alpha", chunk.fence, "task", "refused", reason="x", fatal=True)
    assert desk.verdict(again) == "known"
    assert of(RefusePortion, desk.actions) == []
