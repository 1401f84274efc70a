"""
The worker's end of the connection to its server, as the rest of the worker sees it: there is a link at the moment, or there is none.

Whoever needs an answer waits here through a cut of the connection.
"""

from __future__ import annotations

from typing import Any

from twisted.internet.defer import Deferred, succeed
from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import deferLater
from twisted.protocols.amp import Command

from marx.wire.calls import GuardedLink, Unavailable

#: Seconds before a question is asked again that the server could not answer just now (its disk is full, it is stopping).
AGAIN_SECONDS = 2.0


class Uplink:
    """``settings``: what the server said in its greeting, from the last connection on; empty before the first."""

    def __init__(self, clock: IReactorTime) -> None:
        self.link: GuardedLink | None = None
        self.settings: dict[str, Any] = {}
        self._clock = clock
        self._waiting: list[Deferred[GuardedLink]] = []

    def connected(self, link: GuardedLink) -> None:
        """A link is open, and its greeting and offer were answered."""
        self.link = link
        waiting, self._waiting = self._waiting, []
        for waited in waiting:
            waited.callback(link)

    def cut(self) -> None:
        """The link is lost."""
        self.link = None

    def wait_connected(self) -> Deferred[GuardedLink]:
        """
        Fire with the link as soon as there is one. May be cancelled.

        Whoever waited for an answer hears of a lost link before :meth:`cut` does, and must not be given the same link again and again.
        """
        if self.link is not None and self.link.up:
            return succeed(self.link)
        waited: Deferred[GuardedLink] = Deferred(self._waiting_cancelled)
        self._waiting.append(waited)
        return waited

    async def ask(self, command: type[Command], **arguments: Any) -> dict[str, Any]:
        """The server's answer, through as many connections as it takes. Raises any WireError but Unavailable."""
        while True:
            link = await self.wait_connected()
            try:
                return await link.ask(command, **arguments)
            except Unavailable:
                await self.wait_again(link)

    async def wait_again(self, link: GuardedLink) -> None:
        """After an Unavailable over ``link``: a moment if it is still up, since nothing else would say when to ask again."""
        if link.up:
            await deferLater(self._clock, AGAIN_SECONDS)

    def _waiting_cancelled(self, waited: Deferred[GuardedLink]) -> None:
        if waited in self._waiting:
            self._waiting.remove(waited)
