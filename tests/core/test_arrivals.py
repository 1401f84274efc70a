"""Workers that come, change, go and come back, and what they hold then."""

import pytest

from marx.core.actions import Answer, Revoke, SaveAttempt, SaveState
from marx.core.events import CancelAsked, ChunkEnded, WorkerChanged, WorkerCut, WorkerHeard, WorkerJoined, WorkerLeft
from marx.core.model import Finished, Held, Policy
from marx.core.events import TaskRestored
from tests.core.builders import EPOCH, NOTHING_AHEAD, Desk, fence, held, of, offer, terms


@pytest.fixture
def desk() -> Desk:
    """A task of 40 items in chunks of 10; alpha has the first."""
    desk = Desk(NOTHING_AHEAD)
    desk.submit(40, chunk_items=10)
    desk.join("alpha")
    return desk


@pytest.fixture
def again() -> Desk:
    """A server that was restarted: of a task of 40 items the first 10 have results."""
    desk = Desk(NOTHING_AHEAD)
    desk.do(TaskRestored(terms(chunk_items=10), "running", {0: (40, True)}, (Finished(0, ((0, 10),)),)))
    return desk


def old(first: int, count: int, number: int = 1, **more: object) -> Held:
    """A lease of an earlier server."""
    return Held(fence(number, EPOCH - 1), "task", 0, first, count, **more)


def blamed(desk: Desk) -> list[tuple[int, int, str]]:
    return [(saved.first, saved.count, saved.outcome) for saved in of(SaveAttempt, desk.actions)]


# -- a link that breaks


def test_a_cut_leaves_the_leases_and_stops_the_granting(desk):
    [lease] = desk.leases
    assert desk.do(WorkerCut("alpha")) == []
    assert desk.counts() == (30, 10, 0)
    desk.report(lease)
    desk.end(lease)
    assert desk.granted() == []


def test_a_worker_that_returns_goes_on_with_what_it_has(desk):
    [lease] = desk.leases
    desk.do(WorkerCut("alpha"))
    desk.join("alpha", held(lease, reported=0))
    assert desk.actions == []
    desk.run(lease)
    assert desk.counts() == (20, 10, 10)


def test_what_was_granted_while_the_link_broke_waits_again_at_once(desk):
    desk.do(WorkerCut("alpha"))
    desk.join("beta")
    desk.join("alpha")
    assert blamed(desk) == [(0, 10, "cancelled")]
    assert [(lease.worker, lease.first) for lease in desk.granted()] == [("alpha", 20)]
    desk.tick(5)
    desk.run(desk.leases[1])
    assert [(lease.worker, lease.first) for lease in desk.granted()] == [("beta", 0)]


def test_a_second_join_without_a_cut_is_a_return_too(desk):
    [lease] = desk.leases
    desk.join("alpha", held(lease))
    assert desk.actions == []
    assert desk.counts() == (30, 10, 0)


def test_a_worker_without_leases_that_is_cut_is_forgotten():
    desk = Desk()
    desk.join()
    desk.do(WorkerCut("alpha"))
    assert desk.scheduler.workers() == []


def test_a_cut_worker_is_gone_once_its_leases_have_ended(desk):
    desk.do(WorkerCut("alpha"))
    assert [worker.connected for worker in desk.scheduler.workers()] == [False]
    desk.tick(60)
    assert desk.scheduler.workers() == []
    assert desk.counts() == (40, 0, 0)


def test_requests_that_the_broken_link_may_have_lost_are_made_again(desk):
    [lease] = desk.leases
    desk.do(WorkerCut("alpha"))
    desk.do(CancelAsked("task", "ada"))
    desk.join("alpha", held(lease))
    assert desk.actions == [Revoke("alpha", lease.fence, "task", "as was asked before")]


# -- another boot, and goodbyes


def test_a_new_boot_loses_the_old_leases_at_once(desk):
    desk.join("alpha", boot="boot-2")
    assert blamed(desk) == [(0, 10, "lost")]
    assert [(lease.first, lease.attempt) for lease in desk.granted()] == [(0, 2)]


def test_reports_of_the_old_boot_still_count(desk):
    [lease] = desk.leases
    desk.join("alpha", held(lease), boot="boot-2")
    assert desk.report(lease, count=5) == "accepted"
    assert desk.scheduler.snapshot("task").done == 5


def test_a_worker_that_says_goodbye_is_gone_at_once_and_not_blamed(desk):
    desk.do(WorkerLeft("alpha"))
    assert blamed(desk) == [(0, 10, "cancelled")]
    assert desk.counts() == (40, 0, 0)
    assert desk.scheduler.workers() == []


