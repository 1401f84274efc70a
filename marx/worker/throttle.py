"""
How fast a runner may print. Who prints faster is not read for a moment, so its pipe fills and it waits, as at a slow terminal: nothing is cut.

Credit alone would let one runner that floods take all that worker, server and disk can carry, from everybody else.
"""

from __future__ import annotations

from typing import Callable

from twisted.internet.interfaces import IDelayedCall, IReactorTime

#: Bytes a second.
OUTPUT_RATE = 16 << 20
#: Seconds at that rate which a runner has at once: most programs that print much print it at their end, and never wait.
BURST_SECONDS = 10.0
#: Seconds at the least without a read: a pause after each read of 8 kB would be a thousand timers a second.
PAUSE_SECONDS = 0.1


class Throttle:
    """
    ``rate``: bytes a second. ``changed`` is called when :attr:`is_shut` has changed.

    All that is kept is when what was printed would have been printed at the rate: who is further ahead than the burst is shut.
    """

    def __init__(self, clock: IReactorTime, rate: int, changed: Callable[[], None]) -> None:
        self._clock = clock
        self._rate = rate
        self._changed = changed
        self._due = 0.0
        self._opening: IDelayedCall | None = None
        self._is_over = False

    @property
    def is_shut(self) -> bool:
        """Whether nothing should be read now."""
        return self._opening is not None

    def printed(self, size: int) -> None:
        """So many bytes were read, in spite of being shut or not."""
        self._due = max(self._due, self._clock.seconds()) + size / self._rate
        if self._ahead() > 0 and not self.is_shut and not self._is_over:
            self._shut()
            self._changed()

    def end(self) -> None:
        """The process is gone; what is left in its pipes is read at once."""
        self._is_over = True
        if self._opening is not None:
            self._opening.cancel()
            self._opening = None

    def _ahead(self) -> float:
        return self._due - self._clock.seconds() - BURST_SECONDS

    def _shut(self) -> None:
        self._opening = self._clock.callLater(self._ahead() + PAUSE_SECONDS, self._open)

    def _open(self) -> None:
        self._opening = None
        if self._ahead() > 0:
            self._shut()
        else:
            self._changed()
