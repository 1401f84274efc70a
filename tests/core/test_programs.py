"""Portions that a main program opens: whose word counts, what is granted, and while the program is away."""

import pytest

from marx.core.actions import Answer, FailItem, SaveItems, SavePortion, SaveState, Tell
from marx.core.events import CancelAsked, ItemsAdded, PortionDropped, PortionOpened, WorkerCut, WorkerHeard, WorkerLeft
from marx.core.model import Interpreter, Lease, Policy, PortionCounts
from tests.core.builders import EPOCH, NOTHING_AHEAD, Desk, fence, of

NEWER = (Interpreter("3.12.1", "/usr/bin/python3"),)


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


# -- opened


def test_a_portion_is_stored_with_its_cargo_before_it_is_answered(desk):
    main = desk.scheduler.main_lease("task")
    actions = desk.do(PortionOpened("alpha", main.fence, "task", 1, "3.11", "lab", "receipt", "cargo"))
    assert actions == [SavePortion("task", 1, "cargo"), Answer("alpha", "receipt", "accepted"), Tell("task")]


def test_its_items_are_stored_and_granted_to_slots(desk):
    desk.open(1)
    assert desk.add(1, 3, cargo="cargo") == "accepted"
    assert of(SaveItems, desk.actions) == [SaveItems("task", 1, 0, 3, False, "cargo")]
    assert chunks(desk) == [(1, 0, 2, "alpha")]
    assert desk.add(1, 0, True, first=3) == "accepted"


def test_they_run_on_any_worker(desk):
    desk.join("beta", slots=2)
    desk.open(1, 6, True)
    assert sorted(chunks(desk)) == [(1, 0, 2, "alpha"), (1, 2, 2, "beta"), (1, 4, 2, "beta")]


def test_portions_are_served_in_the_order_in_which_they_were_opened(desk):
    for number in (1, 2, 3):
        desk.open(number, 2, True)
    served = []
    while chunks(desk):
        served.append(slot_lease(desk).portion)
        desk.run(slot_lease(desk))
    assert served == [1, 2, 3]


def test_what_waits_again_goes_before_what_was_opened_later(desk):
    for number in (1, 2, 3):
        desk.open(number, 2, True)
    first = slot_lease(desk)
    desk.report(first, count=1)
    desk.end(first, "cancelled")
    assert [(one.portion, one.first) for one in desk.granted()] == [(1, 1)]


def test_a_portion_that_is_opened_or_filled_again_is_known(desk):
    desk.open(1, 3, True)
    assert desk.open(1) == "known"
    assert of(SavePortion, desk.actions) == []
    assert desk.add(1, 2) == "known"
    assert desk.add(1, 0, True, first=3) == "known"
    assert desk.add(1, 2, first=2) == "refused"


def test_only_the_worker_with_the_programs_lease_is_believed(desk):
    main = desk.scheduler.main_lease("task")
    desk.join("beta")
    for liar in ({"worker": "beta"}, {"fence": main.fence + 1}, {"fence": fence(1, EPOCH - 1)}):
        assert desk.open(1, **liar) == "not yours"
        assert of(SavePortion, desk.actions) == []
    assert desk.verdict(PortionOpened("alpha", main.fence, "other", 1)) == "not yours"
    desk.open(1)
    for liar in ({"worker": "beta"}, {"fence": main.fence + 1}):
        assert desk.add(1, 1, **liar) == "not yours"
        assert desk.drop(1, **liar) == "not yours"
    assert desk.scheduler.portions("task") == [PortionCounts(1, 0, False, 0, 0)]


def test_whoever_runs_a_chunk_of_it_cannot_speak_for_the_program(desk):
    desk.open(1, 2, True)
    chunk = slot_lease(desk)
    assert desk.verdict(PortionOpened("alpha", chunk.fence, "task", 2)) == "not yours"


