"""Chunks that end one way or another, and leases that are lost."""

import pytest

from marx.core.actions import Answer, FailItem, SaveAttempt, SaveState
from marx.core.events import ChunkEnded, WorkerCut, WorkerHeard, WorkerLeft
from marx.core.model import Policy
from marx.core.retries import COMPANY
from tests.core.builders import EPOCH, NOTHING_AHEAD, Desk, fence, of


@pytest.fixture
def desk() -> Desk:
    """A task of 40 items in chunks of 10; alpha has the first."""
    desk = Desk(NOTHING_AHEAD)
    desk.submit(40, chunk_items=10)
    desk.join("alpha")
    return desk


def tried(desk: Desk) -> list[tuple[int, int, str, int | None]]:
    """The attempts that the last event saved."""
    return [(saved.first, saved.count, saved.outcome, saved.item) for saved in of(SaveAttempt, desk.actions)]


# -- how a chunk may end


def test_an_end_frees_the_slot_for_the_next_chunk(desk):
    [lease] = desk.leases
    desk.run(lease)
    assert [(next_one.first, next_one.count, next_one.slot) for next_one in desk.leases[:1]] == [(10, 10, 0)]
    assert tried(desk) == []


def test_an_end_said_twice_is_known_the_second_time(desk):
    [lease] = desk.leases
    desk.report(lease)
    assert desk.end(lease) == "accepted"
    assert desk.end(lease) == "known"


def test_ends_under_fences_of_others_or_of_nobody_are_not_yours(desk):
    [lease] = desk.leases
    assert desk.verdict(ChunkEnded("beta", lease.fence, "task", "died")) == "not yours"
    assert desk.verdict(ChunkEnded("alpha", fence(99), "task", "died")) == "not yours"
    assert desk.verdict(ChunkEnded("alpha", fence(99, EPOCH - 1), "task", "died")) == "known"
    assert desk.counts() == (30, 10, 0)


def test_whoever_says_it_has_succeeded_must_have_reported_it(desk):
    [lease] = desk.leases
    desk.report(lease, count=4)
    desk.end(lease)
    assert tried(desk) == [(4, 6, "lost", None)]
    assert desk.granted()[0].first == 4


def test_one_that_never_reports_what_it_is_given_cannot_keep_a_task_for_ever():
    desk = Desk()
    desk.submit(1)
    desk.join("alpha")
    for _ in range(3):
        desk.end(desk.leases[0])
    [failed] = of(FailItem, desk.actions)
    assert failed.error["type"] == "ItemLost"
    assert failed.error["message"].count("on alpha: it ended without reporting them") == 3
    assert desk.scheduler.snapshot("task").state == "done"


def test_results_that_come_after_the_end_still_count(desk):
    [lease] = desk.leases
    desk.end(lease)
    assert desk.report(lease) == "accepted"


def test_what_a_worker_gives_up_unasked_goes_elsewhere_first(desk):
    [lease] = desk.leases
    desk.join("beta")
    desk.end(lease, "cancelled")
    assert [granted.first for granted in desk.granted()] == [20]
    assert tried(desk) == [(0, 10, "cancelled", None)]
    desk.tick(5)
    desk.end(desk.leases[-1], "cancelled")
    assert [granted.first for granted in desk.granted()] == [0]


def test_an_outcome_nobody_knows_only_gives_the_items_back(desk):
    desk.end(desk.leases[0], "exploded")
    assert desk.counts() == (30, 10, 0)
    assert tried(desk) == [(0, 10, "cancelled", None)]


# -- died


def test_an_item_that_kills_its_process_fails_and_the_rest_waits_again(desk):
    [lease] = desk.leases
    desk.report(lease, count=3)
    desk.end(lease, "died", item=4, reason="was killed by signal 9", evidence="its last line was x", cargo="usage")
    [failed] = of(FailItem, desk.actions)
    [saved] = of(SaveAttempt, desk.actions)
    assert (failed.item, failed.worker, failed.attempt) == (4, "alpha", 1)
    told = "item 4 was killed by signal 9, on worker alpha at attempt 1; its last line was x"
    assert failed.error == {"type": "ItemDied", "message": told}
    assert saved.reason == "was killed by signal 9; its last line was x"
    assert (saved.first, saved.count, saved.outcome, saved.item, saved.cargo) == (0, 10, "died", 4, "usage")
    assert desk.scheduler.snapshot("task").failed == 1
    assert (desk.granted()[0].first, desk.granted()[0].count, desk.granted()[0].attempt) == (3, 1, 2)


