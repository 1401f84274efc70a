"""Output of items that are tried again is delivered once, whatever was delivered before and however it was cut."""

from __future__ import annotations

import tracemalloc
from dataclasses import dataclass
from typing import Sequence

import pytest
import pytest_twisted
from hypothesis import given
from hypothesis import strategies as st

from marx.core.model import Lease
from marx.server.directory import Directory, LiveTask
from marx.server.output import OutputIntake, RepeatedOutput, delivered_of, without_delivered
from marx.server.records import NewOutput, OutputRow
from marx.wire.packs import STDERR, STDOUT, Segment, pack_output, unpack_output
from marx.wire.reports import OutputReport

TASK = "abcdefgh"


def cut(text: bytes, cuts: Sequence[int]) -> list[tuple[int, bytes]]:
    """``text`` in pieces with their offsets."""
    edges = sorted({0, len(text), *(c % (len(text) + 1) for c in cuts)})
    return [(a, text[a:b]) for a, b in zip(edges, edges[1:])]


def pack(item: int, text: bytes, cuts: Sequence[int] = ()) -> bytes:
    return pack_output([Segment(item, STDOUT, offset, part) for offset, part in cut(text, cuts)], 0)


def row(payload: bytes) -> OutputRow:
    return OutputRow(1, 0, 0, 9, "lab-1", 0.0, payload)


def text_of(*payloads: bytes) -> bytes:
    return b"".join(segment.content for payload in payloads for segment in unpack_output(payload, 0))


@given(st.binary(max_size=60), st.integers(0, 60), st.lists(st.integers(0, 60)), st.lists(st.integers(0, 60)))
def test_a_second_attempt_that_prints_the_same_adds_what_is_missing(text, reached, first_cuts, second_cuts) -> None:
    first = pack(3, text[:reached], first_cuts)
    again = without_delivered(pack(3, text, second_cuts), 0, delivered_of([row(first)]))
    assert text_of(first, again) == text


@given(st.binary(min_size=1, max_size=20), st.binary(min_size=1, max_size=20))
def test_what_differs_is_delivered_whole(first, second) -> None:
    again = without_delivered(pack(3, second), 0, delivered_of([row(pack(3, first))]))
    kept = text_of(again)
    assert kept == (second[len(first) :] if second.startswith(first) else b"" if first.startswith(second) else second)


def test_items_and_streams_do_not_hide_each_other() -> None:
    delivered = delivered_of([row(pack_output([Segment(3, STDOUT, 0, b"a\n"), Segment(3, STDERR, 0, b"b\n")], 0))])
    again = [Segment(3, STDERR, 0, b"b\nc\n"), Segment(4, STDOUT, 0, b"a\n"), Segment(3, STDOUT, 0, b"a\n")]
    kept = list(unpack_output(without_delivered(pack_output(again, 0), 0, delivered), 0))
    assert kept == [Segment(3, STDERR, 2, b"c\n"), Segment(4, STDOUT, 0, b"a\n")]


@dataclass
class Stored:
    """A store that only remembers output."""

    rows: list[OutputRow]

    async def write(self, *writes: object) -> None:
        assert not writes

    async def output_of_items(self, task: str, portion: int, first: int, last: int) -> list[OutputRow]:
        return [row for row in self.rows if row.first <= last and row.last >= first]

    async def output_size_of_items(self, task: str, portion: int, first: int, last: int) -> int:
        return sum(len(row.payload) for row in await self.output_of_items(task, portion, first, last))


def intake(limit: int = 1000, rows: Sequence[OutputRow] = ()) -> OutputIntake:
    directory = Directory()
    directory.tasks[TASK] = LiveTask(TASK, "ada", None, {"kind": "map"}, 0.0)
    return OutputIntake(Stored(list(rows)), directory, limit)


LEASE = Lease(1, TASK, 0, 0, 10, "lab-1", 0, 1, 0.0, 60.0)


def report(payload: bytes) -> OutputReport:
    return OutputReport(1, TASK, 0, 0, 9, 5.0, len(payload))


@pytest_twisted.ensureDeferred
async def test_a_first_attempt_is_stored_as_it_comes() -> None:
    payload = pack(3, b"one\ntwo\n", [4])
    assert await intake().rows(report(payload), payload, LEASE, again=False) == [NewOutput(TASK, 0, 0, 9, "lab-1", 5.0, payload)]


