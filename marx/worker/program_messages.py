"""
What the keeper of a main program says beside what every runner does: the portions that the program opens, and their items.

Each as a checked value; whether it fits what was said before is looked at in :mod:`marx.worker.openings`.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any, Callable, Union

from marx.worker.digests import is_digest
from marx.worker.fields import Fields
from marx.worker.pipe import FrameError

_MINOR = re.compile(r"[0-9]{1,3}\.[0-9]{1,3}")


@dataclass(frozen=True, slots=True)
class StatePart:
    """A part of what items of portions must see; ``state`` is the number by which the program names it."""

    chunk: int
    state: int
    offset: int
    total: int
    part: bytes


@dataclass(frozen=True, slots=True)
class Opened:
    """
    The program opened a portion; every file that it had changed came before.

    ``call``: JSON of where and how, with its ``order`` among the program's openings where its number is another. ``place``: "lab", or "home"
    where the program serves its items itself, for this ``reason``. ``python``: the minor version that must load its items. ``state``: None
    for a plain one.
    """

    chunk: int
    portion: int
    call: str
    place: str
    reason: str
    python: str
    state: int | None


@dataclass(frozen=True, slots=True)
class ItemsPart:
    """
    A part of a pack of a portion's next items. ``digest``: SHA-256 of the whole pack. ``final``: no more items follow; then there may be none
    in the pack.
    """

    chunk: int
    portion: int
    first: int
    count: int
    digest: str
    final: bool
    offset: int
    total: int
    part: bytes

    @property
    def last(self) -> bool:
        """Whether the pack is complete with it."""
        return self.offset + len(self.part) == self.total


@dataclass(frozen=True, slots=True)
class Dropped:
    """Nobody wants the items of this portion any more."""

    chunk: int
    portion: int


@dataclass(frozen=True, slots=True)
class Placed:
    """A file that an item made was taken; ``row``: with which it was brought; ``stands``: whether it stands in the program's folder."""

    chunk: int
    row: int
    stands: bool


Asked = Union[StatePart, Opened, ItemsPart, Dropped, Placed]


def _state_part(given: Fields, payload: bytes) -> StatePart:
    return StatePart(given.count("chunk"), given.count("state"), given.count("offset"), given.count("total"), payload)


def _opened(given: Fields, payload: bytes) -> Opened:
    place, python, call = given.text("place"), given.text("python"), given.inner("call")
    if place not in ("lab", "home") or not _MINOR.fullmatch(python):
        raise FrameError(f"a portion at {place[:40]!r} for Python {python[:40]!r}")
    where: dict[str, Any] = {"file": call.text("file"), "line": call.count("line"), "kind": call.text("kind"), "function": call.text("function")}
    order = call.optional(call.count, "order")
    if order is not None:
        where["order"] = order
    state = given.optional(given.count, "state")
    return Opened(given.count("chunk"), given.count("portion"), json.dumps(where), place, given.text("reason"), python, state)


def _items_part(given: Fields, payload: bytes) -> ItemsPart:
    codec, digest = given.text("codec"), given.text("digest")
    if codec != "pickles" or not is_digest(digest):
        raise FrameError(f"items of codec {codec[:40]!r} with the digest {digest[:80]!r}")
    return ItemsPart(
        chunk=given.count("chunk"),
        portion=given.count("portion"),
        first=given.count("first"),
        count=given.count("count"),
        digest=digest,
        final=given.flag("final"),
        offset=given.count("offset"),
        total=given.count("total"),
        part=payload,
    )


def _dropped(given: Fields, payload: bytes) -> Dropped:
    return Dropped(given.count("chunk"), given.count("portion"))


def _placed(given: Fields, payload: bytes) -> Placed:
    return Placed(given.count("chunk"), given.count("row"), given.flag("stands"))


READERS: dict[str, Callable[[Fields, bytes], Asked]] = {"K": _state_part, "O": _opened, "I": _items_part, "D": _dropped, "W": _placed}
