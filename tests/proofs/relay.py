"""
A wire between the parts of a lab that can be cut, slowed down and frozen: a TCP relay in a thread of its own.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Coroutine
from typing import Any

PART_BYTES = 65536


class Relay:
    """Listens on ``port`` and passes everything on to ``target``, both on the loopback interface. ``delay``: seconds for which each part is held."""

    def __init__(self) -> None:
        self.target = 0
        self.delay = 0.0
        self._ends: set[asyncio.StreamWriter] = set()
        self._loop = asyncio.new_event_loop()
        self._flowing: asyncio.Event
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self._server: asyncio.Server = self._run(self._listen())
        self.port: int = self._server.sockets[0].getsockname()[1]

    def cut(self) -> None:
        """End every connection at once, as a cable does."""
        self._loop.call_soon_threadsafe(self._abort)

    def freeze(self) -> None:
        """Let nothing through, and let nobody notice."""
        self._loop.call_soon_threadsafe(lambda: self._flowing.clear())

    def thaw(self) -> None:
        """Let everything through again."""
        self._loop.call_soon_threadsafe(lambda: self._flowing.set())

    def stop(self) -> None:
        """End it."""
        self._run(self._close())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def _run(self, coroutine: Coroutine[Any, Any, Any]) -> Any:
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result()

    async def _listen(self) -> asyncio.Server:
        self._flowing = asyncio.Event()
        self._flowing.set()
        return await asyncio.start_server(self._join, "127.0.0.1", 0)

    async def _join(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            onward = await asyncio.open_connection("127.0.0.1", self.target)
        except OSError:
            writer.transport.abort()
            return
        self._ends |= {writer, onward[1]}
        await asyncio.gather(self._pass_on(reader, onward[1]), self._pass_on(onward[0], writer))
        self._ends -= {writer, onward[1]}

    async def _pass_on(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while part := await reader.read(PART_BYTES):
                await asyncio.sleep(self.delay)
                await self._flowing.wait()
                writer.write(part)
                await writer.drain()
        except OSError:
            writer.transport.abort()
        else:
            writer.close()

    def _abort(self) -> None:
        for end in list(self._ends):
            end.transport.abort()

    async def _close(self) -> None:
        self._server.close()
        self._abort()
        rest = asyncio.all_tasks() - {asyncio.current_task()}
        for task in rest:
            task.cancel()
        await asyncio.gather(*rest, return_exceptions=True)
