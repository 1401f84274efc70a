"""
The command's own standard streams, read and written without ever blocking the reactor, and without changing the descriptors' flags.

Another process may share a terminal or a pipe with us, and would be surprised by O_NONBLOCK. So a pipe is asked before each portion
whether it takes one (a writable pipe has room for a page), and a source before each read.
"""

from __future__ import annotations

import os
import select
import stat
from typing import Any, BinaryIO, Protocol

from twisted.internet.defer import Deferred, DeferredLock
from twisted.internet.interfaces import IReadDescriptor, IReactorFDSet, IWriteDescriptor
from twisted.internet.task import deferLater
from twisted.python.failure import Failure
from zope.interface import implementer

#: What a pipe that polls as writable takes without blocking: POSIX's PIPE_BUF on Linux.
PORTION = 4096
#: Bytes asked of a source at once: a few packs.
READ_BYTES = 192_000
#: Seconds between two looks whether this command is back in its terminal's foreground.
FOREGROUND_SECONDS = 0.5


@implementer(IReadDescriptor, IWriteDescriptor)
class _Readiness:
    """Waits once for a descriptor to become readable or writable."""

    def __init__(self, reactor: Any, descriptor: int, remove: str) -> None:
        self._reactor = reactor
        self._descriptor = descriptor
        self._remove = remove
        self.ready: Deferred[None] = Deferred(lambda _: self._stop())

    def fileno(self) -> int:
        return self._descriptor

    def doRead(self) -> None:
        self._stop()
        self.ready.callback(None)

    doWrite = doRead

    def connectionLost(self, reason: Failure) -> None:
        """A reader that left wakes the write, which then fails as it should."""
        if not self.ready.called:
            self.doRead()

    def logPrefix(self) -> str:
        return "tasker"

    def _stop(self) -> None:
        getattr(self._reactor, self._remove)(self)


def wait_readable(reactor: IReactorFDSet, descriptor: int) -> Deferred[None]:
    """Fires when a read of ``descriptor`` would not block. May be cancelled."""
    readiness = _Readiness(reactor, descriptor, "removeReader")
    reactor.addReader(readiness)
    return readiness.ready


def wait_writable(reactor: IReactorFDSet, descriptor: int) -> Deferred[None]:
    """Fires when ``descriptor`` takes at least :data:`PORTION` bytes, or its reader left. May be cancelled."""
    readiness = _Readiness(reactor, descriptor, "removeWriter")
    reactor.addWriter(readiness)
    return readiness.ready


def _descriptor_that_may_block(file: BinaryIO) -> int | None:
    """The descriptor of a pipe, socket or terminal; None for files and for what lives in memory."""
    try:
        descriptor = file.fileno()
    except (OSError, AttributeError):
        return None
    mode = os.fstat(descriptor).st_mode
    return None if stat.S_ISREG(mode) or stat.S_ISDIR(mode) else descriptor


class Outlet:
    """A stream to a person, a pipe or a file; what is written stays in order."""

    def __init__(self, file: BinaryIO, reactor: IReactorFDSet) -> None:
        self.file = file
        self.is_terminal = file.isatty()
        self._reactor = reactor
        self._turn = DeferredLock()
        self._descriptor = _descriptor_that_may_block(file)

    def is_ours(self) -> bool:
        """Whether this command may draw on it: not while a terminal is the shell's, or another command's."""
        return not self.is_terminal or self._descriptor is None or is_in_foreground(self._descriptor)

    async def write(self, content: bytes) -> None:
        """Write all of it, however long the reader takes. Raises BrokenPipeError where nobody reads any more."""
        if not content:
            return
        await self._turn.acquire()
        try:
            await self._write(content)
        finally:
            self._turn.release()

    async def _write(self, content: bytes) -> None:
        if self._descriptor is None:
            self.file.write(content)
            self.file.flush()
            return
        poll = select.poll()
        poll.register(self._descriptor, select.POLLOUT)
        rest = memoryview(content)
        while rest:
            if not poll.poll(0):
                await wait_writable(self._reactor, self._descriptor)
            rest = rest[os.write(self._descriptor, rest[:PORTION]) :]


class Source(Protocol):
    """Where bytes come from."""

    async def read(self) -> bytes:
        """What is there, waiting for at least one byte; empty at the end. May be cancelled."""


class Inlet:
    """A stream of bytes from a file or a pipe."""

    def __init__(self, file: BinaryIO, reactor: IReactorFDSet) -> None:
        self._file = file
        self._reactor = reactor
        self._descriptor = _descriptor_that_may_block(file)

    async def read(self) -> bytes:
        """What is there, at most :data:`READ_BYTES`, waiting for at least one byte; empty at the end."""
        if self._descriptor is None:
            return self._file.read(READ_BYTES)
        poll = select.poll()
        poll.register(self._descriptor, select.POLLIN)
        if not poll.poll(0):
            await wait_readable(self._reactor, self._descriptor)
        return os.read(self._descriptor, READ_BYTES)

    def close(self) -> None:
        """Give the file back to the system."""
        self._file.close()


class Keyboard:
    """
    A terminal that a person types at, read only while this command is in its foreground.

    A command in the background that reads is stopped by the kernel (SIGTTIN), and what is typed then is the shell's.
    """

    def __init__(self, file: BinaryIO, reactor: Any) -> None:
        self._inlet = Inlet(file, reactor)
        self._descriptor = file.fileno()
        self._reactor = reactor

    async def read(self) -> bytes:
        """A line as soon as it is there; empty after Ctrl-D. May be cancelled."""
        while True:
            while not is_in_foreground(self._descriptor):
                await deferLater(self._reactor, FOREGROUND_SECONDS)
            await wait_readable(self._reactor, self._descriptor)
            if is_in_foreground(self._descriptor):
                return await self._inlet.read()


def is_in_foreground(descriptor: int) -> bool:
    """Whether this process may read the terminal; one that is not its own has no say in that."""
    try:
        return os.tcgetpgrp(descriptor) == os.getpgrp()
    except OSError:
        return True


def is_null(file: BinaryIO) -> bool:
    """Whether a source is the null device, which has nothing for anybody."""
    try:
        return os.fstat(file.fileno()).st_rdev == os.stat(os.devnull).st_rdev
    except OSError:
        return False
