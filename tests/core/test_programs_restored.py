"""Programs after a restart of the server: what the store knew, and workers that come back with what they hold."""

import pytest

from marx.core.actions import FailItem, SaveState
from marx.core.events import TaskRestored
from marx.core.model import Finished, Held, Policy, PortionCounts, Tried
from tests.core.builders import EPOCH, NOTHING_AHEAD, Desk, fence, of, terms

RETURN_SECONDS = NOTHING_AHEAD.program_return_seconds
EARLIER = fence(3, EPOCH - 1)


@pytest.fixture
def desk() -> Desk:
    return Desk(NOTHING_AHEAD)


def restore(desk: Desk, state: str = "running", **more: object) -> None:
    """A program of which the store knows that it was submitted."""
    totals = {0: (1, True), **more.pop("totals", {})}
    desk.do(TaskRestored(terms(kind="run", chunk_items=2), state, totals, **more))


def test_a_program_waits_longer_for_its_worker_than_items_do(desk):
    restore(desk, totals={1: (4, True)}, portions={1: ("3.11", "open")})
    desk.join(seats=1)
    assert desk.scheduler.why("task") == "It ran when the server was restarted, and waits for its workers to return, for 45 s at most."
    desk.tick(3)
    assert [(lease.portion, lease.slot) for lease in desk.leases] == [(1, 0)]
    desk.tick(RETURN_SECONDS - 3.1)
    assert desk.scheduler.main_lease("task") is None
    desk.tick(0.1)
    assert desk.scheduler.main_lease("task").slot == -1


def test_when_every_worker_of_the_lab_is_back_nobody_is_waited_for():
    desk = Desk(NOTHING_AHEAD, awaited=("alpha", "beta"))
    restore(desk, totals={1: (4, True)}, portions={1: ("3.11", "open")})
    desk.join("alpha", Held(EARLIER, "task", 1, 0, 2, 0), seats=1)
    assert desk.scheduler.main_lease("task") is None and desk.leases == []
    desk.join("beta", seats=1)
    main = desk.scheduler.main_lease("task")
    assert (main.attempt, main.slot) == (2, -1)
    assert [(lease.portion, lease.first) for lease in desk.leases if lease.slot >= 0] == [(1, 2)]


def test_a_worker_that_is_switched_off_is_waited_for_no_longer_than_any():
    desk = Desk(NOTHING_AHEAD, awaited=("alpha", "gone"))
    restore(desk, totals={1: (4, True)}, portions={1: ("3.11", "open")})
    desk.join("alpha", seats=1)
    desk.tick(RETURN_SECONDS)
    assert desk.scheduler.main_lease("task") is not None
    desk.join("gone", seats=1)


def test_one_that_is_started_again_is_a_further_attempt_although_nobody_saw_the_first_fail(desk):
    """The worker asks for the record only of a second attempt."""
    restore(desk)
    desk.join(seats=1)
    desk.tick(RETURN_SECONDS)
    assert desk.scheduler.main_lease("task").attempt == 2


def test_one_that_was_never_started_is_a_first_attempt_at_once(desk):
    restore(desk, "queued")
    desk.join(seats=1)
    assert desk.scheduler.main_lease("task").attempt == 1


def test_a_worker_that_comes_back_with_its_program_goes_on_speaking_for_it(desk):
    restore(desk, portions={1: ("3.11", "open")})
    desk.join("alpha", Held(EARLIER, "task", 0, 0, 1, -1), seats=1)
    main = desk.scheduler.main_lease("task")
    assert (main.fence, main.worker, main.slot) == (EARLIER, "alpha", -1)
    assert desk.open(1) == "known", "the report whose answer was lost"
    assert desk.open(2, 2, True) == "accepted"
    desk.tick(3)
    assert [(lease.portion, lease.first) for lease in desk.leases] == [(2, 0)]


def test_a_worker_comes_back_with_as_many_programs_and_chunks_as_it_has_room_for(desk):
    restore(desk, totals={1: (2, True)}, portions={1: ("3.11", "open")})
    program, chunk = Held(EARLIER, "task", 0, 0, 1, -2), Held(EARLIER + 1, "task", 1, 0, 2, 0)
    desk.join("alpha", chunk, program, slots=1, seats=2)
    assert desk.revoked() == []
    assert desk.scheduler.main_lease("task").slot == -2
    assert desk.scheduler.snapshot("task").leased == 2


def test_one_whose_worker_came_back_without_it_is_started_again_at_once(desk):
    restore(desk)
    desk.join("alpha", Held(EARLIER, "task", 0, 0, 1, -1), seats=1)
    desk.end(desk.scheduler.main_lease("task"), "cancelled", reason="the worker was restarted")
    assert [(lease.portion, lease.slot) for lease in desk.granted()] == [(0, -1)]


