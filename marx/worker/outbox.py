"""
Reports that the server has not answered: pure.

They leave in boxes, at once when none is under way, else gathered while an answer is outstanding. A box is forgotten when it is answered,
and everything unanswered goes again over the next connection. Reports of one chunk keep their order; one whose blob is not at the server
yet holds back its own chunk's only. What waits is bounded: when it is full, who fills it pauses.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, replace
from operator import attrgetter
from typing import Any, Iterable, Sequence

from marx.wire.packs import error_entry
from marx.wire.reports import (
    ArtifactReport,
    DropReport,
    EndReport,
    ItemsReport,
    NoteReport,
    PortionReport,
    Report,
    ResultsReport,
    as_list,
    blobs_of,
)

#: Bytes that a report counts beside its payload.
REPORT_BYTES = 300


@dataclass(frozen=True, slots=True)
class OutboxLimits:
    """
    ``box_bytes``, ``box_reports``: when a box is full. ``window``, ``under_way_bytes``: how many full boxes, and how much, may be under way
    at a time.

    ``waiting_bytes``: of unanswered reports in memory; ``spooled_bytes``: of their blobs on disk.
    """

    box_bytes: int = 256_000
    box_reports: int = 400
    window: int = 4
    under_way_bytes: int = 8 << 20
    waiting_bytes: int = 64 << 20
    spooled_bytes: int = 8 << 30


@dataclass(frozen=True, slots=True)
class Entry:
    """A report with its payload. ``spooled``: bytes of its blob, which lies on disk."""

    number: int
    report: Report
    payload: bytes
    spooled: int

    @property
    def size(self) -> int:
        """What it counts in memory."""
        return len(self.payload) + REPORT_BYTES

    @property
    def blobs(self) -> Sequence[str]:
        """The blobs that must be at the server before the report."""
        return blobs_of(self.report)


@dataclass(frozen=True, slots=True)
class Box:
    """Reports that travel together."""

    entries: tuple[Entry, ...]

    @property
    def size(self) -> int:
        """What it counts in memory."""
        return sum([entry.size for entry in self.entries])

    def reports(self) -> list[list[Any]]:
        """The JSON form."""
        return [as_list(entry.report) for entry in self.entries]

    def payload(self) -> bytes:
        """All payloads, one behind the other."""
        return b"".join([entry.payload for entry in self.entries])


class Outbox:
    """Numbers grow with each report; they are this daemon's own and never travel."""

    def __init__(self, limits: OutboxLimits = OutboxLimits()) -> None:
        self._limits = limits
        self._number = 0
        self._waiting: deque[Entry] = deque()
        self._waiting_bytes = 0
        self._under_way: dict[int, Box] = {}
        self._under_way_bytes = 0
        self._lanes: dict[int, deque[Entry]] = {}
        self._absent: dict[str, set[int]] = {}
        self._arrived: set[str] = set()
        self._settled: dict[int, set[str]] = {}
        self._alone: set[int] = set()
        self._held_bytes = 0
        self._held_spooled = 0

    def put(self, report: Report, payload: bytes = b"", spooled: int = 0) -> None:
        """A new report, behind those of its chunk. One with a blob waits until :meth:`arrived`."""
        self._number += 1
        entry = Entry(self._number, report, payload, spooled)
        self._count(entry, 1)
        lane = self._lanes.get(report.fence)
        if lane is not None:
            lane.append(entry)
        elif self._must_wait(entry):
            self._lanes[report.fence] = deque([entry])
            self._await(entry)
        else:
            self._queue(entry)

    def arrived(self, blob: str) -> None:
        """The server has this blob, durably: what waited for it may go."""
        self._arrived.add(blob)
        self._release(blob)

    def is_there(self, fence: int, blob: str) -> bool:
        """Whether a report of this program's lease that named the blob was answered: the server keeps it as long as the task."""
        return blob in self._settled.get(fence, ())

    def given_up(self, blob: str, why: str) -> list[Entry]:
        """The server will never take this blob: the reports that named it, which now say ``why`` instead, or are dropped."""
        given_up = []
        for fence, lane in self._lanes.items():
            for entry in lane:
                self._count(entry, -1)
            self._lanes[fence], gone = _without_blob(lane, blob, why)
            for entry in self._lanes[fence]:
                self._count(entry, 1)
            given_up += gone
        self._release(blob)
        return given_up

    def disowned(self, blob: str) -> list[Entry]:
        """
        The chunk of this blob is not this worker's any more: the reports that named it, which are forgotten, and those behind them.

        A result that was accepted without the file that its item made before it would leave the file out for good.
        """
        disowned = []
        for fence, lane in self._lanes.items():
            entries = list(lane)
            begin = next((place for place, entry in enumerate(entries) if blob in entry.blobs), len(entries))
            kept = [*entries[:begin], *(entry for entry in entries[begin:] if isinstance(entry.report, EndReport))]
            disowned += [entry for entry in entries[begin:] if not isinstance(entry.report, EndReport)]
            self._lanes[fence] = deque(kept)
        for entry in disowned:
            self._count(entry, -1)
        self._release(blob)
        return disowned

    @property
    def is_empty(self) -> bool:
        """Whether every report was answered."""
        return not (self._waiting or self._under_way or self._lanes)

    @property
    def is_full(self) -> bool:
        """Whether those who report should pause."""
        return self._held_bytes >= self._limits.waiting_bytes or self._held_spooled >= self._limits.spooled_bytes

    @property
    def has_room(self) -> bool:
        """Whether those who paused may go on: half of it is free, so that they do not flutter."""
        return self._held_bytes <= self._limits.waiting_bytes // 2 and self._held_spooled <= self._limits.spooled_bytes // 2

    def gather(self) -> Box | None:
        """The next box to send now, which is under way from here on; None if nothing should go yet."""
        if not self._waiting or (self._under_way and not self._may_send_another()):
            return None
        taken = [self._take()]
        size = len(taken[0].payload)
        while self._waiting and len(taken) < self._limits.box_reports and taken[0].number not in self._alone:
            size += len(self._waiting[0].payload)
            if size > self._limits.box_bytes or self._waiting[0].number in self._alone:
                break
            taken.append(self._take())
        box = self._under_way[taken[0].number] = Box(tuple(taken))
        self._under_way_bytes += box.size
        return box

    def answered(self, box: Box) -> None:
        """The server has committed what it accepted of these: they are forgotten."""
        if self._under_way.pop(box.entries[0].number, None) is None:
            return
        self._under_way_bytes -= box.size
        self._alone.discard(box.entries[0].number)
        for entry in box.entries:
            self._count(entry, -1)
            if isinstance(entry.report, PortionReport):
                self._settled.setdefault(entry.report.fence, set()).update(entry.blobs)
            elif isinstance(entry.report, EndReport):
                self._settled.pop(entry.report.fence, None)

    def refused(self, box: Box) -> bool:
        """The server cannot make sense of this box: its reports go again one by one. False: it was only one, and it is forgotten."""
        if len(box.entries) == 1:
            self.answered(box)
            return False
        self._alone.update(entry.number for entry in box.entries)
        self.returned(box)
        return True

    def returned(self, *boxes: Box) -> None:
        """The connection is lost (or these boxes were not taken now): what was under way waits again, before what is newer."""
        numbers = [box.entries[0].number for box in boxes] or list(self._under_way)
        returned = [self._under_way.pop(number) for number in numbers if number in self._under_way]
        self._under_way_bytes -= sum([box.size for box in returned])
        back = [entry for box in returned for entry in box.entries]
        self._waiting_bytes += sum([entry.size for entry in back])
        self._waiting = deque(sorted([*back, *self._waiting], key=_number))

    def unanswered(self) -> list[Entry]:
        """All that is held, oldest first."""
        under_way = [entry for box in self._under_way.values() for entry in box.entries]
        behind = [entry for lane in self._lanes.values() for entry in lane]
        return sorted([*under_way, *self._waiting, *behind], key=_number)

    @property
    def has_full_box(self) -> bool:
        """Whether what waits fills a box."""
        limits = self._limits
        return self._waiting_bytes >= limits.box_bytes or len(self._waiting) >= limits.box_reports

    def _may_send_another(self) -> bool:
        """While an answer is outstanding only a full box goes."""
        limits = self._limits
        if len(self._under_way) >= limits.window or self._under_way_bytes >= limits.under_way_bytes:
            return False
        return self.has_full_box

    def _count(self, entry: Entry, sign: int) -> None:
        self._held_bytes += sign * entry.size
        self._held_spooled += sign * entry.spooled

    def _release(self, blob: str) -> None:
        for fence in self._absent.pop(blob, ()):
            lane = self._lanes[fence]
            while lane and not self._must_wait(lane[0]):
                self._queue(lane.popleft())
            if lane:
                self._await(lane[0])
            else:
                del self._lanes[fence]
        if not self._lanes:
            self._arrived.clear()

    def _must_wait(self, entry: Entry) -> bool:
        return bool(self._absent_of(entry))

    def _await(self, entry: Entry) -> None:
        """The first of its lane waits for the first of its blobs."""
        self._absent.setdefault(self._absent_of(entry)[0], set()).add(entry.report.fence)

    def _absent_of(self, entry: Entry) -> list[str]:
        return [blob for blob in entry.blobs if blob not in self._arrived and not self.is_there(entry.report.fence, blob)]

    def _queue(self, entry: Entry) -> None:
        self._waiting.append(entry)
        self._waiting_bytes += entry.size

    def _take(self) -> Entry:
        entry = self._waiting.popleft()
        self._waiting_bytes -= entry.size
        return entry


