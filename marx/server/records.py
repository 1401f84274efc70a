"""
What is written to the store, what is read from it, and how it fails: plain values.

Writes are named for what they add (``New...``, ``TaskState``, ``BlobUse``), keep (``Keep...``) or take away, reads for what they are
(``...Record``, ``...Row``). A row's ``row`` grows in the order of commits, so it is a place from which reading can go on. Items
``first`` to ``first + count`` belong to a portion; ``payload`` is opaque, and None where a ``blob`` (SHA-256, hexadecimal) has it.
``..._utc``: seconds since 1970.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any, Union

from marx.server.audit_records import DropAuditLines, NewAuditLine
from marx.server.keeping_records import ClearRows, DropMemories, ForgetTask, GiveBackPages, TaskCleared, TaskSize
from marx.server.program_records import NewInput, NewPortion, PortionDropped, PortionRecord, TaskExit, TaskHeld, TaskSpent

from marx.wire.calls import Unavailable

if TYPE_CHECKING:
    from marx.server.codes import CertificateRecord, CodeRecord

#: States in which a task stays for ever.
ENDED_STATES = frozenset({"done", "failed", "cancelled"})


# How it fails


class StoreError(Exception):
    """The base of what the store raises; its text is a sentence for people."""


class StoreFailed(StoreError, Unavailable):
    """The database cannot be written or read, for a reason that is not in the values: a full disk, a lock, damage. Peers may be told."""


class StoreAway(StoreFailed):
    """It cannot at present: a full disk, somebody else's lock, a database server that does not answer."""


class WriteRefused(StoreError):
    """The values of one call cannot be stored; nothing of that call was, and other calls go on."""


class SchemaTooNew(StoreError):
    """The database was made by a newer Marx, or is not one of Marx."""


# Writes


@dataclass(frozen=True, slots=True)
class NewTask:
    """A task, queued. ``spec_json`` is kept as it is; ``name`` is for people."""

    id: str
    user: str
    name: str | None
    kind: str
    spec_json: bytes
    submitted_utc: float


@dataclass(frozen=True, slots=True)
class TaskState:
    """A task is in another state; ``reason`` is one sentence or "". With a state for ever its counts are worked out and kept."""

    task: str
    state: str
    reason: str
    exit_code: int | None
    at_utc: float


@dataclass(frozen=True, slots=True)
class NewItems:
    """An item pack; with ``count`` 0 it says only that the portion is ``final``."""

    task: str
    portion: int
    first: int
    count: int
    codec: str
    args: tuple[int | str, ...]
    payload: bytes | None
    blob: str | None
    final: bool


@dataclass(frozen=True, slots=True)
class NewResults:
    """
    Results of items ``first`` to ``first + count``, which may be a part of the pack in ``payload`` that starts at ``pack_first``.

    ``failed``: the indices in the portion of those that are errors. ``pack_count``: items in the whole pack, None where that is not known.
    ``fence``: of the lease under which they were computed.
    """

    task: str
    portion: int
    first: int
    count: int
    pack_first: int
    codec: str
    failed: tuple[int, ...]
    payload: bytes | None
    blob: str | None
    worker: str
    attempt: int
    pack_count: int | None = None
    fence: int | None = None


@dataclass(frozen=True, slots=True)
class NewOutput:
    """An output pack of items ``first`` to ``last``, both included. ``at_utc``: when the worker read it."""

    task: str
    portion: int
    first: int
    last: int
    worker: str
    at_utc: float
    payload: bytes


@dataclass(frozen=True, slots=True)
class NewArtifact:
    """
    A file below root number ``root`` that ``item`` made, changed or deleted. ``path`` may hold surrogates; ``length`` in bytes.

    ``source``: the folder in which it was done, as in "lab-3/17": its slot's, since that was brought to a list of files. ``grown_from`` and
    ``turn``: as in :class:`~marx.wire.reports.ArtifactReport`.
    """

    task: str
    portion: int
    item: int | None
    root: int
    path: str
    mode: int
    length: int
    mtime: float
    blob: str | None
    deleted: bool
    link: str | None
    source: str | None = None
    grown_from: int | None = None
    turn: int | None = None
    fence: int | None = None


@dataclass(frozen=True, slots=True)
class NewAttempt:
    """An attempt that did not succeed. ``item``: at work when it ended; ``reason``: one sentence."""

    task: str
    portion: int
    first: int
    count: int
    worker: str
    attempt: int
    outcome: str
    item: int | None
    reason: str
    exit_code: int | None
    signal: int | None
    cpu_seconds: float
    max_rss_kb: int
    at_utc: float


@dataclass(frozen=True, slots=True)
class NewNote:
    """One sentence from a worker about a task, for people."""

    task: str
    worker: str
    text: str


@dataclass(frozen=True, slots=True)
class BlobUse:
    """A task names a blob: its user may have it, and it is kept. Writing it again changes nothing."""

    task: str
    sha256: str


