"""
What a runner says in its frames, each as a checked value. What it is told is in :mod:`marx.worker.orders`.

The runner's process belongs to a user's program, so each field is looked at before anything is made of it: types here, and whether a
message fits what the runner was given in :mod:`marx.worker.assignments`.
"""

from __future__ import annotations

import stat
from dataclasses import dataclass
from typing import Callable, Union

from marx.worker import program_messages
from marx.worker.fields import Fields
from marx.worker.pipe import Frame, FrameError


@dataclass(frozen=True, slots=True)
class Loaded:
    """The program is there. ``fork``: each chunk gets a fork of it; else a fresh interpreter, and ``why``."""

    fork: bool
    why: str
    python: str
    seconds: float


@dataclass(frozen=True, slots=True)
class LoadFailed:
    """It could not be loaded. ``what`` is at fault: "program", "function" or "python". The runner exits."""

    what: str
    type: str
    message: str
    traceback: str

    def __str__(self) -> str:
        return f"{self.type}: {self.message}\n{self.traceback}".rstrip()


@dataclass(frozen=True, slots=True)
class Begun:
    """A chunk is at work."""

    chunk: int


@dataclass(frozen=True, slots=True)
class Results:
    """Items ``first`` to ``first + count`` have results, which are ``payload``. ``seconds``: spent in these items."""

    chunk: int
    portion: int
    first: int
    count: int
    codec: str
    failed: tuple[int, ...]
    seconds: float
    payload: bytes


@dataclass(frozen=True, slots=True)
class ValuePart:
    """A part of one item's result line. Codec, failed and seconds count in the last."""

    chunk: int
    portion: int
    item: int
    offset: int
    total: int
    last: bool
    codec: str
    failed: tuple[int, ...]
    seconds: float
    part: bytes


@dataclass(frozen=True, slots=True)
class ArtifactPart:
    """
    A part of a file that was made, changed or (without a part) deleted; ``root`` is its number among the task's roots. ``mode`` has the kind of
    a folder, and of nothing else.
    """

    chunk: int
    portion: int
    item: int | None
    root: int
    path: str
    mode: int
    size: int
    mtime: float
    deleted: bool
    link: str | None
    offset: int
    last: bool
    part: bytes


@dataclass(frozen=True, slots=True)
class Ended:
    """
    A chunk is over: "succeeded", "died" or "cancelled". ``item``: what it was at; ``done``: items that were reported; ``cause``: the limit
    that it died of, "" if none.
    """

    chunk: int
    outcome: str
    exit: int | None
    signal: int | None
    item: int | None
    done: int
    cpu_seconds: float
    wall_seconds: float
    max_rss_kb: int
    cause: str = ""


@dataclass(frozen=True, slots=True)
class GivenBack:
    """The items of a chunk at work from ``stop`` on were not begun, and will not be."""

    chunk: int
    stop: int


@dataclass(frozen=True, slots=True)
class Note:
    """One sentence for the task's log."""

    text: str


Message = Union[Loaded, LoadFailed, Begun, Results, ValuePart, ArtifactPart, Ended, GivenBack, Note, program_messages.Asked]


def read(frame: Frame) -> Message:
    """What the runner said. Raises :class:`FrameError`."""
    reader = _READERS.get(frame.kind)
    if reader is None:
        raise FrameError(f"a frame of the unknown type {frame.kind!r}")
    return reader(Fields(frame), frame.payload)


def _loaded(given: Fields, payload: bytes) -> Loaded:
    return Loaded(given.flag("fork"), given.optional(given.text, "why") or "", given.text("python"), given.number("seconds"))


def _load_failed(given: Fields, payload: bytes) -> LoadFailed:
    error = given.inner("error")
    return LoadFailed(given.text("what"), error.text("type"), error.text("message"), error.text("traceback"))


def _begun(given: Fields, payload: bytes) -> Begun:
    return Begun(given.count("chunk"))


def _given_back(given: Fields, payload: bytes) -> GivenBack:
    return GivenBack(given.count("chunk"), given.count("stop"))


def _results(given: Fields, payload: bytes) -> Results:
    count = given.count
    return Results(
        count("chunk"),
        count("portion"),
        count("first"),
        count("count"),
        given.text("codec"),
        given.indices("failed"),
        given.number("seconds"),
        payload,
    )


def _value_part(given: Fields, payload: bytes) -> ValuePart:
    last = given.flag("last")
    return ValuePart(
        chunk=given.count("chunk"),
        portion=given.count("portion"),
        item=given.count("item"),
        offset=given.count("offset"),
        total=given.count("total"),
        last=last,
        codec=given.text("codec") if last else "",
        failed=given.indices("failed"),
        seconds=given.number("seconds") if last else 0.0,
        part=payload,
    )


def _artifact_part(given: Fields, payload: bytes) -> ArtifactPart:
    root, path = given.place("path")
    return ArtifactPart(
        chunk=given.count("chunk"),
        portion=given.count("portion"),
        item=given.optional(given.count, "item"),
        root=root,
        path=path,
        mode=given.count("mode") & 0o7777 | (stat.S_IFDIR if given.flag("folder") else 0),
        size=given.count("size"),
        mtime=given.number("mtime"),
        deleted=given.flag("deleted"),
        link=given.optional(given.text, "link"),
        offset=given.count("offset"),
        last=given.flag("last"),
        part=payload,
    )


def _ended(given: Fields, payload: bytes) -> Ended:
    outcome = given.text("outcome")
    if outcome not in ("succeeded", "died", "cancelled"):
        raise FrameError(f"a chunk that ended as {outcome[:40]!r}")
    return Ended(
        given.count("chunk"),
        outcome,
        given.optional(given.count, "exit"),
        given.optional(given.count, "signal"),
        given.optional(given.count, "item"),
        given.count("done"),
        given.number("cpu_seconds"),
        given.number("wall_seconds"),
        given.count("max_rss_kb"),
        given.optional(given.text, "cause") or "",
    )


def _note(given: Fields, payload: bytes) -> Note:
    return Note(given.text("text"))


_READERS: dict[str, Callable[[Fields, bytes], Message]] = {
    "L": _loaded,
    "F": _load_failed,
    "B": _begun,
    "R": _results,
    "V": _value_part,
    "A": _artifact_part,
    "Z": _ended,
    "G": _given_back,
    "N": _note,
    **program_messages.READERS,
}
