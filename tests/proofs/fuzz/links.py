"""
Drawn sessions against a whole server: in each role and without a certificate, in memory and over real TLS, while others are served.

A session must not make the server log an error, tell its peer of a fault or show it a traceback; and somebody else's connection answers
after it as before.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from random import Random
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.error import ConnectionDone
from twisted.internet.protocol import Factory, Protocol, connectionDone
from twisted.internet.testing import StringTransport
from twisted.logger import globalLogPublisher
from twisted.python.failure import Failure

from marx.certificates import Peer
from marx.doorway import Connector
from marx.tls import client_context_factory
from marx.wire import tasker
from marx.wire.calls import BadRequest, TooLarge, WireError
from marx.wire.hello import Beat
from marx.wire.worker import ReportItems
from tests.leftovers import LoggedErrors
from tests.proofs.fuzz.boxes import session
from tests.proofs.fuzz.drawing import altered, in_parts
from tests.server.guarded_room import LAB, GuardedRoom
from tests.server.room import PlayedTasker, PlayedWorker

ROLES = ("tasker", "worker", "")
#: What no peer may ever read: the words of a traceback, and that the server has failed.
FORBIDDEN = (b"Traceback", b'File "', b"INTERNAL_ERROR", b"UNKNOWN")
#: What reports of a lease bring along.
PAYLOAD = b"1"
#: Tasks of fuzzed taskers that stay open; then all are cancelled, so that the limit of open tasks does not refuse everything.
OPEN = 200


class Surprise(AssertionError):
    """A session came out as none may."""


class Closed(StringTransport):
    """Takes what a link writes; ends it when the link does."""

    protocol: Any = None

    def abortConnection(self) -> None:
        super().abortConnection()
        self._end()

    def loseConnection(self) -> None:
        super().loseConnection()
        self._end()

    def setTcpNoDelay(self, on: bool) -> None:
        """As every connection does."""

    def _end(self) -> None:
        protocol, self.protocol = self.protocol, None
        if protocol is not None:
            protocol.connectionLost(Failure(ConnectionDone()))


class Fuzzer(Protocol):
    """One raw client over TLS: sends its session, and takes what comes until it is over."""

    def __init__(self, parts: Sequence[bytes]) -> None:
        self._parts = parts
        self.said = b""
        self.over: Deferred[None] = Deferred()

    def connectionMade(self) -> None:
        for part in self._parts:
            self.transport.write(part)

    def dataReceived(self, data: bytes) -> None:
        self.said += data

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        self.over.callback(None)


class Besieged:
    """A server, and somebody who is served by it all the while."""

    def __init__(self, room: GuardedRoom) -> None:
        self._room = room
        self._contexts: dict[str, Any] = {}
        self._ada: PlayedTasker
        self._task = ""
        self._mallory: PlayedTasker
        self._lent: PlayedWorker

    async def begin(self) -> None:
        """Everybody is there."""
        self._ada = await self._room.tasker("ada")
        lab = await self._room.worker("lab-1", users=["ada"])
        self._task = await self._ada.submit(1, 2, 3)
        await lab.until(lambda: lab.grants)
        self._mallory = await self._room.tasker("mallory")
        self._lent = await self._room.worker("lab-2", users=["mallory"], labels={"of": "mallory"})
        self._contexts = {role: await self._room.certificate(role, "mallory") for role in ROLES if role}
        self._contexts[""] = client_context_factory(LAB.certificate)

    async def try_in_memory(self, sessions: Sequence[tuple[str, bytes]]) -> None:
        """Many at a time. Raises :class:`Surprise`."""
        with LoggedErrors(globalLogPublisher) as errors:
            links = [self._played(role, data) for role, data in sessions]
            try:
                await self._look(errors, sessions)
                for (role, data), transport in zip(sessions, links):
                    _look_at_answer(role, data, transport.value())
            finally:
                for transport in links:
                    transport.abortConnection()
            await self._look(errors, sessions)

    async def try_reports(self, data: bytes) -> None:
        """Reports of a worker that holds a lease, for which ``FENCE`` stands, of the task ``TASK``. Raises :class:`Surprise`."""
        with LoggedErrors(globalLogPublisher) as errors:
            fence, task = await self._lease()
            raw = json.loads(data.replace(b'"FENCE"', b"%d" % fence).replace(b'"TASK"', b'"%s"' % task.encode()))
            try:
                await self._lent.ask(ReportItems, reports=raw, payload=PAYLOAD)
            except (BadRequest, TooLarge):
                pass
            except WireError as error:
                raise Surprise(f"a worker was told {error!r}, after {data!r}") from error
            await self._look(errors, [("worker", data)])

    async def _lease(self) -> tuple[int, str]:
        """One that is good, of a task of Mallory's own."""
        scheduler = self._room.parts.service.scheduler
        held = [grant for grant in self._lent.grants if scheduler.is_live(grant[0])]
        if not held:
            self._lent.grants.clear()
            await self._mallory.submit(*range(40))
            await self._lent.until(lambda: self._lent.grants)
            held = self._lent.grants
        return held[0][0], held[0][1]

    async def try_over_tls(self, role: str, data: bytes) -> None:
        """One, over the network. Raises :class:`Surprise`."""
        with LoggedErrors(globalLogPublisher) as errors:
            fuzzer = Fuzzer(in_parts(Random(len(data)), data))
            connector = Connector(self._room.reactor, [self._room.address], self._contexts[role])
            await connector.connect(Factory.forProtocol(lambda: fuzzer))
            await self._look(errors, [(role, data)])
            if not fuzzer.over.called:
                fuzzer.transport.abortConnection()
            await fuzzer.over
            _look_at_answer(role, data, fuzzer.said)

    def _played(self, role: str, data: bytes) -> Closed:
        """A link that was given a session; what it answers at once stands in the transport."""
        transport = Closed()
        if role:
            serial = next(known.serial for known in self._room.identity._certificates.values() if (known.role, known.name) == (role, "mallory"))
            link = self._room.parts.factories[role].buildProtocol(Peer(role, "mallory", serial))
        else:
            link = self._room.gate._protocol_for(None, "nowhere", f"network {len(data)}")
        transport.protocol = link
        link.makeConnection(transport)
        for part in in_parts(Random(len(data)), data):
            if transport.protocol is not None:
                link.dataReceived(part)
        return transport

    async def _look(self, errors: LoggedErrors, sessions: Sequence[tuple[str, bytes]]) -> None:
        """Whether Ada is served, and nothing was logged; who says nothing for long would be dropped."""
        for quiet in (self._mallory, self._lent):
            await quiet.ask(Beat)
        shown = (await self._ada.ask(tasker.ShowTask, task=self._task))["shown"]
        if (shown["state"], shown["total"], shown["failed"]) != ("running", 3, 0):
            raise Surprise(f"somebody else's task is now {shown}, after {sessions!r}")
        logged = errors.seen()
        if logged:
            raise Surprise(f"the server logged {logged!r}, after {sessions!r}")
        mine = [live.id for live in self._room.parts.directory.tasks.values() if live.user == "mallory"]
        for task in mine if len(mine) > OPEN else ():
            await self._room.parts.factories["tasker"]._offices.submissions.cancel(task, "mallory")


