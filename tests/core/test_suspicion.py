"""Workers on which everything fails while others succeed: who is set aside, who is not, and who comes back when."""

from __future__ import annotations

import pytest

from marx.core.actions import AskToTest
from marx.core.events import WorkerCut, WorkerTested
from marx.core.model import Lease, Policy, TaskTerms, WorkerCounts
from tests.core.builders import Desk, of
from tests.core.house import House


@pytest.fixture
def desk() -> Desk:
    """Two workers of one slot each; alpha was granted the first chunk."""
    desk = Desk(Policy(ahead_chunks=0, lease_seconds=1e6, aside_seconds=30.0, aside_longest=100.0, elsewhere_seconds=1.0, copy_times=0.0))
    desk.submit(10_000, chunk_items=1, retries=100)
    desk.join("alpha")
    desk.join("beta")
    return desk


def lease_of(desk: Desk, worker: str) -> Lease | None:
    return next((lease for lease in desk.leases if lease.worker == worker), None)


def fare(desk: Desk, worker: str, outcome: str, times: int = 1) -> None:
    """Chunks of a worker end so, as many as it gets; a second each."""
    for _ in range(times):
        lease = lease_of(desk, worker)
        if lease is None:
            desk.tick(1.0)
        elif outcome == "well":
            desk.run(lease, seconds=1.0)
        elif outcome == "failed":
            desk.run(lease, failed=(lease.first,), seconds=1.0)
        else:
            desk.now += 1.0
            desk.end(lease, outcome, reason="its disk is full")


def of_worker(desk: Desk, name: str = "alpha") -> WorkerCounts:
    return next(counts for counts in desk.scheduler.workers() if counts.offer.name == name)


def is_aside(desk: Desk, name: str = "alpha") -> bool:
    return bool(of_worker(desk, name).aside)


def answer(desk: Desk, passed: bool | None, reason: str = "", after: float = 0.0) -> None:
    desk.do(WorkerTested("alpha", passed, reason), after=after)


@pytest.mark.parametrize("outcome", ["died", "failed", "succeeded"])
def test_a_worker_on_which_everything_fails_while_others_succeed_is_set_aside_and_asked_to_test_itself(desk, outcome):
    fare(desk, "beta", "well", 20)
    fare(desk, "alpha", outcome, 2)
    assert not is_aside(desk)
    fare(desk, "alpha", outcome)
    assert of(AskToTest, desk.actions) == [AskToTest("alpha")]
    assert of_worker(desk).aside.startswith("3 chunks in a row failed there that go well elsewhere; of the last: ")
    assert lease_of(desk, "alpha") is None
    desk.tick(7)
    assert of_worker(desk).aside_seconds == 7.0 and of(AskToTest, desk.actions) == []


def test_refusals_of_several_tasks_count(desk):
    for number in range(6):
        desk.submit(1000, f"t{number}", chunk_items=1, arrival=number + 1, user=f"user{number}")
    fare(desk, "beta", "well", 200)
    fare(desk, "alpha", "refused", 4)
    assert "of 3 tasks in a row" in of_worker(desk).aside


def test_one_good_chunk_clears_a_worker(desk):
    fare(desk, "beta", "well", 20)
    for _ in range(10):
        fare(desk, "alpha", "died", 2)
        fare(desk, "alpha", "well")
    assert not is_aside(desk)


def test_a_task_that_fails_everywhere_condemns_nobody(desk):
    for _ in range(50):
        for name in ("alpha", "beta"):
            fare(desk, name, "failed")
    assert not (is_aside(desk) or is_aside(desk, "beta"))


def test_a_task_that_mostly_fails_condemns_nobody(desk):
    for _ in range(20):
        fare(desk, "beta", "failed", 4)
        fare(desk, "beta", "well")
    fare(desk, "alpha", "failed", 12)
    assert not is_aside(desk)


def test_while_nothing_has_succeeded_elsewhere_nobody_is_suspected(desk):
    fare(desk, "alpha", "died", 100)
    assert not is_aside(desk)


def test_never_more_than_half_of_the_workers_are_set_aside(desk):
    fare(desk, "beta", "well", 20)
    fare(desk, "alpha", "died", 3)
    assert is_aside(desk)
    desk.submit(100, "other", chunk_items=1)
    desk.join("gamma")
    for name in ("beta", "gamma"):
        fare(desk, name, "well", 20)
    fare(desk, "gamma", "died", 20)
    assert not is_aside(desk, "gamma")


def test_the_only_worker_is_never_set_aside():
    desk = Desk(Policy(ahead_chunks=0))
    desk.submit(100, chunk_items=1, retries=9)
    desk.join("alpha")
    fare(desk, "alpha", "well", 20)
    fare(desk, "alpha", "died", 20)
    assert not is_aside(desk)


