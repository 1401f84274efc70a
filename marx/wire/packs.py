"""
The format of packs: runs of items, of results and of output, each serialized together.

The server passes packs on unopened; the header outside (portion, first, count, codec) is all it reads. This is the only module that
knows what is inside.

Items    ``json``: JSON values, one a line; ``range``: no payload, ``args`` = [start, step]; ``pickles``, of programs: records, ``args`` =
         [SHA-256 of the payload].
Results  ``values``: JSON values, one a line, all succeeded; ``entries``: one JSON object a line with ``value``, ``repr`` or ``error``;
         ``pickles``: records.
Records  each a length and a pickle, which only the user's interpreter opens.
Output   segments, each a header (item - first item, stream, offset in that item's stream, length) and its bytes.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from struct import Struct
from typing import Any, Iterable, Iterator

#: Bytes that a pack aims at: large enough that a box costs little for each item, small enough to be cut fairly.
PACK_AIM = 48_000
#: Bytes from which one value is a blob instead.
BLOB_FROM = 1_000_000

STDOUT, STDERR = 1, 2
_SEGMENT = Struct(">IBQI")


@dataclass(frozen=True, slots=True)
class ItemPack:
    """Items ``first`` to ``first + count`` of a portion. ``blob`` names the payload's SHA-256 where it is too large for ``payload``."""

    first: int
    count: int
    codec: str
    payload: bytes = b""
    args: tuple[int | str, ...] = ()
    blob: str | None = None


@dataclass(frozen=True, slots=True)
class Segment:
    """Bytes that one item wrote to one stream; ``offset`` counts from the item's first byte on that stream."""

    item: int
    stream: int
    offset: int
    content: bytes


def pack_json_items(lines: Iterable[bytes], first: int = 0, aim: int = PACK_AIM) -> Iterator[ItemPack]:
    """Cut JSON texts (bytes without newlines) into packs of about ``aim`` bytes, lazily; an item larger than ``aim`` gets its own pack."""
    gathered: list[bytes] = []
    size = 0
    for line in lines:
        if gathered and size + len(line) > aim:
            yield ItemPack(first, len(gathered), "json", b"\n".join(gathered))
            first += len(gathered)
            gathered, size = [], 0
        gathered.append(line)
        size += len(line) + 1
    if gathered:
        yield ItemPack(first, len(gathered), "json", b"\n".join(gathered))


def result_lines(codec: str, payload: bytes, pack_first: int, first: int, count: int) -> Iterator[bytes]:
    """
    The printable lines of items ``first`` to ``first + count``, without newlines, from a result pack that starts at ``pack_first``.

    Each is what ``tasker map`` prints: ``{"index": 5, "value": 25}``.
    """
    lines = payload.split(b"\n")
    if first != pack_first or count != len(lines):
        lines = lines[first - pack_first : first - pack_first + count]
    if codec == "values":
        return (b'{"index": %d, "value": %b}' % pair for pair in enumerate(lines, first))
    return (b'{"index": %d, %b' % (index, line[1:]) for index, line in enumerate(lines, first))


def error_entry(kind: str, message: str, traceback: str = "") -> bytes:
    """One line of an ``entries`` pack for an item that failed without its program saying so (it died, or was given up)."""
    return json.dumps({"error": {"type": kind, "message": message, "traceback": traceback}}).encode("utf-8")


def entry_of(codec: str, line: bytes) -> dict[str, Any]:
    """One result line as an object with ``value``, ``repr`` or ``error``."""
    return {"value": json.loads(line)} if codec == "values" else json.loads(line)


def pack_output(segments: Iterable[Segment], first_item: int) -> bytes:
    """Serialize segments; no item may lie before ``first_item``."""
    parts: list[bytes] = []
    for segment in segments:
        parts.append(_SEGMENT.pack(segment.item - first_item, segment.stream, segment.offset, len(segment.content)))
        parts.append(segment.content)
    return b"".join(parts)


def check_output(payload: bytes, items: int) -> None:
    """Raises ValueError for what is no output pack of so many items: whoever unpacks it later would be surprised by what another one sent."""
    position, end = 0, len(payload)
    while position < end:
        if position + _SEGMENT.size > end:
            raise ValueError("an output pack ends in the middle of a header")
        item, stream, _, length = _SEGMENT.unpack_from(payload, position)
        position += _SEGMENT.size + length
        if item >= items:
            raise ValueError(f"an output pack of {items} items has some of item {item}")
        if stream not in (STDOUT, STDERR):
            raise ValueError(f"there is no stream {stream}")
    if position > end:
        raise ValueError("an output pack ends in the middle of a segment")


def unpack_output(payload: bytes, first_item: int) -> Iterator[Segment]:
    """The segments of an output pack, in the order in which they were written. Raises ValueError where the pack is cut short."""
    position, end = 0, len(payload)
    while position < end:
        if position + _SEGMENT.size > end:
            raise ValueError("an output pack ends in the middle of a header")
        item, stream, offset, length = _SEGMENT.unpack_from(payload, position)
        position += _SEGMENT.size
        if position + length > end:
            raise ValueError("an output pack ends in the middle of a segment")
        yield Segment(first_item + item, stream, offset, payload[position : position + length])
        position += length
