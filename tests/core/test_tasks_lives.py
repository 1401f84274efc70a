"""From submission to an end: the life of a task as the scheduler's caller sees it."""

import pytest

from marx.core.actions import Answer, FailItem, Grant, Revoke, SaveItems, SaveState, SaveTask, Tell, WakeAt
from marx.core.errors import TaskExists, UnknownTask
from marx.core.events import CancelAsked, ItemsAdded, TaskForgotten, TaskRestored, TaskSubmitted
from marx.core.model import Finished, Policy, Tried
from tests.core.builders import Desk, of, terms


@pytest.fixture
def desk() -> Desk:
    return Desk()


def state(desk: Desk, task: str = "task") -> str:
    return desk.scheduler.snapshot(task).state


def add(desk: Desk, first: int, count: int, final: bool = False, task: str = "task") -> tuple[str, str]:
    """Add items; the verdict and its reason."""
    desk.do(ItemsAdded(task, 0, first, count, final, "cargo", "receipt"))
    [answer] = of(Answer, desk.actions)
    assert (answer.worker, answer.receipt) == (None, "receipt")
    assert bool(of(SaveItems, desk.actions)) == (answer.verdict == "accepted")
    return answer.verdict, answer.reason


# -- submission


def test_a_task_and_its_items_are_saved_before_anybody_is_told(desk):
    assert desk.do(TaskSubmitted(terms(), "cargo")) == [SaveTask("task", "cargo"), Tell("task")]
    saved, answered, told = desk.do(ItemsAdded("task", 0, 0, 5, True, "pack", 17))
    assert saved == SaveItems("task", 0, 0, 5, True, "pack")
    assert answered == Answer(None, 17, "accepted")
    assert told == Tell("task")
    assert state(desk) == "queued"


def test_without_a_receipt_nobody_is_answered(desk):
    desk.do(TaskSubmitted(terms()))
    assert of(Answer, desk.do(ItemsAdded("task", 0, 0, 5, True))) == []


def test_the_same_id_twice_is_a_mistake_of_the_server(desk):
    desk.do(TaskSubmitted(terms()))
    with pytest.raises(TaskExists):
        desk.scheduler.handle(TaskSubmitted(terms()), desk.now)


def test_the_first_grant_makes_a_task_running_and_that_is_saved_once(desk):
    desk.submit(2)
    assert of(SaveState, desk.join()) == [SaveState("task", "running", "")]
    assert of(SaveState, desk.join("beta")) == []


def test_a_task_without_items_is_done_as_soon_as_that_is_final(desk):
    desk.do(TaskSubmitted(terms()))
    add(desk, 0, 0, final=False)
    assert state(desk) == "queued"
    add(desk, 0, 0, final=True)
    assert state(desk) == "done"
    assert SaveState("task", "done", "") in desk.actions


def test_a_portion_may_grow_while_it_runs_and_end_later(desk):
    desk.submit(1, final=False)
    desk.join()
    desk.run(desk.leases[0])
    assert state(desk) == "running"
    assert add(desk, 1, 1) == ("accepted", "")
    [lease] = desk.leases
    assert (lease.first, lease.count) == (1, 1)
    assert add(desk, 2, 0, final=True) == ("accepted", "")
    desk.run(lease)
    assert state(desk) == "done"


def test_items_sent_again_are_known_and_not_saved_again(desk):
    desk.submit(5, final=False)
    assert add(desk, 0, 5) == ("known", "")
    assert add(desk, 2, 2) == ("known", "")
    assert add(desk, 5, 3, final=True) == ("accepted", "")
    assert add(desk, 5, 3, final=True) == ("known", "")
    assert add(desk, 8, 0, final=True) == ("known", "")
    assert desk.scheduler.snapshot("task").total == 8


def test_items_with_a_gap_or_an_overlap_are_refused_and_change_nothing(desk):
    desk.submit(5, final=False)
    assert add(desk, 6, 1) == ("refused", "the next item is 5, not 6")
    assert add(desk, 4, 3) == ("refused", "the next item is 5, not 4")
    assert add(desk, 0, 5, final=True) == ("refused", "the next item is 5, not 0")
    assert add(desk, -1, 2)[0] == add(desk, 5, -1)[0] == "refused"
    assert desk.counts() == (5, 0, 0)


