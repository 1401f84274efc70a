"""
What is written and read to keep and to forget: tasks that are gone, what of them is still to be deleted, and how large each is.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class ForgetTask:
    """
    A task is gone for everybody. ``reason``: who or what forgot it, as in "by anna".

    Refused unless it has ended. What it left behind is deleted afterwards, by :class:`ClearRows`.
    """

    task: str
    reason: str
    at_utc: float


@dataclass(frozen=True, slots=True)
class ClearRows:
    """Delete rows of a forgotten task: those of ``table`` with these ``keys``, few enough that nobody has to wait for it."""

    task: str
    table: str
    keys: tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class TaskCleared:
    """Nothing is left of a forgotten task but that it was there."""

    task: str


@dataclass(frozen=True, slots=True)
class DropMemories:
    """Forget even that tasks were there which were forgotten before ``before_utc`` and are cleared."""

    before_utc: float


@dataclass(frozen=True, slots=True)
class GiveBackPages:
    """Give ``count`` pages of the database's file that hold nothing back to the disk, where the database can."""

    count: int


@dataclass(frozen=True, slots=True)
class TaskSize:
    """How many bytes a task that has ended takes in the database."""

    task: str
    size_bytes: int


@dataclass(frozen=True, slots=True)
class ForgottenRecord:
    """A task that is gone, as :class:`ForgetTask` left it."""

    task: str
    user: str
    name: str | None
    reason: str
    forgotten_utc: float


@dataclass(frozen=True, slots=True)
class Pages:
    """Of the database's file: how many there are, and how many of them hold nothing and could be given back."""

    all: int
    free: int


@dataclass(frozen=True, slots=True)
class EndedRecord:
    """A task that has ended; ``size_bytes``: None where nobody has measured it."""

    id: str
    user: str
    ended_utc: float
    size_bytes: int | None