@pytest_twisted.ensureDeferred
async def test_another_attempt_is_compared_with_what_is_stored() -> None:
    taking = intake(rows=[row(pack(3, b"one\ntwo\n"))])
    payload = pack(3, b"one\ntwo\nthree\n")
    (stored,) = await taking.rows(report(payload), payload, LEASE, again=True)
    assert text_of(stored.payload) == b"three\n"
    assert await taking.rows(report(payload), pack(3, b"one\n"), LEASE, again=True) == []


@pytest_twisted.ensureDeferred
async def test_what_comes_too_late_is_not_delivered_even_if_it_differs() -> None:
    payload = pack_output([Segment(3, STDOUT, 0, b"other\n"), Segment(4, STDOUT, 0, b"new\n")], 0)
    taking = intake(rows=[row(pack(3, b"one\n"))])
    (stored,) = await taking.rows(report(payload), payload, LEASE, again=True, too_late=lambda item: item == 3)
    assert list(unpack_output(stored.payload, 0)) == [Segment(4, STDOUT, 0, b"new\n")]


@pytest_twisted.ensureDeferred
async def test_output_beyond_the_limit_is_cut_and_that_is_said_once() -> None:
    taking = intake(limit=100)
    payload = pack(3, b"x" * 90)
    rows = await taking.rows(report(payload), payload, LEASE, again=False)
    assert len(rows) == 2 and b"more than 100 bytes" in text_of(pack_output(unpack_output(rows[1].payload, 9), 0))
    assert await taking.rows(report(payload), payload, LEASE, again=False) == []


@pytest_twisted.ensureDeferred
async def test_a_task_that_has_ended_takes_no_more_output() -> None:
    taking = intake()
    taking._directory.tasks.clear()
    assert await taking.rows(report(b""), b"", LEASE, again=False) == []


class StoredProgram:
    """What one program, or item, printed, as far as a store of it is asked: a row at a time, and each once for each stream."""

    def __init__(self, payloads: Sequence[bytes]) -> None:
        self._rows: list[OutputRow] = []
        self.read: list[int] = []
        for payload in payloads:
            self.add(payload)

    def add(self, payload: bytes) -> None:
        self._rows.append(OutputRow(len(self._rows) + 1, 0, 0, 0, "lab-1", 0.0, payload))

    async def output_of_item_after(self, task: str, portion: int, item: int, row: int, limit_bytes: int) -> list[OutputRow]:
        found = self._rows[row : row + 1]
        self.read += [one.row for one in found]
        return found

    async def output_size_of_items(self, task: str, portion: int, first: int, last: int) -> int:
        return sum(len(row.payload) for row in self._rows)

    async def write(self, *writes: object) -> None:
        assert not writes


def program_pack(*texts: tuple[int, int, bytes]) -> bytes:
    return pack_output([Segment(0, stream, offset, text) for stream, offset, text in texts], 0)


@pytest_twisted.ensureDeferred
async def test_a_program_that_is_started_again_repeats_nothing_and_goes_on() -> None:
    store = StoredProgram([program_pack((STDOUT, 0, b"one\n"), (STDERR, 0, b"oh\n")), program_pack((STDOUT, 4, b"two\nth"))])
    repeat = RepeatedOutput(store, TASK)
    assert await repeat.without_delivered(program_pack((STDOUT, 0, b"o"), (STDOUT, 1, b"ne\ntwo\n"))) == b""
    kept = await repeat.without_delivered(program_pack((STDOUT, 8, b"three\n"), (STDERR, 0, b"oh\nno\n")))
    assert list(unpack_output(kept, 0)) == [Segment(0, STDOUT, 10, b"ree\n"), Segment(0, STDERR, 3, b"no\n")]
    later = program_pack((STDOUT, 14, b"four\n"))
    assert await repeat.without_delivered(later) == later
    assert store.read == [1, 2] * 2  # once for each stream


