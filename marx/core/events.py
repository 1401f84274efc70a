"""What can happen: everything the scheduler is ever told, in the past tense.

``cargo`` is opaque to the core and comes back in the action that stores it; ``receipt`` is
opaque too and comes back in the ``Answer``. An event may arrive twice, late, or from somebody
who lies: the scheduler says so in its answer and never raises for it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Mapping, Sequence

from marx.core.model import Finished, Held, TaskTerms, Tried, WorkerOffer


@dataclass(frozen=True, slots=True)
class TaskSubmitted:
    """Somebody submitted a task; its items follow. The server made the id, so it is new."""

    terms: TaskTerms
    cargo: object = None


@dataclass(frozen=True, slots=True)
class ItemsAdded:
    """Items ``first .. first+count`` joined a portion, directly after those known; none follow ``final``.

    Sent again after a reconnection they are answered "known"; with a gap, "refused". An answer
    is only made when there is a receipt.  worker, fence: who says so, where it is the worker of a main program, and the
    program's lease: under another one it is "not yours". Without them it was a tasker.
    weight: bytes that they take in memory wherever they are; 0 where they are a range or a file.
    """

    task: str
    portion: int
    first: int
    count: int
    final: bool
    cargo: object = None
    receipt: object = None
    worker: str | None = None
    fence: int | None = None
    weight: int = 0


@dataclass(frozen=True, slots=True)
class PortionOpened:
    """A main program opened a portion, 1 or more; its items follow, or run in its ``place``, "home" or the "lab".

    Only believed of the worker that has the program's lease. An attempt before may have opened it: then it is "known".
    python: the minor version of the program's Python ("3.11"): from now on nothing of the task runs under another.
    """

    worker: str
    fence: int
    task: str
    portion: int
    python: str | None = None
    place: str = "lab"
    receipt: object = None
    cargo: object = None


@dataclass(frozen=True, slots=True)
class PortionDropped:
    """Nobody wants the rest of a portion any more: its program closed it early, or asked for something else this time."""

    worker: str
    fence: int
    task: str
    portion: int
    receipt: object = None


@dataclass(frozen=True, slots=True)
class CancelAsked:
    """The user ``by`` wants the task stopped."""

    task: str
    by: str


@dataclass(frozen=True, slots=True)
class HoldAsked:
    """The user ``by`` wants nothing more of the task to be granted until it is released; what runs goes on."""

    task: str
    by: str


@dataclass(frozen=True, slots=True)
class ReleaseAsked:
    """The user ``by`` wants a held task to go on."""

    task: str
    by: str


@dataclass(frozen=True, slots=True)
class TaskForgotten:
    """The store has dropped the task, or will once it has ended; an open one is cancelled first."""

    task: str


@dataclass(frozen=True, slots=True)
class WorkerJoined:
    """A worker connected, for the first time or again, with what it still holds."""

    offer: WorkerOffer
    held: tuple[Held, ...] = ()


@dataclass(frozen=True, slots=True)
class WorkerChanged:
    """A connected worker offers something else now: paused, draining, other slots or labels."""

    offer: WorkerOffer


@dataclass(frozen=True, slots=True)
class WorkerHeard:
    """Any sign of life; reports count as one by themselves."""

    worker: str


@dataclass(frozen=True, slots=True)
class WorkerCut:
    """The worker's link broke without a goodbye: it may be back before its leases end.

    Only for the link that joined last: an old link that dies after a new one joined is no event.
    """

    worker: str


@dataclass(frozen=True, slots=True)
class WorkerLeft:
    """The worker said goodbye and runs nothing any more."""

    worker: str


@dataclass(frozen=True, slots=True)
class WorkerTested:
    """The worker was asked to test itself, and this came of it; ``passed`` None: it does not know how, or the answer was lost."""

    worker: str
    passed: bool | None
    reason: str = ""


@dataclass(frozen=True, slots=True)
class ItemsReported:
    """Results of items ``first .. first+count`` came in under a fence.

    failed: indices in the portion of those whose result is an error.  seconds: time spent in
    these items, as the worker measured it.
    """

    worker: str
    fence: int
    task: str
    portion: int
    first: int
    count: int
    failed: tuple[int, ...] = ()
    seconds: float = 0.0
    receipt: object = None
    cargo: object = None


@dataclass(frozen=True, slots=True)
class ChunkBegun:
    """
    Something came of a chunk that still waits behind another one, for all that was heard.

    Reports of one chunk come in their order; those of the chunk before it may be held up by a file that is still on its way.
    """

    worker: str
    fence: int
    task: str


@dataclass(frozen=True, slots=True)
class RestReturned:
    """The items under a fence from ``stop`` on were not begun, and will not be: the worker was asked to give them back."""

    worker: str
    fence: int
    task: str
    stop: int
    receipt: object = None


@dataclass(frozen=True, slots=True)
class ChunkEnded:
    """Nothing more will come under this fence; its reports came before.

    outcome: "succeeded"; "died" (the program's process, at ``item`` where that was seen);
    "cancelled" (a revoked lease, or one whose process went with its worker); "refused" (the worker
    could not run it; ``fatal`` when no worker could, as with a program that does not load, or a portion whose state does not).
    reason: what happened, to follow the item's name in a sentence, or "its ..." of something else that it was lost with.
    cause: the limit that it died of, a key of ``endings.ERRORS``, else "".  evidence: more, for the sentence's end.
    """

    worker: str
    fence: int
    task: str
    outcome: str
    item: int | None = None
    reason: str = ""
    receipt: object = None
    cargo: object = None
    fatal: bool = False
    cause: str = ""
    evidence: str = ""


@dataclass(frozen=True, slots=True)
class TaskRestored:
    """At start, from the store: a task as it was. ``totals`` maps portion to (known items, final).

    failures: attempts that failed so far, for the story.  tried: the latest of them, and all of a main program, for bounds.
    held: whether it was held.  portions: those that the program opened, by number: an ``Opened`` or its first parts.
    spent_seconds: how long it had been in its state.  weights: of portions, where each of their packs begins and what it weighs.
    """

    terms: TaskTerms
    state: str
    totals: Mapping[int, tuple[int, bool]] = field(default_factory=dict)
    finished: tuple[Finished, ...] = ()
    failures: int = 0
    tried: tuple[Tried, ...] = ()
    held: bool = False
    portions: Mapping[int, tuple[str, ...]] = field(default_factory=dict)
    spent_seconds: float = 0.0
    weights: Mapping[int, Sequence[tuple[int, int]]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Ticked:
    """Time passed: some ``WakeAt`` is due."""


Event = (
    TaskSubmitted
    | ItemsAdded
    | PortionOpened
    | PortionDropped
    | CancelAsked
    | HoldAsked
    | ReleaseAsked
    | TaskForgotten
    | WorkerJoined
    | WorkerChanged
    | WorkerHeard
    | WorkerCut
    | WorkerLeft
    | WorkerTested
    | ItemsReported
    | ChunkBegun
    | RestReturned
    | ChunkEnded
    | TaskRestored
    | Ticked
)
