"""A lab for tests over real TLS on the loopback interface: an authority, certificates for anybody, and something that listens."""

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from cryptography import x509
from twisted.internet.defer import Deferred
from twisted.internet.endpoints import TCP4ServerEndpoint, wrapServerTLS
from twisted.internet.interfaces import IOpenSSLServerConnectionCreator, IProtocolFactory
from twisted.internet.protocol import Factory, Protocol, connectionDone
from twisted.python.failure import Failure

from marx.addresses import Address
from marx.certificates import new_key, signing_request
from marx.doorway import Connector, Doorway
from marx.server.authority import Authority
from marx.tls import Peer, client_context_factory, server_context_factory

DAY = 86400.0


def certified(authority: Authority, role: str = "worker", name: str = "lab7", days_ago: float = 0) -> tuple[Any, x509.Certificate]:
    """A key and its certificate, signed `days_ago`."""
    key = new_key()
    return key, authority.sign(signing_request(key), role, name, time.time() - days_ago * DAY)


def client_of(authority: Authority, **certificate: Any) -> Any:
    """A client's context: it trusts `authority` and has a certificate from it, see `certified`."""
    return client_context_factory(authority.certificate, *certified(authority, **certificate))


def server_of(authority: Authority, **certificate: Any) -> Any:
    """A server's context, with a certificate of any kind from `authority`."""
    key, certificate = certified(authority, **{"role": "server", "name": "marx-server", **certificate})
    return server_context_factory(key, certificate, authority.certificate)


@asynccontextmanager
async def listening(connections: IOpenSSLServerConnectionCreator | None, factory: IProtocolFactory) -> AsyncIterator[Address]:
    """Where `factory` listens, behind TLS unless `connections` is None."""
    from twisted.internet import reactor

    endpoint: Any = TCP4ServerEndpoint(reactor, 0, interface="127.0.0.1")
    port = await (wrapServerTLS(connections, endpoint, reactor) if connections else endpoint).listen(factory)
    try:
        yield Address("127.0.0.1", port.getHost().port)
    finally:
        await port.stopListening()


class Recorder(Protocol):
    """One end of a connection: `made` fires when it is there, `came` with what comes first, `lost` with the exception that ended it."""

    def __init__(self) -> None:
        self.made: Deferred[None] = Deferred()
        self.lost: Deferred[BaseException] = Deferred()
        self.came: Deferred[bytes] = Deferred()

    def connectionMade(self) -> None:
        self.made.callback(None)

    def dataReceived(self, data: bytes) -> None:
        if not self.came.called:
            self.came.callback(data)

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        self.lost.callback(reason.value)


class Doorkeeper(Factory):
    """Listens with a doorway: `opened` fires with the recorder behind it, `failed` with the exception for which there is none."""

    noisy = False

    def __init__(self) -> None:
        self.opened: Deferred[Recorder] = Deferred()
        self.failed: Deferred[BaseException] = Deferred()

    def buildProtocol(self, address: Any) -> Doorway:
        from twisted.internet import reactor

        return Doorway(reactor, self._open, lambda reason: self.failed.callback(reason.value))

    def _open(self, doorway: Doorway) -> None:
        recorder = Recorder()
        doorway.let_in(recorder)
        self.opened.callback(recorder)


class PeerLinks:
    """A `TaskerFactory` or `WorkerFactory`: `came` fires with the first peer and its link, once it is connected."""

    def __init__(self) -> None:
        self.came: Deferred[tuple[Peer, Recorder]] = Deferred()
        self.refusing = False

    def buildProtocol(self, peer: Peer) -> Recorder | None:
        """A recorder; None while it is `refusing`."""
        link = Recorder()
        link.made.addCallback(lambda _: self.came.callback((peer, link)))
        return None if self.refusing else link


async def dial(connections: Any, *addresses: Address) -> Recorder:
    """A recorder connected to the first of `addresses` that is the server."""
    from twisted.internet import reactor

    return await Connector(reactor, addresses, connections).connect(Factory.forProtocol(Recorder))


async def hang_up(*ends: Recorder) -> None:
    """Close connections and wait until they are."""
    for end in ends:
        end.transport.abortConnection()
    for end in ends:
        await end.lost
