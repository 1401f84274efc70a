"""
How much a task's items may take on this worker: what the task asks for, never more than the worker lends. Pure.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Mapping


@dataclass(frozen=True, slots=True)
class Bounds:
    """None: as much as it takes. ``item_seconds``: for one item; a main program has none."""

    item_seconds: float | None = None

    @classmethod
    def of(cls, spec: Mapping[str, Any]) -> Bounds:
        """What a specification asks for. Raises ValueError, TypeError."""
        return cls(_positive(spec.get("item_timeout")))

    def within(self, most: Bounds) -> Bounds:
        """The same, where it is not more than ``most``."""
        return Bounds(_less(self.item_seconds, most.item_seconds))

    def for_runner(self) -> dict[str, Any]:
        """What the runner sees to by itself: ``limits`` of its first frame."""
        limits = {"item_seconds": self.item_seconds}
        return {name: value for name, value in limits.items() if value is not None}


def _positive(raw: Any) -> float | None:
    return None if raw is None or float(raw) <= 0 else float(raw)


def _less(asked: float | None, most: float | None) -> float | None:
    if asked is None or most is None:
        return most if asked is None else asked
    return min(asked, most)
