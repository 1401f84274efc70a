"""
Argument types of the commands.

An AMP value ends at 65,535 bytes. :class:`Bulk` spreads a longer one over several keys of its box, and :class:`Json` stands on it; both
refuse what is above :data:`BULK_LIMIT`, since a box is held in memory whole at both ends. Anything larger is a blob.
"""

from __future__ import annotations

import json
from typing import Any

from twisted.protocols import amp
from twisted.protocols.amp import Argument, Boolean, Float, String, TooLong, Unicode

__all__ = ["BULK_LIMIT", "Boolean", "Bulk", "Float", "Integer", "Json", "String", "Unicode", "Words"]

#: Bytes in one key: AMP's own limit less room to spare.
PART = 65_000
#: Bytes in one argument: what fits a box without making either end hold much more than a window of it.
BULK_LIMIT = 2 << 20

#: Whole numbers are those that every database and every language's own integers hold.
LARGEST = (1 << 63) - 1


class Integer(amp.Integer):
    """A whole number of 64 bits."""

    def fromString(self, raw: bytes) -> int:
        number = int(raw)
        if not -LARGEST <= number <= LARGEST:
            raise ValueError(f"{raw[:20]!r}... has more than 64 bits")
        return number


class Bulk(Argument):
    """Bytes up to :data:`BULK_LIMIT`, spread over the keys ``name``, ``name~1``, ``name~2``..."""

    def toBox(self, name: bytes, strings: dict[bytes, bytes], objects: dict[str, Any], proto: Any) -> None:
        value = self.retrieve(objects, name.decode("ascii"), proto)
        if value is None and self.optional:
            return
        whole = self.toString(value)
        if len(whole) > BULK_LIMIT:
            raise TooLong(False, True, whole[:20], name)
        strings[name] = whole[:PART]
        for number, start in enumerate(range(PART, len(whole), PART), 1):
            strings[b"%s~%d" % (name, number)] = whole[start : start + PART]

    def fromBox(self, name: bytes, strings: dict[bytes, bytes], objects: dict[str, Any], proto: Any) -> None:
        first = self.retrieve(strings, name, proto)
        if first is None:
            objects[name.decode("ascii")] = None
            return
        parts = [first]
        while (part := strings.pop(b"%s~%d" % (name, len(parts)), None)) is not None:
            parts.append(part)
        whole = b"".join(parts) if len(parts) > 1 else first
        if len(whole) > BULK_LIMIT:
            raise ValueError(f"{len(whole)} bytes, and an argument may have {BULK_LIMIT}")
        objects[name.decode("ascii")] = self.fromString(whole)

    def toString(self, value: bytes) -> bytes:
        return bytes(value)

    def fromString(self, raw: bytes) -> Any:
        return raw


class Json(Bulk):
    """Any JSON value; non-UTF-8 file names travel as surrogate escapes, which JSON's ASCII form keeps."""

    def toString(self, value: Any) -> bytes:
        return json.dumps(value, separators=(",", ":")).encode("ascii")

    def fromString(self, raw: bytes) -> Any:
        return json.loads(raw)


class Words(Json):
    """A list of short texts in ASCII, such as digests."""

    def fromString(self, raw: bytes) -> list[str]:
        words = super().fromString(raw)
        if type(words) is not list or not all(type(word) is str and word.isascii() for word in words):
            raise ValueError("not a list of words")
        return words
