"""A person in a folder of their own, with a server in memory."""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from twisted.internet.defer import Deferred
from twisted.internet.task import deferLater

from marx.tasker.cli import main
from marx.tasker.ending import Errand, carry_out
from marx.tasker.exits import CONFIGURATION, Trouble
from marx.tasker.surroundings import Interrupts, Place, Streams, Surroundings
from tests.fakes.server_link import FakeServer


class FakeEmbedded:
    """A server of our own, in memory."""

    def __init__(self, server: FakeServer, level: str) -> None:
        self.level = level
        self.connect = server.connect
        self.stopped = False

    async def stop(self) -> None:
        self.stopped = True


@dataclass
class FakeReach:
    """Where the person's server is; `embedded` is what --local made, and `asked` what it was asked for."""

    server: FakeServer
    is_logged_in: bool = True
    level: str = "bwrap"
    embedded: FakeEmbedded | None = None
    asked: tuple[Any, ...] = ()

    def login(self, server: str | None) -> Any:
        if not self.is_logged_in:
            raise Trouble("not logged in", CONFIGURATION)
        return self.server.connect

    async def embed(self, slots: int, python: str, sandbox: str | None) -> FakeEmbedded:
        self.asked = slots, python, sandbox
        self.embedded = FakeEmbedded(self.server, self.level)
        return self.embedded


@dataclass
class Person:
    """Somebody who types `tasker ...` in `folder`; what they see is in `out` and `err`."""

    server: FakeServer
    folder: Path
    reactor: Any
    environ: dict[str, str] = field(default_factory=dict)
    stdin: Any = field(default_factory=io.BytesIO)
    stdout: Any = field(default_factory=lambda: LeavingReader())
    stderr: Any = field(default_factory=io.BytesIO)
    wall: Callable[[], float] = lambda: 2_000_000_000.0
    interrupts: Interrupts = field(default_factory=Interrupts)
    host: str = "desk"

    def __post_init__(self) -> None:
        self.reach = FakeReach(self.server)
        self._was_run = False

    @property
    def out(self) -> str:
        return self.stdout.getvalue().decode()

    @property
    def err(self) -> str:
        return self.stderr.getvalue().decode()

    @property
    def around(self) -> Surroundings:
        place = Place(str(self.folder), "/home/ada", self.host)
        return Surroundings(Streams(self.stdin, self.stdout, self.stderr), place, self.environ, self.reach, self.reactor, self.wall, self.interrupts)

    def reader_leaves(self) -> None:
        """Nobody reads standard output any more."""
        self.stdout.left = True

    def types(self, *argv: str) -> Deferred[int]:
        """Type a command; fires with its exit code."""
        ended: Deferred[int] = Deferred()

        def run(errand: Errand) -> int:
            self._start(errand).chainDeferred(ended)
            return 0

        code = main(argv, run, self.stdout, self.stderr)
        if not self._was_run:
            ended.callback(code)
        self._was_run = False
        return ended

    def _start(self, errand: Errand) -> Deferred[int]:
        self._was_run = True
        running = Deferred.fromCoroutine(carry_out(errand, self.around))
        self.interrupts.otherwise = running.cancel
        return running


class LeavingReader(io.BytesIO):
    """A pipe; once `left`, nobody reads any more."""

    left = False

    def write(self, content: Any) -> int:
        if self.left:
            raise BrokenPipeError(32, "Broken pipe")
        return super().write(content)


async def until(server: FakeServer, condition: Callable[[], Any], seconds: float = 5.0) -> None:
    """Let the reactor turn until `condition` holds; fails after `seconds`."""
    deadline = server.reactor.seconds() + seconds
    while not condition():
        assert server.reactor.seconds() < deadline, "waited in vain"
        await deferLater(server.reactor, 0.001)


@pytest.fixture
def server() -> FakeServer:
    from twisted.internet import reactor

    return FakeServer(reactor)


@pytest.fixture
def person(server: FakeServer, tmp_path: Path) -> Person:
    """Ada, in a folder with a program `prog.py` that has a function `f`."""
    (tmp_path / "prog.py").write_text("def f(x):\n    return x\n")
    return Person(server, tmp_path, server.reactor)
