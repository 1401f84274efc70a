"""
Sends blobs to the server in parts, through cuts of the connection, a few at a time.
"""

from __future__ import annotations

import os
from collections import deque
from pathlib import Path
from typing import Any, Callable

from twisted.internet.defer import CancelledError, Deferred, DeferredSemaphore, ensureDeferred
from twisted.logger import Logger
from twisted.python.failure import Failure

from marx.wire.blobs import PART_BYTES, WINDOW, AskBlobs, PutBlob
from marx.wire.calls import GuardedLink, NotFound, Unavailable, WireError
from marx.worker.uplink import Uplink

log = Logger()

#: Blobs sent at a time: a second one fills the gaps of the first, more would only share the same wire.
AT_ONCE = 2


class Uploads:
    """
    Each blob ends in one call with its digest: ``arrived`` when it is at the server; ``disowned`` when the server knows no lease of its task
    here any more; ``refused``, with why, when it will never be taken.
    """

    def __init__(
        self, uplink: Uplink, arrived: Callable[[str], None], disowned: Callable[[str], None], refused: Callable[[str, str], None]
    ) -> None:
        self._uplink = uplink
        self._arrived = arrived
        self._disowned = disowned
        self._refused = refused
        self._room = DeferredSemaphore(AT_ONCE)
        self._sending: dict[str, Deferred[None]] = {}

    def send(self, digest: str, path: Path, task: str) -> None:
        """See to it that the server has the file at ``path``; sent once, however often this is asked while it is under way."""
        if digest in self._sending:
            return
        sending = self._room.run(lambda: ensureDeferred(self._send(digest, path, task)))
        self._sending[digest] = sending
        sending.addBoth(self._sent, digest)

    def stop(self) -> None:
        """Give up what is under way; a later daemon starts it anew."""
        for sending in list(self._sending.values()):
            sending.cancel()

    async def _send(self, digest: str, path: Path, task: str) -> None:
        while True:
            link = await self._uplink.wait_connected()
            try:
                await self._send_over(link, digest, path, task)
                return
            except Unavailable:
                await self._uplink.wait_again(link)

    async def _send_over(self, link: GuardedLink, digest: str, path: Path, task: str) -> None:
        size = path.stat().st_size if path.exists() else None
        # One part costs no more than the question whether it is needed. What is gone from here an earlier daemon has sent, most likely.
        if size is None or size > PART_BYTES:
            if digest not in (await link.ask(AskBlobs, digests=[digest], task=task))["missing"]:
                return
        if size is None:
            raise FileNotFoundError(f"blob {digest[:12]} is not here any more")
        answers: deque[Deferred[Any]] = deque()
        try:
            with open(path, "rb", buffering=0) as file:
                for offset in range(0, max(size, 1), PART_BYTES):
                    if len(answers) >= WINDOW:
                        await answers.popleft()
                    part = os.pread(file.fileno(), PART_BYTES, offset)
                    answers.append(link.ask(PutBlob, digest=digest, offset=offset, total=size, part=part, task=task))
            while answers:
                await answers.popleft()
        finally:
            for answer in answers:
                answer.addErrback(lambda failure: None)

    def _sent(self, result: None | Failure, digest: str) -> None:
        del self._sending[digest]
        if not isinstance(result, Failure):
            self._arrived(digest)
        elif result.check(NotFound):
            self._disowned(digest)
        elif result.check(WireError, OSError):
            log.warn("the blob {digest} cannot be sent: {why}", digest=digest[:12], why=result.getErrorMessage())
            self._refused(digest, result.getErrorMessage())
        elif not result.check(CancelledError):
            log.failure("sending the blob {digest} failed", result, digest=digest[:12])
            self._refused(digest, "a fault of the worker, whose log says why")