def test_nothing_follows_final_and_nothing_joins_a_task_that_has_ended(desk):
    desk.submit(5)
    assert add(desk, 5, 1) == ("refused", "the portion ended with 5 items")
    desk.do(CancelAsked("task", "ada"))
    assert add(desk, 5, 1) == ("refused", "the task has ended")
    assert add(desk, 0, 1, task="other") == ("refused", "there is no such task")


def test_a_task_with_several_portions_is_done_when_all_of_them_are(desk):
    desk.do(TaskSubmitted(terms()))
    for portion in (0, 1):
        desk.do(ItemsAdded("task", portion, 0, 1, True))
    desk.join()
    desk.run(desk.leases[0])
    assert state(desk) == "running"
    assert desk.leases[0].portion == 1
    desk.run(desk.leases[0])
    assert state(desk) == "done"


# -- cancelling


def test_a_task_that_nobody_runs_is_cancelled_at_once(desk):
    desk.submit()
    assert desk.do(CancelAsked("task", "bob")) == [SaveState("task", "cancelled", "cancelled by bob"), Tell("task")]


def test_cancelling_revokes_every_lease_and_waits_for_the_last(desk):
    desk.submit()
    desk.join(slots=2)
    one, two = desk.leases
    desk.do(CancelAsked("task", "ada"))
    assert desk.actions[0] == SaveState("task", "stopping", "cancelled by ada")
    assert {revoke.fence for revoke in desk.revoked()} == {one.fence, two.fence}
    assert not any(revoke.gently for revoke in desk.revoked())
    desk.end(one, "cancelled")
    assert state(desk) == "stopping"
    assert desk.granted() == []
    desk.end(two, "cancelled")
    assert SaveState("task", "cancelled", "cancelled by ada") in desk.actions


def test_a_task_being_cancelled_ends_when_the_silent_ones_are_lost(desk):
    desk.submit()
    desk.join()
    desk.do(CancelAsked("task", "ada"))
    desk.tick(61)
    assert state(desk) == "cancelled"


def test_cancelling_twice_or_too_late_changes_nothing(desk):
    desk.submit()
    desk.join()
    desk.do(CancelAsked("task", "ada"))
    assert desk.do(CancelAsked("task", "bob")) == []
    desk.end(desk.leases[0], "cancelled")
    assert desk.do(CancelAsked("task", "bob")) == []
    assert desk.do(CancelAsked("nobody's", "bob")) == []


def test_results_that_came_while_it_was_being_cancelled_count(desk):
    desk.submit(2)
    desk.join()
    [lease] = desk.leases
    desk.do(CancelAsked("task", "ada"))
    assert desk.report(lease) == "accepted"
    desk.end(lease, "cancelled")
    assert desk.scheduler.snapshot("task").done == 1
    assert state(desk) == "cancelled"


def test_after_the_end_of_a_task_its_results_are_nobodys(desk):
    desk.submit(2)
    desk.join()
    [lease] = desk.leases
    desk.do(CancelAsked("task", "ada"))
    desk.end(lease, "cancelled")
    assert desk.report(lease) == "not yours"


# -- failing


def test_with_stop_on_error_the_first_failed_item_ends_the_task(desk):
    desk.submit(20, stop_on_error=True, chunk_items=2)
    desk.join()
    desk.join("beta")
    one, two = desk.leases
    desk.report(one, failed=(1,))
    assert of(SaveState, desk.actions) == [SaveState("task", "stopping", "item 0.1 failed")]
    assert {revoke.fence for revoke in desk.revoked()} == {one.fence, two.fence}
    desk.end(one)
    desk.end(two, "cancelled")
    assert of(SaveState, desk.actions) == [SaveState("task", "failed", "item 0.1 failed")]


def test_without_it_a_task_with_failed_items_is_done(desk):
    desk.submit(1)
    desk.join()
    desk.report(desk.leases[0], failed=(0,))
    now = desk.scheduler.snapshot("task")
    assert (now.state, now.done, now.failed) == ("done", 1, 1)


def test_an_item_that_dies_also_stops_on_error(desk):
    desk.submit(5, stop_on_error=True)
    desk.join()
    desk.end(desk.leases[0], "died", item=0, reason="killed by signal 9")
    assert state(desk) == "failed"


def test_a_task_that_nothing_takes_in_time_fails(desk):
    assert WakeAt(desk.now + 10) in desk.do(TaskSubmitted(terms(start_within=30)))
    add(desk, 0, 5)
    assert WakeAt(desk.now + 20) in desk.tick(10)
    desk.tick(19)
    assert state(desk) == "queued"
    desk.tick(1)
    assert SaveState("task", "failed", "nothing took it within 30 s. No worker is connected.") in desk.actions


