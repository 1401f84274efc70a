"""What programs print: attributed by marks, cut anywhere, hostile or not, and never changed."""

from __future__ import annotations

from collections import defaultdict

from hypothesis import given, settings
from hypothesis import strategies as st

from marx.wire.packs import STDERR, STDOUT, Segment
from marx.worker.output import LONGEST_HELD, Closed, OutputReader, Stray, Tokens, Written

CHUNKS = [Tokens(fence, fence * 10, fence * 10 + 5, b"%016x" % (fence * 7), b"%016x" % (fence * 7 + 1)) for fence in range(1, 4)]


def mark(tokens: Tokens, item: int) -> bytes:
    return b"\0%s:%d\n" % (tokens.mark, item)


def end(tokens: Tokens) -> bytes:
    return b"\0%s!\n" % tokens.secret


class Sink:
    """Feeds one reader and adds up what came out."""

    def __init__(self, stream: int = STDOUT, expected: list[Tokens] = CHUNKS) -> None:
        self.reader = OutputReader(stream)
        self.segments: list[Segment] = []
        self.order: list[object] = []
        self.stray = b""
        for tokens in expected:
            self.reader.expect(tokens)

    def feed(self, *pieces: bytes) -> Sink:
        for piece in pieces:
            self.take(self.reader.feed(piece))
        return self

    def finish(self) -> Sink:
        self.take(self.reader.finish())
        return self

    def take(self, pieces: list) -> None:
        for piece in pieces:
            if isinstance(piece, Written):
                self.segments += piece.segments
                self.order += [(piece.fence, segment.item, segment.content) for segment in piece.segments]
            elif isinstance(piece, Closed):
                self.order.append(("closed", piece.fence))
            else:
                assert isinstance(piece, Stray)
                self.stray += piece.content

    def texts(self) -> dict[int, bytes]:
        texts: dict[int, bytes] = defaultdict(bytes)
        for segment in self.segments:
            assert segment.offset == len(texts[segment.item]), "offsets follow one another"
            texts[segment.item] += segment.content
        return texts


nasty = st.sampled_from([b"\0", b"\n", b"\r\n", b"\xff\xc3", b"\0" + b"a" * 16 + b":3\n", mark(CHUNKS[2], 1), end(CHUNKS[2]), b"\0" + b"0" * 15])
texts = st.lists(st.binary(max_size=30) | nasty, max_size=5).map(b"".join)
items = st.lists(texts, max_size=5)


@settings(max_examples=300)
@given(items, items, st.lists(st.integers(min_value=0), max_size=30))
def test_what_came_out_is_what_went_in_without_the_marks_for_every_cut(first: list[bytes], second: list[bytes], cuts: list[int]) -> None:
    content, wanted = b"", {}
    for tokens, printed in zip(CHUNKS, (first, second)):
        content += mark(tokens, tokens.first)
        for number, text in enumerate(printed):
            content += (mark(tokens, tokens.first + number) if number else b"") + text
            wanted[tokens.first + number] = text
        content += end(tokens)
    edges = sorted({cut % (len(content) + 1) for cut in cuts} | {0, len(content)})
    sink = Sink().feed(*(content[start:stop] for start, stop in zip(edges, edges[1:])))
    assert dict(sink.texts()) == {item: text for item, text in wanted.items() if text}
    assert [entry for entry in sink.order if entry[0] == "closed"] == [("closed", 1), ("closed", 2)]
    assert sink.stray == b""


def test_whole_lines_leave_at_once_and_the_rest_of_a_line_with_its_end() -> None:
    sink = Sink().feed(mark(CHUNKS[0], 10) + b"one\ntwo\nthr")
    assert sink.segments == [Segment(10, STDOUT, 0, b"one\ntwo\n")]
    sink.feed(b"ee\n")
    assert sink.segments[1:] == [Segment(10, STDOUT, 8, b"three\n")]


def test_an_unfinished_line_leaves_when_its_item_or_its_chunk_ends() -> None:
    sink = Sink().feed(mark(CHUNKS[0], 10), b"no newline", mark(CHUNKS[0], 11), b"again none", end(CHUNKS[0]))
    assert sink.order == [(1, 10, b"no newline"), (1, 11, b"again none"), ("closed", 1)]


def test_a_line_without_end_leaves_in_parts_and_is_never_held_whole() -> None:
    sink = Sink(STDERR).feed(mark(CHUNKS[0], 10))
    for _ in range(1000):
        sink.feed(b"x" * 8192)
    assert len(sink.texts()[10]) > 1000 * 8192 - LONGEST_HELD - 8192
    sink.feed(b"\n")
    assert len(sink.texts()[10]) == 1000 * 8192 + 1
    assert {segment.stream for segment in sink.segments} == {STDERR}


def test_a_mark_for_an_item_of_another_chunk_or_one_that_is_over_is_output() -> None:
    for forged in (mark(CHUNKS[0], 15), mark(CHUNKS[0], 9), mark(CHUNKS[0], 10), mark(CHUNKS[1], 20), end(CHUNKS[1])):
        sink = Sink().feed(mark(CHUNKS[0], 11), forged, end(CHUNKS[0]))
        assert dict(sink.texts()) == {11: forged}


def test_the_same_item_may_be_marked_again_and_its_offset_goes_on() -> None:
    sink = Sink().feed(mark(CHUNKS[0], 10), b"a\n", mark(CHUNKS[0], 10), b"b\n")
    assert sink.texts()[10] == b"a\nb\n"


def test_a_chunk_that_never_began_is_passed_over() -> None:
    sink = Sink().feed(mark(CHUNKS[1], 20), b"second\n", end(CHUNKS[1]), mark(CHUNKS[0], 10))
    assert sink.order == [(2, 20, b"second\n"), ("closed", 2)]
    assert sink.stray == mark(CHUNKS[0], 10), "what was passed over cannot come any more"


def test_what_is_printed_outside_of_chunks_is_stray() -> None:
    sink = Sink().feed(b"loading\n", mark(CHUNKS[0], 10) + end(CHUNKS[0]) + b"between", mark(CHUNKS[1], 20))
    assert sink.stray == b"loading\nbetween"


def test_what_is_held_of_items_that_are_done_can_be_had_before_the_next_mark() -> None:
    sink = Sink().feed(mark(CHUNKS[0], 11), b"half\0ab")
    sink.take(sink.reader.release(1, 11, True))
    sink.take(sink.reader.release(2, 20, True))
    assert sink.segments == [], "that item is not done, and that chunk not at work"
    sink.take(sink.reader.release(1, 12, False))
    assert sink.texts() == {11: b"half"}, "the rest may be the beginning of a mark"
    sink.take(sink.reader.release(1, 12, True))
    assert sink.texts() == {11: b"half\0ab"}


def test_a_stream_that_ends_gives_what_was_held() -> None:
    begun_mark = mark(CHUNKS[0], 11)[:10]
    assert Sink().feed(mark(CHUNKS[0], 10), b"half", begun_mark).finish().texts()[10] == b"half" + begun_mark
    assert Sink().feed(b"\0abc").finish().stray == b"\0abc"
