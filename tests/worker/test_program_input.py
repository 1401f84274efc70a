"""A program's standard input is read from the server as fast as the program takes it, from the beginning in each attempt."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from twisted.internet.defer import Deferred

from marx.wire.calls import NotFound
from marx.worker.process import STDIN
from marx.worker.program_input import PART_BYTES, STREAM
from tests.fakes.floors import Floor
from tests.fakes.runners import PlayedKeeper


class Bench:
    """A program with an input, below a played server; `read` is what it was given so far."""

    def __init__(self, folder: Path) -> None:
        self.floor = Floor(folder, seats=1)
        self.floor.connect()
        self.shop = self.floor.shop
        self.written: list[bytes] = []

    def begin(self, source: str | None) -> PlayedKeeper:
        fence = self.floor.run(input=source)
        keeper: PlayedKeeper = self.floor.runner()
        if STDIN in keeper.child.pipes:
            keeper.child.pipes[STDIN].write = self.written.append
        keeper.load().begin(fence)
        self.floor.settle()
        return keeper

    def answer(self, part: bytes, final: bool = False, number: int = -1) -> None:
        self.shop.readers[number][1].callback({"part": part, "final": final})
        self.floor.settle()

    @property
    def offsets(self) -> list[int]:
        return [offset for offset, _ in self.shop.readers]

    @property
    def read(self) -> bytes:
        return b"".join(self.written)


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


def is_open(keeper: PlayedKeeper) -> bool:
    return STDIN in keeper.child.pipes


def test_without_one_it_is_empty_from_the_start(bench: Bench) -> None:
    assert not is_open(bench.begin(None)) and bench.offsets == []


def test_a_stream_is_asked_for_part_by_part_and_ends(bench: Bench) -> None:
    keeper = bench.begin(STREAM)
    bench.answer(b"one\n")
    bench.answer(b"")
    assert bench.offsets == [0, 4, 4] and is_open(keeper), "an empty part means: ask again"
    bench.answer(b"two\n", final=True)
    assert bench.read == b"one\ntwo\n" and not is_open(keeper) and len(bench.offsets) == 3


def test_nothing_is_asked_for_while_the_program_does_not_read(bench: Bench) -> None:
    keeper = bench.begin(STREAM)
    pipe = keeper.child.pipes[STDIN]
    pipe.full = True
    bench.answer(b"one\n")
    assert bench.offsets == [0]
    pipe.full = False
    keeper.child.later(pipe.pull)
    bench.floor.settle()
    assert bench.offsets == [0, 4]


def test_a_blob_is_written_in_parts(bench: Bench) -> None:
    content = b"x" * (PART_BYTES * 2 + 1)
    keeper = bench.begin(bench.shop.put(content))
    assert [len(part) for part in bench.written] == [PART_BYTES, PART_BYTES, 1]
    assert bench.read == content and not is_open(keeper)


def test_a_question_goes_on_over_the_next_connection(bench: Bench) -> None:
    bench.begin(STREAM)
    bench.answer(b"one\n")
    bench.floor.cut()
    bench.floor.connect()
    assert bench.offsets == [0, 4, 4]
    bench.answer(b"two\n", final=True)
    assert bench.read == b"one\ntwo\n"


def test_a_program_that_ended_or_closed_it_needs_no_more(bench: Bench) -> None:
    keeper = bench.begin(STREAM)
    keeper.child.pipes[STDIN].end()
    bench.floor.settle()
    bench.answer(b"too late\n")
    keeper.leave()
    bench.floor.settle()
    assert bench.offsets == [0] and bench.floor.sender.ends == [(keeper.fence, "succeeded")]


def test_input_that_cannot_be_brought_ends_the_program_which_would_take_it_for_the_end(bench: Bench) -> None:
    bench.shop.refuses["ReadInput"] = NotFound("the task's input is gone")
    bench.begin(STREAM)
    bench.floor.reactor.advance(1.0)
    bench.floor.settle()
    [end] = bench.floor.sender.of_kind("end")
    assert end.outcome == "died" and "its standard input could not be brought here: the task's input is gone" in end.reason


def test_a_blob_that_is_lost_ends_it_too(bench: Bench, logged_failures: Any) -> None:
    bench.begin("b" * 64)
    bench.floor.reactor.advance(1.0)
    [end] = bench.floor.sender.of_kind("end")
    assert end.outcome == "died" and "standard input" in end.reason


def test_a_fault_of_ours_is_logged_and_ends_it(bench: Bench, logged_failures: Any) -> None:
    bench.shop.holds["ReadInput"] = held = Deferred()
    bench.begin(STREAM)
    bench.floor.uplink.ask = None
    held.callback(None)
    bench.floor.settle()
    bench.answer(b"part")
    bench.floor.reactor.advance(1.0)
    assert [end.outcome for end in bench.floor.sender.of_kind("end")] == ["died"] and logged_failures.flush()