# -- back


def test_who_passes_its_test_is_back_at_once_but_the_tasks_that_failed_are_left_alone_there(desk):
    fare(desk, "beta", "well", 20)
    fare(desk, "alpha", "died", 3)
    desk.submit(100, "other", chunk_items=1, user="bob")
    answer(desk, True)
    assert not is_aside(desk)
    assert lease_of(desk, "alpha").task == "other"


def test_a_task_that_some_machines_cannot_run_does_not_keep_them_from_others(desk):
    fare(desk, "beta", "well", 20)
    fare(desk, "alpha", "died", 3)
    answer(desk, True)
    for _ in range(5):
        desk.tick(100)
        fare(desk, "alpha", "died", 3)
        assert not is_aside(desk), "it is known that it is the task"
        assert lease_of(desk, "alpha") is None, "which is left alone there"


def test_who_is_in_trouble_again_waits_longer_before_each_test(desk):
    fare(desk, "beta", "well", 20)
    fare(desk, "alpha", "died", 3)
    for number, pause in enumerate((30, 60, 100, 100)):
        answer(desk, True)
        desk.submit(1000, f"t{number}", chunk_items=1, priority=number + 1, retries=9)
        fare(desk, "beta", "well", 40)
        while not is_aside(desk):
            fare(desk, "alpha", "died")
        desk.tick(pause - 0.5)
        assert of(AskToTest, desk.actions) == []
        desk.tick(0.5)
        assert of(AskToTest, desk.actions) == [AskToTest("alpha")]


def test_who_fails_its_test_stays_aside_with_that_reason_and_tries_again_later_and_later(desk):
    fare(desk, "beta", "well", 20)
    fare(desk, "alpha", "died", 3)
    for pause in (60, 100, 100):
        answer(desk, False, "no space left on device")
        assert of_worker(desk).aside == "its test of itself failed: no space left on device"
        desk.tick(pause - 1)
        assert of(AskToTest, desk.actions) == []
        desk.tick(1)
        assert of(AskToTest, desk.actions) == [AskToTest("alpha")]
    answer(desk, True)
    assert not is_aside(desk)


def test_who_cannot_test_itself_comes_back_after_the_pause(desk):
    fare(desk, "beta", "well", 20)
    fare(desk, "alpha", "died", 3)
    answer(desk, None)
    assert is_aside(desk)
    desk.tick(30)
    assert of(AskToTest, desk.actions) == [AskToTest("alpha")]
    answer(desk, None)
    assert not is_aside(desk)


def test_a_cut_changes_nothing_and_a_restart_of_the_worker_everything(desk):
    fare(desk, "beta", "well", 20)
    fare(desk, "alpha", "died", 3)
    desk.do(WorkerCut("alpha"))
    desk.join("alpha")
    assert is_aside(desk) and of(AskToTest, desk.actions) == [AskToTest("alpha")]
    desk.do(WorkerCut("alpha"))
    desk.join("alpha", boot="boot-2")
    assert not is_aside(desk)
    answer(desk, True)


def test_a_test_that_nobody_asked_for_means_nothing(desk):
    answer(desk, False, "a lie")
    assert not is_aside(desk)
    fare(desk, "beta", "well", 20)
    fare(desk, "alpha", "died", 3)
    answer(desk, False)
    answer(desk, True)
    assert is_aside(desk)


def test_slots_that_could_not_run_several_tasks_work_again_when_the_worker_has_passed_its_test():
    desk = Desk()
    desk.join("alpha")
    for number in range(3):
        desk.submit(1, f"t{number}", arrival=number)
        desk.end(desk.leases[0], "refused", reason="the disk is full")
    assert of_worker(desk).slot_states == ("broken",)
    desk.tick(30)
    assert of(AskToTest, desk.actions) == [AskToTest("alpha")]
    answer(desk, True)
    assert of_worker(desk).slot_states == ("starting",)


def test_why_nothing_runs_on_workers_that_are_set_aside(desk):
    fare(desk, "beta", "well", 20)
    fare(desk, "alpha", "died", 3)
    desk.submit(5, "other", workers=frozenset({"alpha"}))
    assert desk.scheduler.why("other").startswith("alpha could run it, but is set aside until tests of itself go well (3 chunks in a row failed there")


def test_the_house_in_which_everything_happens_sets_workers_aside():
    house = House()
    house.open_house()
    house.submit(TaskTerms(id="", user="ada", chunk_items=1, retries=3), 30, True)
    house.submit(TaskTerms(id="", user="bob", chunk_items=1, retries=3), 30, True)
    house.spoil("beta", "died")
    assert any(counts.aside for counts in house.scheduler.workers()) or house.asked
    house.teardown()
