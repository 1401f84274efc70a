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
from typing import Any

from marx.wire.packs import error_entry
from marx.wire.reports import ArtifactReport, NoteReport, Report, ResultsReport, as_list

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
    def blob(self) -> str | None:
        """The blob that must be at the server before the report."""
        report = self.report
        return report.blob if isinstance(report, (ResultsReport, ArtifactReport)) else None


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
            self._absent.setdefault(entry.blob or "", set()).add(report.fence)
        else:
            self._queue(entry)

    def arrived(self, blob: str) -> None:
        """The server has this blob, durably: what waited for it may go."""
        self._arrived.add(blob)
        self._release(blob)

    def given_up(self, blob: str, why: str) -> list[Entry]:
        """The server will never take this blob: the reports that named it, which now say ``why`` instead."""
        given_up = []
        for lane in self._lanes.values():
            for at, entry in enumerate(lane):
                if entry.blob == blob:
                    lane[at] = without = _without_blob(entry, why)
                    self._count(without, 1)
                    self._count(entry, -1)
                    given_up.append(entry)
        self._release(blob)
        return given_up

    def disowned(self, blob: str) -> list[Entry]:
        """The chunk of this blob is not this worker's any more: the reports that named it, which are forgotten."""
        disowned = []
        for fence, lane in self._lanes.items():
            gone = [entry for entry in lane if entry.blob == blob]
            self._lanes[fence] = deque(entry for entry in lane if entry.blob != blob)
            disowned += gone
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
                self._absent.setdefault(lane[0].blob or "", set()).add(fence)
            else:
                del self._lanes[fence]
        if not self._lanes:
            self._arrived.clear()

    def _must_wait(self, entry: Entry) -> bool:
        return entry.blob is not None and entry.blob not in self._arrived

    def _queue(self, entry: Entry) -> None:
        self._waiting.append(entry)
        self._waiting_bytes += entry.size

    def _take(self) -> Entry:
        entry = self._waiting.popleft()
        self._waiting_bytes -= entry.size
        return entry


_number = attrgetter("number")


def _without_blob(entry: Entry, why: str) -> Entry:
    report = entry.report
    if isinstance(report, ResultsReport):
        line = error_entry("TooLarge", f"the result could not be sent: {why}")
        failed = replace(report, codec="entries", failed=(report.first,), size=len(line), blob=None)
        return Entry(entry.number, failed, line, 0)
    assert isinstance(report, ArtifactReport)
    note = NoteReport(report.fence, report.task, report.portion, f"the file {report.path} could not be sent: {why}")
    return Entry(entry.number, note, b"", 0)
