"""Runners whose cgroup was full: played ones, of which the system has killed somebody."""

from __future__ import annotations

from pathlib import Path

import pytest
from twisted.internet.defer import maybeDeferred

from marx.worker.bounds import Bounds
from marx.worker.cgroups import Group
from marx.worker.watching import LOOK_SECONDS, Watch
from tests.fakes.floors import Floor

MB = 1 << 20
TOO_MUCH = "used more memory than it may: 332 MB of 300 MB (--memory, or the worker's limit)"


class FullGroup(Group):
    """In which `kills` processes were killed so far."""

    memory_bytes = 332 * MB
    kills = 0

    @property
    def memory_kills(self) -> int:
        return self.kills


@pytest.fixture
def group() -> FullGroup:
    return FullGroup()


@pytest.fixture
def floor(tmp_path: Path, group: FullGroup) -> Floor:
    floor = Floor(tmp_path, seats=1)
    floor.carry("a")
    floor.starter.bounds, floor.starter.group = Bounds(memory_bytes=300 * MB), group
    floor.watch = Watch(floor.reactor, lambda: floor.slots.runners, maybeDeferred)
    floor.watch.start()
    return floor


def look(floor: Floor) -> None:
    for _ in range(2):
        floor.reactor.advance(LOOK_SECONDS)


def test_a_chunk_that_was_killed_has_used_more_memory_than_it_may_and_the_next_has_a_new_runner(floor: Floor, group: FullGroup) -> None:
    first, second = floor.grant(0, 1)
    runner = floor.runner().load().begin(first)
    group.kills = 1
    runner.end(first, "died", signal=9, exit=None, item=0)
    assert runner.cancelled == [second]
    runner.ended(second, "cancelled")
    assert runner.is_asked_to_quit
    died, _ = floor.sender.of_kind("end")
    assert (died.outcome, died.cause, died.item, died.reason) == ("died", "memory", 0, TOO_MUCH)


def test_a_kill_is_told_of_once(floor: Floor, group: FullGroup) -> None:
    [first] = floor.grant(0)
    runner = floor.runner().load().begin(first)
    group.kills = 1
    runner.results(first, 0, 0).end(first)
    [second] = floor.grant(1)
    runner.begin(second).end(second, "died", signal=11, exit=None, item=1)
    succeeded, died = floor.sender.of_kind("end")
    assert succeeded.outcome == "succeeded", "it got along without the process that was killed"
    assert died.cause == "" and "SIGSEGV" in died.reason


def test_a_chunk_of_which_another_process_was_killed_is_ended(floor: Floor, group: FullGroup) -> None:
    [fence] = floor.grant(0)
    runner = floor.runner().load().begin(fence)
    look(floor)
    assert runner.cancelled == []
    group.kills = 1
    look(floor)
    [told] = runner.child.heard("X")
    assert (told.header["cause"], told.header["at_once"]) == ("memory", True)
    runner.end(fence, "died", cause="memory", signal=9, exit=None, item=0)
    [end] = floor.sender.of_kind("end")
    assert (end.cause, end.reason) == ("memory", TOO_MUCH)


def test_a_runner_that_was_killed_at_work_costs_its_item_for_the_same_reason(floor: Floor, group: FullGroup) -> None:
    [fence] = floor.grant(0)
    floor.runner().load().begin(fence)
    group.kills = 1
    floor.runner().exit(number=9)
    [end] = floor.sender.of_kind("end")
    assert (end.outcome, end.item, end.cause, end.reason) == ("died", 0, "memory", TOO_MUCH)


def test_a_runner_that_was_killed_while_it_loaded_says_so(floor: Floor, group: FullGroup) -> None:
    floor.grant(0)
    group.kills = 1
    floor.runner().exit(number=9)
    [end] = floor.sender.of_kind("end")
    assert (end.outcome, end.reason) == ("refused", "it used more memory than it may while it was loaded: 332 MB of 300 MB")


def test_the_task_of_a_main_program_that_was_killed_is_told_why(floor: Floor, group: FullGroup) -> None:
    fence = floor.run("a")
    keeper = floor.runner().load().begin(fence)
    group.kills = 1
    keeper.leave(None, signal=9)
    assert [note.text for note in floor.sender.of_kind("note")] == ["the program was killed for using 332 MB of the 300 MB of memory that it may have"]


def test_a_main_program_of_which_another_process_was_killed_is_killed_and_its_task_told_once(floor: Floor, group: FullGroup) -> None:
    fence = floor.run("a")
    keeper = floor.runner().load().begin(fence)
    look(floor)
    group.kills = 1
    look(floor)
    assert [frame.header["signal"] for frame in keeper.child.heard("J")] == [9]
    keeper.leave(None, signal=9)
    assert len(floor.sender.of_kind("note")) == 1
