"""
From a TCP connection to a link: the TLS handshake comes first, at both ends.

A :class:`Doorway` stands at each end until TLS is up, and only then is the protocol proper made, which so never exists towards a peer that
did not prove who it is. :class:`Connector` is the endpoint of whoever dials; the server's gate makes doorways of its own.
"""

from __future__ import annotations

from typing import Any, Callable, Sequence

from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.endpoints import HostnameEndpoint, wrapClientTLS
from twisted.internet.error import ConnectingCancelledError
from twisted.internet.interfaces import (
    IAddress,
    IDelayedCall,
    IHandshakeListener,
    IOpenSSLClientConnectionCreator,
    IProtocol,
    IProtocolFactory,
    IReactorTime,
    IStreamClientEndpoint,
)
from twisted.internet.protocol import Factory, Protocol, connectionDone
from twisted.logger import Logger
from twisted.python.failure import Failure
from zope.interface import implementer

from marx.addresses import Address
from marx.tls import set_no_delay
from marx.trouble import NotReachable, PeerRefused, explain, without_openssl

log = Logger()

#: Seconds for the TLS handshake: two round trips and milliseconds of work, even while a thousand others knock.
HANDSHAKE_SECONDS = 15.0
#: Seconds to wait for a TCP connection to one address before the next is tried.
DIAL_SECONDS = 10.0


@implementer(IHandshakeListener)
class Doorway(Protocol):
    """
    Holds a connection until its TLS handshake is over.

    ``opened(doorway)`` is then called, and does one of two: :meth:`let_in` the protocol proper, or :meth:`hang_up`. ``failed(failure)`` is
    called in its place if the connection ends before: with :class:`PeerRefused` if it was this side that refused.
    """

    def __init__(self, clock: IReactorTime, opened: Callable[[Doorway], object], failed: Callable[[Failure], object]) -> None:
        self._clock = clock
        self._opened = opened
        self._failed = failed
        self._refusal: Exception | None = None
        self._deadline: IDelayedCall | None = None
        self._inner: IProtocol | None = None

    def let_in(self, protocol: IProtocol) -> None:
        """From now on the connection is ``protocol``'s; only its end still comes by here, to be put into words."""
        self._inner = protocol
        self.dataReceived = protocol.dataReceived
        protocol.makeConnection(self.transport)

    def hang_up(self) -> None:
        """Close the connection at once."""
        self.transport.abortConnection()

    def refuse(self, why: Exception) -> None:
        """Remember why this side will not go on. The first reason stands: OpenSSL goes on to name what follows from it."""
        self._refusal = self._refusal or why

    def connectionMade(self) -> None:
        set_no_delay(self.transport)
        self._deadline = self._clock.callLater(HANDSHAKE_SECONDS, self._give_up)

    def handshakeCompleted(self) -> None:
        self._stop_waiting()
        self._opened(self)

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        if self._stop_waiting():
            self._failed(Failure(self._refusal) if self._refusal else reason)
        elif self._inner is not None:
            self._inner.connectionLost(without_openssl(reason))

    def _stop_waiting(self) -> bool:
        """Whether the handshake was still awaited."""
        deadline, self._deadline = self._deadline, None
        if deadline is not None and deadline.active():
            deadline.cancel()
        return deadline is not None

    def _give_up(self) -> None:
        self.refuse(NotReachable(f"it did not complete the TLS handshake within {HANDSHAKE_SECONDS:.0f} s: is it a Marx server?"))
        self.hang_up()


class _Dial(Factory):
    """One attempt at one address. ``opened`` fires with the protocol proper, connected, once the server has proved who it is."""

    noisy = False

    def __init__(self, clock: IReactorTime, inner: IProtocolFactory) -> None:
        self._clock = clock
        self._inner = inner
        self._doorway: Doorway | None = None
        self.opened: Deferred[IProtocol] = Deferred(self._cancelled)

    def buildProtocol(self, address: IAddress) -> IProtocol:
        self._doorway = Doorway(self._clock, lambda doorway: self._handshake_done(doorway, address), self._lost)
        return self._doorway

    def _handshake_done(self, doorway: Doorway, address: IAddress) -> None:
        protocol = self._inner.buildProtocol(address)
        doorway.let_in(protocol)
        self.opened.callback(protocol)

    def _lost(self, reason: Failure) -> None:
        if not self.opened.called:
            self.opened.errback(reason)

    def _cancelled(self, opened: Deferred[IProtocol]) -> None:
        opened.errback(CancelledError())
        if self._doorway is not None:
            self._doorway.hang_up()


@implementer(IStreamClientEndpoint)
class Connector:
    """
    Dials a server's addresses in their order until one of them proves to be the server; an endpoint as ``ClientService`` wants it.

    Fails with :class:`NotReachable`, or with :class:`PeerRefused` where something answered that this side does not trust. A reason is
    logged when it differs from the last attempt's, so that a daemon which tries for a week says so once.
    """

    def __init__(self, reactor: Any, addresses: Sequence[Address], connections: IOpenSSLClientConnectionCreator) -> None:
        self._reactor = reactor
        self._addresses = tuple(addresses)
        self._connections = connections
        self._last_trouble = ""

    def connect(self, protocolFactory: IProtocolFactory) -> Deferred[IProtocol]:
        return Deferred.fromCoroutine(self._dial_all(protocolFactory))

    async def _dial_all(self, factory: IProtocolFactory) -> IProtocol:
        troubles: list[tuple[Address, Exception]] = []
        for address in self._addresses:
            try:
                protocol = await self._dial(address, factory)
            except (CancelledError, ConnectingCancelledError):
                raise
            except Exception as error:  # whatever it was, the next address may do
                troubles.append((address, error))
            else:
                self._last_trouble = ""
                return protocol
        raise self._told(_summary(troubles))

    async def _dial(self, address: Address, factory: IProtocolFactory) -> IProtocol:
        dial = _Dial(self._reactor, factory)
        endpoint = HostnameEndpoint(self._reactor, address.host, address.port, timeout=DIAL_SECONDS)
        await wrapClientTLS(self._connections, endpoint, self._reactor).connect(dial)
        return await dial.opened

    def _told(self, trouble: Exception) -> Exception:
        if str(trouble) != self._last_trouble:
            self._last_trouble = str(trouble)
            log.warn("{why}", why=self._last_trouble)
        return trouble


def _summary(troubles: Sequence[tuple[Address, Exception]]) -> Exception:
    kind = PeerRefused if any(isinstance(error, PeerRefused) for _, error in troubles) else NotReachable
    return kind("no connection: " + "; ".join(f"{address}: {explain(error)}" for address, error in troubles))
