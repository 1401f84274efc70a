"""The nouns of the core: frozen values that events, actions and the other floors speak of.

Nothing here decides anything. Ranges of items are half-open and always say how they are
written: ``(first, stop)`` or ``(first, count)``. Durations are seconds as float; instants are
named ``..._at`` and belong to the monotonic clock that the caller of the scheduler reads.

``--after`` will be one more optional field of :class:`TaskTerms`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Mapping, NamedTuple

Range = tuple[int, int]
"""Items ``first <= item < stop``."""


@dataclass(frozen=True, slots=True)
class Interpreter:
    """One Python that a worker has: its full version ("3.11.7"), its absolute path there, and other paths of the same."""

    version: str
    path: str
    names: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class TaskTerms:
    """What a task asks for, fixed when it is submitted.

    python: "" for any, a version or its beginning ("3", "3.11", "3.x"), or an absolute path.
    labels: (key, value) pairs, all of which a worker must have.  workers: names; empty for any.
    sandbox: the least level that will do.  network: its programs use the network, so a main program that may have begun is
    not started again.  max_slots: how many slots at a time; None for any.
    priority: higher goes first among the tasks of one user.  retries: further tries of an item
    whose code failed or died.  chunk_items: items in each chunk; None to measure and decide.
    start_within: seconds until the task fails unless something has taken it; None for ever.
    timeout: seconds from then on after which it fails, whatever of it runs; None for ever.  memory: bytes that a slot must lend.
    kind: "map", all of whose portions run on slots, or "run", whose item 0 of portion 0 is its main program and runs on
    a seat.  arrival: order of submission, unique.
    """

    id: str
    user: str
    python: str = ""
    labels: frozenset[tuple[str, str]] = frozenset()
    workers: frozenset[str] = frozenset()
    sandbox: str | None = None
    network: bool = False
    max_slots: int | None = None
    priority: int = 0
    retries: int = 0
    stop_on_error: bool = False
    chunk_items: int | None = None
    start_within: float | None = None
    timeout: float | None = None
    memory: int | None = None
    kind: str = "map"
    arrival: int = 0


@dataclass(frozen=True, slots=True)
class WorkerOffer:
    """What a worker lends. ``boot`` is new each time its daemon starts; ``users`` None means all.

    slots: rooms for chunks.  seats: rooms for main programs.  network: its owner lets programs that ask for it use the network.
    memory: bytes that each of them may have; None: nobody has said.
    """

    name: str
    boot: str
    slots: int
    seats: int = 0
    interpreters: tuple[Interpreter, ...] = ()
    labels: frozenset[tuple[str, str]] = frozenset()
    sandbox: str = "none"
    network: bool = False
    memory: int | None = None
    users: frozenset[str] | None = None
    paused: bool = False
    draining: bool = False


@dataclass(frozen=True, slots=True)
class Lease:
    """One attempt of one chunk on one slot; every message about it carries ``fence``.

    slot: from 0; a main program has a seat, counted -1, -2, ...  attempt: 1 for the first try of these items.  expires_at: when the lease would end if nothing
    were heard of its worker from now on; hearing of the worker renews all of its leases.  is_copy: another attempt at the same
    items has been at work for long, and goes on.
    """

    fence: int
    task: str
    portion: int
    first: int
    count: int
    worker: str
    slot: int
    attempt: int
    granted_at: float
    expires_at: float
    is_copy: bool = False

    @property
    def stop(self) -> int:
        """The index after the last item."""
        return self.first + self.count


@dataclass(frozen=True, slots=True)
class Held:
    """A lease that a returning worker says it has, in the order in which it will run them.

    first, count: the items not yet reported, or reported and not yet answered.  Who presents a
    lease promises to end it with a ``ChunkEnded``, as cancelled if its process is gone.
    """

    fence: int
    task: str
    portion: int
    first: int
    count: int
    slot: int | None = None


@dataclass(frozen=True, slots=True)
class Finished:
    """What the store holds of a portion: items with a result, and those whose result is an error."""

    portion: int
    done: tuple[Range, ...]
    failed: tuple[Range, ...] = ()


@dataclass(frozen=True, slots=True)
class Tried:
    """An attempt that failed, as ``SaveAttempt`` stored it, so that bounds survive a restart."""

    portion: int
    first: int
    count: int
    worker: str
    outcome: str
    item: int | None
    reason: str


class Opened(NamedTuple):
    """What the store holds of a portion that a program opened.

    python: the minor version of the program's Python, "" for any.  state: "open", "home", "dropped" or "refused".
    reason: why it was refused.
    """

    python: str = ""
    state: str = "open"
    reason: str = ""


class PortionCounts(NamedTuple):
    """A portion at one moment: items known so far, all of them once ``final``; those done, failed ones among them."""

    number: int
    known: int
    final: bool
    done: int
    failed: int


@dataclass(frozen=True, slots=True)
class TaskCounts:
    """A task at one moment. Items are done (failed ones among them), leased or waiting.

    total: items known so far, all of them once ``final``.  slots: slots at work for it now.
    why_waiting: one sentence, or "" when nothing of it waits.  held: somebody asked that nothing of it be granted.
    Of a run the main program is not counted, nor are items that nobody wants any more; it is ``final`` once it has ended.
    """

    state: str
    total: int
    final: bool
    done: int
    failed: int
    leased: int
    waiting: int
    slots: int
    why_waiting: str
    held: bool = False


@dataclass(frozen=True, slots=True)
class WorkerCounts:
    """A worker at one moment: its offer, whether it is connected, slots and seats at work, leases held, the state of each.

    aside: why it gets nothing until it has tested itself, "" if that is not so.  aside_seconds: for how long so far.
    """

    offer: WorkerOffer
    connected: bool
    busy: int
    leases: int
    heard_at: float
    slot_states: tuple[str, ...] = ()
    seats_busy: int = 0
    seat_states: tuple[str, ...] = ()
    aside: str = ""
    aside_seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class Policy:
    """The numbers behind the scheduler's decisions. Seconds unless said otherwise.

    lease_seconds: how long a worker may stay silent before its leases end.
    target_seconds: how long a chunk should take once item times are known: long enough that a
    round trip and a fork (about 5 ms together) do not count, short enough to share and to balance.
    least_seconds: chunks are not tapered below this at the end of a portion.
    growth: a chunk has at most this many times the items measured so far, since one quick item
    says little about a million others.
    ahead_seconds, ahead_chunks: how much a slot may have queued behind what runs, so that it never
    waits for a round trip.  ahead_longest: chunks that take longer are never queued ahead, since
    the round trip is nothing to them and another user's task may want the slot.
    chunk_bytes: what the items of a chunk weigh at the most, unless a single pack weighs more: quick items that are large would else
    make chunks of any size in the memory of server and worker.  ahead_bytes: the same of all that is queued behind what runs, but for
    the first.
    item_losses: lost attempts (not the program's fault) after which an item fails.
    program_losses: as ``item_losses``, of a main program, after which its task fails; more, since so much hangs on it.
    aside_seconds: a worker that is in trouble again after it was set aside waits so long before it tests itself once more, twice as
    long each time, up to aside_longest.
    copy_times: when nothing waits for an idle slot, an item that has been at work for so many times the mean of its portion is granted
    once more elsewhere, and the first result counts; 0: never.  copy_least_seconds: no sooner than that.
    copy_share: the part of all slots that such copies may hold, at least one slot.
    spent_seconds: how often the time that a task with a limit has spent is stored; a restart of the server forgives so much.
    elsewhere_seconds: how long an item that was lost on a worker waits for another one first;
    also the first pause after a worker refused a task, doubled each time up to refusal_longest.
    return_seconds: after a restart of the server, how long the items of a task that was running wait
    for the workers that may still hold them, before they are granted again; sooner where all that the lab has are back.
    program_return_seconds: the same for its main program, longer: all that it has done would be done again, and a worker
    that found the server away may wait for 39 s before it dials again.
    turn_seconds: how far a user may run ahead of another with as many slots before a slot changes
    hands, since changing costs the start of another runner.
    chunk_overhead: what starting a chunk costs a slot, a fork.
    usage_half_life: how fast used slot time is forgotten.
    ageing: seconds of remaining work that a second of waiting makes up for, among a user's tasks.
    weights: share of a user; 1.0 for those not named.
    story_events: remembered events of each task.  ended_tasks: ended tasks remembered.
    lost_leases: lost leases remembered, so that late reports are recognised.
    worker_slots: slots, and seats, believed of one worker.
    """

    lease_seconds: float = 60.0
    target_seconds: float = 0.5
    least_seconds: float = 0.02
    growth: int = 64
    ahead_seconds: float = 0.15
    ahead_chunks: int = 64
    ahead_longest: float = 2.0
    chunk_bytes: int = 2_000_000
    ahead_bytes: int = 4_000_000
    chunk_overhead: float = 0.001
    item_losses: int = 3
    program_losses: int = 20
    aside_seconds: float = 30.0
    aside_longest: float = 3600.0
    copy_times: float = 3.0
    copy_least_seconds: float = 5.0
    copy_share: float = 0.25
    spent_seconds: float = 10.0
    elsewhere_seconds: float = 5.0
    refusal_longest: float = 300.0
    return_seconds: float = 3.0
    program_return_seconds: float = 45.0
    turn_seconds: float = 1.0
    usage_half_life: float = 600.0
    ageing: float = 1.0
    weights: Mapping[str, float] = field(default_factory=dict)
    story_events: int = 1000
    ended_tasks: int = 1000
    lost_leases: int = 10_000
    worker_slots: int = 4096