def test_a_map_opens_no_portions():
    desk = Desk(NOTHING_AHEAD)
    desk.submit(5)
    desk.join(seats=1)
    [chunk] = desk.leases
    assert desk.verdict(PortionOpened("alpha", chunk.fence, "task", 1)) == "not yours"
    assert desk.verdict(ItemsAdded("task", 1, 0, 5, True, worker="alpha", fence=chunk.fence)) == "not yours"


@pytest.mark.parametrize("number", [0, -1])
def test_the_program_itself_is_no_portion_that_it_could_open_fill_or_drop(desk, number):
    assert desk.open(number) == "refused"
    assert desk.drop(number) == "refused"
    assert desk.add(number, 1) == "not yours"


def test_items_for_a_portion_that_was_not_opened_are_refused(desk):
    assert desk.add(4, 1) == "refused"


def test_a_program_whose_worker_was_lost_is_not_believed_any_more(desk):
    main = desk.scheduler.main_lease("task")
    desk.do(WorkerCut("alpha"))
    desk.tick(61)
    assert desk.verdict(PortionOpened("alpha", main.fence, "task", 1)) == "not yours"
    desk.join("beta", seats=1)
    assert desk.open(1) == "accepted"
    assert desk.verdict(PortionDropped("alpha", main.fence, "task", 1)) == "not yours"


def test_a_program_that_is_being_stopped_is_not_believed_any_more(desk):
    main = desk.scheduler.main_lease("task")
    desk.do(CancelAsked("task", "ada"))
    assert desk.verdict(PortionOpened("alpha", main.fence, "task", 1)) == "not yours"
    assert of(SavePortion, desk.actions) == []


def test_what_a_program_says_is_a_sign_of_its_workers_life(desk):
    desk.tick(50)
    desk.open(1)
    desk.tick(50)
    assert desk.scheduler.main_lease("task") is not None


def test_a_portion_that_stays_at_home_is_remembered_and_takes_no_items(desk):
    assert desk.open(1, place="home") == "accepted"
    assert len(of(SavePortion, desk.actions)) == 1
    assert desk.open(1, place="home") == "known"
    assert desk.add(1, 1) == "refused"
    assert desk.drop(1) == "accepted"
    assert desk.scheduler.portions("task") == [PortionCounts(1, 0, True, 0, 0)]


def test_from_the_first_portion_on_only_workers_with_the_programs_python_will_do(desk):
    desk.join("beta", slots=2, seats=1, interpreters=NEWER)
    desk.open(1, 6, True, python="3.11")
    assert chunks(desk) == [(1, 0, 2, "alpha")]
    desk.do(WorkerLeft("alpha"))
    assert desk.scheduler.main_lease("task") is None
    assert desk.scheduler.why("task") == "The only worker, beta, has no Python 3.11."


def test_its_python_must_be_the_one_that_was_asked_for_too():
    desk = Desk(NOTHING_AHEAD)
    desk.submit_program(python="/opt/python", chunk_items=1)
    own = Interpreter("3.11.7", "/opt/python")
    desk.join("alpha", slots=0, seats=1, interpreters=(own,))
    desk.join("beta", interpreters=(Interpreter("3.12.1", "/opt/python"), Interpreter("3.11.2", "/usr/bin/python3")))
    desk.open(1, 1, True, python="3.11")
    assert chunks(desk) == []
    desk.join("gamma", interpreters=(own,))
    assert chunks(desk) == [(1, 0, 1, "gamma")]


def test_as_long_as_the_python_is_not_known_any_will_do(desk):
    desk.join("beta", interpreters=NEWER)
    desk.open(1, 4, True, python=None)
    assert {worker for *_, worker in chunks(desk)} == {"alpha", "beta"}


def test_items_that_wait_while_the_python_becomes_known_are_granted_by_it(desk):
    desk.open(1, 4, True, python=None)
    desk.open(2, 2, True, python="3.11")
    desk.join("beta", interpreters=NEWER)
    while chunks(desk):
        desk.run(slot_lease(desk))
    assert [counts.done for counts in desk.scheduler.portions("task")] == [4, 2]