_number = attrgetter("number")


def _without_blob(lane: Iterable[Entry], blob: str, why: str) -> tuple[deque[Entry], list[Entry]]:
    """
    A lane that names ``blob`` no more, and what is gone from it. A portion that cannot leave stays with its program, and its items too.
    """
    kept, gone, staying = deque[Entry](), [], set()
    for entry in lane:
        report = entry.report
        if isinstance(report, (ItemsReport, DropReport)) and report.portion in staying:
            gone.append(entry)
        elif blob in entry.blobs:
            gone.append(entry)
            kept.append(_instead_of(entry, why))
            if isinstance(report, (PortionReport, ItemsReport)):
                staying.add(report.portion)
        else:
            kept.append(entry)
    return kept, gone


def _instead_of(entry: Entry, why: str) -> Entry:
    report = entry.report
    instead: Report
    line = b""
    if isinstance(report, ResultsReport):
        line = error_entry("TooLarge", f"the result could not be sent: {why}")
        instead = replace(report, codec="entries", failed=(report.first,), size=len(line), blob=None)
    elif isinstance(report, PortionReport):
        instead = replace(report, place="home", reason=f"what its items see could not be sent: {why}", state=None, files=None)
    elif isinstance(report, ItemsReport):
        instead = DropReport(report.fence, report.task, report.portion)
    else:
        assert isinstance(report, ArtifactReport)
        instead = NoteReport(report.fence, report.task, report.portion, f"the file {report.path} could not be sent: {why}")
    return Entry(entry.number, instead, line, 0)
