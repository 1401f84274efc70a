"""A standard input on its way: in order, not too far ahead of the program, and ended when nobody is left to feed it."""

from __future__ import annotations

from typing import Any

import pytest
from twisted.internet.defer import Deferred, ensureDeferred, succeed
from twisted.internet.task import Clock

from marx.server.directory import Directory, LiveTask
from marx.server.inputs import AHEAD_BYTES, FEEDER_SECONDS, Inputs
from marx.server.program_records import NewInput
from marx.server.records import NewNote
from marx.wire.calls import BadRequest, NotFound, TooLarge
from marx.wire.worker import INPUT_SECONDS

TASK = "abcdefgh"
LIMIT = 4 * AHEAD_BYTES


class Disk:
    """A store and the scheduler's service, as far as inputs need them: what is written is there at once."""

    def __init__(self) -> None:
        self.content = b""
        self.final = False
        self.notes: list[str] = []
        self.directory = Directory()
        self.directory.tasks[TASK] = LiveTask(TASK, "ada", None, {"kind": "run"}, 0.0)

    def happened(self, writes: list[Any]) -> Deferred[None]:
        self.notes += [row.text for row in writes if isinstance(row, NewNote)]
        for row in (row for row in writes if isinstance(row, NewInput)):
            assert row.offset == len(self.content)
            self.content += row.payload
            self.final = row.final
        for watch in list(self.directory.tasks[TASK].watches):
            watch.moved()
        return succeed(None)

    def input_end(self, task: str) -> Deferred[tuple[int, bool]]:
        return succeed((len(self.content), self.final))

    def input_from(self, task: str, offset: int, limit: int) -> Deferred[tuple[bytes, bool]]:
        part = self.content[offset : offset + limit]
        return succeed((part, self.final and offset + len(part) == len(self.content)))


class Desk:
    """Inputs with a clock that a test moves."""

    def __init__(self) -> None:
        self.disk = Disk()
        self.clock = Clock()
        self.inputs = Inputs(self.disk, self.disk, self.disk.directory, self.clock, LIMIT)

    def put(self, offset: int, part: bytes, final: bool = False, feeder: object = "ada's link") -> Deferred[None]:
        return ensureDeferred(self.inputs.put(feeder, TASK, offset, part, final))

    def read(self, offset: int) -> Deferred[dict[str, Any]]:
        return ensureDeferred(self.inputs.read(TASK, offset))


@pytest.fixture
def desk() -> Desk:
    return Desk()


def failure_of(failing: Deferred[Any]) -> type[BaseException]:
    caught: list[Any] = []
    failing.addErrback(caught.append)
    return caught[0].type


def test_what_was_put_is_read_from_any_byte(desk: Desk) -> None:
    desk.put(0, b"one\n")
    desk.put(4, b"two\n", final=True)
    assert desk.read(0).result == {"part": b"one\ntwo\n", "final": True}
    assert desk.read(6).result == {"part": b"o\n", "final": True}


def test_who_reads_before_anything_came_is_answered_when_it_comes(desk: Desk) -> None:
    waiting = desk.read(0)
    assert not waiting.called
    desk.put(0, b"now")
    assert waiting.result == {"part": b"now", "final": False}


def test_who_reads_in_vain_is_answered_in_time_to_ask_again(desk: Desk) -> None:
    waiting = desk.read(0)
    desk.clock.advance(INPUT_SECONDS)
    assert waiting.result == {"part": b"", "final": False}


def test_a_part_that_comes_twice_is_taken_once(desk: Desk) -> None:
    desk.put(0, b"one")
    assert desk.put(0, b"one").called
    assert desk.disk.content == b"one"


@pytest.mark.parametrize(("offset", "fault"), [(5, BadRequest), (1, BadRequest)])
def test_a_gap_or_an_overlap_is_refused(desk: Desk, offset: int, fault: type[BaseException]) -> None:
    desk.put(0, b"one")
    assert failure_of(desk.put(offset, b"other")) is fault


def test_nothing_follows_the_end(desk: Desk) -> None:
    desk.put(0, b"one", final=True)
    assert failure_of(desk.put(3, b"more")) is NotFound


def test_a_task_that_is_not_open_takes_none(desk: Desk) -> None:
    desk.disk.directory.tasks.clear()
    assert failure_of(desk.put(0, b"one")) is failure_of(desk.read(0)) is NotFound


def test_a_part_too_far_ahead_of_the_program_is_answered_when_it_has_read(desk: Desk) -> None:
    assert desk.put(0, b"x" * AHEAD_BYTES).called
    ahead = desk.put(AHEAD_BYTES, b"y")
    assert not ahead.called
    desk.read(0)
    assert not ahead.called
    desk.read(256_000)
    assert ahead.called


def test_more_than_an_input_may_have_is_refused(desk: Desk) -> None:
    desk.read(LIMIT)
    desk.put(0, b"x" * LIMIT)
    assert failure_of(desk.put(LIMIT, b"y")) is TooLarge


def test_a_program_whose_tasker_is_gone_for_good_finds_the_end_of_its_input(desk: Desk) -> None:
    desk.put(0, b"one")
    desk.inputs.feeder_left("ada's link")
    assert not desk.read(3).called
    desk.clock.advance(FEEDER_SECONDS)
    assert desk.read(3).result == {"part": b"", "final": True}
    assert desk.disk.final and desk.disk.notes == ["the program's standard input ended at byte 3: no tasker was there to send more"]


def test_who_comes_back_too_late_learns_that_nothing_is_read_any_more(desk: Desk) -> None:
    desk.put(0, b"one")
    desk.inputs.feeder_left("ada's link")
    desk.clock.advance(FEEDER_SECONDS)
    desk.read(3)
    assert failure_of(desk.put(3, b"two")) is NotFound


@pytest.mark.parametrize("stored", [b"", b"one"])
def test_a_program_that_nobody_begins_to_feed_finds_the_end_as_well(desk: Desk, stored: bytes) -> None:
    desk.disk.content = stored  # by the server before this one, whose tasker did not come back
    waiting = desk.read(len(stored))
    desk.clock.advance(FEEDER_SECONDS / 2)
    assert waiting.result["part"] == b"" and not desk.disk.final
    desk.clock.advance(FEEDER_SECONDS / 2)
    assert desk.read(len(stored)).result == {"part": b"", "final": True}


def test_a_tasker_at_which_nobody_types_says_that_it_is_there(desk: Desk) -> None:
    desk.read(0)
    assert desk.put(0, b"").called
    desk.clock.advance(2 * FEEDER_SECONDS)
    assert not desk.read(0).called and not desk.disk.final


def test_what_waits_for_the_program_to_read_is_answered_when_its_task_ends(desk: Desk) -> None:
    ahead = desk.put(0, b"x" * (AHEAD_BYTES + 1))
    for watch in list(desk.disk.directory.tasks.pop(TASK).watches):
        watch.ended()
    assert failure_of(ahead) is NotFound


def test_a_tasker_that_comes_back_goes_on(desk: Desk) -> None:
    desk.put(0, b"one")
    desk.inputs.feeder_left("ada's link")
    desk.put(3, b"two", feeder="ada's next link")
    desk.inputs.feeder_left("ada's link")
    desk.clock.advance(2 * FEEDER_SECONDS)
    assert not desk.read(6).called and not desk.disk.final
