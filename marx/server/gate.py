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
from marx.server.auditing import Audit
from marx.server.crowding import Crowd, WrongCodes, network_of
from marx.server.enrolment import Enrolment
from marx.server.identity import Identity
from marx.server.stranger import Attempts, Stranger
from marx.tls import Peer, explain, peer_of

log = Logger()

#: Strangers at a time, in all and from one network. A join takes a fraction of a second, so this is more than a lab that starts all its
#: machines at once needs; and who holds all places of its own holds none of another's.
STRANGERS, STRANGERS_OF_ONE = 64, 16
#: Connections in the TLS handshake at a time, in all and from one network: after a server's restart all workers dial at once, perhaps from
#: behind one router, and each costs it 0.6 ms. Who is turned away dials again.
HANDSHAKES, HANDSHAKES_OF_ONE = 2000, 500


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

    def __init__(self, identity: Identity, enrolment: Enrolment, factories: Mapping[str, PeerFactory], clock: IReactorTime, audit: Audit) -> None:
        self._identity = identity
        self._enrolment = enrolment
        self._factories = factories
        self._clock = clock
        self._audit = audit
        self._handshakes = Crowd(HANDSHAKES, HANDSHAKES_OF_ONE)
        self._strangers = Crowd(STRANGERS, STRANGERS_OF_ONE)
        self._wrong_codes = WrongCodes()

    def buildProtocol(self, address: IAddress) -> Doorway | None:
        place, network = place_of(address), network_of(getattr(address, "host", ""))
        if not self._handshakes.enter(network):
            log.warn("{place} is turned away: {count} connections are in their handshake", place=place, count=len(self._handshakes))
            return None
        return Doorway(
            self._clock, lambda doorway: self._opened(doorway, place, network), lambda reason: self._failed(reason, place, network)
        )

    def _failed(self, reason: Failure, place: str, network: str) -> None:
        self._handshakes.leave(network)
        log.info("{place} is dropped in the TLS handshake: {why}", place=place, why=explain(reason))

    def _opened(self, doorway: Doorway, place: str, network: str) -> None:
        self._handshakes.leave(network)
        try:
            protocol = self._protocol_for(peer_of(doorway.transport), place, network)
        except Exception:
            log.failure("making the link for {place} failed", place=place)
            protocol = None
        if protocol is None:
            doorway.hang_up()
        else:
            doorway.let_in(protocol)

    def _protocol_for(self, peer: Peer | None, place: str, network: str) -> IProtocol | None:
        if peer is None:
            return self._stranger(place, network, self._enrolment, "who has no certificate may only join: do that first, with a join code")
        refusal = self._identity.why_not(peer)
        if refusal is not None:
            log.info("{place} may not in: {why}", place=place, why=refusal)
            return self._stranger(place, network, None, refusal)
        return self._factories[peer.role].buildProtocol(peer)

    def _stranger(self, place: str, network: str, enrolment: Enrolment | None, refusal: str) -> IProtocol | None:
        if not self._strangers.enter(network):
            log.warn("{place} is turned away: {count} strangers are here already", place=place, count=len(self._strangers))
            return None
        return Stranger(self._clock, enrolment, refusal, lambda: self._strangers.leave(network), Attempts(self._wrong_codes, network), self._audit)