def test_an_item_that_dies_has_the_retries_that_the_task_gives_it():
    desk = Desk()
    desk.submit(1, retries=2)
    desk.join()
    for attempt in (1, 2):
        assert desk.leases[0].attempt == attempt
        desk.end(desk.leases[0], "died", item=0)
        assert of(FailItem, desk.actions) == []
    desk.end(desk.leases[0], "died", item=0)
    [failed] = of(FailItem, desk.actions)
    assert failed.error["message"] == "item 0 was lost: its process died, on worker alpha at attempt 3"
    assert failed.attempt == 3


def test_an_item_that_takes_too_long_fails_by_its_own_name_as_often_as_it_may_be_retried():
    desk = Desk()
    desk.submit(1, retries=1)
    desk.join()
    desk.end(desk.leases[0], "died", item=0, reason="took longer than 2 s", cause="item-timeout")
    assert of(FailItem, desk.actions) == []
    desk.end(desk.leases[0], "died", item=0, reason="took longer than 2 s", cause="item-timeout")
    [failed] = of(FailItem, desk.actions)
    assert failed.error == {"type": "ItemTimeout", "message": "item 0 took longer than 2 s, on worker alpha at attempt 2"}


def test_a_single_item_is_to_blame_even_if_nobody_saw_it():
    desk = Desk()
    desk.submit(1)
    desk.join()
    desk.end(desk.leases[0], "died")
    assert [failed.item for failed in of(FailItem, desk.actions)] == [0]


@pytest.mark.parametrize("item", [None, -1, 10, 2**70, 0])
def test_when_nobody_can_say_which_item_it_was_all_are_tried_in_smaller_company(desk, item):
    [lease] = desk.leases
    desk.report(lease, count=1)
    desk.end(lease, "died", item=item, reason="killed by signal 11")
    assert of(FailItem, desk.actions) == []
    assert tried(desk) == [(0, 10, "died", None)]
    again = desk.granted()[0]
    assert (again.first, again.count, again.attempt) == (1, min(9, COMPANY), 2)
    desk.end(again, "died")
    assert desk.granted()[0].count == 1


def test_a_process_that_dies_after_its_last_result_harms_nobody(desk):
    [lease] = desk.leases
    desk.report(lease)
    desk.end(lease, "died")
    assert tried(desk) == []
    assert desk.scheduler.snapshot("task").failed == 0


def test_an_item_that_died_prefers_another_worker():
    desk = Desk()
    desk.submit(3, retries=1, chunk_items=1)
    desk.join("alpha")
    desk.join("beta")
    one, two = desk.leases
    desk.end(one, "died", item=0)
    assert [(lease.worker, lease.first) for lease in desk.granted()] == [("alpha", 2)]
    desk.run(two)
    assert [(lease.worker, lease.first) for lease in desk.granted()] == [("beta", 0)]


def test_where_there_is_no_other_worker_it_is_tried_again_at_once():
    desk = Desk()
    desk.submit(1, retries=1)
    desk.join("alpha")
    desk.end(desk.leases[0], "died", item=0)
    assert [lease.worker for lease in desk.granted()] == ["alpha"]


# -- refused


def test_a_worker_that_refuses_is_left_alone_for_a_while_and_longer_each_time():
    desk = Desk(Policy(elsewhere_seconds=5, refusal_longest=30))
    desk.submit(1)
    desk.join()
    for pause in (5, 10, 20, 30, 30):
        desk.end(desk.leases[0], "refused", reason="numpy is missing")
        assert tried(desk) == [(0, 1, "refused", None)]
        assert desk.granted() == []
        assert desk.scheduler.why("task") == f"alpha could not run it (numpy is missing); it is tried again in {pause} s."
        assert desk.tick(pause - 0.1) == [] or desk.granted() == []
        desk.tick(0.1)
        assert len(desk.leases) == 1


def test_a_queue_that_is_refused_together_is_one_refusal():
    desk = Desk()
    desk.submit(200, chunk_items=1)
    desk.join()
    desk.run(desk.leases[0], seconds=0.001)
    assert len(desk.leases) > 10
    for lease in list(desk.leases):
        desk.end(lease, "refused", reason="no runner")
    desk.tick(5)
    assert desk.leases, "after one pause it is tried again"


def test_others_take_what_one_refuses(desk):
    desk.join("beta")
    desk.end(desk.leases[0], "refused")
    desk.run(desk.leases[0])
    assert [lease.first for lease in desk.granted()][:1] == [0]


def test_a_fault_of_the_program_fails_the_task(desk):
    desk.join("beta")
    one, two = desk.leases
    desk.end(one, "refused", fatal=True, reason="the program has no function f")
    assert of(SaveState, desk.actions) == [SaveState("task", "stopping", "the program has no function f")]
    assert [revoke.fence for revoke in desk.revoked()] == [two.fence]
    desk.end(two, "refused", fatal=True, reason="the program has no function f")
    assert of(SaveState, desk.actions) == [SaveState("task", "failed", "the program has no function f")]


