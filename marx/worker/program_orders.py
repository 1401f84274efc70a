"""
What the keeper of a main program is told beside what every runner is: what came of its portions, as the bytes of frames.
"""

from __future__ import annotations

import io
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Iterator, Mapping, Sequence

from marx.worker.orders import parts_of, parts_of_file
from marx.worker.pipe import encode

#: Of each portion [number, call, place, final, [[first, count, digest], ...]].
Record = Sequence[Sequence[Any]]

#: Bytes of results or of a file in one frame: the program gets the first while the rest is read.
PART_BYTES = 256 << 10
#: Packs that one frame of the record names; a portion with more takes several, one behind the other.
RECORDED = 8_000
#: What is said of a changed file.
CHANGE_FIELDS = ("portion", "item", "source", "root", "path", "mode", "mtime", "deleted", "link", "length", "grown_from", "turn")


@dataclass(frozen=True, slots=True)
class Given:
    """Results of items ``first`` to ``first + count`` of a portion; ``failed``: which of them are errors."""

    portion: int
    first: int
    count: int
    codec: str
    failed: Sequence[int]


def record_frames(record: Record) -> Iterator[bytes]:
    """H: what an earlier attempt of the program asked for, before its chunk."""
    for portion, call, place, final, packs in record:
        for begin in range(0, max(len(packs), 1), RECORDED):
            part = packs[begin : begin + RECORDED]
            is_end = begin + RECORDED >= len(packs)
            yield encode(b"H", {"portion": portion, "call": call, "place": place, "final": final and is_end, "packs": part})


def results_frames(given: Given, payload: bytes) -> Iterator[bytes]:
    """G: these results."""
    return (encode(b"G", *part) for part in parts_of(_header(given), io.BytesIO(payload), len(payload), PART_BYTES))


def results_frames_of_file(given: Given, path: Path) -> Iterator[bytes]:
    """The same for a long result, read as the frames are asked for. Raises OSError."""
    return (encode(b"G", *part) for part in parts_of_file(_header(given), path, PART_BYTES))


def _header(given: Given) -> dict[str, Any]:
    return {"portion": given.portion, "first": given.first, "count": given.count, "codec": given.codec, "failed": list(given.failed)}


def change_frames(row: int, change: Mapping[str, Any], path: Path | None) -> Iterator[bytes]:
    """W: a file that an item made (at ``path`` for now), a link or a folder, or that it is gone; to be answered with ``row``. Raises OSError."""
    header = {name: change[name] for name in CHANGE_FIELDS}
    header.update(row=row, mode=stat.S_IMODE(change["mode"]), folder=stat.S_ISDIR(change["mode"]))
    if path is None:
        yield encode(b"W", {**header, "offset": 0})
        return
    for part_header, part in parts_of_file(header, path, PART_BYTES):
        del part_header["total"]
        yield encode(b"W", part_header, part)


def refusal_frame(portion: int, reason: str) -> bytes:
    """Y: the program must see to the items of this portion itself."""
    return encode(b"Y", {"portion": portion, "reason": reason})


def signal_frame(number: int) -> bytes:
    """J: for the program's processes."""
    return encode(b"J", {"signal": number})
