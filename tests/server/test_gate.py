"""The gate over real TLS: who gets which protocol, and what the log says of those who get none."""

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import pytest
import pytest_twisted
from twisted.internet.defer import Deferred
from twisted.internet.error import ConnectionDone
from twisted.internet.protocol import Factory, Protocol
from twisted.internet.task import Clock
from twisted.logger import capturedLogs, formatEvent
from twisted.python.failure import Failure

from marx.addresses import Address
from marx.certificates import Peer, new_key, serial_of, signing_request
from marx.doorway import Connector
from marx.server import gate as gate_module
from marx.server.authority import Authority
from marx.server.codes import CertificateRecord
from marx.server.enrolment import Enrolment
from marx.server.gate import Gate
from marx.server.identity import Identity
from marx.tls import client_context_factory
from marx.trouble import explain
from marx.wire.calls import GuardedLink, NotPermitted
from marx.wire.enrol import Enrol
from marx.wire.hello import Beat
from tests.fakes.audits import RecordingAudit
from tests.fakes.identity_records import MemoryRecords
from tests.lab import PeerLinks, Recorder, certified, client_of, dial, hang_up, listening, server_of

LAB, OTHER_LAB = Authority.new(time.time()), Authority.new(time.time())


class House:
    """A gate and what stands behind it."""

    def __init__(self) -> None:
        from twisted.internet import reactor

        self.identity = Identity(MemoryRecords(), time.time)
        self.enrolment = Enrolment(LAB, self.identity, lambda: [], time.time)
        self.links = {"tasker": PeerLinks(), "worker": PeerLinks()}
        self.gate = Gate(self.identity, self.enrolment, self.links, reactor, RecordingAudit())

    @asynccontextmanager
    async def open(self) -> AsyncIterator[Address]:
        """Where it listens."""
        async with listening(server_of(LAB), self.gate) as address:
            yield address

    async def member(self, role: str, name: str) -> tuple[Any, CertificateRecord]:
        """The client's context of someone who joined, and the record of it."""
        key, certificate = certified(LAB, role=role, name=name)
        record = CertificateRecord(serial_of(certificate), role, name, False, "", 0.0)
        await self.identity.save(certificates=[record])
        return client_context_factory(LAB.certificate, key, certificate), record


@pytest.mark.parametrize("role", ["tasker", "worker"])
@pytest_twisted.ensureDeferred
async def test_a_member_gets_the_link_of_its_role_and_bytes_pass_both_ways_without_delay(role: str) -> None:
    house = House()
    context, record = await house.member(role, "anna")
    async with house.open() as address:
        member = await dial(context, address)
        peer, link = await house.links[role].came
        assert peer == Peer(role, "anna", record.serial)
        assert member.transport.getTcpNoDelay() and link.transport.getTcpNoDelay()
        member.transport.write(b"ping")
        assert await link.came == b"ping"
        link.transport.write(b"pong")
        assert await member.came == b"pong"
        member.transport.loseConnection()
        await link.lost
        await member.lost
    assert not house.links["worker" if role == "tasker" else "tasker"].came.called


@pytest_twisted.ensureDeferred
async def test_who_has_no_certificate_may_only_join_and_is_told_so() -> None:
    house = House()
    async with house.open() as address:
        assert "may only join" in await _refusal(client_context_factory(LAB.certificate), address)
    assert not any(links.came.called for links in house.links.values())


@pytest_twisted.ensureDeferred
async def test_a_revoked_or_unknown_certificate_gets_a_sentence_and_a_line_in_the_log() -> None:
    house = House()
    context, record = await house.member("worker", "lab7")
    await house.identity.save(certificates=[replace(record, revoked_utc=1.0)])
    with capturedLogs() as captured:
        async with house.open() as address:
            assert "worker lab7 was revoked" in await _refusal(context, address)
            assert "not on the server's record" in await _refusal(client_of(LAB), address)
    assert len([line for line in _lines(captured) if "may not in: the certificate of worker lab7" in line]) == 2
    assert not house.links["worker"].came.called


@pytest_twisted.ensureDeferred
async def test_who_was_revoked_cannot_join_anew_over_the_same_connection() -> None:
    house = House()
    code = await house.enrolment.make_code("worker", None, 1, 60.0)
    wishes = {"oldest": 1, "newest": 1, "role": "worker", "secret": code.secret, "request": signing_request(new_key()), "hint": "lab7"}
    async with house.open() as address:
        link = await _link(client_of(LAB), address)
        with pytest.raises(NotPermitted, match="not on the server's record"):
            await link.ask(Enrol, **wishes)
        link.transport.loseConnection()
        await link.gone
    assert house.identity.codes()[0].used == 0


