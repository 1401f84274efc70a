"""What can be asked of a scheduler: counts, reasons, stories, workers, and that it checks itself."""

import pytest

from marx.core.errors import UnknownTask
from marx.core.events import CancelAsked, ChunkBegun, TaskRestored, TaskSubmitted, WorkerChanged, WorkerCut, WorkerLeft
from marx.core.model import Lease, Policy
from marx.core.reasons import span
from tests.core.builders import NOTHING_AHEAD, Desk, held, offer, terms


@pytest.fixture
def desk() -> Desk:
    return Desk(NOTHING_AHEAD)


def why(desk: Desk, task: str = "task") -> str:
    assert desk.scheduler.snapshot(task).why_waiting == desk.scheduler.why(task)
    return desk.scheduler.why(task)


def test_a_snapshot_counts_every_item_once(desk):
    desk.submit(40, chunk_items=10, final=False)
    desk.join(slots=2)
    desk.report(desk.leases[0], count=5, failed=(1,))
    now = desk.scheduler.snapshot("task")
    assert (now.state, now.total, now.final, now.slots) == ("running", 40, False, 2)
    assert (now.waiting, now.leased, now.done, now.failed) == (20, 15, 5, 1)


@pytest.mark.parametrize("ask", [lambda s: s.snapshot("x"), lambda s: s.why("x"), lambda s: s.story("x")])
def test_what_is_not_remembered_raises(desk, ask):
    with pytest.raises(UnknownTask):
        ask(desk.scheduler)


def test_workers_are_listed_with_what_they_have(desk):
    desk.submit(3)
    desk.join("alpha", slots=2)
    desk.join("beta", paused=True)
    alpha, beta = desk.scheduler.workers()
    assert (alpha.offer.name, alpha.connected, alpha.busy, alpha.leases, alpha.heard_at) == ("alpha", True, 2, 2, desk.now)
    assert (beta.offer.paused, beta.busy, beta.leases) == (True, 0, 0)


def test_the_states_of_slots_follow_what_is_heard_of_them(desk):
    def states() -> tuple[str, ...]:
        return desk.scheduler.workers()[0].slot_states

    desk.submit(5)
    desk.join("alpha", slots=2)
    assert states() == ("starting", "starting")
    desk.report(desk.leases[0])
    assert states() == ("busy", "starting")
    desk.do(CancelAsked("task", "ada"))
    assert states() == ("stopping", "stopping")
    desk.end(desk.leases[0], "cancelled")
    assert states() == ("idle", "stopping")


def test_a_lease_is_shown_to_its_holder_alone_even_after_it_was_lost(desk):
    desk.submit(1, chunk_items=1, final=False)
    desk.join("alpha")
    [lease] = desk.leases
    scheduler = desk.scheduler
    assert scheduler.lease(lease.fence, "alpha", "task", 0) is lease
    assert scheduler.lease(lease.fence, "beta", "task", 0) is scheduler.lease(lease.fence, "alpha", "other", 0) is None
    assert scheduler.is_alone(lease) and scheduler.holds_any("alpha", "task")
    assert not scheduler.holds_any("beta", "task")
    desk.join("beta")
    desk.do(WorkerLeft("alpha"))
    assert scheduler.lease(lease.fence, "alpha", "task", 0) is lease
    assert not scheduler.is_alone(lease) and not scheduler.is_alone(desk.leases[1])
    assert scheduler.holds_any("beta", "task") and not scheduler.holds_any("alpha", "task")


def test_who_lost_a_lease_may_still_bring_what_was_made_under_it(desk):
    desk.submit(1, chunk_items=1, final=False, workers=frozenset({"alpha"}))
    desk.join("alpha")
    desk.join("beta")
    desk.do(WorkerCut("alpha"))
    desk.tick(61)
    assert not desk.scheduler.may_run("alpha", "task"), "it is not here"
    desk.join("alpha", boot="another")
    may_run = desk.scheduler.may_run
    assert may_run("alpha", "task") and not may_run("beta", "task") and not may_run("alpha", "other")


def test_nothing_that_was_running_when_the_server_was_restarted_is_alone(desk):
    desk.do(TaskRestored(terms(), "queued", {0: (5, True)}))
    desk.join()
    assert desk.leases[0].attempt == 1
    assert not desk.scheduler.is_alone(desk.leases[0])


@pytest.mark.parametrize("end", ["died", "cancelled", "succeeded"])
def test_what_may_have_been_run_before_is_not_alone(desk, end):
    desk.submit(10, chunk_items=10)
    desk.join()
    [lease] = desk.leases
    desk.end(lease, end)
    assert desk.leases[0].attempt == 2
    assert not desk.scheduler.is_alone(desk.leases[0])


def two_on_one_slot() -> tuple[Desk, Lease, Lease]:
    """The one that is thought to run, and the one behind it."""
    desk = Desk()
    desk.submit(100, chunk_items=1, retries=1)
    desk.join()
    desk.run(desk.leases[0], seconds=0.01)
    front, behind, *_ = desk.leases
    return desk, front, behind