def _look_at_answer(role: str, data: bytes, said: bytes) -> None:
    for words in FORBIDDEN:
        if words in said:
            raise Surprise(f"a {role or 'stranger'} was told {said[:300]!r}, after {data!r}")


def drawn(seed: int, number: int) -> tuple[str, bytes]:
    """The session of this number: its role, and its bytes."""
    random = Random(f"{seed}:session:{number}")
    role = ROLES[number % len(ROLES)]
    return role, session(random, role)


def drawn_reports(seed: int, number: int) -> bytes:
    """Reports under a lease, of this number."""
    random = Random(f"{seed}:reports:{number}")
    place = "FENCE", "TASK", 0
    item = random.randrange(3)
    digest = "0" * 64
    valid: list[Any] = [
        ["results", *place, item, 1, "values", [], 0.1, 1],
        ["results", *place, item, 1, "entries", [item], 0.1, 1, digest],
        ["output", *place, item, item, 1.0, 1],
        ["artifact", *place, item, 0, "made", 420, 1, 1.0, None, False, None, 1],
        ["note", *place, "a note", 1],
        ["portion", *place, "{}", "lab", "", "3.11", None, None, 1],
        ["items", *place, 0, 1, "pickles", digest, False, 1],
        ["drop", *place, 1],
        ["end", *place, random.choice(("died", "succeeded", "refused", "cancelled")), item, "because", 1, None, 0.1, 1, False, 1],
    ]
    chosen = random.choice(valid[:-1] if random.random() < 0.95 else valid)
    return json.dumps([altered(random, chosen) if random.random() < 0.9 else chosen]).encode()
