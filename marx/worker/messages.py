"""
What a runner says in its frames, each as a checked value. What it is told is in :mod:`marx.worker.orders`.

The runner's process belongs to a user's program, so each field is looked at before anything is made of it: types here, and whether a
message fits what the runner was given in :mod:`marx.worker.assignments`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Callable, Union

from marx.worker.pipe import Frame, FrameError

#: Larger numbers are nonsense in any field: counts of seconds, bytes, items.
LARGEST = 1 << 62
#: Characters of a text that are kept: a traceback of a deep recursion is cut, not refused.
LONGEST_TEXT = 20_000


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
    """A part of a file that was made, changed or (without a part) deleted; ``root`` is its number among the task's roots."""

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
    """A chunk is over: "succeeded", "died" or "cancelled". ``item``: what it was at; ``done``: items that were reported."""

    chunk: int
    outcome: str
    exit: int | None
    signal: int | None
    item: int | None
    done: int
    cpu_seconds: float
    wall_seconds: float
    max_rss_kb: int


@dataclass(frozen=True, slots=True)
class Note:
    """One sentence for the task's log."""

    text: str


Message = Union[Loaded, LoadFailed, Begun, Results, ValuePart, ArtifactPart, Ended, Note]


class _Fields:
    """Takes typed fields out of a header; every miss is a :class:`FrameError` that names the field."""

    def __init__(self, frame: Frame) -> None:
        self._frame = frame
        self._header = frame.header

    def text(self, name: str) -> str:
        value = self._header.get(name)
        if type(value) is not str:
            raise self._wrong(name)
        return value[:LONGEST_TEXT]

    def flag(self, name: str) -> bool:
        return bool(self._header.get(name))

    def count(self, name: str) -> int:
        value = self._header.get(name)
        if type(value) is not int or not 0 <= value < LARGEST:
            raise self._wrong(name)
        return value

    def number(self, name: str) -> float:
        value = self._header.get(name)
        # The comparison also keeps out NaN, which JSON as Python reads it may hold.
        if type(value) not in (float, int) or not 0 <= value < LARGEST:
            raise self._wrong(name)
        return float(value)

    def indices(self, name: str) -> tuple[int, ...]:
        value = self._header.get(name, ())
        if type(value) not in (list, tuple) or not all(type(index) is int for index in value):
            raise self._wrong(name)
        return tuple(value)

    def optional(self, read: Callable[[str], Any], name: str) -> Any:
        return None if self._header.get(name) is None else read(name)

    def inner(self, name: str) -> _Fields:
        value = self._header.get(name)
        if type(value) is not dict:
            raise self._wrong(name)
        return _Fields(Frame(self._frame.kind, value))

    def place(self, name: str) -> tuple[int, str]:
        value = self._header.get(name)
        if type(value) is not list or len(value) != 2 or type(value[0]) is not int or type(value[1]) is not str:
            raise self._wrong(name)
        return value[0], value[1]

    def _wrong(self, name: str) -> FrameError:
        return FrameError(f"a frame {self._frame.kind!r} whose {name!r} is {str(self._header.get(name))[:40]!r}")


def read(frame: Frame) -> Message:
    """What the runner said. Raises :class:`FrameError`."""
    reader = _READERS.get(frame.kind)
    if reader is None:
        raise FrameError(f"a frame of the unknown type {frame.kind!r}")
    return reader(_Fields(frame), frame.payload)


def _loaded(given: _Fields, payload: bytes) -> Loaded:
    return Loaded(given.flag("fork"), given.optional(given.text, "why") or "", given.text("python"), given.number("seconds"))


def _load_failed(given: _Fields, payload: bytes) -> LoadFailed:
    error = given.inner("error")
    return LoadFailed(given.text("what"), error.text("type"), error.text("message"), error.text("traceback"))


def _begun(given: _Fields, payload: bytes) -> Begun:
    return Begun(given.count("chunk"))


def _results(given: _Fields, payload: bytes) -> Results:
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


def _value_part(given: _Fields, payload: bytes) -> ValuePart:
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


def _artifact_part(given: _Fields, payload: bytes) -> ArtifactPart:
    root, path = given.place("path")
    return ArtifactPart(
        chunk=given.count("chunk"),
        portion=given.count("portion"),
        item=given.optional(given.count, "item"),
        root=root,
        path=path,
        mode=given.count("mode"),
        size=given.count("size"),
        mtime=given.number("mtime"),
        deleted=given.flag("deleted"),
        link=given.optional(given.text, "link"),
        offset=given.count("offset"),
        last=given.flag("last"),
        part=payload,
    )


def _ended(given: _Fields, payload: bytes) -> Ended:
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
    )


def _note(given: _Fields, payload: bytes) -> Note:
    return Note(given.text("text"))


_READERS: dict[str, Callable[[_Fields, bytes], Message]] = {
    "L": _loaded,
    "F": _load_failed,
    "B": _begun,
    "R": _results,
    "V": _value_part,
    "A": _artifact_part,
    "Z": _ended,
    "N": _note,
}