@pytest.mark.parametrize("end", ["died", "cancelled"])
def test_what_was_run_before_the_end_of_the_chunk_in_front_was_heard_is_not_alone(end):
    """A file that is still on its way holds up the reports of its own chunk only."""
    desk, front, behind = two_on_one_slot()
    desk.do(ChunkBegun("alpha", behind.fence, "task"))
    desk.end(behind, end, item=behind.first if end == "died" else None)
    desk.join("beta")
    again = next(lease for lease in desk.leases if lease.first == behind.first)
    assert again.attempt == 2 and not desk.scheduler.is_alone(again)
    assert desk.scheduler.is_alone(front)


def test_that_a_chunk_has_begun_is_believed_of_its_worker_alone_and_as_long_as_it_lives():
    desk, _, behind = two_on_one_slot()
    for stranger in (ChunkBegun("beta", behind.fence, "task"), ChunkBegun("alpha", behind.fence, "other"), ChunkBegun("alpha", behind.fence + 1000, "task")):
        desk.do(stranger)
    assert desk.scheduler.is_queued(behind.fence)
    for _ in range(2):
        desk.do(ChunkBegun("alpha", behind.fence, "task"))
    assert not desk.scheduler.is_queued(behind.fence)
    desk.tick(61)
    desk.do(ChunkBegun("alpha", behind.fence, "task"))
    assert not desk.scheduler.is_live(behind.fence)


def test_the_death_of_a_chunk_shows_that_it_had_begun():
    desk, _, behind = two_on_one_slot()
    assert desk.scheduler.is_queued(behind.fence)
    desk.end(behind, "died", item=behind.first)
    desk.join("beta")
    assert next(lease for lease in desk.leases if lease.first == behind.first).attempt == 2


def test_what_a_worker_had_queued_when_it_fell_silent_may_have_been_run():
    desk = Desk()
    desk.submit(100, chunk_items=1)
    desk.join("alpha")
    desk.run(desk.leases[0], seconds=0.01)
    _, queued, *_ = desk.leases
    desk.tick(61)
    desk.join("beta")
    [again] = [lease for lease in desk.leases if lease.first == queued.first and lease is not queued]
    desk.join("alpha", held(queued))
    for lease in (queued, again):
        assert not desk.scheduler.is_alone(desk.scheduler.lease(lease.fence, lease.worker, "task", 0))


def test_what_was_refused_or_never_begun_is_alone(desk):
    desk.submit(10, chunk_items=10)
    desk.join()
    desk.end(desk.leases[0], "refused")
    desk.tick(5)
    assert desk.scheduler.is_alone(desk.leases[0])


# -- why


def test_why_nothing_came_yet(desk):
    desk.do(TaskSubmitted(terms()))
    assert why(desk) == "Its items have not come yet."


def test_why_nobody_is_there(desk):
    desk.submit()
    assert why(desk) == "No worker is connected."


def test_why_the_only_worker_will_not_do(desk):
    desk.submit(python="3.13")
    desk.join()
    assert why(desk) == "The only worker, alpha, has no Python 3.13."


def test_why_none_of_several_will_do(desk):
    desk.submit(python="2.7", labels=frozenset({("gpu", "yes")}))
    for name in ("a", "b"):
        desk.join(name)
    desk.join("c", interpreters=())
    assert why(desk) == "None of 3 workers can run it (a and b: lacks gpu=yes; c: has no Python 2.7)."


def test_why_those_that_could_take_nothing(desk):
    desk.submit(100)
    for name in ("a", "b", "c", "d"):
        desk.join(name)
        desk.do(WorkerChanged(offer(name, paused=name != "b", draining=name == "b")))
    assert why(desk) == "a, b and 2 others could run it, but are draining or paused."
    desk.do(WorkerCut("a"))
    assert "cut off" in why(desk)


def test_why_all_slots_are_busy(desk):
    desk.submit(100)
    desk.join(slots=2)
    assert why(desk) == "All 2 slots that can run it now are busy with it."
    desk.submit(100, "other", user="bob")
    assert why(desk, "other") == "All 2 slots that can run it now are busy, 2 of them with other tasks."


def test_why_it_has_what_it_asked_for(desk):
    desk.submit(100, max_slots=1)
    desk.join(slots=2)
    assert why(desk) == "It has as many slots at a time as it asked for: 1."


def test_why_the_only_slot_is_busy(desk):
    desk.submit(100)
    desk.join()
    assert why(desk) == "The only slot that can run it now is busy with it."
    desk.submit(100, "other", user="bob")
    assert why(desk, "other") == "The only slot that can run it now is busy with another task."


def test_why_it_is_left_for_another(desk):
    desk.submit(2, chunk_items=1, retries=1)
    desk.join("alpha")
    desk.join("beta")
    one, two = desk.leases
    desk.end(one, "died", item=0)
    assert why(desk) == "The only slot that can run it now is busy with it.", "alpha's is free, but not for item 0"
    desk.do(WorkerChanged(offer("beta", paused=True)))
    assert why(desk) == "What waits went wrong on alpha and is left for another worker for 5 s."


