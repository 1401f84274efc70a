"""Frames of the control pipe: whole however they are cut, and nonsense is refused before it is believed."""

from __future__ import annotations

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marx.worker.pipe import FRAME_LIMIT, Frame, FrameError, FrameReader, encode

headers = st.dictionaries(st.text(max_size=8), st.none() | st.booleans() | st.integers() | st.text(max_size=20), max_size=4)
frames = st.builds(Frame, st.sampled_from("TPDCEXQLFBRVAZN"), headers, st.binary(max_size=300))


def written(frame: Frame) -> bytes:
    return encode(frame.kind.encode(), frame.header, frame.payload)


def pieces_of(content: bytes, cuts: list[int]) -> list[bytes]:
    edges = sorted({cut % (len(content) + 1) for cut in cuts} | {0, len(content)})
    return [content[start:stop] for start, stop in zip(edges, edges[1:])]


@given(st.lists(frames, max_size=6), st.lists(st.integers(min_value=0), max_size=20))
def test_what_came_out_is_what_went_in_for_every_cut(sent: list[Frame], cuts: list[int]) -> None:
    reader = FrameReader()
    received = [frame for piece in pieces_of(b"".join(map(written, sent)), cuts) for frame in reader.feed(piece)]
    assert received == sent


def test_a_frame_of_the_largest_size_comes_through_in_pipe_sized_pieces() -> None:
    payload = bytes(1 << 20)
    content = encode(b"R", {"chunk": 1}, payload)
    reader = FrameReader()
    received = [frame for at in range(0, len(content), 8192) for frame in reader.feed(content[at : at + 8192])]
    assert [len(frame.payload) for frame in received] == [len(payload)]


def test_a_frame_above_the_limit_is_refused_before_its_bytes_come() -> None:
    with pytest.raises(FrameError, match="a frame of"):
        FrameReader().feed(struct.pack(">IcI", FRAME_LIMIT + 1, b"R", 2))


@pytest.mark.parametrize(
    "content",
    [
        struct.pack(">IcI", 2, b"R", 3) + b"{}",
        struct.pack(">IcI", 2, b"R", 2) + b"[]",
        struct.pack(">IcI", 3, b"R", 3) + b"{a}",
        struct.pack(">IcI", 4, b"R", 4) + b'"\xff"{',
        struct.pack(">IcI", 200_000, b"R", 200_000) + b"[" * 200_000,
    ],
    ids=["header longer than frame", "not an object", "not JSON", "not UTF-8", "nested beyond reason"],
)
def test_nonsense_is_refused(content: bytes) -> None:
    with pytest.raises(FrameError):
        FrameReader().feed(content)


def test_a_frame_that_nobody_would_take_is_not_made() -> None:
    with pytest.raises(ValueError, match="longer than"):
        encode(b"P", {}, bytes(FRAME_LIMIT))
