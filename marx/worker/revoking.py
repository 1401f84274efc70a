"""
Chunks of one slot that the server has taken back while a runner had them: who waits for their end, and until when.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Callable

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IDelayedCall, IReactorTime

#: Seconds that a runner has to end a chunk that was cancelled, before it is killed itself.
CANCEL_SECONDS = 5.0


@dataclass(slots=True)
class _Revocation:
    processes: int
    deadline: IDelayedCall | None = None
    waiting: list[Deferred[int]] = field(default_factory=list)


class Revocations:
    """By fence."""

    def __init__(self, clock: IReactorTime) -> None:
        self._clock = clock
        self._revoked: dict[int, _Revocation] = {}

    def __contains__(self, fence: int) -> bool:
        return fence in self._revoked

    def revoke(self, fence: int, processes: int, insist: Callable[[], None]) -> Deferred[int]:
        """
        A chunk was cancelled at its runner. Fires with ``processes``, those that ended for it, when it is over.

        ``insist`` is called if that has not come after :data:`CANCEL_SECONDS`.
        """
        revocation = self._revoked.get(fence)
        if revocation is None:
            deadline = self._clock.callLater(CANCEL_SECONDS, insist)
            revocation = self._revoked[fence] = _Revocation(processes, deadline)
        waited: Deferred[int] = Deferred()
        revocation.waiting.append(waited)
        return waited

    def mark(self, fence: int) -> None:
        """Its end is this worker's own wish, and nobody waits for it."""
        self._revoked.setdefault(fence, _Revocation(0))

    def over(self, fence: int) -> None:
        """The chunk has ended, if it was one of these."""
        revocation = self._revoked.pop(fence, None)
        if revocation is None:
            return
        if revocation.deadline is not None and revocation.deadline.active():
            revocation.deadline.cancel()
        for waited in revocation.waiting:
            waited.callback(revocation.processes)
