"""
Large immutable bytes on disk, each a file named by its SHA-256.

``FOLDER/ab/ab12...`` are whole blobs, ``FOLDER/incoming`` holds uploads, which a start takes away: their senders begin again. Who may have
which blob is decided elsewhere. What costs the disk time is done in the reactor's threads, in parts, so that memory stays small.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Container, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import count
from pathlib import Path
from threading import Lock
from typing import Any

from twisted.internet.defer import Deferred, DeferredLock
from twisted.internet.threads import deferToThreadPool

from marx.server.blob_upload import BlobError, BlobUpload, BlobWrong, NoRoom, PartialFile, sync

INCOMING = "incoming"
_DIGEST = re.compile(r"[0-9a-f]{64}")


class NoSuchBlob(BlobError):
    """There is no blob of this name."""


class BlobTooLarge(BlobError):
    """More bytes than one blob may have."""


@dataclass(frozen=True, slots=True)
class BlobLimits:
    """
    ``blob_bytes``: of one blob. ``total_bytes``: of all of them, uploads included. ``free_bytes``: what stays free of the disk.

    ``idle_seconds``: after which an upload whose sender says nothing is abandoned.
    """

    blob_bytes: int = 10 << 30
    total_bytes: int = 1 << 40
    free_bytes: int = 1 << 30
    idle_seconds: float = 600.0


@dataclass(frozen=True, slots=True)
class Swept:
    """What a sweep deleted, and how many bytes the blobs have that are named."""

    deleted: frozenset[str]
    named_bytes: int


class Blobs:
    """
    A blob is *young* for a while after it was sent or asked for: who did that is about to name it. Nobody is at a start, since what peers sent
    is remembered no longer than that.

    ``reactor`` has threads and ``seconds``. ``durable``: False where they need not outlive a crash of the machine.

    What returns a Deferred fails with :class:`NoSuchBlob` for what is not there, or is not a digest at all.
    """

    def __init__(self, folder: Path, reactor: Any, limits: BlobLimits = BlobLimits(), durable: bool = True) -> None:
        self._folder = folder
        self._reactor = reactor
        self._limits = limits
        self._durable = durable
        self._numbers = count()
        self._uploads: dict[tuple[str, str], BlobUpload] = {}
        self._heard_at: dict[tuple[str, str], float] = {}
        #: Held by a sweep, and by who must find all blobs for a while.
        self.sweeping = DeferredLock()
        # Held where a blob becomes young, and where one that is not young loses its name: never for both of one blob at once.
        self._naming = Lock()
        self._young_since: dict[str, float] = {}
        self._make_folders()
        for left_over in (folder / INCOMING).iterdir():
            left_over.unlink()
        self._kept_bytes = sum(entry.stat().st_size for entry in self._kept())

    def exists(self, digest: str) -> Deferred[bool]:
        """Whether a blob is here. It is young then, so that :meth:`sweep_unused` leaves it until what will name it is stored."""
        return self._in_thread(self._touch, digest)

    def present(self, digests: Sequence[str]) -> Deferred[set[str]]:
        """Those of many that are here; each becomes young as by :meth:`exists`."""
        return self._in_thread(lambda: set(filter(self._touch, digests)))

    def total_size(self, digests: Iterable[str]) -> Deferred[int]:
        """How many bytes those of these blobs have that are here."""
        return self._in_thread(self._total_size, digests)

    def size(self, digest: str) -> Deferred[int]:
        """How many bytes a blob has."""
        return self._in_thread(self._size, digest)

    def read(self, digest: str, offset: int, length: int) -> Deferred[bytes]:
        """At most ``length`` bytes of a blob from ``offset`` on; none behind its end."""
        return self._in_thread(self._read, digest, offset, length)

    def upload(self, sender: str, digest: str, total: int) -> BlobUpload:
        """
        The upload of a blob of ``total`` bytes by ``sender``: the one that is under way, or a new one.

        Raises :class:`BlobWrong` where ``digest`` is none, :class:`BlobTooLarge`, :class:`NoRoom`.
        """
        key = sender, digest
        upload = self._uploads.get(key)
        if upload is None or upload.total != total:
            self._check(digest, total)
            if upload is not None:
                upload.abandon(f"the upload of {digest[:12]} was begun again with another size")
            upload = self._uploads[key] = self._new_upload(key, digest, total)
        self._heard_at[key] = self._reactor.seconds()
        self._make_young(digest)
        return upload

    def sweep_uploads(self) -> int:
        """Abandon the uploads whose senders fell silent, and say how many; to be called now and then."""
        since = self._reactor.seconds() - self._limits.idle_seconds
        silent = [self._uploads[key] for key, heard_at in self._heard_at.items() if heard_at < since]
        for upload in silent:
            upload.abandon(f"the upload was given up: nothing came of it for {self._limits.idle_seconds:.0f} s")
        return len(silent)

    async def sweep_unused(self, used: Container[str], young_seconds: float) -> Swept:
        """
        Delete the blobs that are not in ``used`` and have not been young for so long.

        ``used`` was read of the store just now: whoever names one that is not in it has made it young before.
        """
        async with self.sweeping:
            swept, deleted_bytes = await self._in_thread(self._delete_unused, used, self._reactor.seconds() - young_seconds)
        self._kept_bytes -= deleted_bytes
        return swept

    def _make_folders(self) -> None:
        """All of them at the first start, so that the disk has each before the first blob in it is called durable."""
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        # The last that is made, so it is there when all are.
        if not (self._folder / INCOMING).is_dir():
            for name in [*(f"{number:02x}" for number in range(256)), INCOMING]:
                (self._folder / name).mkdir(mode=0o700, exist_ok=True)
            if self._durable:
                sync(self._folder)
                sync(self._folder.parent)

    # Uploads, in the reactor's thread

    def _check(self, digest: str, total: int) -> None:
        if not _DIGEST.fullmatch(digest) or total < 0:
            raise BlobWrong(f"{digest[:80]!r} of {total} bytes cannot be a blob")
        limits = self._limits
        if total > limits.blob_bytes:
            raise BlobTooLarge(f"{total:,} bytes, and one file or value may have {limits.blob_bytes:,}")
        announced = sum(upload.total for upload in self._uploads.values())
        if self._kept_bytes + announced + total > limits.total_bytes:
            raise NoRoom(f"the server keeps {self._kept_bytes + announced:,} bytes of files and large values, and may keep {limits.total_bytes:,}")
        free = _free_bytes(self._folder) - sum(upload.total - upload.taken for upload in self._uploads.values())
        if free - total < limits.free_bytes:
            raise NoRoom(f"the server's disk has {free:,} bytes free, of which {limits.free_bytes:,} must stay so")

    def _new_upload(self, key: tuple[str, str], digest: str, total: int) -> BlobUpload:
        path = self._folder / INCOMING / f"{digest}.{next(self._numbers)}"
        file = PartialFile(path, self._path(digest), self._durable)
        return BlobUpload(total, file, self._in_thread, partial(self._upload_ended, key))

    def _upload_ended(self, key: tuple[str, str], upload: BlobUpload, more_bytes: int) -> None:
        self._kept_bytes += more_bytes
        if self._uploads.get(key) is upload:
            del self._uploads[key], self._heard_at[key]

    def _make_young(self, digest: str) -> None:
        with self._naming:
            self._young_since[digest] = self._reactor.seconds()

    # Files, in any thread

    def _in_thread(self, work: Callable[..., Any], *arguments: Any) -> Deferred[Any]:
        return deferToThreadPool(self._reactor, self._reactor.getThreadPool(), work, *arguments)

    def _path(self, digest: str) -> Path:
        if not _DIGEST.fullmatch(digest):
            raise NoSuchBlob(f"{digest[:80]!r} names no blob")
        return self._folder / digest[:2] / digest

    def _kept(self) -> Iterator[os.DirEntry[str]]:
        for folder in self._folder.iterdir():
            if folder.name != INCOMING:
                yield from os.scandir(folder)

    def _touch(self, digest: str) -> bool:
        if not _DIGEST.fullmatch(digest):
            return False
        self._make_young(digest)
        return self._path(digest).exists()

    def _total_size(self, digests: Iterable[str]) -> int:
        return sum(path.stat().st_size for path in map(self._path, digests) if path.exists())

    def _size(self, digest: str) -> int:
        try:
            return self._path(digest).stat().st_size
        except FileNotFoundError as error:
            raise NoSuchBlob(f"there is no blob {digest[:12]}") from error

    def _read(self, digest: str, offset: int, length: int) -> bytes:
        try:
            with open(self._path(digest), "rb", buffering=0) as file:
                return os.pread(file.fileno(), length, offset)
        except FileNotFoundError as error:
            raise NoSuchBlob(f"there is no blob {digest[:12]}") from error

    def _delete_unused(self, used: Container[str], young_from: float) -> tuple[Swept, int]:
        with self._naming:
            self._young_since = {digest: since for digest, since in self._young_since.items() if since >= young_from}
        deleted, deleted_bytes, named_bytes = set(), 0, 0
        for entry in self._kept():
            size = entry.stat().st_size
            if entry.name in used:
                named_bytes += size
            elif self._delete_unless_young(entry.name):
                deleted.add(entry.name)
                deleted_bytes += size
        return Swept(frozenset(deleted), named_bytes), deleted_bytes

    def _delete_unless_young(self, digest: str) -> bool:
        # Only the name goes under the lock, for which the reactor may have to wait: freeing a large file takes the disk some time.
        nameless = self._folder / INCOMING / f"{digest}.swept"
        with self._naming:
            if digest in self._young_since:
                return False
            os.replace(self._path(digest), nameless)
        nameless.unlink()
        return True


def _free_bytes(folder: Path) -> int:
    stat = os.statvfs(folder)
    return stat.f_bavail * stat.f_frsize
