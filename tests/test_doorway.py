"""Dialling: one address after the other, in time, once the server has proved who it is, and giving up where that is asked for."""

import time
from typing import Any

import pytest
import pytest_twisted
from OpenSSL import SSL
from twisted.application.internet import ClientService
from twisted.internet.defer import CancelledError
from twisted.internet.error import ConnectionDone, ConnectionLost
from twisted.internet.protocol import Factory, Protocol
from twisted.internet.task import Clock
from twisted.internet.testing import StringTransport
from twisted.logger import capturedLogs, formatEvent
from twisted.python.failure import Failure

from marx.addresses import Address
from marx.doorway import HANDSHAKE_SECONDS, Connector, Doorway
from marx.server.authority import Authority
from marx.trouble import NotReachable, PeerRefused
from tests.lab import Doorkeeper, Recorder, client_of, dial, hang_up, listening, server_of

LAB, OTHER_LAB = Authority.new(time.time()), Authority.new(time.time())


class Transport(StringTransport):
    """A TLS transport as far as a doorway uses one."""

    def setTcpNoDelay(self, enabled: bool) -> None:
        assert enabled


class Silent(Factory):
    """Takes one connection and says nothing."""

    noisy = False

    def __init__(self) -> None:
        self.end = Recorder()

    def buildProtocol(self, address: Any) -> Recorder:
        return self.end


async def nowhere() -> Address:
    """An address at which nothing listens."""
    async with listening(None, Factory.forProtocol(Protocol)) as address:
        return address


def standing() -> tuple[Doorway, Transport, Clock, list[Doorway], list[BaseException]]:
    clock, transport = Clock(), Transport()
    opened: list[Doorway] = []
    failed: list[BaseException] = []
    doorway = Doorway(clock, opened.append, lambda reason: failed.append(reason.value))
    doorway.makeConnection(transport)
    return doorway, transport, clock, opened, failed


def test_a_handshake_that_takes_too_long_ends_the_connection() -> None:
    doorway, transport, clock, opened, failed = standing()
    clock.advance(HANDSHAKE_SECONDS - 1)
    assert not transport.disconnected
    clock.advance(1)
    assert transport.disconnected
    doorway.connectionLost(Failure(ConnectionDone()))
    assert [type(reason) for reason in failed] == [NotReachable] and not opened
    assert not clock.getDelayedCalls()


def test_after_the_handshake_time_does_not_matter_and_the_end_is_the_protocols_own() -> None:
    doorway, transport, clock, opened, failed = standing()
    doorway.handshakeCompleted()
    assert opened == [doorway] and not clock.getDelayedCalls()
    doorway.connectionLost(Failure(ConnectionDone()))
    assert not failed


def test_the_first_of_several_refusals_is_the_reason() -> None:
    doorway, _, _, _, failed = standing()
    doorway.refuse(PeerRefused("first"))
    doorway.refuse(PeerRefused("what follows from it"))
    doorway.connectionLost(Failure(ConnectionDone()))
    assert [str(reason) for reason in failed] == ["first"]


def test_the_protocol_proper_gets_everything_from_then_on() -> None:
    doorway, transport, _, _, failed = standing()
    doorway.handshakeCompleted()
    inner = Recorder()
    doorway.let_in(inner)
    assert inner.transport is transport and inner.made.called
    doorway.dataReceived(b"hello")
    assert inner.came.result == b"hello"
    doorway.connectionLost(Failure(ConnectionDone()))
    assert isinstance(inner.lost.result, ConnectionDone) and not failed


@pytest.mark.parametrize(("alert", "kind"), [("tlsv1 alert unknown ca", PeerRefused), ("bad record mac", ConnectionLost)])
def test_a_connection_that_openssl_ends_ends_in_words(alert: str, kind: type[Exception]) -> None:
    doorway, _, _, _, _ = standing()
    doorway.handshakeCompleted()
    inner = Recorder()
    doorway.let_in(inner)
    doorway.connectionLost(Failure(SSL.Error([("SSL routines", "", alert)])))
    assert isinstance(inner.lost.result, kind)


@pytest_twisted.ensureDeferred
async def test_the_next_address_is_tried_where_one_does_not_answer_or_is_not_the_server() -> None:
    keeper, false = Doorkeeper(), Doorkeeper()
    async with listening(server_of(LAB), keeper) as right, listening(server_of(OTHER_LAB), false) as wrong:
        client = await dial(client_of(LAB), await nowhere(), wrong, right)
        await false.failed
        await hang_up(client, await keeper.opened)


@pytest_twisted.ensureDeferred
async def test_where_no_address_does_each_is_named_with_its_reason() -> None:
    first, second = await nowhere(), Address("127.0.0.1", 1)
    with pytest.raises(NotReachable) as raised:
        await dial(client_of(LAB), first, second)
    assert f"{first}: nothing listens there" in str(raised.value)
    assert f"{second}: nothing listens there" in str(raised.value)


@pytest_twisted.ensureDeferred
async def test_something_that_is_not_trusted_outweighs_something_that_is_not_there() -> None:
    keeper = Doorkeeper()
    async with listening(server_of(OTHER_LAB), keeper) as address:
        with pytest.raises(PeerRefused, match="nothing listens there.*another authority"):
            await dial(client_of(LAB), await nowhere(), address)
        await keeper.failed


@pytest_twisted.ensureDeferred
async def test_the_same_trouble_is_logged_once_however_often_it_is_tried() -> None:
    from twisted.internet import reactor

    address = await nowhere()
    connector = Connector(reactor, [address], client_of(LAB))
    with capturedLogs() as captured:
        for _ in range(3):
            with pytest.raises(NotReachable):
                await connector.connect(Factory.forProtocol(Recorder))
    assert len([event for event in captured if "nothing listens there" in (formatEvent(event) or "")]) == 1


@pytest_twisted.ensureDeferred
async def test_dialling_can_be_given_up_during_the_handshake() -> None:
    from twisted.internet import reactor

    silent = Silent()
    async with listening(None, silent) as address:
        dialling = Connector(reactor, [address, address], client_of(LAB)).connect(Factory.forProtocol(Recorder))
        await silent.end.came  # the client's side of the handshake
        dialling.cancel()
        with pytest.raises(CancelledError):
            await dialling
        await silent.end.lost.addTimeout(HANDSHAKE_SECONDS / 3, reactor)


@pytest_twisted.ensureDeferred
async def test_a_client_service_keeps_a_link_over_it() -> None:
    from twisted.internet import reactor

    keeper = Doorkeeper()
    async with listening(server_of(LAB), keeper) as address:
        service = ClientService(Connector(reactor, [address], client_of(LAB)), Factory.forProtocol(Recorder), clock=reactor)
        service.startService()
        link = await service.whenConnected()
        server = await keeper.opened
        link.transport.write(b"hello")
        assert await server.came == b"hello"
        await service.stopService()
        await server.lost
