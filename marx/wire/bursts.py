"""
How often small boxes may go: at once after a quiet moment, then in bursts, then only so often that they gather company.

A box costs both ends far more than what is in it: with one item a chunk, a box for each report is most of what a server does.
"""

from __future__ import annotations

from collections import deque


class Bursts:
    """
    At most ``count`` in any ``seconds``.

    The right choice where a single one must not wait and many may wait ``seconds``; the wrong one where each is large already.
    """

    def __init__(self, count: int, seconds: float) -> None:
        self._seconds = seconds
        self._gone: deque[float] = deque([float("-inf")] * count, maxlen=count)

    def wait(self, now: float) -> float:
        """Seconds until the next may go; 0 for at once."""
        return max(0.0, self._gone[0] + self._seconds - now)

    def go(self, now: float) -> None:
        """One goes now."""
        self._gone.append(now)
