"""Frames, cut anywhere, are what they were; nothing is taken beyond the one that is asked for; writing never waits."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marx.runner.pipe import FRAME_LIMIT, LEAD, FrameError, FrameReader, FrameWriter, PipeClosed, encode, write_all
from marx.worker.pipe import FrameReader as WorkersReader
from marx.worker.pipe import encode as workers_encode

headers = st.dictionaries(st.text(), st.none() | st.integers() | st.text() | st.lists(st.booleans()))
frames = st.lists(st.tuples(st.sampled_from([b"P", b"R", b"\xff"]), headers, st.binary(max_size=300)), max_size=8)


class Pipe:
    """Both ends; the reading one is what a FrameReader gets."""

    def __init__(self) -> None:
        self.reading, self.writing = os.pipe()

    def __enter__(self) -> Pipe:
        return self

    def __exit__(self, *_: object) -> None:
        for end in (self.reading, self.writing):
            try:
                os.close(end)
            except OSError:
                pass


@pytest.fixture
def pipe() -> Iterator[Pipe]:
    with Pipe() as made:
        yield made


@given(frames, st.data())
def test_frames_cut_anywhere_come_out_as_they_went_in(sent: list[tuple[bytes, dict[str, object], bytes]], data: st.DataObject) -> None:
    stream = b"".join(encode(*frame) for frame in sent)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(stream)), max_size=10)))
    read = []
    with Pipe() as pipe:
        reader = FrameReader(pipe.reading)
        for begin, end in zip([0, *cuts], [*cuts, len(stream)]):
            os.write(pipe.writing, stream[begin:end])
            while (frame := reader.read()) is not None:
                read.append((frame.kind, frame.header(), frame.payload()))
        assert not reader.ended
        os.close(pipe.writing)
        assert reader.read() is None and reader.ended
    assert read == sent


@given(frames)
def test_worker_and_runner_speak_the_same(sent: list[tuple[bytes, dict[str, object], bytes]]) -> None:
    for frame in sent:
        assert encode(*frame) == workers_encode(*frame)
    heard = WorkersReader().feed(b"".join(encode(*frame) for frame in sent))
    assert [(frame.kind.encode("latin-1"), frame.header, frame.payload) for frame in heard] == sent


def test_nothing_is_taken_beyond_the_frame_that_is_asked_for(pipe: Pipe) -> None:
    os.write(pipe.writing, encode(b"C", {"a": 1}) + b"what follows")
    reader = FrameReader(pipe.reading)
    assert reader.read() is not None
    assert os.read(pipe.reading, 100) == b"what follows"


@pytest.mark.parametrize("lead", [LEAD.pack(FRAME_LIMIT + 1, b"P", 2), LEAD.pack(5, b"P", 6)])
def test_a_frame_that_nobody_sends_is_refused(pipe: Pipe, lead: bytes) -> None:
    os.write(pipe.writing, lead)
    with pytest.raises(FrameError):
        FrameReader(pipe.reading).read()


@pytest.mark.parametrize("header", [b"", b"{", b"[]", b"\xff", b"1"])
def test_a_header_that_is_no_object_is_refused_when_it_is_asked_for(pipe: Pipe, header: bytes) -> None:
    os.write(pipe.writing, LEAD.pack(len(header), b"P", len(header)) + header)
    frame = FrameReader(pipe.reading).read()
    assert frame is not None
    with pytest.raises(FrameError):
        frame.header()


def test_a_wiped_frame_holds_nothing_of_what_it_said(pipe: Pipe) -> None:
    os.write(pipe.writing, encode(b"E", {"secret": "0123456789abcdef"}))
    frame = FrameReader(pipe.reading).read()
    assert frame is not None
    size = len(frame.raw)
    frame.wipe()
    assert frame.raw == bytes(size)


def test_a_reader_that_takes_nothing_makes_the_writer_full_and_loses_nothing(pipe: Pipe) -> None:
    writer, reader = FrameWriter(pipe.writing), FrameReader(pipe.reading)
    payloads = [bytes([number]) * 100_000 for number in range(10)]
    for payload in payloads:
        writer.send(b"R", {}, payload)
    assert writer.is_full
    read = []
    while len(read) < len(payloads):
        frame = reader.read()
        if frame is not None:
            read.append(frame.payload())
        writer.flush()
    assert read == payloads
    assert not writer.is_full


def test_a_writer_without_a_reader_says_so(pipe: Pipe) -> None:
    writer = FrameWriter(pipe.writing)
    os.close(pipe.reading)
    with pytest.raises(PipeClosed):
        writer.send(b"R", {})


def test_writing_all_waits_for_a_descriptor_that_blocks(pipe: Pipe) -> None:
    content = os.urandom(1000)
    write_all(pipe.writing, content)
    write_all(pipe.writing, b"")
    assert os.read(pipe.reading, 2000) == content
