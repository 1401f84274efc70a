"""Looking at bounded runners: on a clock, with played runners whose processes are not there."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from twisted.internet.defer import maybeDeferred

from marx.worker.bounds import Bounds
from marx.worker.guard import STUCK_SECONDS, WEIGH_SECONDS
from marx.worker.watching import LOOK_SECONDS, Watch
from tests.fakes.floors import Floor


@pytest.fixture
def floor(tmp_path: Path) -> Floor:
    floor = Floor(tmp_path, seats=1)
    floor.carry("a")
    floor.watch = Watch(floor.reactor, lambda: floor.slots.runners, maybeDeferred)
    floor.watch.start()
    return floor


def pass_time(floor: Floor, seconds: float) -> None:
    for _ in range(int(seconds / LOOK_SECONDS) + 1):
        floor.reactor.advance(LOOK_SECONDS)


def told(floor: Floor) -> list[tuple[int, str, bool]]:
    return [(frame.header["chunk"], frame.header["cause"], frame.header["at_once"]) for frame in floor.runner().child.heard("X")]


def test_a_silent_chunk_is_ended_by_its_runner_and_told_of(floor: Floor) -> None:
    floor.starter.bounds = Bounds(silence_seconds=10.0)
    [fence] = floor.grant(0)
    floor.runner().load().begin(fence)
    pass_time(floor, 9)
    assert told(floor) == []
    pass_time(floor, 2)
    assert told(floor) == [(fence, "silence", False)]
    floor.runner().print(b"last words\n").end(fence, "died", cause="silence", signal=15, exit=None, item=0)
    [end] = floor.sender.of_kind("end")
    assert (end.outcome, end.item, end.cause) == ("died", 0, "silence")
    assert end.reason == "printed nothing and used no processor for 10 s (--silence)"
    assert end.evidence == 'it had used 0.1 s of processor time and 9 MB of memory at most; its last lines were "last words"'


def test_a_chunk_that_prints_or_reports_is_not_silent(floor: Floor) -> None:
    floor.starter.bounds = Bounds(silence_seconds=10.0)
    [fence] = floor.grant(0)
    floor.runner().load().begin(fence)
    for _ in range(4):
        pass_time(floor, 6)
        floor.runner().print(b".")
    assert told(floor) == []


def test_while_nothing_is_read_nobody_is_silent(floor: Floor) -> None:
    floor.starter.bounds = Bounds(silence_seconds=10.0)
    [fence] = floor.grant(0)
    floor.runner().load().begin(fence)
    floor.slots.press(True)
    pass_time(floor, 60)
    floor.slots.press(False)
    pass_time(floor, 9)
    assert told(floor) == []


def test_a_runner_that_does_not_end_its_chunk_is_killed(floor: Floor) -> None:
    floor.starter.bounds = Bounds(silence_seconds=1.0)
    [fence] = floor.grant(0)
    floor.runner().load().begin(fence)
    pass_time(floor, 2 + STUCK_SECONDS + 1)
    floor.runner().exit(number=9)
    [end] = floor.sender.of_kind("end")
    assert end.reason == "its runner was ended by the worker: it did not end a chunk that had used up what it may"


def test_who_fills_its_folder_is_ended_at_once_and_the_next_chunk_has_a_new_runner(floor: Floor, tmp_path: Path) -> None:
    (tmp_path / "made").mkdir()
    (tmp_path / "made" / "large").write_bytes(b"x" * 300_000)
    floor.starter.bounds, floor.starter.folder = Bounds(scratch_bytes=200_000), tmp_path / "made"
    first, second = floor.grant(0, 1)
    floor.runner().load().begin(first)
    pass_time(floor, 1)
    assert told(floor) == [(second, "", False), (first, "scratch", True)]
    floor.runner().ended(second, "cancelled").end(first, "died", cause="scratch", signal=9, exit=None, item=0)
    [third] = floor.grant(2)
    assert floor.runner().is_asked_to_quit
    floor.runner().exit(0)
    (tmp_path / "made" / "large").unlink()
    floor.runner(1).load().run(third)
    ends = floor.sender.of_kind("end")
    assert [(end.fence, end.outcome) for end in ends] == [(second, "cancelled"), (first, "died"), (third, "succeeded")]
    assert ends[1].reason == "filled more of the disk than it may: 0 MB of 0 MB (the worker's limit; the least file counts as 16 kB)"


def test_a_program_that_fills_its_folder_is_killed_as_in_a_plain_run_and_its_task_is_told(floor: Floor, tmp_path: Path) -> None:
    (tmp_path / "large").write_bytes(b"x" * 30_000_000)
    floor.starter.bounds, floor.starter.folder = Bounds(scratch_bytes=20 << 20), tmp_path
    fence = floor.run("a")
    keeper = floor.runner().load().begin(fence)
    pass_time(floor, 1)
    assert [frame.header["signal"] for frame in keeper.child.heard("J")] == [9]
    assert [note.text for note in floor.sender.of_kind("note")] == ["the program was killed for using 29 MB of the 20 MB of disk that it may have"]


def test_an_unbounded_runner_is_not_looked_at(floor: Floor, monkeypatch: Any) -> None:
    monkeypatch.setattr("marx.worker.scales.measure", lambda pid: pytest.fail("it was measured"))
    [fence] = floor.grant(0)
    floor.runner().load().begin(fence)
    pass_time(floor, WEIGH_SECONDS)


def test_one_that_cannot_be_looked_at_does_not_stop_the_others(floor: Floor, monkeypatch: Any, logged_failures: Any) -> None:
    floor.starter.bounds = Bounds(silence_seconds=1.0)
    [fence] = floor.grant(0)
    floor.runner().load().begin(fence)
    looks: list[int] = []

    def measure(pid: int) -> Any:
        looks.append(pid)
        raise ValueError("nonsense")

    monkeypatch.setattr("marx.worker.scales.measure", measure)
    pass_time(floor, 1)
    assert len(looks) > 1 and logged_failures.flush(ValueError)