@pytest_twisted.ensureDeferred
async def test_a_foreign_certificate_is_refused_with_its_reason_in_the_log_and_the_next_one_is_served() -> None:
    house = House()
    context, _ = await house.member("worker", "lab7")
    foreign = client_context_factory(LAB.certificate, *certified(OTHER_LAB))
    with capturedLogs() as captured:
        async with house.open() as address:
            refused = await dial(foreign, address)
            assert "different labs" in explain(await refused.lost)
            await _come_and_go(house, context, address)
    [line] = [line for line in _lines(captured) if "dropped in the TLS handshake" in line]
    assert "127.0.0.1" in line and "comes from another authority" in line


@pytest_twisted.ensureDeferred
async def test_noise_is_dropped_and_logged() -> None:
    from twisted.internet import reactor
    from twisted.internet.endpoints import TCP4ClientEndpoint

    house = House()
    with capturedLogs() as captured:
        async with house.open() as address:
            noise = await TCP4ClientEndpoint(reactor, address.host, address.port).connect(Factory.forProtocol(Recorder))
            noise.transport.write(b"GET / HTTP/1.0\r\n\r\n")
            await noise.lost
    assert any("dropped in the TLS handshake: the other side does not speak TLS" in line for line in _lines(captured))


@pytest_twisted.ensureDeferred
async def test_a_factory_that_has_nothing_for_a_peer_or_fails_costs_that_connection_only(logged_failures: Any) -> None:
    house = House()
    context, _ = await house.member("worker", "lab7")
    links = house.links["worker"]
    async with house.open() as address:
        links.refusing = True
        await (await dial(context, address)).lost
        links.refusing = False
        del house.gate._factories["worker"]
        await (await dial(context, address)).lost
        house.gate._factories["worker"] = links
        await _come_and_go(house, context, address)
    assert len(logged_failures.flush(KeyError)) == 1


@pytest_twisted.ensureDeferred
async def test_strangers_are_counted_until_they_leave(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gate_module, "STRANGERS_OF_ONE", 1)
    house = House()
    stranger = client_context_factory(LAB.certificate)
    async with house.open() as address:
        assert "may only join" in await _refusal(stranger, address)
        first = await _link(stranger, address)
        with pytest.raises(NotPermitted, match="may only join"):
            await first.ask(Beat)
        await (await dial(stranger, address)).lost
        first.transport.loseConnection()
        await first.gone
        assert "may only join" in await _refusal(stranger, address)


def test_connections_in_their_handshake_are_counted_until_it_is_over(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gate_module, "HANDSHAKES_OF_ONE", 1)
    house = House()
    gate = Gate(house.identity, house.enrolment, house.links, Clock(), RecordingAudit())
    first = gate.buildProtocol(Address("203.0.113.9"))
    assert gate.buildProtocol(Address("203.0.113.9")) is None
    first.makeConnection(_Transport())
    first.connectionLost(Failure(ConnectionDone()))
    assert gate.buildProtocol(Address("203.0.113.9")) is not None


@pytest_twisted.ensureDeferred
async def test_links_do_not_count_as_handshakes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gate_module, "HANDSHAKES", 1)
    house = House()
    worker, tasker = (await house.member("worker", "lab7"))[0], (await house.member("tasker", "anna"))[0]
    async with house.open() as address:
        first = await dial(worker, address)
        _, worker_link = await house.links["worker"].came
        second = await dial(tasker, address)
        _, tasker_link = await house.links["tasker"].came
        await hang_up(first, second)
        await worker_link.lost
        await tasker_link.lost


class _Transport(Protocol):
    def setTcpNoDelay(self, enabled: bool) -> None: ...


class _Link(GuardedLink):
    """A client's end; `gone` fires when it is closed."""

    def __init__(self) -> None:
        from twisted.internet import reactor

        super().__init__(reactor)
        self.gone: Deferred[None] = Deferred()

    def lost(self, reason: Any) -> None:
        self.gone.callback(None)


async def _link(context: Any, address: Address) -> _Link:
    from twisted.internet import reactor

    return await Connector(reactor, [address], context).connect(Factory.forProtocol(_Link))


async def _refusal(context: Any, address: Address) -> str:
    """What the server answers to an ordinary command, and that it goes on to be polite about it."""
    link = await _link(context, address)
    with pytest.raises(NotPermitted) as refused:
        await link.ask(Beat)
    link.transport.loseConnection()
    await link.gone
    return str(refused.value)


async def _come_and_go(house: House, context: Any, address: Address) -> None:
    member = await dial(context, address)
    _, link = await house.links["worker"].came
    member.transport.abortConnection()
    await link.lost
    await member.lost


def _lines(captured: Any) -> list[str]:
    return [formatEvent(event) or "" for event in captured]
