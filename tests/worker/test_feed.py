"""A runner's pipe gets its frames in order, and a long one only as fast as it is taken."""

from __future__ import annotations

from typing import Any

from marx.worker.feed import Feed


class Pipe:
    """Asks its producer for more when the test says that it is empty."""

    def __init__(self) -> None:
        self.written: list[bytes] = []
        self.producer: Any = None
        self.flushed = 0

    def write(self, content: bytes) -> None:
        self.written.append(content)

    def doWrite(self) -> None:
        self.flushed = len(self.written)

    def registerProducer(self, producer: Any, streaming: bool) -> None:
        assert self.producer is None and not streaming
        self.producer = producer
        producer.resumeProducing()

    def unregisterProducer(self) -> None:
        self.producer = None

    def empty(self) -> None:
        self.producer.resumeProducing()


def test_a_frame_leaves_at_once_when_nothing_waits() -> None:
    pipe = Pipe()
    Feed(pipe).put(b"frame")
    assert pipe.written == [b"frame"] and pipe.flushed == 1 and pipe.producer is None


def test_what_follows_a_long_pack_waits_for_its_end() -> None:
    pipe = Pipe()
    feed = Feed(pipe)
    feed.put(iter([b"one", b"two", b"three"]))
    feed.put(b"chunk")
    assert pipe.written == [b"one"]
    pipe.empty()
    pipe.empty()
    assert pipe.written == [b"one", b"two", b"three"]
    pipe.empty()
    assert pipe.written[3:] == [b"chunk"] and pipe.producer is None
    feed.put(b"next")
    assert pipe.written[4:] == [b"next"]


def test_only_the_part_at_hand_is_in_memory() -> None:
    asked: list[int] = []

    def parts():
        for number in range(100):
            asked.append(number)
            yield b"%d" % number

    pipe = Pipe()
    Feed(pipe).put(parts())
    assert asked == [0]


def test_a_closed_pipe_is_asked_for_nothing_more() -> None:
    pipe = Pipe()
    feed = Feed(pipe)
    feed.put(iter([b"one", b"two"]))
    feed.stop()
    assert pipe.producer is None and pipe.written == [b"one"]
    feed.put(iter([b"one", b"two"]))
    pipe.producer.stopProducing()
    feed.stop()
