"""
A reactor that goes by a clock which nobody sets.

Twisted asks the wall clock (``ReactorBase.seconds`` is ``time.time``), so that setting it would end leases, fire timers early or let them
wait for hours. Its timers and ours ask the reactor for the time, so it is enough to give it another clock before anything is timed.
"""

from __future__ import annotations

import time
from typing import Any


def steady(reactor: Any) -> Any:
    """The same reactor, which from now on measures with the system's monotonic clock. To be called before anything is timed."""
    reactor.seconds = time.monotonic
    return reactor
