"""
What items printed, as a person wants to see it: plain bytes, tagged lines, or JSON lines.

Items run side by side, so that their lines arrive mixed; no line is ever mixed with another. A line without an end waits for it, up to a
limit, and is shown at the end as it is.
"""

from __future__ import annotations

import json
from datetime import datetime, timezone
from typing import Callable, Iterator

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


class LineJoiner:
    """Puts the lines of many items together again from output packs."""

    def __init__(self, shape: Format, limit: int = UNFINISHED_BYTES) -> None:
        self._shape = shape
        self._limit = limit
        self._unfinished: dict[tuple[int, int, int], tuple[OutputPack, Segment, bytes]] = {}
        self._size = 0

    def feed(self, pack: OutputPack) -> bytes:
        """What is complete with ``pack``."""
        shown = [line for segment in unpack_output(pack.payload, pack.first) for line in self._lines(pack, segment)]
        while self._size > self._limit:
            shown.append(self._give_up(next(iter(self._unfinished))))
        return b"".join(shown)

    def finish(self) -> bytes:
        """The lines that never ended."""
        return b"".join([self._give_up(key) for key in list(self._unfinished)])

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

    def _give_up(self, key: tuple[int, int, int]) -> bytes:
        pack, segment, rest = self._unfinished.pop(key)
        self._size -= len(rest)
        return rest if self._shape is plain else self._shape(pack, segment, rest)
