"""
What the outside gives the server: clocks and randomness, passed in so that nothing below the taps reaches for them.
"""

from __future__ import annotations

import getpass
import os
from dataclasses import dataclass
from typing import Callable

from twisted.internet.interfaces import IReactorTime


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What the outside gives: a monotonic clock, seconds since 1970, and new ids for tasks."""

    clock: IReactorTime
    wall: Callable[[], float]
    make_id: Callable[[], str]


def own_user() -> str:
    """The name of the user that runs this process; in a container it may have none but its number."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return f"uid{os.getuid()}"
