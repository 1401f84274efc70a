"""A keeper is believed about the portions of its own program, in the order in which they are opened and their items sent."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from marx.worker.assignments import Assignments, Chunk
from marx.worker.openings import ProgramAssignments
from marx.worker.pipe import Frame, FrameError
from marx.worker.program_messages import Asked, Dropped, ItemsPart, Opened, StatePart
from marx.worker.messages import read
from tests.fakes.runners import CALL, pack_of

PROGRAM = Chunk(1, "task", 0, 0, 1, slot=-1)
DIGEST = "d" * 64


def opened(portion: int = 1, state: int | None = None) -> Opened:
    return Opened(1, portion, "{}", "lab", "", "3.11", state)


def items(first: int, *records: bytes, portion: int = 1, final: bool = False, **more: Any) -> ItemsPart:
    pack = pack_of(*records)
    return replace(ItemsPart(1, portion, first, len(records), DIGEST, final, 0, len(pack), pack), **more)


@pytest.fixture
def program() -> ProgramAssignments:
    assignments = ProgramAssignments(roots=1, max_value=100)
    assignments.give(PROGRAM)
    assignments.begun(1)
    return assignments


def test_the_straight_line_is_believed(program: ProgramAssignments) -> None:
    line: list[Asked] = [
        StatePart(1, 4, 0, 6, b"sta"),
        StatePart(1, 4, 3, 6, b"te!"),
        opened(1, state=4),
        items(0, b"a", b"b"),
        opened(2, state=4),
        items(0, b"x", portion=2),
        items(2, b"c"),
        items(3, final=True),
        Dropped(1, 2),
        Dropped(1, 1),
    ]
    assert [program.asked(said) for said in line] == [PROGRAM] * len(line)


def test_a_long_item_may_come_in_parts(program: ProgramAssignments) -> None:
    program.asked(opened())
    pack = pack_of(b"0123456789")
    program.asked(items(0, count=1, part=pack[:8], total=len(pack)))
    program.asked(items(0, count=1, part=pack[8:], total=len(pack), offset=8))
    program.asked(items(1, b"next"))


def test_portions_of_an_earlier_attempt_go_on_where_their_record_ends(program: ProgramAssignments) -> None:
    program.remember([[3, "{}", "lab", False, [[0, 2, DIGEST], [2, 1, DIGEST]]], [4, "{}", "lab", True, [[0, 1, DIGEST]]]])
    program.asked(items(3, b"d", portion=3))
    program.asked(Dropped(1, 4))
    program.asked(opened(5))
    with pytest.raises(FrameError):
        program.asked(items(1, b"e", portion=4))


@pytest.mark.parametrize(
    ("lie", "about"),
    [
        (opened(1), "was opened before"),
        (opened(0), "cannot be"),
        (opened(1 << 31), "cannot be"),
        (opened(2, state=9), "never sent"),
        (replace(opened(2), chunk=2), "chunk 2"),
        (items(1, b"a"), "0 is awaited"),
        (items(0), "0 is awaited"),
        (items(0, b"a", portion=2), "never opened"),
        (items(0, b"a", b"b", count=3), "not as many records"),
        (items(0, b"a", part=b"\0\0\0\5a", total=5), "make no sense"),
        (items(0, count=1, part=b"\0", total=1), "make no sense"),
        (items(0, count=2, part=b"\0\0\0\x10a", total=20), "not as many records"),
        (items(0, count=1, part=b"\0\0\0\x11a", total=20), "not as many records"),
        (items(0, b"abc", total=3), "not as many records"),
        (items(0, count=1, part=b"a", total=1 << 60, offset=0), "awaited"),
        (items(0, b"a", offset=5), "awaited"),
        (StatePart(1, 8, 3, 9, b"x"), "begins at 3"),
        (StatePart(1, 7, 0, 9, b"x"), "came before"),
        (StatePart(1, 8, 0, 1 << 60, b"x"), "begins at 0"),
        (StatePart(1, 8, 0, 1, b"xyz"), "ends at 3 of 1"),
        (Dropped(1, 2), "never opened"),
    ],
)
def test_what_cannot_be_true_is_not_believed(program: ProgramAssignments, lie: Asked, about: str) -> None:
    program.asked(StatePart(1, 7, 0, 1, b"s"))
    program.asked(opened())
    with pytest.raises(FrameError, match=about):
        program.asked(lie)


@pytest.mark.parametrize("late", [items(1, b"a"), items(1, final=True)])
@pytest.mark.parametrize("end", [items(0, b"z", final=True), Dropped(1, 1)])
def test_nothing_follows_the_last_item(program: ProgramAssignments, end: Asked, late: ItemsPart) -> None:
    program.asked(opened())
    program.asked(end)
    with pytest.raises(FrameError):
        program.asked(late)


@pytest.mark.parametrize("other", [opened(2), StatePart(1, 8, 0, 1, b"x"), Dropped(1, 1), StatePart(1, 7, 4, 9, b"x"), StatePart(1, 7, 3, 9, b"")])
def test_nothing_else_comes_in_the_middle_of_a_state(program: ProgramAssignments, other: Asked) -> None:
    program.asked(opened())
    program.asked(StatePart(1, 7, 0, 9, b"sta"))
    with pytest.raises(FrameError):
        program.asked(other)


def test_nothing_else_comes_in_the_middle_of_an_item(program: ProgramAssignments) -> None:
    program.asked(opened())
    program.asked(items(0, count=1, part=b"\0\0\0\x10a", total=20))
    for other in (items(0, b"a"), items(0, count=1, part=b"b", total=20, offset=6), Dropped(1, 1)):
        with pytest.raises(FrameError):
            program.asked(other)


def test_only_a_keeper_speaks_of_portions_and_only_once_its_program_has_begun() -> None:
    for assignments in (Assignments(1, 100), ProgramAssignments(1, 100)):
        assignments.give(PROGRAM)
        with pytest.raises(FrameError):
            assignments.asked(opened())


HEADERS: dict[str, dict[str, Any]] = {
    "K": {"chunk": 1, "state": 2, "offset": 0, "total": 4},
    "O": {"chunk": 1, "portion": 2, "call": CALL, "place": "lab", "reason": "", "python": "3.11", "state": None},
    "I": {"chunk": 1, "portion": 2, "first": 0, "count": 1, "codec": "pickles", "digest": DIGEST, "final": False, "offset": 0, "total": 5},
    "D": {"chunk": 1, "portion": 2},
}


@pytest.mark.parametrize(
    ("kind", "lie"),
    [
        ("K", {"state": "one"}),
        ("K", {"total": -1}),
        ("O", {"place": "elsewhere"}),
        ("O", {"python": "3"}),
        ("O", {"python": "3.11; rm"}),
        ("O", {"call": "text"}),
        ("O", {"call": {**CALL, "line": "nine"}}),
        ("O", {"state": "x"}),
        ("I", {"codec": "json"}),
        ("I", {"digest": "../../etc"}),
        ("I", {"count": 1.5}),
        ("D", {"portion": None}),
    ],
)
def test_fields_are_looked_at_one_by_one(kind: str, lie: dict[str, Any]) -> None:
    assert read(Frame(kind, HEADERS[kind], b"\0\0\0\1a")).chunk == 1
    with pytest.raises(FrameError):
        read(Frame(kind, {**HEADERS[kind], **lie}, b"\0\0\0\1a"))


def test_a_call_keeps_its_order_where_its_number_is_another() -> None:
    said = read(Frame("O", {**HEADERS["O"], "call": {**CALL, "order": 3, "more": "dropped"}}))
    assert isinstance(said, Opened) and '"order": 3' in said.call and "more" not in said.call
