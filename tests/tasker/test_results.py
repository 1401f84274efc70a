"""Result packs as lines, and what items printed as lines: what comes out is what went in, however it was cut."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marx.tasker.follow import OutputPack, ResultPack
from marx.tasker.printed import FORMATS, AsPrinted, LineJoiner, plain
from marx.tasker.results import LineDresser, ResultsWriter
from marx.wire.packs import STDERR, STDOUT, Segment, pack_output, result_lines

entries = st.lists(st.sampled_from([b'{"value": 1}', b'{"repr": "x", "blob": "ab"}', b'{"error": {"type": "E"}}']), min_size=1, max_size=6)
values = st.lists(st.sampled_from([b"1", b'"a, b"', b"[]", b'{"index": 0}']), min_size=1, max_size=6)


@given(st.one_of(st.tuples(st.just("values"), values), st.tuples(st.just("entries"), entries)), st.data())
def test_a_blob_cut_anywhere_gives_the_same_lines_as_a_pack(pack: tuple[str, list[bytes]], data: st.DataObject) -> None:
    codec, lines = pack
    payload = b"\n".join(lines)
    skipped = data.draw(st.integers(0, len(lines) - 1))
    count = data.draw(st.integers(1, len(lines) - skipped))
    cuts = sorted(data.draw(st.lists(st.integers(0, len(payload)))))
    dresser = LineDresser(ResultPack(10 + skipped, count, 10, codec, None, "digest"))
    parts = [payload[start:stop] for start, stop in zip([0, *cuts], [*cuts, len(payload)])]
    dressed = b"".join([dresser.dress(part) for part in parts]) + dresser.finish()
    assert dressed == b"".join(line + b"\n" for line in result_lines(codec, payload, 10, 10 + skipped, count))
    assert [json.loads(line)["index"] for line in dressed.splitlines()] == list(range(10 + skipped, 10 + skipped + count))


def test_a_pack_is_written_with_one_call() -> None:
    written: list[bytes] = []

    async def write(content: bytes) -> None:
        written.append(content)

    async def fetch(digest: str) -> AsyncIterator[bytes]:
        yield b""

    with pytest.raises(StopIteration):
        ResultsWriter(write, fetch).take(ResultPack(5, 2, 4, "values", b"1\n2\n3\n4", None)).send(None)
    assert written == [b'{"index": 5, "value": 2}\n{"index": 6, "value": 3}\n']


def output(*segments: Segment, row: int = 1) -> OutputPack:
    first = min(segment.item for segment in segments)
    return OutputPack(row, 0, first, "lab7", 1_700_000_000.25, pack_output(segments, first))


@given(st.lists(st.tuples(st.integers(0, 2), st.sampled_from([1, 2]), st.binary(max_size=6)), max_size=20))
def test_no_byte_of_any_item_is_lost_or_changed(written: list[tuple[int, int, bytes]]) -> None:
    joiner = LineJoiner(plain)
    shown = b"".join(joiner.feed(output(Segment(item, stream, 0, content))) for item, stream, content in written) + joiner.finish()
    assert sorted(shown) == sorted(b"".join(content for _, _, content in written))
    streams: dict[Any, bytes] = {}
    for item, stream, content in written:
        streams[item, stream] = streams.get((item, stream), b"") + content
    whole_lines = [line for each in streams.values() for line in each.split(b"\n")[:-1]]
    rest = [each.split(b"\n")[-1] for each in streams.values()]
    assert shown.startswith(b"\n".join([])) and shown.count(b"\n") == len(whole_lines)
    assert all(line in shown for line in [*whole_lines, *rest])


pieces = st.lists(st.tuples(st.integers(0, 2), st.sampled_from([STDOUT, STDERR]), st.binary(max_size=6)), min_size=1, max_size=6)


@given(st.lists(pieces, max_size=6))
def test_what_a_run_prints_is_shown_byte_for_byte_in_its_order(packs: list[list[tuple[int, int, bytes]]]) -> None:
    printed = AsPrinted()
    shown = [piece for pack in packs for piece in printed.pieces(output(*(Segment(item, stream, 0, content) for item, stream, content in pack)))]
    assert printed.last_pieces() == []
    written = [(stream, content) for pack in packs for _, stream, content in pack]
    for wanted in (STDOUT, STDERR):
        assert on(wanted, shown) == on(wanted, written)


def on(wanted: int, pieces: list[tuple[int, bytes]]) -> bytes:
    """What stands on one stream."""
    return b"".join(content for stream, content in pieces if stream == wanted)


def test_what_follows_each_other_on_a_stream_is_written_together() -> None:
    segments = [Segment(item, stream, 0, content) for item, stream, content in ((0, 1, b"a"), (1, 1, b"b"), (0, 2, b"c"), (0, 1, b"d"))]
    assert AsPrinted().pieces(output(*segments)) == [(STDOUT, b"ab"), (STDERR, b"c"), (STDOUT, b"d")]


def test_dressed_lines_know_their_stream() -> None:
    joiner = LineJoiner(plain)
    assert joiner.pieces(output(Segment(0, STDERR, 0, b"oh\nno"), Segment(0, STDOUT, 0, b"out\n"))) == [(STDERR, b"oh\n"), (STDOUT, b"out\n")]
    assert joiner.last_pieces() == [(STDERR, b"no")]


def test_lines_of_items_side_by_side_are_never_mixed() -> None:
    joiner = LineJoiner(plain)
    assert joiner.feed(output(Segment(0, 1, 0, b"one "), Segment(1, 1, 0, b"two\nthr"))) == b"two\n"
    assert joiner.feed(output(Segment(1, 1, 7, b"ee\n"), Segment(0, 1, 4, b"line\nrest"))) == b"three\none line\n"
    assert joiner.finish() == b"rest"


def test_an_endless_line_is_shown_before_it_fills_memory() -> None:
    joiner = LineJoiner(plain, limit=10)
    assert joiner.feed(output(Segment(0, 1, 0, b"0123456"))) == b""
    assert joiner.feed(output(Segment(1, 1, 0, b"abcdef"))) == b"0123456"
    assert joiner.finish() == b"abcdef"


def test_tagged_lines_say_when_what_where(monkeypatch: pytest.MonkeyPatch) -> None:
    shown = LineJoiner(FORMATS["tagged"]).feed(output(Segment(17, 2, 0, b"a\nb\n"))).decode().splitlines()
    assert [line[5:] for line in shown] == [":20.250 0.17 lab7 err| a", ":20.250 0.17 lab7 err| b"]


def test_json_lines_hold_any_bytes() -> None:
    shown = LineJoiner(FORMATS["json"]).feed(output(Segment(17, 1, 0, b'"\xff\x1b\n')))
    assert json.loads(shown) == {
        "time_utc": 1_700_000_000.25,
        "portion": 0,
        "item": 17,
        "worker": "lab7",
        "stream": "stdout",
        "line": '"\\xff\x1b',
    }
