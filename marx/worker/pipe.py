"""
Frames of the control pipe: bytes to frames and back, pure.

A frame is ``>IcI`` (length of header and payload, type, length of the header), a header (a JSON object) and a payload. What stands in them
is :mod:`marx.worker.messages`'s business. The other end runs a user's program and is not believed: whatever makes no sense is a
:class:`FrameError`, for which its process is killed.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from struct import Struct
from typing import Any

#: Bytes of header and payload together that either side may send.
FRAME_LIMIT = (1 << 20) + (64 << 10)

_LEAD = Struct(">IcI")
_to_json = json.JSONEncoder(separators=(",", ":")).encode
_from_json = json.JSONDecoder().decode


class FrameError(Exception):
    """What came cannot have been sent by a runner; the text says what it was."""


@dataclass(frozen=True, slots=True)
class Frame:
    """One message as it travels; ``kind`` is one ASCII character."""

    kind: str
    header: dict[str, Any]
    payload: bytes = b""


def encode(kind: bytes, header: dict[str, Any], payload: bytes = b"") -> bytes:
    """The bytes of one frame. Raises ValueError for one that nobody would take."""
    text = _to_json(header).encode("ascii")
    length = len(text) + len(payload)
    if length > FRAME_LIMIT:
        raise ValueError(f"a frame of {length} bytes is longer than {FRAME_LIMIT}")
    return b"".join((_LEAD.pack(length, kind, len(text)), text, payload))


class FrameReader:
    """Puts frames together from bytes cut anywhere; never holds more than one frame and what came with its end."""

    def __init__(self) -> None:
        self._held = bytearray()
        self._needed = _LEAD.size

    def feed(self, received: bytes) -> list[Frame]:
        """The frames that are complete now. Raises :class:`FrameError`; the reader is of no use after that."""
        self._held += received
        frames: list[Frame] = []
        while len(self._held) >= self._needed:
            length, kind, header_length = _LEAD.unpack_from(self._held)
            if length > FRAME_LIMIT or header_length > length:
                raise FrameError(f"a frame of {length} bytes with a header of {header_length}")
            self._needed = _LEAD.size + length
            if len(self._held) < self._needed:
                break
            frames.append(self._take(kind, _LEAD.size + header_length))
        return frames

    def _take(self, kind: bytes, payload_at: int) -> Frame:
        with memoryview(self._held) as held:
            header = _object(bytes(held[_LEAD.size : payload_at]))
            payload = bytes(held[payload_at : self._needed])
        del self._held[: self._needed]
        self._needed = _LEAD.size
        return Frame(kind.decode("latin-1"), header, payload)


def _object(text: bytes) -> dict[str, Any]:
    try:
        header = _from_json(text.decode("utf-8"))
    except (ValueError, RecursionError) as error:
        raise FrameError(f"a header that is not JSON: {error}") from None
    if not isinstance(header, dict):
        raise FrameError("a header that is not a JSON object")
    return header
