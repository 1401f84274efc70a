"""What becomes of a main program whose worker, or whose process, is lost."""

import pytest

from marx.core.actions import FailItem, Grant, SaveAttempt, SaveState
from marx.core.events import ChunkEnded, ItemsReported, WorkerChanged, WorkerCut, WorkerHeard, WorkerLeft
from marx.core.model import Policy
from tests.core.builders import NOTHING_AHEAD, Desk, held, of, offer


@pytest.fixture
def desk() -> Desk:
    return Desk(NOTHING_AHEAD)


def state(desk: Desk, task: str = "task") -> str:
    return desk.scheduler.snapshot(task).state


# -- losses


def lose_silently(desk: Desk, name: str) -> None:
    desk.do(WorkerCut(name))
    desk.tick(61)


def test_a_program_that_was_lost_waits_again_and_is_a_further_attempt(desk):
    desk.submit_program()
    desk.join("alpha", seats=1)
    lose_silently(desk, "alpha")
    assert [(saved.portion, saved.outcome) for saved in of(SaveAttempt, desk.actions)] == [(0, "lost")]
    assert desk.scheduler.main_lease("task") is None
    assert state(desk) == "running"
    desk.join("beta", seats=1)
    assert desk.scheduler.main_lease("task").attempt == 2
    assert not desk.scheduler.is_alone(desk.scheduler.main_lease("task"))


def test_a_program_that_was_lost_prefers_another_worker_that_has_seats():
    desk = Desk()
    desk.submit_program()
    desk.join("alpha", seats=1)
    desk.join("beta")
    desk.end(desk.leases[0], "died")
    assert desk.scheduler.main_lease("task").worker == "alpha", "beta has no seat"
    desk.do(WorkerChanged(offer("beta", seats=1)))
    desk.submit_program("other", arrival=1)
    desk.end(desk.leases[0], "died")
    assert desk.scheduler.main_lease("task") is None, "beta's seat is taken for the moment"
    desk.tick(5)
    assert desk.scheduler.main_lease("task").worker == "alpha"


def test_a_program_whose_process_died_is_started_again_and_not_blamed(desk):
    desk.submit_program()
    desk.join(seats=1)
    desk.end(desk.leases[0], "died", reason="was killed by signal 9")
    assert of(FailItem, desk.actions) == []
    assert [(saved.outcome, saved.item) for saved in of(SaveAttempt, desk.actions)] == [("died", None)]
    assert len(of(Grant, desk.actions)) == 1


def test_a_program_that_was_seen_to_kill_its_process_fails_with_its_task(desk):
    desk.submit_program()
    desk.join(seats=1)
    desk.end(desk.leases[0], "died", item=0, reason="was killed by signal 9")
    [failed] = of(FailItem, desk.actions)
    assert (failed.portion, failed.item, failed.error["type"]) == (0, 0, "ItemDied")
    assert of(SaveState, desk.actions) == [SaveState("task", "failed", "its main program did not survive: it was killed by signal 9, on worker alpha at attempt 1")]


def test_a_program_that_is_lost_too_often_fails_with_its_task():
    desk = Desk(Policy(program_losses=4))
    desk.submit_program()
    desk.join("alpha", seats=1)
    for _ in range(3):
        desk.end(desk.leases[0], "died", reason="was killed by signal 9")
        assert of(FailItem, desk.actions) == []
    desk.end(desk.leases[0], "died", reason="was killed by signal 9")
    assert [(failed.portion, failed.item) for failed in of(FailItem, desk.actions)] == [(0, 0)]
    [saved] = of(SaveState, desk.actions)
    assert saved.state == "failed"
    assert saved.reason.startswith("its main program did not survive: it was lost 4 times, and is not tried again: on alpha: it was killed by signal 9; on alpha")


def test_twenty_losses_are_allowed_and_goodbyes_do_not_count():
    desk = Desk()
    desk.submit_program()
    for _ in range(30):
        desk.join("alpha", seats=1)
        desk.do(WorkerLeft("alpha"))
    desk.join("alpha", seats=1)
    for _ in range(Policy().program_losses - 1):
        desk.end(desk.leases[-1], "died")
    assert state(desk) == "running"
    desk.end(desk.leases[-1], "died")
    assert state(desk) == "failed"


def test_one_that_ends_without_a_result_was_lost(desk):
    desk.submit_program()
    desk.join(seats=1)
    desk.end(desk.leases[0])
    assert [saved.outcome for saved in of(SaveAttempt, desk.actions)] == ["lost"]
    assert desk.scheduler.main_lease("task").attempt == 2


