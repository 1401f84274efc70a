"""
How much a task's items may take on this worker: what the task asks for, never more than the worker lends. Pure.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any, Mapping


@dataclass(frozen=True, slots=True)
class Bounds:
    """
    None: as much as it takes. ``item_seconds``: for one item; a main program has none. ``silence_seconds``: without output and use of a
    processor. ``memory_bytes``: of all processes of a slot together.
    """

    item_seconds: float | None = None
    silence_seconds: float | None = None
    memory_bytes: int | None = None

    @classmethod
    def of(cls, spec: Mapping[str, Any]) -> Bounds:
        """What a specification asks for. Raises ValueError, TypeError."""
        memory = _positive(spec.get("memory"))
        return cls(_positive(spec.get("item_timeout")), _positive(spec.get("silence")), None if memory is None else int(memory))

    def within(self, most: Bounds) -> Bounds:
        """The same, where it is not more than ``most``."""
        return Bounds(*(_less(getattr(self, each.name), getattr(most, each.name)) for each in fields(self)))

    @property
    def must_be_watched(self) -> bool:
        """Whether anything is bounded that the runner does not see to alone."""
        return self != Bounds()

    def for_runner(self) -> dict[str, Any]:
        """What the runner sees to by itself: ``limits`` of its first frame."""
        limits = {"item_seconds": self.item_seconds}
        return {name: value for name, value in limits.items() if value is not None}


def _positive(raw: Any) -> float | None:
    return None if raw is None or float(raw) <= 0 else float(raw)


def _less(asked: Any, most: Any) -> Any:
    if asked is None or most is None:
        return most if asked is None else asked
    return min(asked, most)
