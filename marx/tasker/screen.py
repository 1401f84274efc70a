"""
The person's terminal or pipes: results on standard output, everything else on standard error, and the live line below both.
"""

from __future__ import annotations

from typing import Any, Iterable, Mapping

from twisted.internet.defer import Deferred, DeferredLock

from marx.tasker.streams import Outlet
from marx.tasker.surroundings import Streams
from marx.wire.packs import STDERR, STDOUT

#: Takes a terminal's cursor to the line's first column and clears the line.
CLEAR = b"\r\x1b[K"


class Screen:
    """
    What a command shows, in the order in which it is asked to, however slowly it is read.

    ``live``: whether a progress line is kept at the bottom. Where standard output is the same terminal it makes room for that, too; it is
    never drawn behind a line that has not ended.
    """

    def __init__(self, streams: Streams, reactor: Any, live: bool = False, quiet: bool = False) -> None:
        self.out = Outlet(streams.stdout, reactor)
        self.err = Outlet(streams.stderr, reactor)
        self._is_one_terminal = self.out.is_terminal and self.err.is_terminal
        self._quiet = quiet
        self.is_live = live
        self._turn = DeferredLock()
        self._line = b""
        self._is_drawn = False
        self._is_redrawing = False
        self._at_line_start = True

    async def write_results(self, content: bytes) -> None:
        """For programs, on standard output. Raises BrokenPipeError where nobody reads any more, as all that write do."""
        await self.write_streams([(STDOUT, content)])

    async def write_output(self, content: bytes) -> None:
        """For people, on standard error."""
        await self._write_below(content)

    async def write_streams(self, pieces: Iterable[tuple[int, bytes]]) -> None:
        """Pieces of either stream, one after the other."""
        async with self._turn:
            for stream, content in pieces:
                if stream == STDERR:
                    await self.err.write(self._with_line(content))
                elif self._is_one_terminal:
                    await self.err.write(self._cleared(content))
                    await self.out.write(content)
                else:
                    await self.out.write(content)
            if self._is_one_terminal and not self._is_drawn:
                await self.err.write(self._with_line(b""))

    async def say(self, sentence: str) -> None:
        """One sentence of our own; kept back where the person asked for quiet."""
        if not self._quiet:
            await self.complain(sentence)

    async def complain(self, sentence: str) -> None:
        """One sentence that a person must see, on a line of its own."""
        text = f"tasker: {sentence}\n".encode("utf-8", "backslashreplace")
        await self._write_below(text if self._at_line_start else b"\n" + text)

    def show_line(self, line: bytes) -> None:
        """Replace the live line, now or as soon as the terminal takes it."""
        self._line = line
        if self.is_live and not self._is_redrawing:
            self._is_redrawing = True
            Deferred.fromCoroutine(self._redraw()).addErrback(lambda _: None)

    async def end_line(self) -> None:
        """Take the live line away for good."""
        self.is_live = False
        await self._write_below(b"")

    async def _redraw(self) -> None:
        try:
            await self._write_below(b"")
        finally:
            self._is_redrawing = False

    async def _write_below(self, content: bytes) -> None:
        """On standard error; what is one terminal takes turns, but nobody waits for a pipe on standard output whose reader pauses."""
        if not self._is_one_terminal:
            await self.err.write(self._with_line(content))
            return
        async with self._turn:
            await self.err.write(self._with_line(content))

    def _with_line(self, content: bytes) -> bytes:
        """``content`` without a live line before it, and with one behind it where there may be one: in one piece, so that all stays in order."""
        cleared = self._cleared(content)
        if not (self.is_live and self._line and self._at_line_start and self.err.is_ours()):
            return cleared + content
        self._is_drawn = True
        return cleared + content + self._line

    def _cleared(self, content: bytes) -> bytes:
        """What takes the live line away before ``content``; nothing where a shell that stopped us has its prompt there now."""
        was_drawn, self._is_drawn = self._is_drawn, False
        if content:
            self._at_line_start = content.endswith(b"\n")
        return CLEAR if was_drawn and self.err.is_ours() else b""


def wants_live_line(progress: str, quiet: bool, streams: Streams, environ: Mapping[str, str]) -> bool:
    """Whether to keep a live line: ``progress`` is auto (on a terminal that can move its cursor), on or off."""
    if progress == "auto":
        return not quiet and streams.stderr.isatty() and environ.get("TERM", "dumb") != "dumb"
    return progress == "on"