def test_whoever_comes_back_second_with_the_same_program_is_asked_to_end_it(desk):
    restore(desk)
    desk.join("alpha", Held(EARLIER, "task", 0, 0, 1, -1), seats=1)
    desk.join("beta", Held(EARLIER - 1, "task", 0, 0, 1, -1), seats=1)
    assert [(revoke.worker, revoke.fence) for revoke in desk.revoked()] == [("beta", EARLIER - 1)]


def test_portions_stand_where_they_stood(desk):
    restore(
        desk,
        totals={1: (4, True), 2: (10, False), 3: (6, True), 4: (6, True)},
        finished=(Finished(1, ((0, 4),), ((2, 3),)), Finished(2, ((0, 1),)), Finished(3, ((0, 2),))),
        portions={
            1: ("3.11", "open"),
            2: ("3.11", "open"),
            3: ("3.11", "dropped"),
            4: ("3.11", "refused", "no module named secret"),
            5: ("3.11", "home"),
        },
    )
    assert desk.scheduler.portions("task") == [
        PortionCounts(1, 4, True, 4, 1),
        PortionCounts(2, 10, False, 1, 0),
        PortionCounts(3, 6, True, 2, 0),
        PortionCounts(4, 6, True, 0, 0),
        PortionCounts(5, 0, True, 0, 0),
    ]
    assert desk.scheduler.refusals("task") == {4: "no module named secret"}
    counts = desk.scheduler.snapshot("task")
    assert (counts.total, counts.waiting, counts.done, counts.failed) == (16, 9, 7, 1)
    desk.join("alpha", slots=9)
    desk.tick(3)
    assert {lease.portion for lease in desk.leases} == {2}


def test_what_it_runs_under_is_remembered(desk):
    restore(desk, portions={1: ("2.7", "open")}, totals={1: (4, True)})
    desk.join(seats=1, interpreters=())
    assert desk.scheduler.why("task") == "The only worker, alpha, has no Python 2.7."


def test_a_portion_whose_python_is_not_known_narrows_nothing(desk):
    restore(desk, portions={1: (None, "open")}, totals={1: (2, True)})
    desk.join(seats=1)
    desk.tick(3)
    assert [lease.portion for lease in desk.leases] == [1]


def test_earlier_losses_of_the_program_count(desk):
    lost = Tried(0, 0, 1, "alpha", "lost", None, "its worker was silent for 60 s")
    desk.scheduler = Desk(Policy(program_losses=3)).scheduler
    restore(desk, tried=(lost, lost), failures=2)
    desk.join(seats=1)
    desk.tick(RETURN_SECONDS)
    assert desk.scheduler.main_lease("task").attempt == 4
    desk.end(desk.scheduler.main_lease("task"), "died")
    assert len(of(FailItem, desk.actions)) == 1
    assert desk.scheduler.snapshot("task").state == "failed"


def test_a_program_that_has_its_result_is_done(desk):
    restore(desk, finished=(Finished(0, ((0, 1),)),), totals={1: (4, True)}, portions={1: ("3.11", "open")})
    assert of(SaveState, desk.actions) == [SaveState("task", "done", "")]


def test_a_program_whose_result_is_a_failure_has_failed(desk):
    restore(desk, finished=(Finished(0, ((0, 1),), ((0, 1),)),))
    assert of(SaveState, desk.actions) == [SaveState("task", "failed", "its main program failed")]


def test_a_worker_that_only_has_to_say_how_it_ended_does_not_hold_the_program(desk):
    restore(desk)
    desk.join("alpha", Held(EARLIER, "task", 0, 1, 0), seats=1)
    assert [(lease.portion, lease.fence != EARLIER) for lease in desk.granted()] == [(0, True)]
    assert desk.scheduler.main_lease("task").slot == -1


def test_one_that_used_the_network_goes_on_where_its_worker_returns_with_it(desk):
    desk.do(TaskRestored(terms(kind="run", network=True), "running", {0: (1, True)}))
    desk.join("alpha", Held(EARLIER, "task", 0, 0, 1, -1), seats=1, network=True)
    desk.tick(RETURN_SECONDS)
    assert desk.scheduler.main_lease("task").worker == "alpha"


def test_and_fails_when_nobody_has_returned_with_it(desk):
    desk.do(TaskRestored(terms(kind="run", network=True), "running", {0: (1, True)}))
    desk.join("beta", seats=1, network=True)
    assert desk.scheduler.snapshot("task").state == "running"
    desk.tick(RETURN_SECONDS)
    [saved] = of(SaveState, desk.actions)
    assert saved.state == "failed" and "--network" in saved.reason