def test_why_it_does_not_end(desk):
    desk.submit(100)
    for name in ("beta", "alpha"):
        desk.join(name)
    desk.do(CancelAsked("task", "ada"))
    assert why(desk) == "It waits for alpha, beta to end its chunks."
    assert desk.scheduler.holders("task") == ("alpha", "beta")


def test_why_it_is_tried_again_and_when(desk):
    desk.submit(4, chunk_items=1)
    for name, reason in (("alpha", "numpy is missing"), ("beta", "numpy is missing"), ("gamma", "its disk is full")):
        desk.join(name)
        desk.end(desk.leases[-1], "refused", reason=reason)
        desk.tick(1)
    assert why(desk) == (
        "alpha and beta could not run it (numpy is missing); gamma could not run it (its disk is full); it is tried again on alpha in 2 s."
    )


def test_why_a_worker_that_lends_nothing_does_not_help(desk):
    desk.submit()
    desk.join(slots=0)
    assert why(desk) == "alpha could run it, but lends no slots."


def test_why_nothing_comes_from_a_worker_that_is_away(desk):
    desk.submit(1)
    desk.join("alpha")
    desk.do(WorkerCut("alpha"), after=20)
    assert why(desk) == "What is not done is with alpha, which is cut off: it goes to others in 40 s if nothing is heard till then."
    desk.do(CancelAsked("task", "ada"))
    assert why(desk) == "It waits for alpha to end its chunks; alpha is cut off, and waited for 40 s at most."


def test_why_a_map_does_not_end_whose_sender_went_away(desk):
    desk.submit(1, final=False)
    desk.join()
    desk.run(desk.leases[0])
    assert why(desk) == "All items that have come are done; whoever sends them has not said that there are no more."


@pytest.mark.parametrize("seconds, text", [(0.2, "1 s"), (119, "119 s"), (120, "2 min"), (7000, "117 min"), (7200, "2 h")])
def test_waits_are_said_in_the_largest_unit_that_fits_twice(seconds, text):
    assert span(seconds) == text


def test_what_does_not_wait_needs_no_reason(desk):
    desk.submit(1)
    desk.join()
    assert why(desk) == ""
    desk.run(desk.leases[0])
    assert why(desk) == ""


# -- stories


def test_the_story_of_an_item_is_what_touched_it_and_its_task(desk):
    desk.submit(20, chunk_items=10, retries=1)
    desk.join("alpha")
    [lease] = desk.leases
    desk.report(lease, first=0, count=4)
    desk.end(lease, "died", item=5, reason="killed by signal 9")
    assert desk.scheduler.story("task", 0, 5) == [
        "1000.000 submitted (by ada)",
        "1000.000 items added items 0.0-19",
        "1000.000 running",
        "1000.000 granted items 0.0-9 on alpha fence 7:1",
        "1000.000 died items 0.0-9 on alpha fence 7:1 (killed by signal 9)",
        "1000.000 granted items 0.4-13 on alpha fence 7:2",
    ]
    assert any("reported items 0.0-3" in line for line in desk.scheduler.story("task", 0, 2))
    assert not any("granted" in line for line in desk.scheduler.story("task", 1, 5))
    assert len(desk.scheduler.story("task")) == 7, "without an item it is everything"


def test_a_story_is_bounded():
    desk = Desk(Policy(story_events=20))
    desk.submit(1000, chunk_items=1)
    desk.join()
    for _ in range(50):
        desk.run(desk.leases[0])
    assert sum(len(desk.scheduler.story("task", 0, item)) for item in range(1000)) <= 20


# -- check


def test_check_notices_an_item_in_two_places(desk):
    desk.submit(10)
    desk.join()
    desk.scheduler._lives.tasks["task"].find(0).waiting.add(0, 1)
    with pytest.raises(AssertionError, match=r"task.0: \(0, 10\) waits and is leased"):
        desk.scheduler.check()


def test_check_notices_an_item_in_no_place(desk):
    desk.submit(10)
    desk.scheduler._lives.tasks["task"].find(0).waiting.remove(3, 4)
    with pytest.raises(AssertionError, match="1 out, 0 leased"):
        desk.scheduler.check()


def test_check_notices_a_slot_that_lost_its_lease(desk):
    desk.submit(10)
    desk.join()
    desk.scheduler._pool.workers["alpha"].slots[0].queue.clear()
    with pytest.raises(AssertionError):
        desk.scheduler.check()


def test_check_notices_totals_that_are_not_the_sum(desk):
    desk.submit(10)
    desk.scheduler._lives.tasks["task"].items.totals.done += 1
    with pytest.raises(AssertionError, match="1 done"):
        desk.scheduler.check()


def test_check_notices_a_portion_that_nobody_would_find(desk):
    desk.submit(10)
    desk.scheduler._lives.tasks["task"].items.totals.ready.remove(0, 1)
    with pytest.raises(AssertionError, match="ready are"):
        desk.scheduler.check()


def test_check_notices_a_program_without_a_seat(desk):
    desk.submit_program()
    desk.join(seats=1)
    desk.scheduler._leases._mains.clear()
    with pytest.raises(AssertionError, match="1 seats, None is its main program"):
        desk.scheduler.check()
