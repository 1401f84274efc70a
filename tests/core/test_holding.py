"""Tasks that are held: nothing of them is granted until they are released; what runs goes on."""

import pytest

from marx.core.actions import SaveHeld, SaveState, Tell
from marx.core.events import CancelAsked, HoldAsked, ReleaseAsked, TaskRestored
from tests.core.builders import NOTHING_AHEAD, Desk, of, terms


@pytest.fixture
def desk() -> Desk:
    return Desk(NOTHING_AHEAD)


def hold(desk: Desk, task: str = "task", by: str = "alice") -> list:
    return desk.do(HoldAsked(task, by))


def release(desk: Desk, task: str = "task", after: float = 0.0) -> list:
    return desk.do(ReleaseAsked(task, "alice"), after)


def test_a_held_task_is_granted_nothing_and_goes_on_when_it_is_released(desk):
    desk.submit(4, chunk_items=1)
    assert hold(desk) == [SaveHeld("task", True), Tell("task")]
    desk.join()
    assert desk.leases == []
    release(desk)
    assert of(SaveHeld, desk.actions) == [SaveHeld("task", False)]
    assert len(desk.leases) == 1


def test_what_runs_goes_on_and_its_results_count(desk):
    desk.submit(4, chunk_items=1)
    desk.join()
    hold(desk)
    assert desk.revoked() == []
    desk.run(desk.leases[0])
    assert desk.granted() == []
    assert desk.counts() == (3, 0, 1)


def test_what_is_queued_on_a_slot_of_a_held_task_is_the_last_that_it_gets():
    desk = Desk()
    desk.submit(1000, chunk_items=1)
    desk.join()
    desk.run(desk.leases[0], seconds=0.01)
    queued = len(desk.leases)
    hold(desk)
    while desk.leases:
        desk.run(desk.leases[0], seconds=0.01)
    assert desk.counts() == (1000 - 1 - queued, 0, 1 + queued)


def test_others_use_what_a_held_task_leaves(desk):
    desk.submit(4, chunk_items=1, arrival=0)
    desk.submit(4, "other", user="bob", chunk_items=1, arrival=1)
    hold(desk)
    desk.join(slots=2)
    assert {lease.task for lease in desk.leases} == {"other"}


def test_a_held_program_gets_no_seat_and_one_that_runs_may_go_on_asking(desk):
    desk.submit_program("waits")
    hold(desk, "waits")
    desk.submit_program("runs", arrival=1)
    desk.join(slots=2, seats=2)
    assert [lease.task for lease in desk.leases] == ["runs"]
    hold(desk, "runs")
    assert desk.open(1, 4, True, task="runs") == "accepted"
    assert desk.granted() == []
    release(desk, "runs")
    assert {lease.portion for lease in desk.granted()} == {1}
    release(desk, "waits")
    assert [(lease.task, lease.slot) for lease in desk.granted()] == [("waits", -2)]


def test_a_held_program_that_was_lost_stays_where_it_is(desk):
    desk.submit_program()
    desk.join(seats=1)
    hold(desk)
    desk.end(desk.leases[0], "died")
    assert desk.granted() == []
    assert desk.scheduler.why("task") == "It is held by alice."
    release(desk)
    assert [lease.attempt for lease in desk.granted()] == [2]


def test_whoever_held_it_first_is_named_and_a_second_time_changes_nothing(desk):
    desk.submit(4)
    hold(desk)
    assert hold(desk, by="bob") == []
    assert desk.scheduler.why("task") == "It is held by alice."
    assert desk.scheduler.snapshot("task").held
    release(desk)
    assert release(desk) == []
    assert not desk.scheduler.snapshot("task").held


def test_a_held_task_can_be_cancelled_and_is_not_released_after_that(desk):
    desk.submit(4)
    hold(desk)
    desk.do(CancelAsked("task", "alice"))
    assert of(SaveState, desk.actions) == [SaveState("task", "cancelled", "cancelled by alice")]
    assert release(desk) == []


def test_what_has_ended_or_nobody_knows_cannot_be_held(desk):
    desk.submit(4)
    desk.do(CancelAsked("task", "alice"))
    assert hold(desk) == []
    assert hold(desk, "nothing") == release(desk, "nothing") == []


def test_a_held_task_keeps_its_patience_until_it_was_released(desk):
    desk.submit(4, start_within=60.0)
    hold(desk)
    desk.tick(100)
    assert desk.scheduler.snapshot("task").state == "queued"
    release(desk)
    desk.tick(59)
    assert desk.scheduler.snapshot("task").state == "queued"
    desk.tick(1)
    assert of(SaveState, desk.actions) == [SaveState("task", "failed", "nothing took it within 60 s. No worker is connected.")]


def test_a_task_is_held_after_a_restart_too_though_nobody_remembers_by_whom(desk):
    desk.do(TaskRestored(terms(), "queued", {0: (4, True)}, held=True))
    desk.join()
    assert desk.leases == []
    assert desk.scheduler.why("task") == "It is held."
    release(desk)
    assert len(desk.leases) == 1


def test_the_story_says_who_held_and_released_it(desk):
    desk.submit(4)
    hold(desk)
    release(desk)
    assert [line.partition(" ")[2] for line in desk.scheduler.story("task")[-2:]] == ["held (by alice)", "released (by alice)"]
