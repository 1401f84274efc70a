"""
What follows from a revocation, at once: links are dropped, a worker's leases are lost, a user's open tasks go on and say so.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from twisted.logger import Logger

from marx.core import events
from marx.server.codes import CertificateRecord
from marx.server.directory import Directory
from marx.server.records import NewNote
from marx.server.service import SchedulingService
from marx.wire.calls import Unavailable

log = Logger()

#: What is said of a task whose user is no member any more.
REVOKED = "user {} was revoked: the task goes on, and only an operator sees it and can cancel it"


class Dismissal:
    """``hang_up``: drops the links whose certificates have these serial numbers."""

    def __init__(self, service: SchedulingService, directory: Directory, hang_up: Callable[[frozenset[str]], None]) -> None:
        self._service = service
        self._directory = directory
        self._hang_up = hang_up

    def of(self, revoked: Sequence[CertificateRecord]) -> None:
        """These certificates were just revoked, all that their members had."""
        if not revoked:
            return
        self._hang_up(frozenset(certificate.serial for certificate in revoked))
        for role, name in sorted({(certificate.role, certificate.name) for certificate in revoked}):
            happened = self._worker_is_gone(name) if role == "worker" else self._mark_tasks(name)
            happened.addErrback(lambda failure: None if failure.check(Unavailable) else log.failure("dismissing failed", failure))

    def _worker_is_gone(self, name: str) -> Any:
        """Its leases need not be waited for, as those of one that is only cut off."""
        return self._service.happened(events.WorkerLeft(name))

    def _mark_tasks(self, user: str) -> Any:
        notes = [NewNote(live.id, "", REVOKED.format(user)) for live in self._directory.tasks_of(user) if live.stored]
        return self._service.happened(writes=notes)