def test_a_worker_that_refuses_a_program_is_left_alone_for_a_while(desk):
    desk.submit_program()
    desk.join("alpha", seats=1)
    desk.end(desk.leases[0], "refused", reason="its disk is full")
    assert desk.leases == []
    assert desk.scheduler.why("task") == "alpha could not run it (its disk is full); it is tried again in 5 s."
    desk.tick(5)
    assert [lease.attempt for lease in desk.leases] == [1], "it never began"


# -- workers that come back


def test_a_program_survives_a_cut_of_its_workers_link(desk):
    desk.submit_program()
    desk.join("alpha", seats=1)
    [main] = desk.leases
    desk.do(WorkerCut("alpha"), 10)
    desk.join("beta", seats=1)
    desk.join("alpha", held(main), seats=1)
    assert desk.scheduler.main_lease("task") is main
    assert desk.revoked() == []


def test_a_worker_that_lost_its_program_takes_it_up_again_while_nobody_else_has_it(desk):
    desk.submit_program()
    desk.join("alpha", seats=1)
    [main] = desk.leases
    lose_silently(desk, "alpha")
    desk.join("alpha", held(main), seats=1)
    back = desk.scheduler.main_lease("task")
    assert (back.fence, back.slot) == (main.fence, -1)
    assert desk.granted() == []


def test_a_worker_that_comes_back_too_late_is_asked_to_end_its_program(desk):
    desk.submit_program()
    desk.join("alpha", seats=1)
    [main] = desk.leases
    lose_silently(desk, "alpha")
    desk.join("beta", seats=1)
    desk.join("alpha", held(main), seats=1)
    assert [(revoke.fence, revoke.reason) for revoke in desk.revoked()] == [
        (main.fence, "the program was started again elsewhere")
    ]
    assert desk.scheduler.main_lease("task").worker == "beta"


def test_the_result_of_a_lost_program_counts_and_ends_the_other_attempt(desk):
    desk.submit_program()
    desk.join("alpha", seats=1)
    [main] = desk.leases
    lose_silently(desk, "alpha")
    desk.join("beta", seats=1)
    event = ItemsReported("alpha", main.fence, "task", 0, 0, 1)
    assert desk.verdict(event) == "accepted"
    assert state(desk) == "done"
    assert [revoke.worker for revoke in desk.revoked()] == ["beta"]
    assert desk.verdict(ChunkEnded("alpha", main.fence, "task", "succeeded")) == "known"


def test_a_silent_worker_that_is_heard_of_again_gets_programs_again(desk):
    desk.join("alpha", seats=1)
    desk.submit(1, "map")
    desk.tick(61)
    desk.submit_program("program", arrival=1)
    assert desk.scheduler.main_lease("program") is None
    desk.do(WorkerHeard("alpha"))
    assert desk.scheduler.main_lease("program").worker == "alpha"


def test_two_programs_that_a_worker_brings_back_have_a_seat_each():
    desk = Desk()
    for number in range(2):
        desk.submit_program(f"t{number}", arrival=number)
    desk.join("alpha", seats=2)
    both = list(desk.leases)
    lose_silently(desk, "alpha")
    desk.join("alpha", *map(held, both), seats=0)
    assert sorted(lease.slot for lease in map(desk.scheduler.main_lease, ("t0", "t1"))) == [-2, -1]


def test_a_program_whose_lease_ended_while_the_link_stands_is_asked_to_end(desk):
    """It would wait for ever: nobody listens to it any more."""
    desk.submit_program()
    desk.submit(1, "map", arrival=1)
    desk.join("alpha", seats=1)
    main = desk.scheduler.main_lease("task")
    desk.tick(61)
    assert [revoke.fence for revoke in desk.revoked()] == [main.fence], "a chunk ends by itself"
    assert desk.end(main, "cancelled") == "known"


# -- with the network


def test_a_program_that_used_the_network_is_not_started_again(desk):
    desk.submit_program(network=True)
    desk.join("alpha", seats=1, network=True)
    desk.join("beta", seats=1, network=True)
    lose_silently(desk, desk.leases[0].worker)
    assert state(desk) == "failed"
    assert "with --network it is not started again" in of(SaveState, desk.actions)[-1].reason
    assert of(Grant, desk.actions) == []


def test_nor_is_one_whose_process_died(desk):
    desk.submit_program(network=True)
    desk.join(seats=1, network=True)
    desk.end(desk.leases[0], "died", reason="killed by signal 9")
    assert state(desk) == "failed"


def test_one_that_a_worker_could_not_start_is_tried_again(desk):
    desk.submit_program(network=True)
    desk.join(seats=1, network=True)
    desk.end(desk.leases[0], "refused", reason="no room")
    assert state(desk) == "running"
    desk.tick(5)
    assert desk.scheduler.main_lease("task") is not None