def test_signs_of_workers_that_nobody_knows_mean_nothing(desk):
    for event in (WorkerHeard("x"), WorkerCut("x"), WorkerLeft("x"), WorkerChanged(offer("x"))):
        assert desk.do(event) == []
    assert len(desk.scheduler.workers()) == 1


# -- after expiry


def test_a_worker_that_was_given_up_is_believed_again_where_nobody_else_has_the_items(desk):
    [lease] = desk.leases
    desk.do(WorkerCut("alpha"))
    desk.tick(61)
    desk.join("alpha", held(lease, reported=4))
    assert desk.counts() == (34, 6, 0)
    desk.report(lease, first=4, count=6)
    desk.end(lease)
    assert desk.scheduler.snapshot("task").done == 6


def test_what_it_had_is_not_taken_from_who_has_it_now(desk):
    [lease] = desk.leases
    desk.do(WorkerCut("alpha"))
    desk.tick(61)
    desk.join("beta")
    [*_, other] = desk.leases
    desk.join("alpha", held(lease))
    assert desk.counts() == (30, 10, 0), "alpha's slot is taken, but not by items of its own"
    assert desk.report(other) == "accepted"
    assert desk.report(lease) == "known"
    assert desk.end(lease) == "accepted"


def test_what_has_been_done_meanwhile_need_not_be_done_again(desk):
    [lease] = desk.leases
    desk.do(WorkerCut("alpha"))
    desk.tick(61)
    desk.join("beta")
    desk.run(desk.leases[-1])
    desk.join("alpha", held(lease))
    assert [(revoke.fence, revoke.gently) for revoke in desk.revoked()] == [(lease.fence, False)]
    assert desk.end(lease, "cancelled") == "accepted"


# -- after a restart of the server


def test_workers_of_the_old_server_are_believed_about_undone_items(again):
    again.join("alpha", old(10, 10, slot=1), slots=2)
    assert again.counts() == (20, 10, 10)
    assert again.report(old_lease := again.scheduler._leases.get(fence(1, EPOCH - 1)).lease) == "accepted"
    assert old_lease.slot == 1
    assert again.end(old_lease) == "accepted"
    assert again.counts() == (20, 0, 20)


def test_an_adopted_lease_makes_a_queued_task_running():
    desk = Desk()
    desk.do(TaskRestored(terms(), "queued", {0: (40, True)}))
    desk.join("alpha", old(0, 10))
    assert SaveState("task", "running", "") in desk.actions


def test_of_what_two_workers_claim_the_first_has_it(again):
    again.join("alpha", old(10, 10))
    again.join("beta", old(15, 10, number=2))
    assert again.counts() == (15, 15, 10)
    again.join("gamma", old(30, 5))
    assert again.counts() == (15, 15, 10), "the fence is alpha's already"


def test_an_adopted_lease_expires_like_any_other(again):
    again.join("alpha", old(10, 10))
    again.do(WorkerCut("alpha"))
    again.tick(61)
    assert again.counts() == (30, 0, 10)


@pytest.mark.parametrize(
    "claim, reason",
    [
        (Held(fence(1, EPOCH - 1), "other", 0, 0, 1), "the task has ended"),
        (old(35, 10), "the task has no such items"),
        (old(-1, 2), "the task has no such items"),
        (old(10, -2), "the task has no such items"),
        (Held(fence(1, EPOCH - 1), "task", 3, 0, 1), "the task has no such items"),
    ],
)
def test_claims_that_make_no_sense_are_revoked(again, claim, reason):
    again.join("alpha", claim)
    assert again.actions == [Revoke("alpha", claim.fence, claim.task, reason)]
    assert again.counts() == (30, 0, 10)


def test_a_worker_is_not_believed_about_a_task_that_it_may_not_run():
    desk = Desk()
    desk.do(TaskRestored(terms(workers=frozenset({"alpha"})), "running", {0: (40, True)}))
    desk.join("mallory", old(0, 40))
    assert desk.counts() == (40, 0, 0)
    assert [revoke.reason for revoke in desk.revoked()] == ["this worker may not run this task"]


@pytest.mark.parametrize("number", [fence(1), fence(77), fence(3, EPOCH + 1), -1])
def test_fences_that_this_server_never_gave_are_ignored(again, number):
    again.join("mallory", Held(number, "task", 0, 10, 10))
    assert again.actions == []
    assert again.counts() == (30, 0, 10)


def test_another_workers_fence_is_ignored(desk):
    [lease] = desk.leases
    desk.join("mallory", held(lease))
    assert desk.scheduler.holders("task") == ("alpha", "mallory"), "it got a chunk of its own"
    assert desk.report(lease, worker="mallory") == "not yours"
    assert desk.report(lease) == "accepted"


