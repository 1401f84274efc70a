"""Who gets a seat, and why a program waits for one."""

import pytest

from marx.core.actions import SaveState
from marx.core.events import CancelAsked, ItemsAdded, TaskSubmitted, WorkerChanged
from tests.core.builders import NOTHING_AHEAD, Desk, of, offer, terms


@pytest.fixture
def desk() -> Desk:
    return Desk(NOTHING_AHEAD)


def seats(desk: Desk) -> list[tuple[str, str, int]]:
    """The main programs that were granted and have neither ended nor been lost: task, worker and seat."""
    return [(lease.task, lease.worker, lease.slot) for lease in desk.leases if lease.slot < 0]


def state(desk: Desk, task: str = "task") -> str:
    return desk.scheduler.snapshot(task).state


# -- who gets one


def test_a_main_program_is_granted_a_seat_and_no_slot(desk):
    desk.submit_program()
    desk.join(slots=2, seats=1)
    [lease] = desk.leases
    assert (lease.portion, lease.first, lease.count, lease.slot, lease.attempt) == (0, 0, 1, -1, 1)
    assert desk.scheduler.main_lease("task") is lease
    assert desk.scheduler.snapshot("task").slots == 0
    [worker] = desk.scheduler.workers()
    assert (worker.busy, worker.seats_busy, worker.leases) == (0, 1, 1)
    assert (worker.slot_states, worker.seat_states) == (("idle", "idle"), ("starting",))


def test_a_worker_without_seats_runs_no_program(desk):
    desk.submit_program()
    desk.join(slots=4)
    assert desk.leases == []


def test_a_map_never_takes_a_seat(desk):
    desk.submit(10, chunk_items=1)
    desk.join(slots=1, seats=3)
    assert [lease.slot for lease in desk.leases] == [0]


def test_seats_are_counted_from_minus_one_and_hold_one_program_each(desk):
    for number in range(3):
        desk.submit_program(f"t{number}", arrival=number)
    desk.join(slots=0, seats=2)
    assert seats(desk) == [("t0", "alpha", -1), ("t1", "alpha", -2)]
    desk.run(desk.leases[0])
    assert seats(desk) == [("t1", "alpha", -2), ("t2", "alpha", -1)]


def test_programs_that_wait_take_turns_between_users_and_go_by_priority_within_one(desk):
    for number in range(3):
        desk.submit_program(f"ada{number}", arrival=number)
    desk.submit_program("urgent", priority=1, arrival=3)
    desk.submit_program("bob", user="bob", arrival=4)
    desk.join(seats=1)
    order = []
    while desk.leases:
        order.append(desk.leases[0].task)
        desk.run(desk.leases[0])
    assert order.index("urgent") < order.index("ada0") < order.index("ada1") < order.index("ada2")
    assert order.index("bob") <= 1, "ada had a seat before, bob had none"


def test_seats_held_do_not_count_against_slots(desk):
    """Fairness between users, -j and chunk sizes are about slots alone."""
    desk.submit_program("program", user="ada", max_slots=1)
    desk.join(slots=2, seats=1)
    desk.submit(100, "map", user="bob", chunk_items=1)
    desk.open(1, 100, task="program")
    counts = desk.scheduler.snapshot("program")
    assert counts.slots <= 1
    desk.run([lease for lease in desk.leases if lease.slot >= 0][0])
    assert {lease.task for lease in desk.leases if lease.slot >= 0} == {"program", "map"}


def test_work_spreads_over_the_seats_of_all_workers(desk):
    desk.join("alpha", seats=2)
    desk.join("beta", seats=2)
    for number in range(4):
        desk.submit_program(f"t{number}", arrival=number)
    assert sorted(seats(desk)) == [("t0", "alpha", -1), ("t1", "beta", -1), ("t2", "alpha", -2), ("t3", "beta", -2)]


@pytest.mark.parametrize("closed", [{"paused": True}, {"draining": True}, {"users": frozenset({"bob"})}, {"interpreters": ()}])
def test_a_worker_that_takes_nothing_of_it_gets_no_program(desk, closed):
    desk.submit_program()
    desk.join("alpha", seats=1, **closed)
    assert desk.leases == []
    desk.join("beta", seats=1)
    assert seats(desk) == [("task", "beta", -1)]


def test_a_program_goes_on_while_its_worker_drains(desk):
    desk.submit_program()
    desk.join(seats=1)
    desk.do(WorkerChanged(offer("alpha", seats=1, draining=True)))
    assert desk.revoked() == []
    assert desk.scheduler.main_lease("task") is desk.leases[0]
    desk.run(desk.leases[0])
    assert state(desk) == "done"


