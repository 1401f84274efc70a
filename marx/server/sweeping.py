"""
When what is thrown away in time is looked for: uploads whose senders fell silent, and what is kept no longer.
"""

from __future__ import annotations

from typing import Any, Awaitable, Callable

from twisted.application.service import Service
from twisted.internet.defer import Deferred, maybeDeferred
from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import LoopingCall
from twisted.logger import Logger

from marx.server.blobs import Blobs
from marx.server.keeping import Keeping
from marx.server.records import StoreFailed

log = Logger()

#: Seconds between two looks for silent uploads, and between two rounds of keeping.
UPLOADS_SECONDS, KEEPING_SECONDS = 60.0, 600.0


class Sweeper(Service):
    """What fails is logged, and the next look comes all the same."""

    def __init__(self, blobs: Blobs, keeping: Keeping, clock: IReactorTime) -> None:
        self._blobs = blobs
        self._calls = [(self._looping(clock, self._sweep_uploads), UPLOADS_SECONDS), (self._looping(clock, keeping.keep), KEEPING_SECONDS)]

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

    @staticmethod
    def _looping(clock: IReactorTime, sweep: Callable[[], Awaitable[None]]) -> LoopingCall:
        def swept() -> Deferred[Any]:
            return maybeDeferred(lambda: Deferred.fromCoroutine(sweep())).addErrback(_failed)

        call = LoopingCall(swept)
        call.clock = clock
        return call


def _failed(failure: Any) -> None:
    if failure.check(StoreFailed):
        log.info("nothing is swept this time: {why}", why=failure.getErrorMessage())
    else:
        log.failure("sweeping failed", failure)
