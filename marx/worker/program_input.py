"""
The standard input of a main program: from the server to descriptor 0 of its process, as fast as it reads.

An attempt reads from the beginning. A program that does not read holds back what follows; one that has ended, or has closed its standard
input, needs no more of it, which is no error.
"""

from __future__ import annotations

from pathlib import Path
from typing import Callable, Iterator, Protocol

from twisted.internet.defer import CancelledError, Deferred, ensureDeferred
from twisted.logger import Logger
from twisted.python.failure import Failure

from marx.wire.calls import WireError
from marx.wire.worker import ReadInput
from marx.worker.cache import BlobCache, WrongBlob
from marx.worker.feed import Course
from marx.worker.uplink import Uplink

log = Logger()

#: What a task's specification says where its input comes in pieces.
STREAM = "stream"
#: Bytes of a file that are written at a time.
PART_BYTES = 256 << 10


class TakesInput(Protocol):
    """A program's process."""

    def give_input(self, course: Course) -> None:
        """Write this as fast as it is read."""

    def end_input(self) -> None:
        """That was all."""


class ProgramInput:
    """
    ``source``: None for an empty input, :data:`STREAM`, or the digest of a blob. ``fail``: called with a sentence when it cannot be brought: a
    program that saw the end of its input too early would end well and be wrong.
    """

    def __init__(
        self, task: str, source: str | None, process: TakesInput, uplink: Uplink, cache: BlobCache, fail: Callable[[str], None]
    ) -> None:
        self._task = task
        self._source = source
        self._process = process
        self._uplink = uplink
        self._cache = cache
        self._fail = fail
        self._bringing: Deferred[None] | None = None

    def begin(self) -> None:
        """The program has begun."""
        if self._source is not None:
            self._bringing = ensureDeferred(self._stream() if self._source == STREAM else self._copy(self._source))
            self._bringing.addErrback(self._failed)

    def stop(self) -> None:
        """The program has ended."""
        if self._bringing is not None:
            self._bringing.cancel()

    async def _stream(self) -> None:
        offset, final = 0, False
        while not final:
            answer = await self._uplink.ask(ReadInput, task=self._task, offset=offset)
            offset, final = offset + len(answer["part"]), answer["final"]
            if answer["part"]:
                await self._taken(iter([answer["part"]]))
        self._process.end_input()

    async def _copy(self, digest: str) -> None:
        with self._cache.holding(digest):
            await self._taken(_parts(await self._cache.fetch(digest, self._task)))
        self._process.end_input()

    def _taken(self, parts: Iterator[bytes]) -> Deferred[None]:
        """Write this; fires when the process's pipe has taken it all, and never if it takes no more."""
        taken: Deferred[None] = Deferred()

        def course() -> Iterator[bytes]:
            try:
                yield from parts
            except OSError as error:
                taken.errback(Failure(error))
            if not taken.called:
                taken.callback(None)

        self._process.give_input(course())
        return taken

    def _failed(self, failure: Failure) -> None:
        if failure.check(CancelledError):
            return
        if not failure.check(WireError, WrongBlob, OSError):
            log.failure("bringing the standard input of task {task} failed", failure, task=self._task)
        self._fail(f"its standard input could not be brought here: {failure.getErrorMessage()}")


def _parts(path: Path) -> Iterator[bytes]:
    with open(path, "rb") as file:
        while part := file.read(PART_BYTES):
            yield part
