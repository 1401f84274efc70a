"""
A job that several wait for, done once.

Each waiter has a Deferred of its own, which it may cancel; the job itself is cancelled when nobody waits for it any more.
"""

from __future__ import annotations

from typing import Any, Callable, Coroutine, Generic, TypeVar

from twisted.internet.defer import Deferred, ensureDeferred
from twisted.python.failure import Failure

Result = TypeVar("Result")


class SharedJobs(Generic[Result]):
    """Jobs by what they are about."""

    def __init__(self) -> None:
        self._jobs: dict[str, Deferred[Result]] = {}
        self._waiting: dict[str, list[Deferred[Result]]] = {}

    def wait(self, key: str, job: Callable[[], Coroutine[Any, Any, Result]]) -> Deferred[Result]:
        """Fire with the result of the job about ``key``, which is begun unless it is under way."""
        waited: Deferred[Result] = Deferred(lambda gone: self._leave(key, gone))
        self._waiting.setdefault(key, []).append(waited)
        if key not in self._jobs:
            self._jobs[key] = ensureDeferred(job())
            self._jobs[key].addBoth(self._done, key)
        return waited

    def cancel(self, key: str) -> None:
        """Nobody needs it any more; who still waits is told so by a CancelledError."""
        if key in self._jobs:
            self._jobs[key].cancel()

    def stop(self) -> None:
        """Cancel everything."""
        for key in list(self._jobs):
            self.cancel(key)

    def _leave(self, key: str, gone: Deferred[Result]) -> None:
        waiting = self._waiting.get(key, [])
        if gone in waiting:
            waiting.remove(gone)
            if not waiting:
                self.cancel(key)

    def _done(self, result: Result | Failure, key: str) -> None:
        del self._jobs[key]
        for waited in self._waiting.pop(key):
            if isinstance(result, Failure):
                waited.errback(Failure(result.value))
            else:
                waited.callback(result)
