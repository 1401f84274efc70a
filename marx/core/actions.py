"""What to do about it: everything the scheduler ever asks for, in the imperative.

The order of a list matters. Whoever carries it out makes the ``Save...`` and ``FailItem`` of a
list durable before any ``Answer`` or ``Tell`` of it goes out.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Mapping

from marx.core.model import Lease, Range


@dataclass(frozen=True, slots=True)
class SaveTask:
    """Store a new task, queued; ``cargo`` is that of its ``TaskSubmitted``."""

    task: str
    cargo: object


@dataclass(frozen=True, slots=True)
class SaveItems:
    """Store a pack of items, or with ``count`` 0 only that the portion is final."""

    task: str
    portion: int
    first: int
    count: int
    final: bool
    cargo: object


@dataclass(frozen=True, slots=True)
class SavePortion:
    """Store that a program opened a portion; ``cargo`` is that of its ``PortionOpened``."""

    task: str
    portion: int
    cargo: object


@dataclass(frozen=True, slots=True)
class SavePortionEnd:
    """Store that a portion is "dropped": its program wants nothing more of it.

    That it was refused where it ran is not stored: after a restart it is tried once more, and refused again.
    """

    task: str
    portion: int
    state: str


@dataclass(frozen=True, slots=True)
class SaveHeld:
    """Store that the task is held, or is not any more."""

    task: str
    held: bool


@dataclass(frozen=True, slots=True)
class SaveResults:
    """Store these ranges of a reported pack; ``failed`` are those of them that are errors."""

    task: str
    portion: int
    accepted: tuple[Range, ...]
    failed: tuple[int, ...]
    worker: str
    attempt: int
    cargo: object


@dataclass(frozen=True, slots=True)
class SaveState:
    """Store that the task is in another state now, and why, in one sentence or ""."""

    task: str
    state: str
    reason: str


@dataclass(frozen=True, slots=True)
class SaveSpent:
    """Store how long the task has been in its state, for the limits of its time; no clock but ours may say so after a restart."""

    task: str
    seconds: float


@dataclass(frozen=True, slots=True)
class SaveAttempt:
    """Store an attempt that did not succeed: "failed", "died", "lost", "cancelled" or "refused"."""

    task: str
    portion: int
    first: int
    count: int
    worker: str
    attempt: int
    outcome: str
    item: int | None
    reason: str
    cargo: object = None


@dataclass(frozen=True, slots=True)
class FailItem:
    """Store an error, ``{"type", "message"}``, as the item's result: it died or was lost for good."""

    task: str
    portion: int
    item: int
    error: Mapping[str, str]
    worker: str
    attempt: int


@dataclass(frozen=True, slots=True)
class Grant:
    """Send the lease to its worker, once the items it names are durable."""

    lease: Lease


@dataclass(frozen=True, slots=True)
class Revoke:
    """Ask the worker to end a chunk; it answers with ``ChunkEnded``, "cancelled".

    gently: only if the chunk has not begun; one that has goes on as if nothing was said.
    """

    worker: str
    fence: int
    task: str
    reason: str
    gently: bool = False


@dataclass(frozen=True, slots=True)
class Shorten:
    """Ask the worker to give back the items of a chunk at work from ``stop`` on, as far as they have not begun: see ``RestReturned``."""

    worker: str
    fence: int
    task: str
    stop: int


@dataclass(frozen=True, slots=True)
class AskToTest:
    """Ask a worker to test itself; it answers with ``WorkerTested``."""

    worker: str


@dataclass(frozen=True, slots=True)
class RefusePortion:
    """Tell the task's main program that a portion could not be run elsewhere; one that starts later asks for ``refusals``."""

    task: str
    portion: int
    reason: str


@dataclass(frozen=True, slots=True)
class Answer:
    """Tell the sender of a report what became of it; it may forget the report after any verdict.

    worker: None when the receipt is a tasker's.  verdict: "accepted" (some of it was new),
    "known", "not yours"; for items and portions also "refused", with the reason.
    """

    worker: str | None
    receipt: object
    verdict: str
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Tell:
    """Something that those who watch the task can see has changed; at most once in a list."""

    task: str


@dataclass(frozen=True, slots=True)
class WakeAt:
    """Send ``Ticked`` at this instant of the monotonic clock, or soon after; replaces none before."""

    at: float


Action = (
    SaveTask
    | SaveItems
    | SavePortion
    | SavePortionEnd
    | SaveHeld
    | SaveResults
    | SaveState
    | SaveSpent
    | SaveAttempt
    | FailItem
    | Grant
    | Revoke
    | Shorten
    | AskToTest
    | RefusePortion
    | Answer
    | Tell
    | WakeAt
)
