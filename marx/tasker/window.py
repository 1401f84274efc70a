"""
Several calls under way at once, and never more than so many: what keeps a link busy and both ends' memory small.
"""

from __future__ import annotations

from typing import Any

from twisted.internet.defer import Deferred, DeferredSemaphore
from twisted.python.failure import Failure


class Window:
    """At most ``size`` calls unanswered. The first failure is raised by the next :meth:`add` or by :meth:`drain`; the rest are dropped."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._room = DeferredSemaphore(size)
        self._failure: Failure | None = None

    async def wait_for_room(self) -> None:
        """Return when another call may be made; :meth:`add` must follow."""
        await self._room.acquire()
        if self._failure is not None:
            self._room.release()
            self._failure.raiseException()

    def add(self, answer: Deferred[Any]) -> None:
        """Count ``answer`` as under way until it fires."""
        answer.addErrback(self._failed)
        answer.addBoth(lambda _: self._room.release())

    async def drain(self) -> None:
        """Wait until all are answered."""
        for _ in range(self._size):
            await self._room.acquire()
        for _ in range(self._size):
            self._room.release()
        if self._failure is not None:
            self._failure.raiseException()

    def _failed(self, failure: Failure) -> None:
        self._failure = self._failure or failure
