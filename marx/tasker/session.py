"""
What every command that talks to a server does around it: screen, connection, and the end of both.
"""

from __future__ import annotations

from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import AsyncIterator

from twisted.internet.defer import Deferred

from marx.tasker.link import Connection
from marx.tasker.screen import Screen
from marx.tasker.surroundings import Connect, Surroundings


@dataclass(frozen=True, slots=True)
class Session:
    """One command's surroundings, screen and connection."""

    around: Surroundings
    screen: Screen
    connection: Connection


@asynccontextmanager
async def session(around: Surroundings, connect: Connect, screen: Screen | None = None) -> AsyncIterator[Session]:
    """An open connection over ``connect``, closed afterwards. Raises Trouble where the server is not there."""
    shown = screen or Screen(around.streams, around.reactor)

    def notice(sentence: str) -> None:
        Deferred.fromCoroutine(shown.say(sentence)).addErrback(lambda _: None)

    connection = Connection(connect, around.reactor, notice)
    await connection.open()
    try:
        yield Session(around, shown, connection)
    finally:
        await connection.close()
