"""
What the outside gives the server: clocks and randomness, passed in so that nothing below the taps reaches for them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Callable

from twisted.internet.interfaces import IReactorTime


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What the outside gives: a monotonic clock, seconds since 1970, and new ids for tasks."""

    clock: IReactorTime
    wall: Callable[[], float]
    make_id: Callable[[], str]