def test_more_seats_can_be_offered_later_and_fewer_leave_what_runs_alone(desk):
    desk.submit_program("t0")
    desk.submit_program("t1", arrival=1)
    desk.join(seats=0)
    desk.do(WorkerChanged(offer("alpha", seats=2)))
    assert len(seats(desk)) == 2
    desk.do(WorkerChanged(offer("alpha", seats=1)))
    assert desk.revoked() == []
    desk.submit_program("t2", arrival=2)
    desk.run(desk.leases[1])
    assert [task for task, *_ in seats(desk)] == ["t0"], "seat -2 is not lent any more"


def test_a_seat_that_several_programs_found_broken_gets_none_until_it_is_offered_again(desk):
    desk.join(seats=1)
    for number in range(3):
        desk.submit_program(f"t{number}", arrival=number)
        desk.end(desk.leases[0], "refused", reason="no memory")
    desk.submit_program("t3", arrival=3)
    assert desk.leases == []
    assert desk.scheduler.workers()[0].seat_states == ("broken",)
    desk.do(WorkerChanged(offer("alpha", seats=1)))
    assert [lease.task for lease in desk.leases] == ["t3"]


# -- what it comes to


def test_a_task_is_done_when_its_main_program_has_a_result(desk):
    desk.submit_program()
    assert state(desk) == "queued"
    desk.join(seats=1)
    assert state(desk) == "running"
    desk.report(desk.leases[0])
    assert of(SaveState, desk.actions) == [SaveState("task", "done", "")]
    assert desk.end(desk.leases[0]) == "accepted"
    assert desk.scheduler.main_lease("task") is None


def test_a_program_that_is_cancelled_is_asked_to_end(desk):
    desk.submit_program()
    desk.join(seats=1)
    [main] = desk.leases
    desk.do(CancelAsked("task", "ada"))
    assert [(revoke.fence, revoke.gently) for revoke in desk.revoked()] == [(main.fence, False)]
    desk.end(main, "cancelled")
    assert state(desk) == "cancelled"


def test_a_program_that_does_not_load_is_the_end_of_its_task(desk):
    desk.submit_program()
    desk.join(seats=1)
    desk.end(desk.leases[0], "refused", fatal=True, reason="there is no file prog.py")
    assert of(SaveState, desk.actions) == [SaveState("task", "failed", "there is no file prog.py")]


def test_a_main_program_is_one_item(desk):
    desk.do(TaskSubmitted(terms(kind="run")))
    assert "one item" in of_reason(desk.do(ItemsAdded("task", 0, 0, 2, True, receipt="r")))
    assert desk.do(ItemsAdded("task", 0, 0, 1, True, receipt="r"))[-1].task == "task"
    assert "not opened" in of_reason(desk.do(ItemsAdded("task", 3, 0, 1, True, receipt="r")))


def of_reason(actions: list) -> str:
    return next(action.reason for action in actions if hasattr(action, "verdict") and action.verdict == "refused")


def test_a_result_that_is_a_failure_fails_the_task(desk):
    desk.submit_program(retries=5)
    desk.join(seats=1)
    desk.report(desk.leases[0], failed=(0,))
    assert of(SaveState, desk.actions) == [SaveState("task", "stopping", "its main program failed")]
    desk.end(desk.leases[0])
    assert of(SaveState, desk.actions) == [SaveState("task", "failed", "its main program failed")]


# -- why


def test_why_a_program_waits_for_a_seat(desk):
    desk.submit_program("t0")
    assert desk.scheduler.why("t0") == "No worker is connected."
    desk.join("alpha")
    assert desk.scheduler.why("t0") == "It waits for a free seat: alpha lends none."
    desk.join("beta")
    assert desk.scheduler.why("t0") == "It waits for a free seat: alpha and beta lend none."
    desk.join("beta", seats=1)
    assert desk.scheduler.why("t0") == ""
    desk.submit_program("t1", arrival=1)
    assert desk.scheduler.why("t1") == "It waits for a free seat: the only one that it could have is another program's."
    desk.join("alpha", seats=1)
    desk.submit_program("t2", arrival=2)
    assert desk.scheduler.why("t2") == "It waits for a free seat: all 2 that it could have are other programs'."


def test_why_a_program_waits_where_its_worker_takes_nothing(desk):
    desk.submit_program(python="3.11")
    desk.join("alpha", seats=1, paused=True)
    assert desk.scheduler.why("task") == "alpha could run it, but is paused."
    desk.join("alpha", seats=1, interpreters=())
    assert desk.scheduler.why("task") == "The only worker, alpha, has no Python 3.11."


def test_why_no_seat_works(desk):
    desk.join(seats=1)
    for number in range(3):
        desk.submit_program(f"t{number}", arrival=number)
        desk.end(desk.leases[0], "refused")
    desk.submit_program("t3", arrival=3)
    assert desk.scheduler.why("t3") == "It waits for a free seat: of alpha none works."


def test_why_the_program_has_not_come(desk):
    desk.do(TaskSubmitted(terms(kind="run")))
    assert desk.scheduler.why("task") == "Its items have not come yet."
