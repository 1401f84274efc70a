"""How long a task may run, and what of that survives a restart of the server."""

import pytest

from marx.core.actions import SaveSpent, SaveState
from marx.core.events import CancelAsked, HoldAsked, ReleaseAsked, TaskRestored
from marx.core.model import Policy
from tests.core.builders import Desk, of, terms

LATE = "its time limit of 60 s is over (--timeout)"


@pytest.fixture
def desk() -> Desk:
    return Desk(Policy(lease_seconds=1000))


def test_a_task_that_runs_for_too_long_fails_and_its_chunks_are_taken_back(desk):
    desk.submit(5, timeout=60)
    desk.join()
    desk.tick(59)
    assert desk.revoked() == []
    desk.tick(1)
    assert [(revoke.fence, revoke.reason) for revoke in desk.revoked()] == [(desk.leases[0].fence, LATE)]
    assert SaveState("task", "stopping", LATE) in desk.actions
    desk.end(desk.leases[0], "cancelled")
    assert SaveState("task", "failed", LATE) in desk.actions


def test_a_main_program_has_the_limit_of_its_task(desk):
    desk.submit_program(timeout=60)
    desk.join(seats=1)
    desk.tick(60)
    desk.end(desk.leases[0], "cancelled")
    assert SaveState("task", "failed", LATE) in desk.actions


def test_waiting_does_not_count_but_being_held_does(desk):
    desk.submit(5, timeout=60)
    desk.tick(1000)
    assert desk.scheduler.snapshot("task").state == "queued"
    desk.join()
    desk.do(HoldAsked("task", "ada"), after=30)
    desk.do(ReleaseAsked("task", "ada"), after=20)
    desk.tick(10)
    assert desk.scheduler.snapshot("task").state == "stopping"


def test_what_is_done_in_time_counts_and_nothing_comes_after(desk):
    desk.submit(1, timeout=60)
    desk.join()
    desk.run(desk.leases[0])
    desk.tick(100)
    assert desk.scheduler.snapshot("task").state == "done"


def test_the_time_that_was_spent_is_stored_now_and_then(desk):
    desk.submit(5, timeout=60)
    desk.join()
    assert SaveSpent("task", 0.0) in desk.actions
    spent = [of(SaveSpent, desk.tick(5)) for _ in range(4)]
    assert spent == [[], [SaveSpent("task", 10.0)], [], [SaveSpent("task", 20.0)]]


def test_a_task_without_limits_stores_nothing_of_its_time(desk):
    desk.submit(5)
    desk.join()
    assert of(SaveSpent, desk.actions) == of(SaveSpent, desk.tick(100)) == []


def test_a_restart_takes_nothing_off_the_time_that_was_spent(desk):
    desk.do(TaskRestored(terms(timeout=60), "running", {0: (5, True)}, spent_seconds=50.0))
    desk.tick(9)
    assert desk.scheduler.snapshot("task").state == "running"
    desk.tick(1)
    assert SaveState("task", "failed", LATE) in desk.actions


def test_waiting_for_a_slot_goes_on_where_it_was_after_a_restart(desk):
    desk.do(TaskRestored(terms(start_within=60), "queued", {0: (5, True)}, spent_seconds=50.0))
    desk.tick(10)
    assert desk.scheduler.snapshot("task").state == "failed"


def test_a_task_that_was_being_stopped_for_its_time_has_failed_for_it_after_a_restart(desk):
    desk.submit(5, timeout=60)
    desk.join()
    desk.tick(60)
    [spent] = of(SaveSpent, desk.actions)
    desk.do(TaskRestored(terms("again", timeout=60), "stopping", {0: (5, True)}, spent_seconds=spent.seconds))
    assert SaveState("again", "failed", LATE) in desk.actions


def test_a_task_that_somebody_cancelled_in_time_is_cancelled(desk):
    desk.submit(5, timeout=60)
    desk.join()
    desk.do(CancelAsked("task", "ada"), after=59)
    desk.end(desk.leases[0], "cancelled", after=5)
    assert desk.scheduler.snapshot("task").state == "cancelled"
