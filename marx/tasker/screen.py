"""
The person's terminal or pipes: results on standard output, everything else on standard error, and the live line below both.
"""

from __future__ import annotations

from typing import Any, Mapping

from twisted.internet.defer import Deferred

from marx.tasker.streams import Outlet
from marx.tasker.surroundings import Streams

#: Takes a terminal's cursor to the line's first column and clears the line.
CLEAR = b"\r\x1b[K"


class Screen:
    """
    What a command shows. ``results``: where result lines go, standard output or a file.

    ``live``: whether a progress line is kept at the bottom. Where standard output is the same terminal it makes room for that, too.
    """

    def __init__(self, streams: Streams, reactor: Any, live: bool = False, quiet: bool = False) -> None:
        self.out = Outlet(streams.stdout, reactor)
        self.err = Outlet(streams.stderr, reactor)
        self._quiet = quiet
        self.is_live = live
        self._line = b""
        self._is_drawn = False
        self._at_line_start = True

    async def write_results(self, content: bytes) -> None:
        """Whole lines for programs."""
        if self.out.is_terminal:
            await self._clear()
        await self.out.write(content)
        if self.out.is_terminal:
            await self._draw()

    async def write_output(self, content: bytes) -> None:
        """What the items printed, for people."""
        await self._clear()
        await self.err.write(content)
        self._at_line_start = content.endswith(b"\n")
        await self._draw()

    async def say(self, sentence: str) -> None:
        """One sentence of our own; kept back where the person asked for quiet."""
        if not self._quiet:
            await self.complain(sentence)

    async def complain(self, sentence: str) -> None:
        """One sentence that a person must see."""
        start = b"" if self._at_line_start else b"\n"
        await self.write_output(start + f"tasker: {sentence}\n".encode("utf-8", "backslashreplace"))

    def show_line(self, line: bytes) -> None:
        """Replace the live line, now or as soon as the terminal takes it."""
        self._line = line
        if self.is_live and self._at_line_start:
            Deferred.fromCoroutine(self._redraw()).addErrback(lambda _: None)

    async def end_line(self) -> None:
        """Take the live line away for good."""
        await self._clear()
        self.is_live = False

    async def _redraw(self) -> None:
        await self._clear()
        await self._draw()

    async def _clear(self) -> None:
        if self._is_drawn:
            self._is_drawn = False
            await self.err.write(CLEAR)

    async def _draw(self) -> None:
        if self.is_live and self._line and self._at_line_start and not self._is_drawn:
            self._is_drawn = True
            await self.err.write(self._line)


def wants_live_line(progress: str, quiet: bool, streams: Streams, environ: Mapping[str, str]) -> bool:
    """Whether to keep a live line: ``progress`` is auto (on a terminal that can move its cursor), on or off."""
    if progress == "auto":
        return not quiet and streams.stderr.isatty() and environ.get("TERM", "dumb") != "dumb"
    return progress == "on"
