"""
The server's one door: TLS first, then who is it, then the protocol for that role.

A peer with a good certificate gets what ``TaskerFactory`` or ``WorkerFactory`` builds for it. All others are strangers: without a
certificate they may join, with a revoked or unknown one they are told so. Nothing that a connection does here can do more than end that
connection, with a line in the log.
"""

from __future__ import annotations

from typing import Mapping, Protocol

from twisted.internet.interfaces import IAddress, IProtocol, IReactorTime
from twisted.internet.protocol import Factory
from twisted.logger import Logger
from twisted.python.failure import Failure

from marx.addresses import place_of
from marx.doorway import Doorway
from marx.server.enrolment import Enrolment
from marx.server.identity import Identity
from marx.server.stranger import Stranger
from marx.tls import Peer, explain, peer_of

log = Logger()

#: Strangers at a time. A join takes a fraction of a second, so this is more than a lab that starts all its machines at once needs.
STRANGERS = 64
#: Connections in the TLS handshake at a time: after a server's restart all workers dial at once, and each costs it 0.6 ms.
HANDSHAKES = 2000


class PeerFactory(Protocol):
    """``TaskerFactory`` and ``WorkerFactory``: who makes the server's end of a link."""

    def buildProtocol(self, peer: Peer) -> IProtocol | None:
        """The protocol for this peer, or None to hang up."""


class Gate(Factory):
    """
    The factory to listen with, behind ``wrapServerTLS`` and the authority's connections.

    ``factories``: by role, worker and tasker.
    """

    noisy = False

    def __init__(self, identity: Identity, enrolment: Enrolment, factories: Mapping[str, PeerFactory], clock: IReactorTime) -> None:
        self._identity = identity
        self._enrolment = enrolment
        self._factories = factories
        self._clock = clock
        self._handshakes = 0
        self._strangers = 0

    def buildProtocol(self, address: IAddress) -> Doorway | None:
        place = place_of(address)
        if self._handshakes >= HANDSHAKES:
            log.warn("{place} is turned away: {count} connections are in their handshake", place=place, count=self._handshakes)
            return None
        self._handshakes += 1
        return Doorway(self._clock, lambda doorway: self._opened(doorway, place), lambda reason: self._failed(reason, place))

    def _failed(self, reason: Failure, place: str) -> None:
        self._handshakes -= 1
        log.info("{place} is dropped in the TLS handshake: {why}", place=place, why=explain(reason))

    def _opened(self, doorway: Doorway, place: str) -> None:
        self._handshakes -= 1
        try:
            protocol = self._protocol_for(peer_of(doorway.transport), place)
        except Exception:
            log.failure("making the link for {place} failed", place=place)
            protocol = None
        if protocol is None:
            doorway.hang_up()
        else:
            doorway.let_in(protocol)

    def _protocol_for(self, peer: Peer | None, place: str) -> IProtocol | None:
        if peer is None:
            return self._stranger(place, self._enrolment, "who has no certificate may only join: do that first, with a join code")
        refusal = self._identity.why_not(peer)
        if refusal is not None:
            log.info("{place} may not in: {why}", place=place, why=refusal)
            return self._stranger(place, None, refusal)
        return self._factories[peer.role].buildProtocol(peer)

    def _stranger(self, place: str, enrolment: Enrolment | None, refusal: str) -> IProtocol | None:
        if self._strangers >= STRANGERS:
            log.warn("{place} is turned away: {count} strangers are here already", place=place, count=self._strangers)
            return None
        self._strangers += 1
        return Stranger(self._clock, enrolment, refusal, self._stranger_left)

    def _stranger_left(self) -> None:
        self._strangers -= 1
