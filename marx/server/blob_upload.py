"""
One blob on its way in: its parts are taken in order, written and hashed in a thread, and checked at the end.

Until its hash is right it lies under another name, so whatever stands under a hash is whole. Parts that come while the thread is busy go into
its next round together; a sender that keeps a window of parts bounds what that holds.
"""

from __future__ import annotations

import errno
import hashlib
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from twisted.internet.defer import Deferred, fail
from twisted.logger import Logger
from twisted.python.failure import Failure

log = Logger()

#: Bytes of parts that are written in one round of the thread.
ROUND_BYTES = 1_000_000


class BlobError(Exception):
    """The base of what blobs raise; its text is a sentence for people."""


class BlobWrong(BlobError):
    """What was sent is not what was announced."""


class NoRoom(BlobError):
    """The disk, or what blobs may take of it, is full."""


class PartialFile:
    """
    The file of an upload, in the thread: ``path`` until :meth:`keep`, then ``target``. ``durable``: whether the disk must have it then.

    It is open only while something is done with it, so that many slow senders do not use up the process's descriptors.
    """

    def __init__(self, path: Path, target: Path, durable: bool) -> None:
        self._path = path
        self._target = target
        self._durable = durable
        self._hash = hashlib.sha256()

    def append(self, parts: list[bytes]) -> None:
        """Write at the end."""
        with open(os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), "wb", buffering=0) as file:
            for part in parts:
                self._hash.update(part)
                view = memoryview(part)
                while view:
                    view = view[file.write(view) :]

    def keep(self) -> bool:
        """Give it its name, if that is its hash; whether there was none of that name. Raises :class:`BlobWrong`."""
        if self._hash.hexdigest() != self._target.name:
            raise BlobWrong(f"what was sent as {self._target.name[:12]} has another hash: it changed on the way, or while it was read")
        if self._durable:
            sync(self._path)
        is_new = not self._target.exists()
        os.replace(self._path, self._target)
        if self._durable:
            sync(self._target.parent)
        return is_new

    def discard(self) -> None:
        """Take it away."""
        self._path.unlink(missing_ok=True)


def sync(path: Path) -> None:
    """Wait until the disk has a file, or the names in a folder."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


class BlobUpload:
    """
    Made by :meth:`marx.server.blobs.Blobs.upload`; its methods are called in the reactor's thread.

    ``total``: its bytes; ``taken``: how many of them were. ``ended`` is called once, with this and how many bytes more are kept now.
    """

    def __init__(
        self, total: int, file: PartialFile, in_thread: Callable[..., Deferred[Any]], ended: Callable[[BlobUpload, int], None]
    ) -> None:
        self.total = total
        self.taken = 0
        self._file = file
        self._in_thread = in_thread
        self._ended = ended
        self._waiting: list[tuple[bytes, Deferred[bool]]] = []
        self._busy = False
        self._over: BlobError | None = None

    def write(self, offset: int, part: bytes) -> Deferred[bool]:
        """
        Take the next part; fires when it is written, with whether the whole blob is durable now.

        A part that was taken before is passed over, so a sender may begin again; the hash tells whether it is the same. Fails with
        :class:`BlobWrong` or :class:`NoRoom`, and then the upload is over.
        """
        if self._over is not None:
            return fail(self._over)
        if not 0 <= offset <= self.taken or offset + len(part) > self.total:
            self.abandon(f"a part at {offset:,} of {len(part):,} bytes does not follow {self.taken:,} of {self.total:,}")
            return fail(self._over)
        fresh = part[self.taken - offset :]
        self.taken += len(fresh)
        written: Deferred[bool] = Deferred()
        self._waiting.append((fresh, written))
        if not self._busy:
            self._start_round()
        return written

    def abandon(self, reason: str) -> None:
        """Give up: what is not written fails with :class:`BlobWrong`, and the file goes."""
        self._give_up(BlobWrong(reason))

    def _start_round(self) -> None:
        """Write what waits, up to a round's size."""
        size = count = 0
        while count < len(self._waiting) and size < ROUND_BYTES:
            size += len(self._waiting[count][0])
            count += 1
        a_round, self._waiting = self._waiting[:count], self._waiting[count:]
        last = self.taken == self.total and not self._waiting
        self._busy = True
        self._in_thread(self._run_round, [part for part, _ in a_round], last).addCallbacks(
            self._round_written, self._round_failed, callbackArgs=(a_round, last), errbackArgs=(a_round,)
        )

    def _run_round(self, parts: list[bytes], last: bool) -> bool:
        self._file.append(parts)
        return last and self._file.keep()

    def _round_written(self, is_new: bool, a_round: list[tuple[bytes, Deferred[bool]]], last: bool) -> None:
        self._busy = False
        if last:
            self._over = BlobWrong("this blob is there already")
            self._ended(self, self.total if is_new else 0)
            # Parts that were sent again while the last one was written.
            a_round += self._waiting
        elif self._over is not None:
            self._discard()
        elif self._waiting:
            self._start_round()
        for _part, written in a_round:
            written.callback(last)

    def _round_failed(self, failure: Failure, a_round: list[tuple[bytes, Deferred[bool]]]) -> None:
        self._busy = False
        error = _in_words(failure.value)
        if self._over is None:
            self._give_up(error)
        else:
            self._discard()
        for _part, written in a_round:
            written.errback(error)

    def _give_up(self, error: BlobError) -> None:
        if self._over is not None:
            return
        self._over = error
        waiting, self._waiting = self._waiting, []
        if not self._busy:
            self._discard()
        for _part, written in waiting:
            written.errback(error)

    def _discard(self) -> None:
        self._ended(self, 0)
        self._in_thread(self._file.discard).addErrback(lambda failure: log.failure("the file of an upload stays", failure))


def _in_words(error: BaseException) -> BlobError:
    if isinstance(error, BlobError):
        return error
    if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
        return NoRoom("the server's disk is full")
    return NoRoom(f"the server cannot write files: {error}")
