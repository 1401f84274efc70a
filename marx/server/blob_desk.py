"""
Who may have which blob, and taking and giving them in parts.

A hash alone gives nothing: a user is told of, and given, only what they sent themselves or what a task of theirs names; a worker only
what tasks name of which it holds a lease.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Container, Sequence

from marx.server.blob_upload import BlobWrong, NoRoom
from marx.server.blobs import Blobs, BlobTooLarge, NoSuchBlob
from marx.server.records import BlobUse
from marx.server.store import Store
from marx.wire.blobs import PART_BYTES
from marx.wire.calls import BadRequest, NotFound, TooLarge, Unavailable

#: Blobs of which it is remembered that a task names them, so that only the first of their parts asks the store.
REMEMBERED = 10_000


def worker_as_owner(name: str) -> str:
    """Under whose name a worker's blobs are kept: no user's name has a colon, so users and workers do not meet."""
    return f"worker:{name}"


class BlobDesk:
    """Stands before the blobs of all users. What each peer sent, or asked for and has, is remembered until the server ends."""

    def __init__(self, blobs: Blobs, store: Store) -> None:
        self._blobs = blobs
        self._store = store
        self._sent: set[tuple[str, str]] = set()
        self._sizes: OrderedDict[tuple[str, str], int] = OrderedDict()

    async def missing(self, owner: str, digests: list[str], task: str | None = None) -> list[str]:
        """Which of ``digests`` this owner must still send. The others count as sent, and are ``task``'s where one is named."""
        unsent = [digest for digest in digests if not self.was_sent(owner, digest)]
        owned = await self._store.blobs_owned(unsent, owner)
        here = await self._blobs.present([digest for digest in digests if digest in owned or self.was_sent(owner, digest)])
        if task is not None and here:
            await self._store.write(*(BlobUse(task, digest) for digest in here))
        self._sent.update((owner, digest) for digest in here)
        return [digest for digest in digests if digest not in here]

    def was_sent(self, owner: str, digest: str) -> bool:
        """Whether ``owner`` sent this blob since the server started."""
        return (owner, digest) in self._sent

    def swept(self, digests: Container[str]) -> None:
        """These blobs were deleted: who sent one of them must send it again."""
        self._sent = {(owner, digest) for owner, digest in self._sent if digest not in digests}

    async def may_name(self, worker: str, digests: Sequence[str], task: str) -> bool:
        """Whether a worker may name these in a report of ``task``: it sent them, or the task names them already. Its user may have them then."""
        owner = worker_as_owner(worker)
        unsent = [digest for digest in digests if not self.was_sent(owner, digest)]
        return all([await self._store.blob_used_by(digest, task) for digest in unsent])

    async def has(self, owner: str, digest: str) -> bool:
        """Whether ``owner`` sent this blob, or has a task that names it."""
        return not await self.missing(owner, [digest])

    async def whole(self, digest: str, limit: int) -> bytes:
        """A small blob's content, for the server itself. Raises :class:`TooLarge` above ``limit`` bytes."""
        size = await self._blobs.size(digest)
        if size > limit:
            raise TooLarge(f"{size:,} bytes, and a list of files may have {limit:,}")
        return await self._blobs.read(digest, 0, size)

    async def take(self, owner: str, digest: str, offset: int, total: int, part: bytes, task: str | None) -> None:
        """Take a part; after the last the blob is durable, and is the owner's (and the task's, where one is named)."""
        try:
            whole = await self._blobs.upload(owner, digest, total).write(offset, part)
        except BlobWrong as error:
            raise BadRequest(str(error)) from error
        except BlobTooLarge as error:
            raise TooLarge(str(error)) from error
        except NoRoom as error:
            raise Unavailable(str(error)) from error
        if whole:
            self._sent.add((owner, digest))
            if task is not None:
                await self._store.write(BlobUse(task, digest))

    async def give(self, digest: str, offset: int, task: str) -> tuple[int, bytes]:
        """The blob's size and a part of it from ``offset``; it must be one that ``task`` names."""
        try:
            return await self._size(digest, task), await self._blobs.read(digest, offset, PART_BYTES)
        except NoSuchBlob as error:
            raise NotFound(str(error)) from error

    async def _size(self, digest: str, task: str) -> int:
        size = self._sizes.get((digest, task))
        if size is None:
            if not await self._store.blob_used_by(digest, task):
                raise NotFound(f"task {task} has no blob {digest[:12]}")
            size = self._sizes[digest, task] = await self._blobs.size(digest)
            if len(self._sizes) > REMEMBERED:
                self._sizes.popitem(last=False)
        return size
