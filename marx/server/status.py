"""
Snapshots for people: what tasks and workers look like now, as JSON objects. Nothing here changes anything.

What is open is read from the scheduler, what has ended from the store.
"""

from __future__ import annotations

from datetime import datetime, timezone
from typing import Any, Callable

from twisted.internet.defer import Deferred, ensureDeferred

from marx.core.model import TaskCounts, WorkerCounts
from marx.server.directory import Directory
from marx.server.keeping_records import ForgottenRecord
from marx.server.records import Counts, TaskRecord
from marx.server.service import SchedulingService
from marx.server.store import Store
from marx.wire.calls import NotFound

#: Tasks or files on one page of a listing, and failed attempts in what is shown of a task.
PAGE = 500
ATTEMPTS = 50
#: Portions that are shown of a program.
PORTIONS = 1000
#: The terms of a specification that say something to a person.
SHOWN_TERMS = (
    "program",
    "module",
    "function",
    "argv",
    "divide",
    "cwd",
    "python",
    "secrets",
    "labels",
    "workers",
    "sandbox",
    "network",
    "max_slots",
    "priority",
    "retries",
    "stop_on_error",
    "chunk_items",
    "start_within",
    "timeout",
    "item_timeout",
    "silence",
    "memory",
    "submitted_from",
)


class Status:
    """``is_operator``: whether a user, by name, may see and steer everybody's tasks."""

    def __init__(self, service: SchedulingService, store: Store, directory: Directory, is_operator: Callable[[str], bool]) -> None:
        self._service = service
        self._store = store
        self._directory = directory
        self.is_operator = is_operator

    def find(self, prefix: str, user: str) -> str | Deferred[str]:
        """The id that ``prefix`` begins, among the tasks that ``user`` may see. A whole id of an open task is found at once."""
        live = self._directory.tasks.get(prefix)
        if live is not None and live.stored and (live.user == user or self.is_operator(user)):
            return live.id
        return ensureDeferred(self._find_in_store(prefix, user))

    async def _find_in_store(self, prefix: str, user: str) -> str:
        found = await self._store.ids_by_prefix(prefix, None if self.is_operator(user) else user)
        if len(found) == 1:
            return found[0]
        if found:
            raise NotFound(f"several tasks begin with {prefix!r}: {', '.join(found[:5])}")
        gone = await self._store.forgotten_by_prefix(prefix, None if self.is_operator(user) else user)
        if len(gone) == 1:
            raise NotFound(_why_gone(gone[0]))
        raise NotFound(f"there is no task {prefix!r}")

    async def describe(self, task: str) -> dict[str, Any]:
        """One task's record and counts. Raises :class:`NotFound` where it was forgotten since it was found."""
        record = await self._store.task(task)
        if record is None:
            raise NotFound(f"task {task} was forgotten")
        return self._with_counts(record)

    async def show(self, task: str) -> dict[str, Any]:
        """One task with its terms, its notes and its failed attempts."""
        spec = await self._store.spec(task)
        described = await self.describe(task)
        attempts = await self._store.attempts(task, ATTEMPTS)
        return {
            **described,
            "terms": {name: spec[name] for name in SHOWN_TERMS if spec.get(name) not in (None, [], {}, "", 0, False)},
            "from": spec.get("submitted_from") or {},
            "notes": [note.text for note in await self._store.notes(task)],
            "attempts": [attempt.as_json() for attempt in attempts],
            "portions": await self._portions(task),
        }

    async def _portions(self, task: str) -> list[dict[str, Any]]:
        """The portions that a program opened: the first :data:`PORTIONS`, and how far each is."""
        opened = await self._store.portions(task, PORTIONS)
        counts = await self._store.portion_counts(task, opened[-1].portion) if opened else {}
        return [
            {
                "number": portion.portion,
                "call": portion.call,
                "place": portion.place,
                "reason": portion.reason,
                **dict(zip(("known", "done", "failed"), counts.get(portion.portion, (0, 0, 0)))),
            }
            for portion in opened
        ]

    async def list_tasks(self, user: str | None, limit: int, before: int | None) -> tuple[list[dict[str, Any]], int | None]:
        """A page of tasks, newest first, of ``user`` or of everybody (None), and where the next one begins (None: there is none)."""
        limit = max(1, min(limit, PAGE))
        records = await self._store.tasks(user, limit, before)
        return [self._with_counts(record) for record in records], records[-1].row if len(records) == limit else None

    async def list_artifacts(self, task: str, after: Any) -> tuple[list[dict[str, Any]], Any]:
        """A page of the files that a task made, one entry a path, and where the next one begins (None: there is none)."""
        records = await self._store.artifacts(task, tuple(after) if after else None, PAGE)
        return [record.as_json() for record in records], [records[-1].root, records[-1].path] if len(records) == PAGE else None

    def workers(self) -> list[dict[str, Any]]:
        """Every worker that was heard of since the server started."""
        return [self._worker(counts) for counts in self._service.scheduler.workers()]

    def _with_counts(self, record: TaskRecord) -> dict[str, Any]:
        counts = self._service.scheduler.snapshot(record.id) if record.id in self._directory.tasks else None
        return {
            "id": record.id,
            "user": record.user,
            "name": record.name,
            "kind": record.kind,
            "state": counts.state if counts else record.state,
            "reason": record.reason,
            "exit": record.exit_code,
            "held": record.held,
            "submitted_utc": record.submitted_utc,
            "ended_utc": record.ended_utc,
            "started_utc": record.started_utc,
            **(open_counts(counts) if counts else ended_counts(record.counts)),
        }

    @staticmethod
    def _worker(counts: WorkerCounts) -> dict[str, Any]:
        offer = counts.offer
        return {
            "name": offer.name,
            "state": worker_state(counts),
            "reason": counts.aside,
            "aside_seconds": counts.aside_seconds,
            "slots": offer.slots,
            "seats": offer.seats,
            "busy": counts.busy,
            "sandbox": offer.sandbox,
            "network": offer.network,
            "memory": offer.memory,
            "broken": [*counts.slot_states, *counts.seat_states].count("broken"),
            "pythons": sorted({python.version for python in offer.interpreters}, key=_version_key),
            "labels": dict(sorted(offer.labels)),
            "users": None if offer.users is None else sorted(offer.users),
        }


