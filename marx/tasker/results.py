"""
Result packs as the lines that ``tasker map`` prints. A pack is written with one call; a blob is passed on in parts, never held whole.
"""

from __future__ import annotations

from typing import AsyncIterator, Awaitable, Callable

from twisted.internet.defer import DeferredLock

from marx.tasker.follow import ResultPack
from marx.wire.packs import result_lines

Fetch = Callable[[str], AsyncIterator[bytes]]
"""The parts of a blob, by its digest."""


class ResultsWriter:
    """Writes packs in the order in which they are given to it. ``failed``: whether any written item has an error."""

    def __init__(self, write: Callable[[bytes], Awaitable[None]], fetch: Fetch) -> None:
        self._write = write
        self._fetch = fetch
        self._turn = DeferredLock()

    async def take(self, pack: ResultPack) -> None:
        """Write the lines of one pack. Raises what writing raises."""
        await self._turn.acquire()
        try:
            if pack.blob is None:
                lines = result_lines(pack.codec, pack.payload or b"", pack.pack_first, pack.first, pack.count)
                await self._write(b"\n".join([*lines, b""]))
            else:
                await self._write_blob(pack, pack.blob)
        finally:
            self._turn.release()

    async def _write_blob(self, pack: ResultPack, digest: str) -> None:
        dresser = LineDresser(pack)
        async for part in self._fetch(digest):
            await self._write(dresser.dress(part))
        await self._write(dresser.finish())


class LineDresser:
    """Turns a stream of a pack's lines, cut anywhere, into printable lines: index in front, lines of other items left out."""

    def __init__(self, pack: ResultPack) -> None:
        self._is_value = pack.codec == "values"
        self._first, self._stop = pack.first, pack.first + pack.count
        self._item = pack.pack_first
        self._at_start = True

    def dress(self, part: bytes) -> bytes:
        """What the next ``part`` of the payload becomes."""
        pieces: list[bytes] = []
        lines = part.split(b"\n")
        for line in lines[:-1]:
            pieces += [self._opened(line), self._closing()]
        pieces.append(self._opened(lines[-1]))
        return b"".join(pieces)

    def finish(self) -> bytes:
        """The end of the last line."""
        return self._closing()

    def _opened(self, piece: bytes) -> bytes:
        """A piece of the current line, with its head if it is the first; nothing for an item that was not asked for."""
        if not self._first <= self._item < self._stop:
            return b""
        if not self._at_start or not piece:
            return piece
        self._at_start = False
        return b'{"index": %d, "value": %b' % (self._item, piece) if self._is_value else b'{"index": %d, %b' % (self._item, piece[1:])

    def _closing(self) -> bytes:
        wanted = self._first <= self._item < self._stop
        self._item += 1
        self._at_start = True
        if not wanted:
            return b""
        return b"}\n" if self._is_value else b"\n"