def test_exceptions_of_items_are_results_and_are_not_tried_again():
    desk = Desk(NOTHING_AHEAD)
    desk.submit_program(chunk_items=2, retries=3)
    desk.join(seats=1)
    desk.open(1, 2, True)
    assert desk.report(slot_lease(desk), failed=(0, 1)) == "accepted"
    assert desk.scheduler.snapshot("task").failed == 2


def test_items_that_die_are_tried_again_as_often_as_the_task_asked():
    desk = Desk(NOTHING_AHEAD)
    desk.submit_program(chunk_items=1, retries=1)
    desk.join(seats=1)
    desk.open(1, 1, True)
    desk.end(slot_lease(desk), "died", item=0)
    assert of(FailItem, desk.actions) == []
    desk.end(slot_lease(desk), "died", item=0)
    assert [(failed.portion, failed.item) for failed in of(FailItem, desk.actions)] == [(1, 0)]
    assert desk.scheduler.snapshot("task").state == "running"


# -- while the program is away, and after it


def test_its_portions_go_on_while_the_program_waits_for_another_seat(desk):
    desk.join("beta")
    desk.open(1, 8, True)
    desk.do(WorkerLeft("alpha"))
    assert desk.scheduler.main_lease("task") is None
    while chunks(desk):
        lease = slot_lease(desk)
        if lease.worker == "alpha":
            desk.leases.remove(lease)
        else:
            desk.run(lease)
    assert desk.scheduler.portions("task") == [PortionCounts(1, 8, True, 8, 0)]
    assert desk.scheduler.snapshot("task").state == "running"


def test_when_the_program_has_ended_so_has_its_task_and_the_rest_is_stopped(desk):
    desk.open(1, 10, True)
    main, chunk = desk.scheduler.main_lease("task"), slot_lease(desk)
    desk.report(main)
    assert of(SaveState, desk.actions) == [SaveState("task", "done", "")]
    assert [(revoke.fence, revoke.reason) for revoke in desk.revoked()] == [(chunk.fence, "its program has ended")]
    desk.end(main)
    assert desk.end(chunk, "cancelled") == "accepted"
    assert desk.granted() == []
    assert desk.verdict(PortionOpened("alpha", main.fence, "task", 2)) == "not yours"


def test_all_results_of_all_portions_do_not_end_a_task(desk):
    desk.open(1, 2, True)
    desk.run(slot_lease(desk))
    counts = desk.scheduler.snapshot("task")
    assert (counts.state, counts.final, counts.done, counts.total) == ("running", False, 2, 2)


def test_a_snapshot_counts_what_the_program_asked_for_and_not_the_program(desk):
    assert desk.scheduler.snapshot("task").total == 0
    desk.open(1, 5, True)
    desk.open(2, 3)
    desk.report(slot_lease(desk), failed=(1,))
    counts = desk.scheduler.snapshot("task")
    assert (counts.total, counts.waiting, counts.leased, counts.done, counts.failed) == (8, 6, 0, 2, 1)
    assert desk.scheduler.portions("task") == [PortionCounts(1, 5, True, 2, 1), PortionCounts(2, 3, False, 0, 0)]


def test_each_bound_of_losses_is_its_own():
    """An item is lost three times at most, the program may be lost much more often."""
    desk = Desk(Policy(ahead_chunks=0, item_losses=2))
    desk.submit_program(chunk_items=1)
    desk.join("alpha", slots=0, seats=1)
    desk.join("beta")
    desk.open(1, 1, True)
    for _ in range(2):
        desk.do(WorkerHeard("alpha"), 50)
        desk.do(WorkerHeard("alpha"), 50)
        desk.tick(0)
        desk.join("beta")
    assert desk.scheduler.snapshot("task").failed == 1
    assert desk.scheduler.snapshot("task").state == "running"


def test_nothing_is_known_of_the_program_of_a_task_that_is_not_one(desk):
    assert desk.scheduler.main_lease("nothing") is None
    desk.submit(5, "map")
    assert desk.scheduler.main_lease("map") is None
    assert desk.scheduler.refusals("map") == {}