def test_a_slot_that_several_tasks_found_broken_gets_nothing_until_it_is_offered_again():
    desk = Desk()
    desk.join()
    for number in range(3):
        desk.submit(1, f"t{number}", arrival=number)
        desk.end(desk.leases[0], "refused", reason="the disk is full")
    desk.submit(1, "t3")
    assert desk.leases == []
    assert desk.scheduler.why("t3") == "alpha could run it, but no slot there works: each could not run several tasks in a row."
    desk.join()
    assert [lease.task for lease in desk.leases] == ["t3"]


# -- lost


def test_leases_end_when_their_worker_was_silent(desk):
    desk.join("beta")
    desk.do(WorkerCut("alpha"))
    desk.do(WorkerHeard("beta"), 59)
    desk.tick(0.9)
    assert desk.counts() == (20, 20, 0)
    desk.tick(0.1)
    assert tried(desk) == [(0, 10, "lost", None)]
    assert desk.counts() == (30, 10, 0)


def test_any_sign_of_life_renews_all_leases_of_a_worker(desk):
    desk.do(WorkerHeard("alpha"), 50)
    desk.tick(50)
    assert desk.counts() == (30, 10, 0)
    desk.report(desk.leases[0], count=1)
    desk.tick(59)
    assert desk.scheduler.snapshot("task").leased >= 9


def test_a_worker_that_fell_silent_gets_nothing_until_it_is_heard_of(desk):
    desk.tick(60)
    assert desk.counts() == (40, 0, 0)
    assert desk.scheduler.why("task") == "alpha could run it, but is silent."
    desk.do(WorkerHeard("alpha"))
    assert desk.counts()[1] > 0


def test_an_item_that_is_lost_again_and_again_fails_with_the_evidence():
    desk = Desk(Policy(item_losses=3, elsewhere_seconds=0))
    desk.submit(1)
    for name in ("alpha", "beta", "gamma"):
        desk.join(name)
        assert [lease.worker for lease in desk.granted()] == [name]
        desk.do(WorkerCut(name))
        desk.tick(61)
    [failed] = of(FailItem, desk.actions)
    assert failed.error["type"] == "ItemLost"
    losses = "; ".join(f"on {name}: its worker was silent for 60 s" for name in ("alpha", "beta", "gamma"))
    assert failed.error["message"] == f"it was lost 3 times, and is not tried again: {losses}"
    assert desk.scheduler.snapshot("task").state == "done"


def test_what_was_seen_of_each_loss_is_told_when_an_item_has_had_enough():
    desk = Desk(Policy(item_losses=2, elsewhere_seconds=0, ahead_chunks=0))
    desk.submit(2, chunk_items=2)
    desk.join("alpha")
    desk.end(desk.leases[0], "died", reason="its runner was killed by signal 9", evidence='its last lines were "loading"')
    for _ in range(2):
        lease = desk.leases[0]
        desk.end(lease)
    messages = [failed.error["message"] for failed in of(FailItem, desk.actions)]
    before = 'on alpha: its runner was killed by signal 9; its last lines were "loading"; on alpha: it ended without reporting them'
    assert messages == [f"it was lost 2 times, and is not tried again: {before}"]


def test_items_lost_together_are_never_failed_together():
    desk = Desk(Policy(elsewhere_seconds=0))
    desk.submit(100, chunk_items=100)
    for _ in range(40):
        desk.join("alpha")
        if not desk.leases:
            break
        desk.do(WorkerCut("alpha"))
        desk.tick(61)
        desk.leases.clear()
        assert len(of(FailItem, desk.actions)) <= 1


def test_a_goodbye_is_nobodys_fault():
    desk = Desk()
    desk.submit(1)
    for _ in range(10):
        desk.join()
        desk.do(WorkerLeft("alpha"))
        assert tried(desk) == [(0, 1, "cancelled", None)]
    assert desk.counts() == (1, 0, 0)


def test_what_had_not_begun_is_not_blamed_for_a_loss():
    desk = Desk()
    desk.submit(300, chunk_items=1)
    desk.join("alpha")
    desk.run(desk.leases[0], seconds=0.001)
    running, *queued = desk.leases
    assert queued
    desk.tick(61)
    blamed = [saved.first for saved in of(SaveAttempt, desk.actions) if saved.outcome == "lost"]
    assert blamed == [running.first]


def test_every_report_is_answered_whatever_became_of_its_lease(desk):
    [lease] = desk.leases
    desk.do(WorkerLeft("alpha"))
    desk.do(ChunkEnded("alpha", lease.fence, "task", "succeeded", receipt="receipt"))
    assert of(Answer, desk.actions) == [Answer("alpha", "receipt", "known")]
