"""
What a runner is told, as the bytes of frames. What it says is in :mod:`marx.worker.messages`.
"""

from __future__ import annotations

import io
import os
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, BinaryIO, Iterator

from marx.wire.packs import ItemPack
from marx.worker.pipe import encode

#: Bytes of a pack's payload in one frame; a longer one travels in parts.
PART_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class TaskOrder:
    """The first frame: what to load and how. Paths are those that the runner sees."""

    task: str
    kind: str
    program: str | None
    module: str | None
    function: str
    cwd: str
    argv: list[str]
    roots: list[str]
    seed: int
    limits: dict[str, Any]
    max_value: int


@dataclass(frozen=True, slots=True)
class PortionOrder(TaskOrder):
    """The same for chunks of portions. ``state``: whether K follows. ``folders``: that folders are told of as files are."""

    state: bool
    folders: bool


@dataclass(frozen=True, slots=True)
class ProgramOrder(TaskOrder):
    """The same for the keeper of a main program. ``words``: what stands behind the interpreter. ``slots``: how many the lab may lend it."""

    words: list[str]
    divide: str
    slots: int
    folders: bool


def task_frame(order: TaskOrder) -> bytes:
    """T: load this."""
    return encode(b"T", {field.name: getattr(order, field.name) for field in fields(order)})


def pack_frames(portion: int, pack: ItemPack) -> bytes:
    """P: keep these items until they are dropped."""
    return b"".join(_pack_frames(portion, pack, io.BytesIO(pack.payload), len(pack.payload)))


def pack_frames_of_file(portion: int, pack: ItemPack, path: Path) -> Iterator[bytes]:
    """The same for a pack whose payload is a file, read as the frames are asked for. Raises OSError."""
    with open(path, "rb") as file:
        yield from _pack_frames(portion, pack, file, os.fstat(file.fileno()).st_size)


def _pack_frames(portion: int, pack: ItemPack, payload: BinaryIO, size: int) -> Iterator[bytes]:
    """A payload too long for one frame comes in several, each saying where it belongs."""
    header = {"portion": portion, "first": pack.first, "count": pack.count, "codec": pack.codec, "args": list(pack.args)}
    if size <= PART_BYTES:
        yield encode(b"P", header, payload.read(size))
        return
    for offset in range(0, size, PART_BYTES):
        yield encode(b"P", {**header, "offset": offset, "total": size}, payload.read(PART_BYTES))


def drop_frame(portion: int, first: int) -> bytes:
    """D: no further chunk needs this pack."""
    return encode(b"D", {"portion": portion, "first": first})


def chunk_frames(fence: int, portion: int, first: int, count: int, mark: str, secret: str) -> bytes:
    """C, and E directly behind it: run this chunk after those before it."""
    chunk = {"chunk": fence, "portion": portion, "first": first, "count": count, "mark": mark}
    return encode(b"C", chunk) + encode(b"E", {"chunk": fence, "secret": secret})


def cancel_frame(fence: int, cause: str = "", at_once: bool = False) -> bytes:
    """X: end it if it runs (``at_once``: without asking first), drop it if it waits. With a ``cause`` the program is to blame."""
    return encode(b"X", {"chunk": fence, "cause": cause, "at_once": at_once})


def shorten_frame(fence: int, stop: int) -> bytes:
    """G: give back its items from ``stop`` on, as far as they have not begun."""
    return encode(b"G", {"chunk": fence, "stop": stop})


def reading_frame(reading: bool) -> bytes:
    """U: whether what is printed is read now."""
    return encode(b"U", {"reading": reading})


QUIT_FRAME = encode(b"Q", {})
#: S: look at the files again, which were changed while no chunk was given.
LOOK_FRAME = encode(b"S", {})


def state_frames(path: Path) -> Iterator[bytes]:
    """K: what items of these portions see, read as the frames are asked for. Raises OSError."""
    return (encode(b"K", header, part) for header, part in parts_of_file({}, path, PART_BYTES))


def parts_of_file(header: dict[str, Any], path: Path, size: int) -> Iterator[tuple[dict[str, Any], bytes]]:
    """The file in parts of ``size`` bytes, at least one, each with ``header`` and where it belongs. Raises OSError."""
    with open(path, "rb") as file:
        yield from parts_of(header, file, os.fstat(file.fileno()).st_size, size)


def parts_of(header: dict[str, Any], content: BinaryIO, total: int, size: int) -> Iterator[tuple[dict[str, Any], bytes]]:
    """The same of what is open already."""
    for offset in range(0, max(total, 1), size):
        yield {**header, "offset": offset, "total": total}, content.read(min(size, total - offset))
