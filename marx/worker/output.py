"""
What a runner's processes print, attributed to items: the bytes of one stream with marks among them to segments, pure.

The child writes ``\\0MARK:ITEM\\n`` before bytes that belong to another item, the runner ``\\0SECRET!\\n`` when a chunk's processes are
gone. Both tokens are drawn by the worker for each chunk, so bytes that merely look like a mark are what they are: output. Whole lines
leave promptly; the beginning of a line waits for its end, its item's end, or 64 kB. What came out is what went in without the marks, in
its order, however the bytes were cut.
"""

from __future__ import annotations

import re
from collections import deque
from dataclasses import dataclass, field
from typing import Union

from marx.wire.packs import Segment

#: Bytes of an unfinished line that are held back; a longer line leaves in parts.
LONGEST_HELD = 64 << 10

_MARK = re.compile(rb"\0([0-9a-f]{16})(?::([0-9]{1,19})|!)\n")
_MARK_BEGINS = re.compile(rb"\0(?:[0-9a-f]{0,16}|[0-9a-f]{16}(?::[0-9]{0,19}|!))")
_LONGEST_MARK = 1 + 16 + 1 + 19 + 1


@dataclass(frozen=True, slots=True)
class Tokens:
    """What marks look like while the chunk under ``fence`` is at work; its items are ``first`` to ``stop``."""

    fence: int
    first: int
    stop: int
    mark: bytes
    secret: bytes


@dataclass(slots=True)
class Written:
    """Items of the chunk under ``fence`` wrote this."""

    fence: int
    segments: list[Segment] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Closed:
    """The chunk under ``fence`` writes nothing more on this stream."""

    fence: int


@dataclass(frozen=True, slots=True)
class Stray:
    """Bytes that belong to no item: what a program prints while it is loaded."""

    content: bytes


Piece = Union[Written, Closed, Stray]


class OutputReader:
    """
    One stream (1 standard output, 2 standard error) of one runner.

    ``by_line``: an unfinished line waits for its end, so that lines of items do not mix; else nothing waits, as a prompt must not.
    """

    def __init__(self, stream: int, by_line: bool = True) -> None:
        self._stream = stream
        self._by_line = by_line
        self._expected: deque[Tokens] = deque()
        self._chunk: Tokens | None = None
        self._item = -1
        self._offset = 0
        self._tail = b""
        self._line: list[bytes] = []
        self._line_size = 0

    def expect(self, tokens: Tokens) -> None:
        """A chunk was given to the runner, to be run after those before it."""
        self._expected.append(tokens)

    def feed(self, received: bytes) -> list[Piece]:
        """What can be said of these bytes now, in their order."""
        received = self._tail + received
        whole = _without_begun_mark(received)
        self._tail = received[whole:]
        pieces: list[Piece] = []
        position = 0
        for match in _MARK.finditer(received, 0, whole):
            if self._means_something(match):
                self._take(received[position : match.start()], pieces)
                self._turn(match, pieces)
                position = match.end()
        self._take(received[position:whole], pieces)
        return pieces

    def finish(self) -> list[Piece]:
        """The stream has ended: what was still held."""
        pieces: list[Piece] = []
        tail, self._tail = self._tail, b""
        self._take(tail, pieces)
        self._release(pieces)
        return pieces

    def release(self, fence: int, stop: int, is_all: bool) -> list[Piece]:
        """
        The items of this chunk before ``stop`` print no more: what is held of them. ``is_all``: all that was written has been fed, so
        what looks like the beginning of a mark at the end is none.
        """
        pieces: list[Piece] = []
        if self._chunk is not None and self._chunk.fence == fence and self._item < stop:
            if is_all:
                tail, self._tail = self._tail, b""
                self._take(tail, pieces)
            self._release(pieces)
        return pieces

    # Marks

    def _means_something(self, match: re.Match[bytes]) -> bool:
        """Whether this is a mark; one whose item cannot come now is output, too."""
        token, item = match.groups()
        if self._chunk is None:
            return item is not None and self._begins(token, int(item))
        if item is None:
            return token == self._chunk.secret
        return token == self._chunk.mark and self._item <= int(item) < self._chunk.stop

    def _begins(self, token: bytes, item: int) -> bool:
        """Whether an expected chunk begins; those before it were cancelled before they wrote anything."""
        for skipped, tokens in enumerate(self._expected):
            if token == tokens.mark and tokens.first <= item < tokens.stop:
                for _ in range(skipped):
                    self._expected.popleft()
                return True
        return False

    def _turn(self, match: re.Match[bytes], pieces: list[Piece]) -> None:
        item = match[2]
        if item is None:
            self._close(pieces)
            return
        if self._chunk is None:
            self._chunk = self._expected.popleft()
            self._item = -1
        if int(item) != self._item:
            self._release(pieces)
            self._item, self._offset = int(item), 0

    def _close(self, pieces: list[Piece]) -> None:
        assert self._chunk is not None
        self._release(pieces)
        pieces.append(Closed(self._chunk.fence))
        self._chunk = None

    # Lines

    def _take(self, content: bytes, pieces: list[Piece]) -> None:
        if not content:
            return
        if self._chunk is None:
            pieces.append(Stray(content))
            return
        ends = content.rfind(b"\n") + 1
        if ends:
            self._hold(content[:ends])
            self._release(pieces)
        if ends < len(content):
            self._hold(content[ends:])
        if self._line_size > LONGEST_HELD or not self._by_line:
            self._release(pieces)

    def _hold(self, content: bytes) -> None:
        self._line.append(content)
        self._line_size += len(content)

    def _release(self, pieces: list[Piece]) -> None:
        """Let what is held go as a segment of the present item."""
        if not self._line or self._chunk is None:
            return
        content = self._line[0] if len(self._line) == 1 else b"".join(self._line)
        self._line, self._line_size = [], 0
        fence = self._chunk.fence
        last = pieces[-1] if pieces else None
        if type(last) is not Written or last.fence != fence:
            pieces.append(last := Written(fence))
        last.segments.append(Segment(self._item, self._stream, self._offset, content))
        self._offset += len(content)


def _without_begun_mark(received: bytes) -> int:
    """How many bytes there are before what may be the beginning of a mark at the end."""
    begun = received.rfind(b"\0", max(0, len(received) - _LONGEST_MARK + 1))
    return begun if begun >= 0 and _MARK_BEGINS.fullmatch(received, begun) else len(received)
