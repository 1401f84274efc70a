"""
The audit: who did what to what, when and from where. A call that stands in :data:`SAID` is answered once its line is durable.

Lines are only added; the database itself refuses to change one, and keeping deletes the oldest in time. Looking at something is a line where
results, output or files are given away, once for each task and connection.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from twisted.internet.defer import Deferred
from twisted.logger import Logger
from twisted.protocols.amp import Command

from marx.server.audit_records import NewAuditLine
from marx.server.codes import digest_of
from marx.server.store import Store
from marx.wire import admin, blobs, enrol, tasker

log = Logger()

FETCHED = "fetched"
#: What was done, to what, and what else there is to say; None: nothing that is noted.
Said = tuple[str, str, str] | None


def _to_task(did: str) -> Callable[[dict[str, Any], dict[str, Any]], Said]:
    return lambda arguments, answer: (did, arguments["task"], "")


def _submitted(arguments: dict[str, Any], answer: dict[str, Any]) -> Said:
    spec = arguments["spec"]
    what = spec.get("program") or spec.get("module") or ""
    return "submitted", answer["task"], f"{spec['kind']} {what}"[:200]


def _rerun(arguments: dict[str, Any], answer: dict[str, Any]) -> Said:
    return "submitted", answer["task"], f"rerun of {arguments['task']}"


def _watched(arguments: dict[str, Any], answer: dict[str, Any]) -> Said:
    return (FETCHED, arguments["task"], "") if arguments["results"] or arguments["output"] else None


def _joined(arguments: dict[str, Any], answer: dict[str, Any]) -> Said:
    return "joined", answer["name"], f"with code {digest_of(arguments['secret'])[:8]}"


def _made_code(arguments: dict[str, Any], answer: dict[str, Any]) -> Said:
    return "made a join code", arguments["name"] or "any machine", f"{arguments['role']}, {arguments['uses']} uses"


def _revoked(arguments: dict[str, Any], answer: dict[str, Any]) -> Said:
    return "revoked", arguments["name"], f"{arguments['kind']}, {answer['revoked']} certificates and codes"


def _drained(arguments: dict[str, Any], answer: dict[str, Any]) -> Said:
    return "drained" if arguments["draining"] else "undrained", arguments["worker"], ""


SAID: dict[type[Command], Callable[[dict[str, Any], dict[str, Any]], Said]] = {
    enrol.Enrol: _joined,
    enrol.Renew: lambda arguments, answer: ("renewed", "", "their certificate"),
    tasker.SubmitTask: _submitted,
    tasker.RerunTask: _rerun,
    tasker.CancelTask: _to_task("cancelled"),
    tasker.InterruptTask: _to_task("interrupted"),
    tasker.HoldTask: _to_task("held"),
    tasker.ReleaseTask: _to_task("released"),
    tasker.ForgetEndedTask: _to_task("forgot"),
    tasker.WatchTask: _watched,
    tasker.ListArtifacts: _to_task(FETCHED),
    blobs.GetBlob: _to_task(FETCHED),
    admin.MakeCode: _made_code,
    admin.Revoke: _revoked,
    admin.DrainWorker: _drained,
    admin.MakeBackup: lambda arguments, answer: ("backed up", "", arguments["path"]),
}


class Audit:
    """``wall`` gives seconds since 1970."""

    def __init__(self, store: Store, wall: Callable[[], float]) -> None:
        self._store = store
        self._wall = wall

    def note(self, who: str, role: str, place: str, said: tuple[str, str, str]) -> Deferred[None]:
        """Add a line; fires when it is durable. Where it could not be, the log has it, and what was done stays done."""
        line = NewAuditLine(self._wall(), who, role, place, *said)
        return self._store.write(line).addErrback(lambda failure: log.error("not in the audit ({why}): {line}", why=failure.value, line=line))


class Witness:
    """Notes what one connection does. ``place``: where from."""

    def __init__(self, audit: Audit, who: str, role: str, place: str) -> None:
        self._audit = audit
        self._who = who
        self._role = role
        self._place = place
        self._fetched: set[str] = set()

    def saw(self, command: type[Command], arguments: dict[str, Any], answer: dict[str, Any]) -> Deferred[dict[str, Any]] | dict[str, Any]:
        """A call was done: ``answer``, or a Deferred of it that fires when the line is durable."""
        said = SAID[command](arguments, answer)
        if said is None or (said[0] == FETCHED and not self._is_new(said[1])):
            return answer
        return self._audit.note(self._who or answer.get("name", ""), self._role, self._place, said).addCallback(lambda _: answer)

    def _is_new(self, task: str) -> bool:
        new = task not in self._fetched
        self._fetched.add(task)
        return new
