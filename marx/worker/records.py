"""
Packs of codec ``pickles`` as this side sees them: records, each a length (``>I``) and so many bytes, which nobody here opens.
"""

from __future__ import annotations

from struct import Struct
from typing import Iterator

_LENGTH = Struct(">I")
#: Bytes in front of each record.
LENGTH_BYTES = _LENGTH.size


def bounds(payload: bytes) -> Iterator[int]:
    """Where each record ends. Raises ValueError where the last is cut off."""
    position, end = 0, len(payload)
    while position < end:
        if position + LENGTH_BYTES > end:
            raise ValueError("a pack that ends in the middle of a length")
        position += LENGTH_BYTES + _LENGTH.unpack_from(payload, position)[0]
        if position > end:
            raise ValueError("a pack that ends in the middle of a record")
        yield position


def count_of(payload: bytes) -> int:
    """How many records a pack has. Raises ValueError."""
    return sum(1 for _ in bounds(payload))


def part_of(payload: bytes, skipped: int, count: int) -> bytes:
    """``count`` records behind the first ``skipped``. Raises ValueError if there are not so many."""
    ends = [0, *bounds(payload)]
    if skipped + count >= len(ends):
        raise ValueError(f"records {skipped} to {skipped + count} of {len(ends) - 1}")
    return payload[ends[skipped] : ends[skipped + count]]


def is_one(head: bytes, total: int) -> bool:
    """Whether a pack of ``total`` bytes that begins with ``head`` is a single record."""
    return len(head) >= LENGTH_BYTES and LENGTH_BYTES + _LENGTH.unpack_from(head)[0] == total
