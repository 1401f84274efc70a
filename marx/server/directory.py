"""
The tasks that have not ended, and the links of the workers: what the server keeps at hand beside the scheduler.

Everything here can be made anew from the store and from reconnecting workers.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Awaitable, Iterator, Protocol, Sequence

from twisted.internet.defer import Deferred

from marx.core.model import Lease, TaskTerms


#: Further tries of an item of a program that took its process down: an executor is told of the second loss. Its exceptions are results.
RUN_RETRIES = 1


class WorkerLink(Protocol):
    """A connected worker, as far as the scheduler's service needs it."""

    name: str

    def grant(self, leases: Sequence[Lease]) -> None:
        """Send chunks with the items that they need."""

    def revoke(self, task: str, fences: Sequence[int], reason: str, gently: bool) -> None:
        """Ask for chunks to be ended."""

    def shorten(self, wanted: Sequence[tuple[int, int]]) -> None:
        """Ask for what has not begun of chunks at work: their fences, each with the item from which on."""

    def test(self) -> None:
        """Ask the worker to test itself, and tell the scheduler what comes of it."""

    def forget(self, task: str) -> None:
        """Nothing more of this task will come."""

    def refuse(self, fence: int, portion: int, reason: str) -> None:
        """A program that runs there must see to a portion itself."""

    def signal(self, fence: int, signal: int) -> Awaitable[bool]:
        """Send a program that runs there a signal; whether it got it."""

    def hang_up(self) -> None:
        """Drop the connection."""

    def offer_again(self) -> Any:
        """An operator drains the worker, or no longer: tell the scheduler what it offers now; a Deferred or coroutine."""


class TaskWatch(Protocol):
    """Somebody who watches a task."""

    def moved(self, at_once: bool = False) -> None:
        """Something of it was committed."""

    def ended(self) -> None:
        """It has ended, and that is committed."""


@dataclass(slots=True)
class LiveTask:
    """
    A task that has not ended. ``items``: how many are known; ``workers``: who was granted anything of it.

    ``stored``: it is on disk, so it may be asked for. ``revoking``: answers of workers that were asked to end its chunks; ``processes``: how many processes they ended. ``output_bytes``: printed since this server started.
    """

    id: str
    user: str
    name: str | None
    spec: dict[str, Any]
    submitted_utc: float
    stored: bool = False
    watches: set[TaskWatch] = field(default_factory=set)
    workers: set[str] = field(default_factory=set)
    revoking: list[Deferred[None]] = field(default_factory=list)
    processes: int = 0
    output_bytes: int = 0


class Directory:
    """Live tasks by id, connected workers by name, and the workers that an operator drains, connected or not."""

    def __init__(self) -> None:
        self.tasks: dict[str, LiveTask] = {}
        self.links: dict[str, WorkerLink] = {}
        self.drained: set[str] = set()

    def tasks_of(self, user: str) -> Iterator[LiveTask]:
        """The live tasks of one user."""
        return (task for task in self.tasks.values() if task.user == user)

    def by_prefix(self, prefix: str) -> list[LiveTask]:
        """Live tasks whose id begins so, whoever's they are."""
        return [task for id, task in self.tasks.items() if id.startswith(prefix)]


def terms_of(task: str, user: str, spec: dict[str, Any], arrival: int) -> TaskTerms:
    """What the scheduler needs to know of a specification that was checked."""
    return TaskTerms(
        id=task,
        user=user,
        python=spec.get("python") or "",
        labels=frozenset((str(key), str(value)) for key, value in (spec.get("labels") or {}).items()),
        workers=frozenset(spec.get("workers") or ()),
        sandbox=spec.get("sandbox"),
        network=bool(spec.get("network")),
        max_slots=spec.get("max_slots"),
        priority=spec.get("priority") or 0,
        retries=(spec.get("retries") or 0) + (RUN_RETRIES if spec["kind"] == "run" else 0),
        stop_on_error=bool(spec.get("stop_on_error")),
        chunk_items=spec.get("chunk_items"),
        start_within=spec.get("start_within"),
        timeout=spec.get("timeout") or None,
        memory=spec.get("memory"),
        kind=spec["kind"],
        arrival=arrival,
    )
