"""
What is written and read of programs, beside what every task has: the portions that they opened, what comes back to them, their input, their end.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class TaskExit:
    """How a task's program ended: its exit code, 128 + N after signal N."""

    task: str
    exit_code: int


@dataclass(frozen=True, slots=True)
class TaskHeld:
    """A task is held, or no longer."""

    task: str
    held: bool


@dataclass(frozen=True, slots=True)
class TaskSpent:
    """How long a task has been in its state, by the server's own clock: from there a restart goes on to count."""

    task: str
    seconds: float


@dataclass(frozen=True, slots=True)
class NewPortion:
    """
    A program opened a portion. ``call``: JSON, for people and replays; ``place``: "lab", or "home" for ``reason``.

    ``python``: the minor version that loads its items; ``state`` and ``files``: SHA-256 of what its items need, None for what the task has.
    """

    task: str
    portion: int
    place: str
    reason: str
    python: str
    state: str | None
    files: str | None
    call: str


@dataclass(frozen=True, slots=True)
class PortionDropped:
    """Nobody wants the rest of a portion's items."""

    task: str
    portion: int


@dataclass(frozen=True, slots=True)
class NewInput:
    """The next bytes of a program's standard input, from byte ``offset`` on; ``final``: nothing follows."""

    task: str
    offset: int
    final: bool
    payload: bytes


@dataclass(frozen=True, slots=True)
class ReturnRow:
    """Results of a portion that a program opened, for the program: whole or a part of their pack. ``failed``: those that are errors."""

    row: int
    portion: int
    first: int
    count: int
    pack_first: int
    codec: str
    failed: tuple[int, ...]
    payload: bytes | None
    blob: str | None


@dataclass(frozen=True, slots=True)
class ChangeRow:
    """What an item of such a portion did to a file, for the program."""

    row: int
    change: dict[str, Any]

    #: Beside results, whose payloads count, a change weighs nothing.
    payload: None = None


@dataclass(frozen=True, slots=True)
class PortionRecord:
    """A portion as a program opened it. ``call``: file, line, kind, function."""

    portion: int
    call: dict[str, Any]
    place: str
    reason: str
    python: str
    state: str | None
    files: str | None
    dropped: bool


@dataclass(frozen=True, slots=True)
class PackRecord:
    """What is kept of an item pack to recognise it by."""

    portion: int
    first: int
    count: int
    digest: str
