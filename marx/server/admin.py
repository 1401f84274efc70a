"""
The server's side of ``marx-admin``.
"""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any

from twisted.internet.interfaces import IReactorTime
from twisted.internet.protocol import Factory
from twisted.protocols.amp import Command

from marx.owners_socket import OwnersLink, caller_uid
from marx.server.auditing import SAID, Witness
from marx.server.backup import Backup
from marx.server.composing import Parts
from marx.server.enrolment import Enrolment
from marx.server.identity import Identity
from marx.wire import admin as wire
from marx.wire.calls import BadRequest, NotFound

#: Lines of the audit in one answer.
AUDIT_PAGE = 1000


class AdminProtocol(OwnersLink):
    """One connected ``marx-admin``."""

    def __init__(self, identity: Identity, enrolment: Enrolment, parts: Parts, backup: Backup, clock: IReactorTime) -> None:
        super().__init__(clock)
        self._backup = backup
        self._identity = identity
        self._enrolment = enrolment
        self._service = parts.service
        self._directory = parts.directory
        self._status = parts.status
        self._store = parts.store
        self._audit = parts.audit

    @wire.MakeCode.responder
    async def on_make_code(self, role: str, name: str | None, uses: int, seconds: float) -> dict[str, Any]:
        return {"code": (await self._enrolment.make_code(role, name, uses, seconds)).format()}

    @wire.ListUsers.responder
    def on_list_users(self) -> dict[str, Any]:
        return {"users": [asdict(member) for member in self._identity.members("tasker")]}

    @wire.ListPool.responder
    def on_list_pool(self) -> dict[str, Any]:
        return {"workers": self._status.workers()}

    @wire.DrainWorker.responder
    async def on_drain_worker(self, worker: str, draining: bool) -> None:
        if worker not in self._identity.names("worker"):
            raise NotFound(f"there is no worker {worker}")
        (self._directory.drained.add if draining else self._directory.drained.discard)(worker)
        if worker in self._directory.links:
            await self._directory.links[worker].offer_again()

    @wire.Revoke.responder
    async def on_revoke(self, kind: str, name: str) -> dict[str, Any]:
        return {"revoked": await self._identity.revoke(kind, name)}

    @wire.MakeBackup.responder
    async def on_make_backup(self, path: str, overwrite: bool) -> dict[str, Any]:
        made = await self._backup.make(Path(path), overwrite)
        return {"size": made.size_bytes, "blobs": made.blobs, "database": made.database}

    @wire.ReadAudit.responder
    async def on_read_audit(self, user: str | None, since_utc: float, after_row: int) -> dict[str, Any]:
        return {"lines": [line.as_json() for line in await self._store.audit_lines(user, since_utc, after_row, AUDIT_PAGE)]}

    witnessed = SAID

    def witness(self, command: type[Command], arguments: dict[str, Any], answer: dict[str, Any]) -> Any:
        """Tell the audit; who owns the daemon is known by a number."""
        return Witness(self._audit, self._caller, "owner", "this machine").saw(command, arguments, answer)

    def connectionMade(self) -> None:
        super().connectionMade()
        self._caller = f"uid {caller_uid(self.transport)}"

    @wire.TellStory.responder
    def on_tell_story(self, subject: str) -> dict[str, Any]:
        task, _, item = subject.partition(":")
        found = self._directory.by_prefix(task)
        if len(found) != 1:
            raise NotFound(f"there is no open task {task!r}")
        if item and not item.isdigit():
            raise BadRequest(f"{item!r} is not the index of an item")
        return {"lines": self._service.scheduler.story(found[0].id, 0, int(item) if item else None)}


class AdminFactory(Factory):
    """Builds the daemon's end for each ``marx-admin``."""

    noisy = False

    def __init__(self, identity: Identity, enrolment: Enrolment, parts: Parts, backup: Backup, clock: IReactorTime) -> None:
        self._arguments = (identity, enrolment, parts, backup, clock)

    def buildProtocol(self, address: Any) -> AdminProtocol:
        return AdminProtocol(*self._arguments)

