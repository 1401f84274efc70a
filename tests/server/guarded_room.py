"""
The same room with its gate: peers come over real TLS, with certificates that the lab's authority signed.
"""

from __future__ import annotations

import sqlite3
import time
from pathlib import Path
from typing import Any

from twisted.internet.protocol import Factory

from marx.addresses import Address
from marx.certificates import serial_of
from marx.doorway import Connector
from marx.server.authority import Authority
from marx.server.codes import CertificateRecord
from marx.server.composing import Gatekeeper
from marx.server.enrolment import Enrolment
from marx.server.gate import Gate
from marx.server.identity import Identity
from marx.tls import client_context_factory
from tests.fakes.identity_records import MemoryRecords
from tests.lab import certified, listening, server_of
from tests.server.room import Played, Room

LAB = Authority.new(time.time())


class GuardedRoom(Room):
    """Everybody who connects joins first, under the name and role that a test gives them."""

    def __init__(self, folder: Path, reactor: Any) -> None:
        super().__init__(folder, reactor)
        self.identity = Identity(MemoryRecords(), time.time)
        self.address: Address
        self.wall = time.time
        self.enrolment = Enrolment(LAB, self.identity, lambda: [self.address], lambda: self.wall())

    def gatekeeper(self) -> Gatekeeper:
        return Gatekeeper(self.identity.is_revoked, self.identity.is_operator, lambda: self.identity.good_names("worker"), self.enrolment.renew)

    async def begin(self) -> None:
        await super().begin()
        self.identity.when_revoked(self.parts.dismiss)
        self.gate = Gate(self.identity, self.enrolment, self.parts.factories, self.reactor, self.parts.audit)
        self._listening = listening(server_of(LAB), self.gate)
        self.address = await self._listening.__aenter__()

    async def end(self) -> None:
        await self._listening.__aexit__(None, None, None)
        await super().end()

    async def certificate(self, role: str, name: str, operator: bool = False) -> Any:
        """The context of somebody who has joined."""
        key, certificate = certified(LAB, role=role, name=name)
        async with self.identity.changing:
            await self.identity.save(certificates=[CertificateRecord(serial_of(certificate), role, name, operator, "", 0.0)])
        return client_context_factory(LAB.certificate, key, certificate)

    async def connect(self, peer: Played, role: str, name: str) -> Any:
        return await self.dial(peer, await self.certificate(role, name))

    async def dial(self, peer: Played, context: Any) -> Any:
        """Connect with a certificate that is there, or with none."""
        self.peers.append(await Connector(self.reactor, [self.address], context).connect(Factory.forProtocol(lambda: peer)))
        return peer

    def stored(self) -> str:
        """All that the database has, as text."""
        with sqlite3.connect(self.folder / "marx.sqlite") as database:
            return "\n".join(database.iterdump())
