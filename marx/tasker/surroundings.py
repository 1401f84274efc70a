"""
What a command has around it: the person's streams, folder and environment, the reactor, the clock, the way to a server.

``cli`` makes the real ones; tests make theirs. Nothing below reads ``sys`` or ``os.environ``.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Awaitable, BinaryIO, Callable, Mapping, Protocol

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IProtocol, IProtocolFactory

Connect = Callable[[IProtocolFactory], Deferred[IProtocol]]
"""Opens an authenticated connection to a server; as an endpoint's ``connect``."""


class Embedded(Protocol):
    """A server and a worker in this process, for ``--local``. ``level``: the sandbox that is in force."""

    level: str

    def connect(self, factory: IProtocolFactory) -> Deferred[IProtocol]:
        """A connection to it."""

    def stop(self) -> Deferred[None]:
        """End its processes and forget everything."""


class Reach(Protocol):
    """The ways to a server."""

    def login(self, server: str | None) -> Connect:
        """The way to the server of that login. Raises Trouble with 78 where there is none."""

    def embed(self, slots: int, python: str, sandbox: str | None) -> Awaitable[Embedded]:
        """A server of our own with so many slots. ``python``: the path of the one that will be asked for."""


@dataclass(frozen=True, slots=True)
class Streams:
    """The command's standard streams, binary."""

    stdin: BinaryIO
    stdout: BinaryIO
    stderr: BinaryIO


@dataclass(frozen=True, slots=True)
class Place:
    """Where the person stands: absolute folders, and the machine's name."""

    folder: str
    home: str
    host: str


@dataclass(slots=True)
class Interrupts:
    """Ctrl-C: calls the newest ``subscribe``\\ d, if any, else ``otherwise``."""

    otherwise: Callable[[], None] = lambda: None
    _subscribed: list[Callable[[], None]] = field(default_factory=list)

    def subscribe(self, callback: Callable[[], None]) -> None:
        """Take what Ctrl-C means from whoever had it."""
        self._subscribed.append(callback)

    def unsubscribe(self, callback: Callable[[], None]) -> None:
        """Give it back."""
        self._subscribed.remove(callback)

    def fire(self) -> None:
        """The person pressed Ctrl-C."""
        (self._subscribed[-1] if self._subscribed else self.otherwise)()


@dataclass(frozen=True, slots=True)
class Surroundings:
    """Everything a command may touch. ``wall``: seconds since 1970, only ever shown or compared with files' times."""

    streams: Streams
    place: Place
    environ: Mapping[str, str]
    reach: Reach
    reactor: Any
    wall: Callable[[], float]
    interrupts: Interrupts = field(default_factory=Interrupts)
