"""
A certificate renewed before it ends, the dialler's side; workers and taskers alike.

When half of a certificate's life is over, whoever dials the server first asks it, over a connection of its own and under the old certificate,
for one for a new key, keeps it in the old one's place, and dials with it. If that fails for any reason the old one does until the next time.
"""

from __future__ import annotations

from datetime import datetime, timezone
from pathlib import Path
from typing import Any, Callable

from twisted.internet.defer import Deferred, maybeDeferred
from twisted.internet.interfaces import IProtocol, IProtocolFactory, IStreamClientEndpoint
from twisted.internet.protocol import Factory
from twisted.internet.task import LoopingCall
from twisted.logger import Logger
from zope.interface import implementer

import marx
from marx.certificates import key_as_pem, new_key, signing_request
from marx.credentials import Credentials
from marx.doorway import Connector
from marx.trouble import NotReachable, PeerRefused, explain
from marx.wire.calls import GuardedLink, WireError
from marx.wire.enrol import Renew
from marx.wire.hello import NEWEST_VERSION, OLDEST_VERSION, Greet

log = Logger()

DAY_SECONDS = 86400.0
#: What each role types to join again.
JOIN_AGAIN = {"tasker": "tasker login CODE", "worker": "twistd marx-worker --join FILE"}


def why_ended(credentials: Credentials, now_utc: float) -> str | None:
    """The sentence for a certificate that has ended by this machine's clock; None: it has not."""
    if now_utc <= credentials.ends_utc:
        return None
    ended, today = (datetime.fromtimestamp(moment, timezone.utc).date() for moment in (credentials.ends_utc, now_utc))
    again = f"ask an operator of the server for a new join code (marx-admin join-code) and type: {JOIN_AGAIN[credentials.role]}"
    return f"the certificate of {credentials.role} {credentials.name} ended on {ended}, and this machine's clock says {today}: {again}"


@implementer(IStreamClientEndpoint)
class RenewingConnector:
    """
    The endpoint of who has joined. ``folder``: where the credentials are kept. ``wall`` gives seconds since 1970.

    Connecting fails as :class:`~marx.doorway.Connector` does, and with :class:`PeerRefused` where the certificate has ended.
    """

    def __init__(self, reactor: Any, credentials: Credentials, folder: Path, wall: Callable[[], float]) -> None:
        self._reactor = reactor
        self._folder = folder
        self._wall = wall
        self._credentials = credentials
        self._connector = credentials.connector(reactor)

    def connect(self, protocolFactory: IProtocolFactory) -> Deferred[IProtocol]:
        return Deferred.fromCoroutine(self._connect(protocolFactory))

    async def _connect(self, factory: IProtocolFactory) -> IProtocol:
        ended = why_ended(self._credentials, self._wall())
        if ended is not None:
            raise PeerRefused(ended)
        await self.renew_when_due()
        return await self._connector.connect(factory)

    async def renew_when_due(self) -> None:
        """Renew if it is time; what goes wrong is logged, and tried again the next time."""
        if not self._credentials.is_half_over(self._wall()):
            return
        try:
            fresh = await renewed(self._reactor, self._connector, self._credentials)
            fresh.save(self._folder)
        except (NotReachable, PeerRefused, WireError, ValueError, OSError) as error:
            log.info("the certificate of {name} is not renewed yet: {why}", name=self._credentials.name, why=explain(error))
            return
        self._credentials, self._connector = fresh, fresh.connector(self._reactor)
        ends = datetime.fromtimestamp(fresh.ends_utc, timezone.utc).date()
        log.info("the certificate of {name} was renewed and is good until {ends}", name=fresh.name, ends=str(ends))


async def renewed(reactor: Any, connector: Connector, credentials: Credentials) -> Credentials:
    """New credentials for a new key. Raises what connecting and asking raise, and ValueError for an answer that makes no sense."""
    key = new_key()
    link = await connector.connect(Factory.forProtocol(lambda: GuardedLink(reactor)))
    try:
        await link.ask(Greet, oldest=OLDEST_VERSION, newest=NEWEST_VERSION, software=f"Marx {marx.__version__}")
        certificate = (await link.ask(Renew, request=signing_request(key)))["certificate"]
    finally:
        link.transport.loseConnection()
    fresh = Credentials.of(key_as_pem(key).decode(), certificate.decode(), credentials.authority, credentials.addresses)
    if (fresh.role, fresh.name) != (credentials.role, credentials.name):
        raise ValueError(f"the server answered with a certificate for {fresh.role} {fresh.name}")
    return fresh


def daily(clock: Any, job: Callable[[], Any]) -> LoopingCall:
    """Call ``job``, which may give a Deferred or coroutine, each day from tomorrow on; a failure is logged, and the next day comes all the same."""

    def done() -> Deferred[Any]:
        return maybeDeferred(job).addErrback(lambda failure: log.failure("renewing a certificate failed", failure))

    call = LoopingCall(done)
    call.clock = clock
    call.start(DAY_SECONDS, now=False)
    return call
