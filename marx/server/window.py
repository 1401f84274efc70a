"""
A window: how much may be under way unanswered.

Credit is counted in bytes, never in boxes: what is not answered yet stands in the peer's memory, and in ours until the transport took it.
"""

from __future__ import annotations

from collections import deque

from twisted.internet.defer import Deferred


class Window:
    """Room for ``limit`` bytes; one thing larger than that goes alone."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.taken = 0
        self._queue: deque[tuple[int, Deferred[None]]] = deque()

    def take(self, size: int) -> Deferred[None]:
        """Fire when there is room for ``size`` bytes, which are then taken; first come, first served."""
        waited: Deferred[None] = Deferred()
        self._queue.append((size, waited))
        self._serve()
        return waited

    def give(self, size: int) -> None:
        """Give ``size`` bytes back."""
        self.taken -= size
        self._serve()

    def close(self) -> None:
        """Give up: nobody who waits is served any more, and their Deferreds are cancelled."""
        waiting, self._queue = self._queue, deque()
        for _, waited in waiting:
            waited.cancel()

    def _serve(self) -> None:
        while self._queue and (self.taken == 0 or self.taken + self._queue[0][0] <= self.limit):
            size, waited = self._queue.popleft()
            self.taken += size
            waited.callback(None)
