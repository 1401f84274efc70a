"""
What is thrown away in time: uploads whose senders fell silent, and blobs that no task names.
"""

from __future__ import annotations

from typing import Any, Awaitable, Callable

from twisted.application.service import Service
from twisted.internet.defer import Deferred, maybeDeferred
from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import LoopingCall
from twisted.logger import Logger

from marx.server.blobs import Blobs
from marx.server.store import Store

log = Logger()

#: Seconds between two looks for silent uploads, and for blobs that nothing names.
UPLOADS_SECONDS, UNUSED_SECONDS = 60.0, 3600.0
#: Seconds that a blob is kept for the task that will name it.
YOUNG_SECONDS = 86400.0


class Sweeper(Service):
    """``wall``: seconds since 1970. A sweep that fails is logged, and the next one comes all the same."""

    def __init__(self, blobs: Blobs, store: Store, clock: IReactorTime, wall: Callable[[], float]) -> None:
        self._blobs = blobs
        self._store = store
        self._wall = wall
        self._calls = [(self._looping(clock, self._sweep_uploads), UPLOADS_SECONDS), (self._looping(clock, self._sweep_unused), UNUSED_SECONDS)]

    def startService(self) -> None:
        super().startService()
        for call, seconds in self._calls:
            call.start(seconds, now=False)

    def stopService(self) -> None:
        super().stopService()
        for call, _ in self._calls:
            if call.running:
                call.stop()

    async def _sweep_uploads(self) -> None:
        abandoned = self._blobs.sweep_uploads()
        if abandoned:
            log.info("{count} uploads were given up: their senders fell silent", count=abandoned)

    async def _sweep_unused(self) -> None:
        before = self._wall() - YOUNG_SECONDS
        deleted = await self._blobs.sweep_unused(await self._store.blobs_used(), before)
        if deleted:
            log.info("{count} files that no task names were deleted", count=deleted)

    @staticmethod
    def _looping(clock: IReactorTime, sweep: Callable[[], Awaitable[None]]) -> LoopingCall:
        def swept() -> Deferred[Any]:
            done = maybeDeferred(lambda: Deferred.fromCoroutine(sweep()))
            return done.addErrback(lambda failure: log.failure("sweeping failed", failure))

        call = LoopingCall(swept)
        call.clock = clock
        return call
