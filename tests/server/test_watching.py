"""A watch shows everything once, waits for what is still to come, and never has more than its window under way."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest
from twisted.internet.defer import Deferred, succeed
from twisted.internet.task import Clock

from marx.server.watching import BOX_BYTES, COUNTS_SECONDS, READS, READS_SECONDS, WINDOW_BYTES, Watch
from marx.wire.calls import Unavailable


@dataclass(frozen=True)
class Row:
    number: int
    payload: bytes = b""


class Rows:
    """A cursor over rows that a test adds."""

    def __init__(self) -> None:
        self.there: list[Row] = []
        self.read_from = 0
        self.sent: list[Row] = []
        self.answers: list[Deferred] = []
        self.answer_at_once = True
        self.while_reading: Any = None
        self.reads = 0

    async def read(self) -> list[Row]:
        self.reads += 1
        rows, self.read_from = self.there[self.read_from :], len(self.there)
        if self.while_reading is not None:
            during, self.while_reading = self.while_reading, None
            during()
        return rows

    def carry(self, link: Any, watch: int, row: Row) -> Deferred:
        self.sent.append(row)
        answer: Deferred = succeed({}) if self.answer_at_once else Deferred()
        self.answers.append(answer)
        return answer


class Link:
    """What a watch sees of its link."""

    def __init__(self) -> None:
        self.told: list[tuple[dict, bool]] = []

    def tell(self, command: Any, watch: int, task: dict, complete: bool) -> None:
        self.told.append((task, complete))

    def hang_up(self) -> None:
        raise AssertionError("the link was dropped")


class Watched:
    ended = False

    def has_ended(self) -> bool:
        return self.ended

    async def describe(self) -> dict:
        return {"state": "done" if self.ended else "running"}


@pytest.fixture
def rows() -> Rows:
    return Rows()


@pytest.fixture
def watched() -> Watched:
    return Watched()


@pytest.fixture
def link() -> Link:
    return Link()


@pytest.fixture
def clock() -> Clock:
    return Clock()


def begin(link, rows, watched, clock, live: bool = True) -> tuple[Watch, list]:
    watch = Watch(link, 7, [rows], watched, live, clock)
    over: list = []
    watch.start().addBoth(over.append)
    return watch, over


def test_what_is_there_is_sent_then_what_comes_then_the_end(link, rows, watched, clock) -> None:
    rows.there = [Row(1), Row(2)]
    watch, over = begin(link, rows, watched, clock)
    assert rows.sent == [Row(1), Row(2)] and not over
    rows.there.append(Row(3))
    watch.moved()
    assert rows.sent == [Row(1), Row(2), Row(3)] and not over
    watched.ended = True
    watch.ended()
    assert over and link.told[-1] == ({"state": "done"}, True)
    assert not clock.getDelayedCalls()


def test_what_is_committed_while_it_reads_is_not_missed(link, rows, watched, clock) -> None:
    def commit() -> None:
        rows.there.append(Row(1))
        watch.moved()

    watch = Watch(link, 7, [rows], watched, True, clock)
    rows.while_reading = commit
    watch.start()
    assert rows.sent == [Row(1)]
    watch.stop()


def test_the_last_rows_of_a_task_that_ends_while_it_reads_are_sent(link, rows, watched, clock) -> None:
    def end() -> None:
        rows.there.append(Row(1))
        watched.ended = True
        watch.ended()

    watch = Watch(link, 7, [rows], watched, True, clock)
    rows.while_reading = end
    over: list = []
    watch.start().addBoth(over.append)
    assert rows.sent == [Row(1)] and over


def test_without_live_it_ends_with_what_is_there(link, rows, watched, clock) -> None:
    rows.there = [Row(1)]
    _, over = begin(link, rows, watched, clock, live=False)
    assert rows.sent == [Row(1)] and over and link.told == [({"state": "running"}, True)]


def test_no_more_than_a_window_is_under_way(link, rows, watched, clock) -> None:
    size = 400_000
    rows.there = [Row(number, b"x" * size) for number in range(20)]
    rows.answer_at_once = False
    watch, over = begin(link, rows, watched, clock, live=False)
    assert len(rows.sent) == WINDOW_BYTES // (size + BOX_BYTES)
    answered = 0
    while answered < 20:
        rows.answers[answered].callback({})
        answered += 1
        assert (len(rows.sent) - answered) * (size + BOX_BYTES) <= WINDOW_BYTES
    assert [row.number for row in rows.sent] == list(range(20)) and over


def test_a_link_that_is_lost_ends_the_watch_quietly(link, rows, watched, clock) -> None:
    rows.there = [Row(1)]
    rows.answer_at_once = False
    watch, over = begin(link, rows, watched, clock)
    forgotten = []
    watch.on_stop(lambda: forgotten.append(True))
    rows.answers[0].errback(Unavailable("lost"))
    assert over and forgotten == [True] and not link.told


def test_counts_are_told_at_intervals_and_states_at_once(link, rows, watched, clock) -> None:
    watch, _ = begin(link, rows, watched, clock)
    for _ in range(10):
        watch.moved()
    assert not link.told
    clock.advance(COUNTS_SECONDS)
    assert len(link.told) == 1
    watch.moved(at_once=True)
    clock.advance(0)
    assert len(link.told) == 2
    watch.stop()
    assert not clock.getDelayedCalls()


def test_results_that_come_one_by_one_gather(link, rows, watched, clock) -> None:
    watch, over = begin(link, rows, watched, clock)
    seen = []
    for number in range(90):
        rows.there.append(Row(number))
        watch.moved()
        seen.append(len(rows.sent))
        clock.advance(0.001)
    assert seen[:3] == [1, 2, 3] and rows.reads <= READS
    clock.advance(READS_SECONDS)
    assert len(rows.sent) == 90
    watch.stop()
    assert over and not clock.getDelayedCalls()


def test_stopping_twice_is_no_error_and_nothing_is_sent_afterwards(link, rows, watched, clock) -> None:
    watch, over = begin(link, rows, watched, clock)
    watch.stop()
    watch.stop()
    rows.there.append(Row(1))
    watch.moved()
    assert not rows.sent and over
