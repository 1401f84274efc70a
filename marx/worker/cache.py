"""
Blobs of the server, kept on this machine's disk by their SHA-256: the files of tasks, and items too large for a pack.

Bounded by bytes; what was used least recently goes first, but never what somebody holds. One download serves all who want the same blob.
"""

from __future__ import annotations

import hashlib
import os
from collections import Counter, OrderedDict, deque
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO, Iterable, Iterator

from twisted.internet.defer import Deferred, DeferredSemaphore, FirstError, ensureDeferred, fail, gatherResults, succeed

from marx.wire.blobs import WINDOW, GetBlob
from marx.worker.digests import is_digest
from marx.worker.shared import SharedJobs
from marx.worker.uplink import Uplink

#: Blobs fetched at a time: most are smaller than a part, so what takes time is the round trips.
AT_ONCE = 16

UNFINISHED = "unfinished-"


class WrongBlob(Exception):
    """What the server sent is not what the digest says."""


class BlobCache:
    """``folder`` is the cache's own; ``limit``: bytes that it may hold beside what is in use."""

    def __init__(self, folder: Path, limit: int, uplink: Uplink) -> None:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._folder = folder
        self._limit = limit
        self._uplink = uplink
        self._sizes: OrderedDict[str, int] = OrderedDict()
        self._bytes = 0
        self._held: Counter[str] = Counter()
        self._downloads: SharedJobs[Path] = SharedJobs()
        self._take_stock()

    def __contains__(self, digest: str) -> bool:
        return digest in self._sizes

    def path(self, digest: str) -> Path:
        """Where a blob lies, or would."""
        return self._folder / digest

    @contextmanager
    def holding(self, *digests: str) -> Iterator[None]:
        """While this lasts these stay, once they are here."""
        self._held.update(digests)
        try:
            yield
        finally:
            self._held.subtract(digests)
            self._held += Counter()
            self._make_room()

    def fetch(self, digest: str, task: str) -> Deferred[Path]:
        """
        Fire with the blob's path as soon as it is here whole; hold it, or it may be gone a moment later.

        ``task``: one that names it and of which this worker holds a lease. Fails with a WireError, :class:`WrongBlob` or OSError. May be
        cancelled, which ends the download when nobody else waits for it.
        """
        if not is_digest(digest):
            return fail(WrongBlob(f"{digest[:80]!r} is not a digest"))
        if digest in self._sizes:
            self._sizes.move_to_end(digest)
            os.utime(self.path(digest))
            return succeed(self.path(digest))
        return self._downloads.wait(digest, lambda: self._download(digest, task))

    async def fetch_all(self, task: str, digests: Iterable[str]) -> None:
        """Bring several here, which the caller must hold. Fails as :meth:`fetch`, with the first that failed."""
        room = DeferredSemaphore(AT_ONCE)
        fetches = [room.run(self.fetch, digest, task) for digest in digests]
        try:
            await gatherResults(fetches, consumeErrors=True)
        except FirstError as error:
            raise error.subFailure.value from error
        finally:
            for fetch in fetches:
                fetch.cancel()

    def stop(self) -> None:
        """End all downloads."""
        self._downloads.stop()

    def _take_stock(self) -> None:
        """At start: what an earlier daemon left, used most recently last."""
        found = []
        for path in self._folder.iterdir():
            if path.name.startswith(UNFINISHED):
                path.unlink()
                continue
            status = path.stat()
            found.append((status.st_mtime, path.name, status.st_size))
        for _, name, size in sorted(found):
            self._add(name, size)
        self._make_room()

    def _add(self, digest: str, size: int) -> None:
        self._sizes[digest] = size
        self._bytes += size

    def _make_room(self, besides: str = "") -> None:
        if self._bytes <= self._limit:
            return
        for digest in [digest for digest in self._sizes if digest not in self._held and digest != besides]:
            self._bytes -= self._sizes.pop(digest)
            self.path(digest).unlink(missing_ok=True)
            if self._bytes <= self._limit:
                return

    async def _download(self, digest: str, task: str) -> Path:
        fresh = self._folder / (UNFINISHED + digest)
        try:
            with open(fresh, "wb", buffering=0) as file:
                size, found = await self._receive(digest, task, file)
            if found != digest:
                raise WrongBlob(f"the blob {digest[:12]} came with the digest {found[:12]}")
            os.replace(fresh, self.path(digest))
        finally:
            fresh.unlink(missing_ok=True)
        self._add(digest, size)
        self._make_room(besides=digest)
        return self.path(digest)

    async def _receive(self, digest: str, task: str, file: BinaryIO) -> tuple[int, str]:
        """Ask for the parts, several at a time, and write them in order; size and digest of what came."""
        hashed = hashlib.sha256()
        first = await self._ask(digest, task, 0)
        total, written = first["total"], 0
        asked: deque[Deferred[dict[str, Any]]] = deque([succeed(first)])
        stride = next_offset = len(first["part"])
        try:
            while asked:
                while len(asked) < WINDOW and 0 < next_offset < total:
                    asked.append(ensureDeferred(self._ask(digest, task, next_offset)))
                    next_offset += stride
                part = (await asked.popleft())["part"]
                file.write(part)
                hashed.update(part)
                written += len(part)
        finally:
            for answer in asked:
                answer.addErrback(lambda failure: None)
                answer.cancel()
        return written, hashed.hexdigest()

    def _ask(self, digest: str, task: str, offset: int) -> Any:
        return self._uplink.ask(GetBlob, digest=digest, offset=offset, task=task)
