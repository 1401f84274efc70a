"""
Figures: what is measured, in which unit, how good it should be, and how several runs become one value. Pure.
"""

from __future__ import annotations

from dataclasses import dataclass
from statistics import median


@dataclass(frozen=True, slots=True)
class Kind:
    """
    One line of the table before it is measured.

    ``goal``: what is asked of it, in ``unit``; None where nothing is. ``more``: whether more is better. ``peer``: what the peer did.
    """

    name: str
    what: str
    unit: str
    goal: float | None = None
    more: bool = False
    peer: str = ""


@dataclass(frozen=True, slots=True)
class Figure:
    """One line with its runs, ours and the peer's; either may be empty."""

    kind: Kind
    ours: tuple[float, ...]
    peers: tuple[float, ...] = ()

    @property
    def value(self) -> float:
        """The median of our runs."""
        return median(self.ours)

    @property
    def peer(self) -> float | None:
        """The median of the peer's runs; None where it has none."""
        return median(self.peers) if self.peers else None

    @property
    def ratio(self) -> float | None:
        """How many times as good as the peer, whichever way is better; None where that cannot be said."""
        if not self.peer or not self.value:
            return None
        return self.value / self.peer if self.kind.more else self.peer / self.value

    @property
    def is_met(self) -> bool | None:
        """Whether the median reaches the goal; None without one."""
        if self.kind.goal is None:
            return None
        return self.value >= self.kind.goal if self.kind.more else self.value <= self.kind.goal

    @property
    def reach(self) -> float | None:
        """The share of the goal that is reached: 1.0 just meets it, less misses it; None without one."""
        if self.kind.goal is None or not self.value:
            return None
        return self.value / self.kind.goal if self.kind.more else self.kind.goal / self.value