@dataclass(frozen=True, slots=True)
class NewEpoch:
    """The server started for the ``number``-th time; refused where that number is taken."""

    number: int
    started_utc: float


@dataclass(frozen=True, slots=True)
class KeepCode:
    """
    A join code, new or in a later state. Refused unless it was used more often than what is kept, or is revoked now and was not.

    So its last use is given once, even if two servers on one database have it in mind.
    """

    code: CodeRecord


@dataclass(frozen=True, slots=True)
class KeepCertificate:
    """A certificate, new or revoked; what was revoked stays so."""

    certificate: CertificateRecord


Write = Union[
    NewTask,
    TaskState,
    TaskExit,
    TaskHeld,
    TaskSpent,
    NewItems,
    NewResults,
    NewOutput,
    NewArtifact,
    NewAttempt,
    NewNote,
    NewPortion,
    PortionDropped,
    NewInput,
    BlobUse,
    ForgetTask,
    ClearRows,
    TaskCleared,
    DropMemories,
    GiveBackPages,
    TaskSize,
    NewAuditLine,
    DropAuditLines,
    NewEpoch,
    KeepCode,
    KeepCertificate,
]


# Reads


@dataclass(frozen=True, slots=True)
class Counts:
    """Items of a task: ``known``, all of them once ``final``; ``done``, ``failed`` among them."""

    known: int
    final: bool
    done: int
    failed: int


@dataclass(frozen=True, slots=True)
class TaskRecord:
    """A task as it stands on disk. ``counts``: of a task that has ended; of a program those of the portions that it opened."""

    row: int
    id: str
    user: str
    name: str | None
    kind: str
    submitted_utc: float
    state: str
    reason: str
    exit_code: int | None
    started_utc: float | None
    ended_utc: float | None
    held: bool
    counts: Counts | None


@dataclass(frozen=True, slots=True)
class ResultRow:
    """Results as :class:`NewResults` stored them, or the later part of them that was asked for."""

    row: int
    portion: int
    first: int
    count: int
    pack_first: int
    pack_count: int | None
    codec: str
    payload: bytes | None
    blob: str | None

    @property
    def whole(self) -> bool:
        """Whether these are all the items of their pack, as far as is known."""
        return self.first == self.pack_first and self.count == self.pack_count

    def joined_with(self, row: int, count: int, payload: bytes) -> ResultRow:
        """This whole pack made longer by those that follow it; ``row`` is the last one's."""
        return replace(self, row=row, count=count, pack_count=count, payload=payload)

    def from_item(self, first: int) -> ResultRow:
        """This row without the items before ``first``; its payload stays whole."""
        return replace(self, first=first, count=self.first + self.count - first)


@dataclass(frozen=True, slots=True)
class OutputRow:
    """Output as :class:`NewOutput` stored it."""

    row: int
    portion: int
    first: int
    last: int
    worker: str
    at_utc: float
    payload: bytes


@dataclass(frozen=True, slots=True)
class ArtifactRecord:
    """The last that is known of a path: of the last item that touched it, what that item did last."""

    portion: int
    item: int | None
    root: int
    path: str
    mode: int
    length: int
    mtime: float
    blob: str | None
    deleted: bool
    link: str | None

    def as_json(self) -> dict[str, Any]:
        """What :class:`marx.wire.tasker.ListArtifacts` answers of it."""
        entry = asdict(self)
        del entry["portion"]
        return entry


@dataclass(frozen=True, slots=True)
class AttemptRecord:
    """An attempt as :class:`NewAttempt` stored it."""

    portion: int
    first: int
    count: int
    worker: str
    attempt: int
    outcome: str
    item: int | None
    reason: str
    exit_code: int | None
    signal: int | None
    cpu_seconds: float
    max_rss_kb: int
    at_utc: float

    def as_json(self) -> dict[str, Any]:
        """Its fields by their names."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class NoteRecord:
    """A note as :class:`NewNote` stored it."""

    worker: str
    text: str


@dataclass(frozen=True, slots=True)
class StoredPortion:
    """A portion of an open task. ``done``: ranges (first, stop) that have results, ``failed`` those of them that are errors."""

    portion: int
    known: int
    final: bool
    done: tuple[tuple[int, int], ...]
    failed: tuple[tuple[int, int], ...]


@dataclass(frozen=True, slots=True)
class UnfinishedTask:
    """
    What a start needs to know of an open task. ``attempts``: the latest, oldest first; ``output_bytes``: printed so far.

    ``opened``: the portions that its program opened. ``spent_seconds``: in its state.
    """

    record: NewTask
    state: str
    portions: tuple[StoredPortion, ...]
    attempts: tuple[AttemptRecord, ...]
    output_bytes: int
    held: bool = False
    opened: tuple[PortionRecord, ...] = ()
    spent_seconds: float = 0.0
