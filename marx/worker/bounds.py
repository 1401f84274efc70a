"""
How much a task's items may take on this worker: what the task asks for, never more than the worker lends. Pure.
"""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import Any, Mapping


@dataclass(frozen=True, slots=True)
class Bounds:
    """
    None: as much as it takes. ``item_seconds``: for one item; a main program has none. ``silence_seconds``: without output and use of a
    processor. ``memory_bytes``, ``scratch_bytes``: of all processes of a slot together, and of the files that they have made.

    Of one process: ``processes`` that its user may have in its sandbox, ``open_files``, ``file_bytes`` of a file, ``cpu_seconds``. The system
    sees to these.
    """

    item_seconds: float | None = None
    silence_seconds: float | None = None
    memory_bytes: int | None = None
    scratch_bytes: int | None = None
    processes: int | None = None
    open_files: int | None = None
    file_bytes: int | None = None
    cpu_seconds: float | None = None

    @classmethod
    def of(cls, spec: Mapping[str, Any]) -> Bounds:
        """What a specification asks for. Raises ValueError, TypeError."""
        memory = _positive(spec.get("memory"))
        return cls(_positive(spec.get("item_timeout")), _positive(spec.get("silence")), None if memory is None else int(memory))

    def within(self, most: Bounds) -> Bounds:
        """The same, where it is not more than ``most``."""
        return Bounds(*(_less(getattr(self, each.name), getattr(most, each.name)) for each in fields(self)))

    def of_program(self) -> Bounds:
        """The same for a main program, which may take longer than an item."""
        return replace(self, item_seconds=None)

    @property
    def must_be_watched(self) -> bool:
        """Whether anything is bounded that the runner does not see to alone."""
        return any(bound is not None for bound in (self.item_seconds, self.silence_seconds, self.memory_bytes, self.scratch_bytes))

    def for_runner(self) -> dict[str, Any]:
        """What the runner sees to by itself: ``limits`` of its first frame."""
        names = ("item_seconds", "processes", "open_files", "file_bytes", "cpu_seconds")
        return {name: getattr(self, name) for name in names if getattr(self, name) is not None}


def _positive(raw: Any) -> float | None:
    return None if raw is None or float(raw) <= 0 else float(raw)


def _less(asked: Any, most: Any) -> Any:
    if asked is None or most is None:
        return most if asked is None else asked
    return min(asked, most)
