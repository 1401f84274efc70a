"""
What a task printed, as a person wants to see it: the plain bytes, tagged lines, or JSON lines.

The output of a run is shown as it was printed, byte for byte, each stream in its own place. Of a map, whose items run side by side so
that their lines arrive mixed, and wherever lines are dressed, no line is ever mixed with another: one without an end waits for it, up to a
limit, and is shown at the end as it is.
"""

from __future__ import annotations

import json
from datetime import datetime, timezone
from itertools import groupby
from operator import itemgetter
from typing import Awaitable, Callable, Iterable, Iterator, Protocol

from marx.tasker.follow import OutputPack
from marx.wire.packs import STDERR, Segment, unpack_output

#: Bytes of unfinished lines kept back, all items together; beyond it the oldest is shown as it is.
UNFINISHED_BYTES = 4_000_000

#: Gives (pack, segment, a line without its end) the form in which it is shown.
Format = Callable[[OutputPack, Segment, bytes], bytes]


def plain(pack: OutputPack, segment: Segment, line: bytes) -> bytes:
    """The line as it was printed."""
    return line + b"\n"


def tagged(pack: OutputPack, segment: Segment, line: bytes) -> bytes:
    """Time, portion.item, worker and stream in front."""
    when = datetime.fromtimestamp(pack.at_utc, timezone.utc).astimezone()
    stream = "err" if segment.stream == STDERR else "out"
    return f"{when:%H:%M:%S}.{when.microsecond // 1000:03d} {pack.portion}.{segment.item} {pack.worker} {stream}| ".encode() + line + b"\n"


def as_json(pack: OutputPack, segment: Segment, line: bytes) -> bytes:
    """An object a line; bytes that are not UTF-8 are shown as ``\\xNN``."""
    said = {
        "time_utc": pack.at_utc,
        "portion": pack.portion,
        "item": segment.item,
        "worker": pack.worker,
        "stream": "stderr" if segment.stream == STDERR else "stdout",
        "line": line.decode("utf-8", "backslashreplace"),
    }
    return json.dumps(said).encode("ascii") + b"\n"


FORMATS: dict[str, Format] = {"plain": plain, "tagged": tagged, "json": as_json}


Piece = tuple[int, bytes]
"""What is to be shown next of a stream, STDOUT or STDERR."""


class Printed(Protocol):
    """Gives output its form."""

    def pieces(self, pack: OutputPack) -> list[Piece]:
        """What can be shown with ``pack``."""

    def last_pieces(self) -> list[Piece]:
        """What is left when no more comes."""


class OutputWriter:
    """Writes what a task prints, in the order in which it is given."""

    def __init__(self, printed: Printed, write: Callable[[list[Piece]], Awaitable[None]]) -> None:
        self._printed = printed
        self._write = write

    async def take(self, pack: OutputPack) -> None:
        """Write what can be shown with ``pack``. Raises what writing raises."""
        await self._show(self._printed.pieces(pack))

    async def finish(self) -> None:
        """Write the rest."""
        await self._show(self._printed.last_pieces())

    async def _show(self, pieces: list[Piece]) -> None:
        if pieces:
            await self._write(pieces)


def printed_by_run(log_format: str) -> Printed:
    """The form of a run's output: as it was printed, unless lines are to be dressed."""
    return AsPrinted() if log_format == "plain" else LineJoiner(FORMATS[log_format])


class AsPrinted:
    """Every byte as it was printed, at once."""

    def pieces(self, pack: OutputPack) -> list[Piece]:
        """All of the pack, what follows each other on one stream together."""
        segments = unpack_output(pack.payload, pack.first)
        return _joined((segment.stream, segment.content) for segment in segments)

    def last_pieces(self) -> list[Piece]:
        """Nothing: nothing was kept back."""
        return []


def _joined(pieces: Iterable[Piece]) -> list[Piece]:
    return [(stream, b"".join(content for _, content in run)) for stream, run in groupby(pieces, key=itemgetter(0))]


class LineJoiner:
    """Puts the lines of many items together again from output packs."""

    def __init__(self, shape: Format, limit: int = UNFINISHED_BYTES) -> None:
        self._shape = shape
        self._limit = limit
        self._unfinished: dict[tuple[int, int, int], tuple[OutputPack, Segment, bytes]] = {}
        self._size = 0

    def feed(self, pack: OutputPack) -> bytes:
        """What is complete with ``pack``, both streams together."""
        return b"".join(content for _, content in self.pieces(pack))

    def finish(self) -> bytes:
        """The lines that never ended."""
        return b"".join(content for _, content in self.last_pieces())

    def pieces(self, pack: OutputPack) -> list[Piece]:
        """What is complete with ``pack``."""
        segments = unpack_output(pack.payload, pack.first)
        shown = [(segment.stream, line) for segment in segments for line in self._lines(pack, segment)]
        while self._size > self._limit:
            shown.append(self._give_up(next(iter(self._unfinished))))
        return _joined(shown)

    def last_pieces(self) -> list[Piece]:
        """The lines that never ended."""
        return _joined([self._give_up(key) for key in list(self._unfinished)])

    def _lines(self, pack: OutputPack, segment: Segment) -> Iterator[bytes]:
        key = pack.portion, segment.item, segment.stream
        content = segment.content
        if key in self._unfinished:
            before = self._unfinished.pop(key)[2]
            self._size -= len(before)
            content = before + content
        complete, newline, rest = content.rpartition(b"\n")
        if newline and self._shape is plain:
            yield complete + b"\n"
        elif newline:
            yield from (self._shape(pack, segment, line) for line in complete.split(b"\n"))
        if rest:
            self._unfinished[key] = pack, segment, rest
            self._size += len(rest)

    def _give_up(self, key: tuple[int, int, int]) -> Piece:
        pack, segment, rest = self._unfinished.pop(key)
        self._size -= len(rest)
        return segment.stream, rest if self._shape is plain else self._shape(pack, segment, rest)
