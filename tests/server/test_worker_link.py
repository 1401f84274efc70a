"""A worker that says anything is alive, whether it finds time for a heartbeat or not."""

from __future__ import annotations

import itertools
from types import SimpleNamespace
from typing import Any

import pytest
from twisted.internet.defer import Deferred, succeed
from twisted.internet.task import Clock
from twisted.internet.testing import StringTransport
from twisted.protocols.amp import AmpBox, Command

from marx.certificates import Peer
from marx.core import events
from marx.server.directory import Directory
from marx.server.link import Desk, Settings
from marx.server.worker_link import RENEW_SECONDS, WorkerProtocol
from marx.wire import hello, worker
from tests.fakes.audits import RecordingAudit

OFFER = {"slots": 1, "interpreters": [{"version": "3.11.7", "path": "/usr/bin/python3"}], "sandbox": "bwrap"}


class Scheduling:
    """The service, as far as a link needs it; no worker holds anything."""

    suspended = ""
    scheduler = SimpleNamespace(holds_any=lambda name, task: False)

    def __init__(self) -> None:
        self.happenings: list[Any] = []

    def happened(self, event: Any) -> Deferred[None]:
        self.happenings.append(event)
        return succeed(None)


class Wire:
    """A link of the server's, its clock, and what the worker at the other end says."""

    def __init__(self) -> None:
        self.clock = Clock()
        self.service = Scheduling()
        settings = Settings(heartbeat_seconds=15, silent_seconds=45, lease_seconds=60, item_bytes=1, result_bytes=1, file_bytes=1)
        desk = Desk(self.service, SimpleNamespace(), settings, self.clock, lambda serial: False, RecordingAudit())
        services = SimpleNamespace(programs=None, inputs=None, output=None)
        self.link = WorkerProtocol(Peer("worker", "lab-1", "1"), desk, Directory(), SimpleNamespace(), services)
        self.transport = StringTransport()
        self.link.makeConnection(self.transport)
        self._numbers = itertools.count()

    def say(self, command: type[Command], **arguments: Any) -> None:
        box = AmpBox(command.makeArguments(arguments, self.link))
        self.link.dataReceived(AmpBox(box, _command=command.commandName, _ask=b"%x" % next(self._numbers)).serialize())

    def join(self) -> None:
        self.say(hello.Greet, oldest=1, newest=1, software="a test", boot="boot-1")
        self.say(worker.OfferSlots, offer=OFFER, held=[])

    @property
    def heard(self) -> int:
        """How often its leases were renewed."""
        return self.service.happenings.count(events.WorkerHeard("lab-1"))


@pytest.fixture
def wire() -> Wire:
    return Wire()


def test_a_worker_that_only_asks_keeps_its_leases(wire: Wire) -> None:
    wire.join()
    for _ in range(20):
        wire.clock.advance(RENEW_SECONDS)
        wire.say(worker.ReadInput, task="abcdefgh", offset=0)
    assert wire.heard == 20 and not wire.transport.disconnecting


def test_however_much_it_says_its_leases_are_renewed_now_and_then_only(wire: Wire) -> None:
    wire.join()
    for _ in range(1000):
        wire.clock.advance(RENEW_SECONDS / 100)
        wire.say(worker.ReadInput, task="abcdefgh", offset=0)
    assert 9 <= wire.heard <= 10


def test_who_has_offered_nothing_has_no_leases(wire: Wire) -> None:
    wire.say(hello.Greet, oldest=1, newest=1, software="a test", boot="boot-1")
    wire.clock.advance(RENEW_SECONDS)
    wire.say(hello.Greet, oldest=1, newest=1, software="a test", boot="boot-1")
    assert wire.heard == 0


def test_silence_ends_the_connection(wire: Wire) -> None:
    wire.join()
    wire.clock.advance(44)
    assert wire.link.up and not wire.transport.disconnecting
    wire.clock.advance(2)
    assert wire.transport.disconnecting or wire.transport.disconnected