def _why_gone(gone: ForgottenRecord) -> str:
    at = datetime.fromtimestamp(gone.forgotten_utc, timezone.utc)
    name = f" ({gone.name})" if gone.name else ""
    return f"task {gone.task}{name} was forgotten {gone.reason}, at {at:%Y-%m-%d %H:%M} UTC: nothing of it is kept"


def worker_state(counts: WorkerCounts) -> str:
    """What a worker is to people: one word, or two."""
    if not counts.connected:
        return "gone"
    if counts.aside:
        return "set aside"
    return "paused" if counts.offer.paused else "draining" if counts.offer.draining else "ready"


def open_counts(counts: TaskCounts) -> dict[str, Any]:
    """An open task's counts; ``done`` includes ``failed``."""
    return {
        "total": counts.total,
        "final": counts.final,
        "done": counts.done,
        "failed": counts.failed,
        "waiting": counts.waiting,
        "leased": counts.leased,
        "slots": counts.slots,
        "why_waiting": counts.why_waiting,
    }


def ended_counts(counts: Counts | None) -> dict[str, Any]:
    """The counts of a task that has ended, in the same shape."""
    known = {"total": counts.known, "final": counts.final, "done": counts.done, "failed": counts.failed} if counts else {}
    return {"total": 0, "final": True, "done": 0, "failed": 0, **known, "waiting": 0, "leased": 0, "slots": 0, "why_waiting": ""}


def _version_key(version: str) -> list[int]:
    return [int(part) if part.isdigit() else 0 for part in version.split(".")]