def test_a_task_that_was_taken_in_time_may_take_long(desk):
    desk.submit(1, start_within=30)
    desk.join()
    desk.tick(31)
    assert state(desk) == "running"


# -- forgetting


def test_a_forgotten_task_is_gone(desk):
    desk.submit(0)
    desk.do(TaskForgotten("task"))
    with pytest.raises(UnknownTask, match="does not know a task 'task'"):
        desk.scheduler.snapshot("task")
    assert desk.do(TaskForgotten("task")) == []


def test_forgetting_an_open_task_cancels_it_first(desk):
    desk.submit()
    desk.join()
    desk.do(TaskForgotten("task"))
    assert state(desk) == "stopping"
    desk.end(desk.leases[0], "cancelled")
    assert SaveState("task", "cancelled", "it was forgotten") in desk.actions
    with pytest.raises(UnknownTask):
        desk.scheduler.story("task", 0, 0)


def test_of_ended_tasks_the_latest_are_remembered():
    desk = Desk(Policy(ended_tasks=2))
    for number in range(4):
        desk.submit(0, f"t{number}", arrival=number)
    assert [task for task in ("t0", "t1", "t2", "t3") if task in desk.scheduler._lives.tasks] == ["t2", "t3"]


# -- after a restart of the server


def restored(desk: Desk, was: str = "running", known: int = 10, final: bool = True, **more: object) -> None:
    """A task of which items 0 to 3 have results and item 3 failed."""
    kept = more.pop("tried", ())
    finished = (Finished(0, ((0, 4),), ((3, 4),)),)
    desk.do(TaskRestored(terms(**more), was, {0: (known, final)}, finished, len(kept), kept))


def test_a_restored_task_goes_on_with_what_has_no_result(desk):
    restored(desk, "queued")
    now = desk.scheduler.snapshot("task")
    assert (now.state, now.total, now.done, now.failed, now.waiting) == ("queued", 10, 4, 1, 6)
    desk.join()
    assert desk.leases[0].first == 4


def test_a_restored_task_that_ran_gives_its_workers_a_moment_to_return(desk):
    restored(desk)
    desk.join()
    assert desk.leases == []
    assert desk.scheduler.why("task") == "It ran when the server was restarted, and waits for its workers to return, for 3 s at most."
    desk.tick(3)
    assert [lease.first for lease in desk.leases] == [4]


def test_a_restored_task_with_all_results_is_done(desk):
    restored(desk, known=4)
    assert SaveState("task", "done", "") in desk.actions


def test_a_restored_task_that_should_have_stopped_on_error_fails_now(desk):
    restored(desk, stop_on_error=True)
    assert state(desk) == "failed"


@pytest.mark.parametrize("stop_on_error, end", [(False, "cancelled"), (True, "failed")])
def test_a_restored_task_that_was_stopping_has_ended(desk, stop_on_error, end):
    restored(desk, "stopping", stop_on_error=stop_on_error)
    assert state(desk) == end


def test_a_restored_task_that_had_ended_is_only_remembered(desk):
    restored(desk, "cancelled")
    assert desk.actions == []
    assert state(desk) == "cancelled"


def test_failures_before_the_restart_count(desk):
    died = Tried(0, 4, 1, "alpha", "died", 4, "killed by signal 9")
    restored(desk, "queued", tried=(died,), retries=1)
    desk.join()
    assert desk.leases[0].attempt == 2
    desk.end(desk.leases[0], "died", item=4, reason="killed by signal 11")
    assert [action.item for action in of(FailItem, desk.actions)] == [4]


def test_losses_before_the_restart_count(desk):
    lost = Tried(0, 4, 6, "alpha", "lost", None, "silent")
    refused = Tried(0, 4, 6, "alpha", "refused", None, "no interpreter")
    restored(desk, "queued", tried=(lost, lost, refused), chunk_items=6)
    desk.join()
    assert (desk.leases[0].count, desk.leases[0].attempt) == (1, 3)


def test_nothing_is_granted_or_revoked_for_tasks_that_have_ended(desk):
    desk.submit(1)
    desk.join(slots=3)
    desk.report(desk.leases[0])
    assert state(desk) == "done"
    assert of(Grant, desk.actions) == of(Revoke, desk.actions) == []
    desk.end(desk.leases[0])
    assert of(Grant, desk.actions) == of(Revoke, desk.actions) == []