@pytest_twisted.ensureDeferred
async def test_an_attempt_that_was_ahead_and_is_overtaken_while_it_is_cut_off_repeats_nothing() -> None:
    """Its worker comes back and reports what another attempt has printed meanwhile."""
    store = StoredProgram([program_pack((STDOUT, 0, b"one\n"))])
    ahead = RepeatedOutput(store, TASK)
    for text in (program_pack((STDOUT, 4, b"two\n"), (STDERR, 0, b"oh\n")), program_pack((STDOUT, 8, b"three\n"))):
        assert await ahead.without_delivered(text) == text
        store.add(text)
    store.add(program_pack((STDOUT, 14, b"four\n")))
    assert await ahead.without_delivered(program_pack((STDOUT, 14, b"four\n"))) == b""
    kept = await ahead.without_delivered(program_pack((STDOUT, 19, b"five\n"), (STDERR, 3, b"no\n")))
    assert text_of(kept) == b"five\nno\n"


@pytest_twisted.ensureDeferred
async def test_a_program_that_prints_something_else_this_time_is_heard_from_there_on() -> None:
    repeat = RepeatedOutput(StoredProgram([program_pack((STDOUT, 0, b"at 10:31\nmore\n"))]), TASK)
    kept = await repeat.without_delivered(program_pack((STDOUT, 0, b"at 10:32\n"), (STDOUT, 9, b"more\n")))
    assert text_of(kept) == b"at 10:32\nmore\n"


@pytest_twisted.ensureDeferred
@pytest.mark.parametrize("before", [b"one\ntwo\n", b"something else\n"])
async def test_what_an_attempt_sends_again_since_it_got_no_answer_is_delivered_once(before: bytes) -> None:
    """Its link was cut between the report and the answer; whether it printed what others had is another matter."""
    store = StoredProgram([program_pack((STDOUT, 0, before))])
    repeat = RepeatedOutput(store, TASK)
    sent = [program_pack((STDOUT, 0, b"one\n")), program_pack((STDOUT, 4, b"two\n")), program_pack((STDOUT, 8, b"three\n"))]
    kept = [await repeat.without_delivered(text) for text in sent]
    for payload in kept:
        store.add(payload)
    assert text_of(*kept) == (b"three\n" if before.startswith(b"one") else b"one\ntwo\nthree\n")
    assert [await repeat.without_delivered(text) for text in sent] == [b"", b"", b""]
    assert text_of(await repeat.without_delivered(program_pack((STDOUT, 8, b"three\nfour\n")))) == b"four\n"


LOUD = b"x" * 50_000
LOUD_ROWS = [program_pack((STDOUT, number * len(LOUD), LOUD)) for number in range(400)]


@pytest_twisted.ensureDeferred
async def test_a_loud_item_that_is_tried_again_is_compared_without_having_all_of_it_in_memory() -> None:
    """20 MB, of which another attempt prints the same, and then on the stream that was silent."""
    taking = intake(limit=1 << 40)
    taking._store = StoredProgram(LOUD_ROWS)
    whole = OutputReport(1, TASK, 0, 0, 0, 5.0, 0)
    error = program_pack((STDERR, 0, b"oh\n"))
    tracemalloc.start()
    try:
        stored = [row for payload in [error, *LOUD_ROWS] for row in await taking.rows(whole, payload, LEASE, again=True)]
        more = program_pack((STDOUT, 400 * len(LOUD), b"more\n"))
        stored += await taking.rows(whole, more, LEASE, again=True)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert [row.payload for row in stored] == [error, more]
    assert peak < 1_000_000


@pytest_twisted.ensureDeferred
async def test_many_loud_items_in_turn_are_compared_each_from_its_beginning() -> None:
    rows = [pack_output([Segment(item, STDOUT, 0, b"%d\n" % item * 100)], 0) for item in range(20)]
    repeat = RepeatedOutput(StoredProgram(rows), TASK)
    for item in range(20):
        assert await repeat.without_delivered(pack_output([Segment(item, STDOUT, 0, b"%d\n" % item)], 0)) == b""
    longer = pack_output([Segment(19, STDOUT, 300, b"new\n")], 0)
    assert await repeat.without_delivered(longer) == longer


@pytest_twisted.ensureDeferred
async def test_nothing_is_kept_of_a_chunk_that_has_ended() -> None:
    taking = intake(limit=1 << 40)
    taking._store = StoredProgram(LOUD_ROWS[:30])
    await taking.rows(OutputReport(1, TASK, 0, 0, 0, 5.0, 0), LOUD_ROWS[0], LEASE, again=True)
    assert list(taking._repeats) == [1]
    taking.ended(1)
    assert not taking._repeats