def test_a_worker_cannot_claim_more_leases_than_it_could_have():
    desk = Desk(Policy(ahead_chunks=3))
    desk.do(TaskRestored(terms(), "running", {0: (40, True)}))
    desk.join("alpha", *[old(item, 1, number=item + 1) for item in range(40)], slots=2)
    assert desk.counts() == (32, 8, 0)


def test_a_claim_of_a_task_that_is_being_cancelled_is_adopted_and_revoked(desk):
    [lease] = desk.leases
    desk.join("beta")
    desk.do(WorkerCut("alpha"))
    desk.tick(40)
    desk.do(WorkerHeard("beta"), 21)
    desk.do(CancelAsked("task", "ada"))
    desk.tick(0)
    desk.do(WorkerCut("alpha"))
    desk.join("alpha", held(lease))
    assert lease.fence in [revoke.fence for revoke in desk.revoked()]
    desk.end(desk.leases[1], "cancelled")
    assert desk.scheduler.snapshot("task").state == "stopping"
    desk.end(lease, "cancelled")
    assert desk.scheduler.snapshot("task").state == "cancelled"


def test_an_end_that_nobody_waits_for_is_answered(again):
    again.do(ChunkEnded("alpha", fence(1, EPOCH - 1), "task", "succeeded", receipt=5))
    assert of(Answer, again.actions) == [Answer("alpha", 5, "known")]


# -- offers that change


def test_a_paused_worker_finishes_what_runs_and_gets_nothing_new(desk):
    [lease] = desk.leases
    desk.do(WorkerChanged(offer("alpha", paused=True)))
    assert desk.revoked() == []
    desk.run(lease)
    assert desk.granted() == []
    assert desk.scheduler.why("task") == "alpha could run it, but is paused."
    desk.do(WorkerChanged(offer("alpha")))
    assert len(desk.granted()) == 1


@pytest.mark.parametrize("closed", [{"paused": True}, {"draining": True}, {"slots": 0}])
def test_what_a_closing_worker_has_not_begun_goes_elsewhere(closed):
    desk = Desk()
    desk.submit(100, chunk_items=1)
    desk.join("alpha")
    desk.run(desk.leases[0], seconds=0.01)
    running, *queued = desk.leases
    assert queued
    desk.do(WorkerChanged(offer("alpha", **{"slots": 1, **closed})))
    assert [revoke.fence for revoke in desk.revoked()] == [lease.fence for lease in queued]
    assert all(revoke.gently for revoke in desk.revoked())
    desk.join("beta")
    for lease in queued:
        desk.end(lease, "cancelled")
        assert not any(granted.worker == "alpha" for granted in desk.granted())
    assert desk.report(running) == "accepted"
    assert desk.scheduler.holders("task") == ("alpha", "beta")


def test_a_recalled_chunk_that_had_begun_goes_on():
    desk = Desk()
    desk.submit(100, chunk_items=1)
    desk.join("alpha")
    desk.run(desk.leases[0], seconds=0.01)
    running, begun, *_ = desk.leases
    desk.do(WorkerChanged(offer("alpha", draining=True)))
    desk.run(running)
    assert desk.report(begun) == "accepted"
    assert desk.end(begun) == "accepted"


def test_more_slots_are_used_at_once_and_fewer_as_they_fall_empty(desk):
    desk.do(WorkerChanged(offer("alpha", slots=3)))
    assert [lease.slot for lease in desk.granted()] == [1, 2]
    desk.do(WorkerChanged(offer("alpha", slots=1)))
    one, two, three = desk.leases
    for lease in (two, three):
        desk.run(lease)
        assert desk.granted() == []
    desk.run(one)
    assert [lease.slot for lease in desk.granted()] == [0]


def test_an_absurd_number_of_slots_is_not_believed():
    desk = Desk(Policy(worker_slots=16))
    desk.submit(100)
    desk.join("mallory", slots=10**12)
    assert len(desk.leases) == 16
    desk.join("silly", slots=-3)
    assert len(desk.leases) == 16


def test_a_worker_that_learns_something_new_gets_what_it_could_not_run():
    desk = Desk()
    desk.submit(10, labels=frozenset({("gpu", "yes")}))
    desk.join("alpha")
    assert desk.leases == []
    desk.do(WorkerChanged(offer("alpha", labels=frozenset({("gpu", "yes")}))))
    assert len(desk.leases) == 1


def test_hearing_of_a_worker_costs_no_look_at_anything_else(desk):
    assert desk.do(WorkerHeard("alpha")) == []
    assert desk.do(WorkerJoined(offer("beta", slots=0))) == []
