"""
What every authenticated link of the server has: who is at the other end, the permit asked for each command, greeting, blobs.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Awaitable, Callable

from twisted.internet.defer import Deferred, ensureDeferred
from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger
from twisted.protocols.amp import Command
from twisted.python.failure import Failure

import marx
from marx.addresses import place_of
from marx.server.auditing import SAID, Audit, Witness
from marx.server.blob_desk import BlobDesk, worker_as_owner
from marx.server.permits import permit_for
from marx.server.service import SchedulingService
from marx.tls import Peer
from marx.wire import blobs, enrol, hello
from marx.wire.calls import GuardedLink, NotFound, NotPermitted, Unavailable, WrongVersion

log = Logger()


@dataclass(frozen=True, slots=True)
class Settings:
    """What the server tells a link at its greeting, and keeps to itself. Seconds and bytes."""

    heartbeat_seconds: float
    silent_seconds: float
    lease_seconds: float
    item_bytes: int
    result_bytes: int
    file_bytes: int

    def for_peers(self) -> dict[str, Any]:
        """The part that peers are told."""
        limits = {"item": self.item_bytes, "result": self.result_bytes, "file": self.file_bytes}
        return {"heartbeat": self.heartbeat_seconds, "lease": self.lease_seconds, **limits}


async def no_renewal(peer: Peer, request: bytes) -> bytes:
    """Of a server without certificates."""
    raise NotPermitted("this server has no authority")


@dataclass(frozen=True, slots=True)
class Desk:
    """What the responders of all links need. ``is_revoked``: by the serial number of a certificate; ``audit``: who did what; ``renew``: a peer's certificate, for the key of a request; ``present``: every link that is up."""

    service: SchedulingService
    blobs: BlobDesk
    settings: Settings
    clock: IReactorTime
    is_revoked: Callable[[str], bool]
    audit: Audit
    renew: Callable[[Peer, bytes], Awaitable[bytes]] = no_renewal
    present: set[ServerLink] = field(default_factory=set)

    def hang_up(self, serials: frozenset[str]) -> None:
        """Drop the links whose certificates have these serial numbers; all links where none is named."""
        for link in list(self.present):
            if not serials or link.peer.serial in serials:
                link.hang_up()


class ServerLink(GuardedLink):
    """One authenticated peer. Subclasses say which tasks are its own."""

    def __init__(self, peer: Peer, desk: Desk) -> None:
        super().__init__(desk.clock)
        self.peer = peer
        self.desk = desk
        self.greeted = False
        self.boot = ""
        self._heard_at = desk.clock.seconds()
        self._silence: Any = None

    # Who may

    def admit(self, command: type[Command], arguments: dict[str, Any]) -> Any:
        """Ask the table of permits, and complete the id of the task that is named."""
        if self.desk.is_revoked(self.peer.serial):
            raise NotPermitted(f"the certificate of {self.peer.name} was revoked")
        permit = permit_for(command, self.peer.role, self.greeted)
        if self.desk.service.suspended:
            raise Unavailable(self.desk.service.suspended)
        if not permit.task or arguments.get("task") is None:
            return arguments
        return self.own_task(arguments["task"], arguments, permit.late)

    def own_task(self, task: str, arguments: dict[str, Any], late: bool) -> Any:
        """``arguments`` with the whole id of the peer's own task, or a Deferred of them. Raises :class:`NotFound`."""
        raise NotFound(f"there is no task {task}")

    # Who did what

    witnessed = SAID

    def witness(self, command: type[Command], arguments: dict[str, Any], answer: dict[str, Any]) -> Any:
        """Tell the audit; what a worker fetches is its work."""
        if self.peer.role == "worker" and command is blobs.GetBlob:
            return answer
        return self._witness.saw(command, arguments, answer)

    # Signs of life

    def connectionMade(self) -> None:
        super().connectionMade()
        self._witness = Witness(self.desk.audit, self.peer.name, self.peer.role, place_of(self.transport.getPeer()))
        self.desk.present.add(self)
        self._silence = self.clock.callLater(self.desk.settings.silent_seconds, self._look_for_silence)

    def connectionLost(self, reason: Failure) -> None:
        if self._silence is not None and self._silence.active():
            self._silence.cancel()
        self.desk.present.discard(self)
        super().connectionLost(reason)

    def dataReceived(self, data: bytes) -> None:
        self._heard_at = self.clock.seconds()
        super().dataReceived(data)

    def _look_for_silence(self) -> None:
        left = self._heard_at + self.desk.settings.silent_seconds - self.clock.seconds()
        if left <= 0:
            log.info("{peer} is silent: closing its connection", peer=self.peer.name)
            self.hang_up()
            return
        self._silence = self.clock.callLater(max(left, 0.1), self._look_for_silence)

    # What every peer may call

    @hello.Greet.responder
    def on_greet(self, oldest: int, newest: int, software: str, boot: str | None) -> dict[str, Any]:
        version = min(newest, hello.NEWEST_VERSION)
        if version < max(oldest, hello.OLDEST_VERSION):
            raise WrongVersion(
                f"{software} speaks versions {oldest} to {newest} of the protocol, "
                f"this server (Marx {marx.__version__}) {hello.OLDEST_VERSION} to {hello.NEWEST_VERSION}"
            )
        self.greeted, self.boot = True, boot or ""
        settings = self.desk.settings.for_peers()
        return {"version": version, "software": f"Marx {marx.__version__}", "name": self.peer.name, "settings": settings}

    @hello.Beat.responder
    def on_beat(self) -> None:
        self.heard()

    @hello.SayGoodbye.responder
    def on_say_goodbye(self, reason: str) -> Any:
        log.info("{peer} leaves: {reason}", peer=self.peer.name, reason=reason)
        return self.left()

    @enrol.Renew.responder
    async def on_renew(self, request: bytes) -> dict[str, Any]:
        return {"certificate": await self.desk.renew(self.peer, request)}

    @blobs.AskBlobs.responder
    async def on_ask_blobs(self, digests: list[str], task: str | None) -> dict[str, Any]:
        return {"missing": await self.desk.blobs.missing(self.owner, digests, task)}

    @blobs.PutBlob.responder
    def on_put_blob(self, digest: str, offset: int, total: int, part: bytes, task: str | None) -> Deferred[None]:
        return ensureDeferred(self.desk.blobs.take(self.owner, digest, offset, total, part, task))

    @blobs.GetBlob.responder
    async def on_get_blob(self, digest: str, offset: int, task: str) -> dict[str, Any]:
        total, part = await self.desk.blobs.give(digest, offset, task)
        return {"total": total, "part": part}

    @property
    def owner(self) -> str:
        """Under whose name blobs of this link are kept."""
        return self.peer.name if self.peer.role == "tasker" else worker_as_owner(self.peer.name)

    def heard(self) -> None:
        """A sign of life came; a worker's renews its leases."""

    def left(self) -> Any:
        """The peer said goodbye."""
