"""
What a worker reports of a chunk, as values and as the JSON lists that travel in :class:`marx.wire.worker.ReportItems`.

Every report names the fence of its lease, so that a late or repeated one is recognised and answered, never guessed at.
"""

from __future__ import annotations

from dataclasses import Field, dataclass, fields
from operator import attrgetter
from typing import Any, Callable, ClassVar, Sequence, Union


@dataclass(frozen=True, slots=True)
class ResultsReport:
    """Items ``first`` to ``first + count`` have results: the next ``size`` bytes of the payload, or the blob. ``seconds``: spent in them."""

    kind: ClassVar[str] = "results"
    fence: int
    task: str
    portion: int
    first: int
    count: int
    codec: str
    failed: tuple[int, ...]
    seconds: float
    size: int
    blob: str | None = None


@dataclass(frozen=True, slots=True)
class OutputReport:
    """An output pack of items ``first`` to ``last`` (both included): the next ``size`` bytes. ``at_utc``: when it was read from the pipe."""

    kind: ClassVar[str] = "output"
    fence: int
    task: str
    portion: int
    first: int
    last: int
    at_utc: float
    size: int


@dataclass(frozen=True, slots=True)
class ArtifactReport:
    """
    A file below root number ``root`` is new, changed or deleted, by ``item`` (None: not known which of the chunk).

    ``blob`` was uploaded before; a link has ``link`` and no blob, a folder neither, with ``mode`` saying so. ``length`` in bytes.

    Of items of portions: ``ground`` is the same for all that was made in one folder since it was brought to a list of files, and ``turn`` counts
    it in the order in which it was made, in which it need not arrive. ``grown_from``:
    the file's first so many bytes are what stood there then (0: nothing did), and the items added the rest; None where they did otherwise.
    """

    kind: ClassVar[str] = "artifact"
    fence: int
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
    size: int = 0
    ground: int | None = None
    grown_from: int | None = None
    turn: int | None = None


@dataclass(frozen=True, slots=True)
class EndReport:
    """
    The attempt is over. ``outcome``: succeeded, died, cancelled or refused.

    ``item``: at work when it died. ``reason``: what happened, to follow the item's name in a sentence. ``fatal``: refused for the program's
    fault, so no worker can run it. ``cause``: the limit that it died of ("item-timeout", "silence", "memory"), "" if none; ``evidence``: more to
    be told, to stand at the sentence's end.
    """

    kind: ClassVar[str] = "end"
    fence: int
    task: str
    portion: int
    outcome: str
    item: int | None
    reason: str
    exit_code: int | None
    signal: int | None
    cpu_seconds: float
    max_rss_kb: int
    fatal: bool = False
    size: int = 0
    cause: str = ""
    evidence: str = ""


@dataclass(frozen=True, slots=True)
class RestReport:
    """The items of a chunk at work from ``stop`` on were not begun, and will not be under this fence: that was asked for."""

    kind: ClassVar[str] = "rest"
    fence: int
    task: str
    portion: int
    stop: int
    size: int = 0


@dataclass(frozen=True, slots=True)
class NoteReport:
    """One sentence for the task's log, such as that its program has threads and gets a fresh interpreter for each chunk."""

    kind: ClassVar[str] = "note"
    fence: int
    task: str
    portion: int
    text: str
    size: int = 0


@dataclass(frozen=True, slots=True)
class PortionReport:
    """
    A main program opened ``portion``; ``fence`` is the program's own lease, as in the two kinds that follow.

    ``call``: JSON of {"file", "line", "kind", "function"}. ``place``: "lab", or "home" where its items are served beside the program,
    for this ``reason``. ``python``: the minor version that must load its items. ``state``, ``files``: blobs, uploaded before.
    """

    kind: ClassVar[str] = "portion"
    fence: int
    task: str
    portion: int
    call: str
    place: str
    reason: str
    python: str
    state: str | None
    files: str | None
    size: int = 0


@dataclass(frozen=True, slots=True)
class ItemsReport:
    """
    The next ``count`` items of an opened portion: the next ``size`` bytes of the payload, or the blob. ``final``: no more follow.

    ``digest``: SHA-256 of the pack, by which a replay recognises it.
    """

    kind: ClassVar[str] = "items"
    fence: int
    task: str
    portion: int
    first: int
    count: int
    codec: str
    digest: str
    final: bool
    size: int
    blob: str | None = None


@dataclass(frozen=True, slots=True)
class DropReport:
    """Nobody wants the items of an opened portion any more."""

    kind: ClassVar[str] = "drop"
    fence: int
    task: str
    portion: int
    size: int = 0


Report = Union[ResultsReport, OutputReport, ArtifactReport, EndReport, RestReport, NoteReport, PortionReport, ItemsReport, DropReport]
_KINDS: dict[str, type] = {
    kind.kind: kind
    for kind in (ResultsReport, OutputReport, ArtifactReport, EndReport, RestReport, NoteReport, PortionReport, ItemsReport, DropReport)
}

#: dataclasses.astuple copies deeply, at ten times the cost of the box's own share of a report.
_VALUES = {kind: attrgetter(*(field.name for field in fields(kind))) for kind in _KINDS.values()}


def blobs_of(report: Report) -> Sequence[str]:
    """The digests of what a report names: its blobs must be at the server before it."""
    if isinstance(report, (ResultsReport, ArtifactReport, ItemsReport)):
        return (report.blob,) if report.blob is not None else ()
    if isinstance(report, PortionReport):
        return [digest for digest in (report.state, report.files) if digest is not None]
    return ()


def as_list(report: Report) -> list[Any]:
    """The JSON form: the kind, then the fields in their order."""
    return [report.kind, *_VALUES[type(report)](report)]


#: Fields that hold what a program made or said: names of files may have surrogates, and sentences anything. All other texts are short
#: words of Marx's own, and go to databases as they are.
_FREE = frozenset({"path", "link", "reason", "text", "call"})
#: What a field may be, by its annotation. Numbers fit a database's column: its writer
#: has no way to go on behind one that does not.
_CHECKS: dict[str, Callable[[Any], bool]] = {
    "int": lambda value: type(value) is int and abs(value) < 1 << 63,
    "float": lambda value: type(value) in (int, float) and abs(value) < 1 << 53,
    "bool": lambda value: type(value) is bool,
    "str": lambda value: type(value) is str and value.isascii() and value.isprintable(),
    "tuple[int, ...]": lambda value: type(value) in (list, tuple) and all(map(_CHECKS["int"], value)),
}
_CHECKS |= {f"{name} | None": lambda value, check=check: value is None or check(value) for name, check in list(_CHECKS.items())}


def _check_of(field: Field[Any]) -> Callable[[Any], bool]:
    if field.name not in _FREE:
        return _CHECKS[str(field.type)]
    may_lack = "None" in str(field.type)
    return lambda value: type(value) is str or (may_lack and value is None)


_FIELDS = {kind: [_check_of(field) for field in fields(kind)] for kind in _KINDS.values()}


def from_list(raw: Sequence[Any]) -> Report:
    """The report of its JSON form. Raises ValueError where it makes no sense; fields that a newer peer added at the end are ignored."""
    try:
        kind = _KINDS[raw[0]]
        values = raw[1 : 1 + len(_FIELDS[kind])]
        if not all(map(_fits, _FIELDS[kind], values)):
            raise ValueError
        return kind(*values)
    except (KeyError, IndexError, TypeError, ValueError) as error:
        raise ValueError(f"not a report: {str(raw)[:80]}") from error


def _fits(check: Callable[[Any], bool], value: Any) -> bool:
    return check(value)
