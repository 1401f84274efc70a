"""
Turns what runners say of chunks into reports: results as they are, output gathered for a moment, long values and files by way of the spool.

What it is told of one chunk leaves in that order, and everything before the chunk's end.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Callable, Protocol, Sequence

from twisted.internet.interfaces import IDelayedCall, IReactorTime

from marx.wire.packs import BLOB_FROM, PACK_AIM, Segment, pack_output
from marx.wire.reports import ArtifactReport, EndReport, NoteReport, OutputReport, Report, RestReport, ResultsReport
from marx.worker.assignments import Chunk
from marx.worker.messages import ArtifactPart, Ended, Results, ValuePart
from marx.worker.recipes import TaskFile
from marx.worker.spool import Spool, SpoolFolder
from marx.worker.standing import Standing

#: Seconds that output may wait for more to travel with; a person sees it within one.
OUTPUT_SECONDS = 0.05
#: Bytes of output of a copy that are kept back until its items have results; what comes then goes as it comes.
KEPT_BACK = 1_000_000
#: Notes that one task can get from one worker.
NOTES = 100


class Sender(Protocol):
    """Where reports go."""

    def put(self, report: Report, payload: bytes = b"", spooled: int = 0) -> None:
        """Report this; ``spooled``: bytes of its blob in the spool folder."""


@dataclass(slots=True)
class _Open:
    """A chunk of which something is gathered."""

    chunk: Chunk
    segments: list[Segment] = field(default_factory=list)
    size: int = 0
    value: bytearray = field(default_factory=bytearray)
    spool: Spool | None = None


class Reporter:
    """``wall``: seconds since 1970, for when output was read."""

    def __init__(self, clock: IReactorTime, wall: Callable[[], float], sender: Sender, spools: SpoolFolder) -> None:
        self._clock = clock
        self._wall = wall
        self._sender = sender
        self._spools = spools
        self._open: dict[int, _Open] = {}
        self._due: IDelayedCall | None = None
        self._noted: dict[str, set[str]] = {}

    def results(self, chunk: Chunk, said: Results) -> None:
        """Items have results."""
        self._put_results(chunk, said.first, said.count, said.codec, said.failed, said.seconds, said.payload)

    def given_back(self, chunk: Chunk) -> None:
        """A chunk at work was shortened to this: what lay behind it was not begun."""
        self._sender.put(RestReport(chunk.fence, chunk.task, chunk.portion, chunk.stop))

    def value_part(self, chunk: Chunk, said: ValuePart) -> None:
        """A part of a long result; it is a result of one item with the last. Raises OSError where the disk is full."""
        opened = self._of(chunk)
        if said.total >= BLOB_FROM:
            self._spool(opened, said.part)
        else:
            opened.value += said.part
        if not said.last:
            return
        blob, size = self._finish_spool(opened)
        payload, opened.value = bytes(opened.value), bytearray()
        self._put_results(chunk, said.item, 1, said.codec, said.failed, said.seconds, payload, blob, size)

    def artifact_part(self, chunk: Chunk, said: ArtifactPart, standing: Standing | None = None) -> ArtifactReport | None:
        """
        A part of a file; the file is reported with the last, and the report returned. Raises OSError where the disk is full.

        ``standing``: of a portion's chunk, what stood in its folder at first.
        """
        opened = self._of(chunk)
        is_file = not said.deleted and said.link is None and not _is_folder(said.mode)
        base = standing.base(said.root, said.path) if standing is not None and is_file else None
        if is_file:
            self._spool(opened, said.part, base.length if base is not None else 0)
        if not said.last:
            return None
        grown_from = _grown_from(base, opened.spool) if standing is not None else None
        blob, size = self._finish_spool(opened)
        report = ArtifactReport(
            chunk.fence,
            chunk.task,
            chunk.portion,
            said.item,
            said.root,
            said.path,
            said.mode,
            size,
            said.mtime,
            blob,
            said.deleted,
            said.link,
            ground=standing.ground(chunk.fence) if standing is not None else None,
            grown_from=grown_from,
            turn=standing.turn() if standing is not None else None,
        )
        self._sender.put(report, spooled=size)
        return report

    def output(self, chunk: Chunk, segments: Sequence[Segment]) -> None:
        """Items printed something. Of a copy it leaves with their results, since most copies lose, and it was printed elsewhere."""
        opened = self._of(chunk)
        opened.segments.extend(segments)
        opened.size += sum([len(segment.content) for segment in segments])
        if opened.size >= (KEPT_BACK if chunk.is_copy else PACK_AIM):
            self._put_output(opened)
        elif self._due is None and not chunk.is_copy:
            self._due = self._clock.callLater(OUTPUT_SECONDS, self._put_all_output)

    def flush(self, chunk: Chunk) -> None:
        """Let what was gathered of its output go before what is reported next."""
        if chunk.fence in self._open:
            self._put_output(self._open[chunk.fence])

    def note(self, chunk: Chunk, text: str) -> None:
        """A sentence for the log of the chunk's task, which gets it once however often it is true."""
        noted = self._noted.setdefault(chunk.task, set())
        if text in noted or len(noted) >= NOTES:
            return
        noted.add(text)
        self._sender.put(NoteReport(chunk.fence, chunk.task, chunk.portion, text))

    def ended(
        self, chunk: Chunk, outcome: str, item: int | None, reason: str, said: Ended | None = None, fatal: bool = False, evidence: str = "", cause: str = ""
    ) -> None:
        """
        The attempt is over; ``said``: what its runner said of it, where it did; ``evidence``: what else is known of a death; ``cause``: the
        limit that its runner died of.
        """
        opened = self._open.pop(chunk.fence, None)
        if opened is not None:
            if not (chunk.is_copy and outcome == "cancelled"):
                self._put_output(opened)
            if opened.spool is not None:
                opened.spool.abandon()
        exit_code, signal = (said.exit, said.signal) if said else (None, None)
        cpu_seconds, max_rss_kb = (said.cpu_seconds, said.max_rss_kb) if said else (0.0, 0)
        cause = said.cause if said else cause
        place = chunk.fence, chunk.task, chunk.portion
        usage = exit_code, signal, cpu_seconds, max_rss_kb
        self._sender.put(EndReport(*place, outcome, item, reason, *usage, fatal, cause=cause, evidence=evidence))

    def forget(self, task: str) -> None:
        """Nothing more of this task will come."""
        self._noted.pop(task, None)

    def stop(self) -> None:
        """Let what was gathered go; called when no runner is left."""
        if self._due is not None:
            self._due.cancel()
            self._put_all_output()

    def _of(self, chunk: Chunk) -> _Open:
        opened = self._open.get(chunk.fence)
        if opened is None:
            opened = self._open[chunk.fence] = _Open(chunk)
        return opened

    def _put_results(
        self,
        chunk: Chunk,
        first: int,
        count: int,
        codec: str,
        failed: tuple[int, ...],
        seconds: float,
        payload: bytes,
        blob: str | None = None,
        spooled: int = 0,
    ) -> None:
        # Whoever waits for the last result would miss what is reported behind it.
        self.flush(chunk)
        report = ResultsReport(chunk.fence, chunk.task, chunk.portion, first, count, codec, failed, seconds, len(payload), blob)
        self._sender.put(report, payload, spooled)

    def _put_all_output(self) -> None:
        self._due = None
        for opened in list(self._open.values()):
            if not opened.chunk.is_copy:
                self._put_output(opened)

    def _put_output(self, opened: _Open) -> None:
        segments, opened.segments, opened.size = opened.segments, [], 0
        size = begin = 0
        for end, segment in enumerate(segments, 1):
            size += len(segment.content)
            if size >= PACK_AIM or end == len(segments):
                self._put_segments(opened.chunk, segments[begin:end])
                begin, size = end, 0

    def _put_segments(self, chunk: Chunk, segments: Sequence[Segment]) -> None:
        items = [segment.item for segment in segments]
        first = min(items)
        payload = pack_output(segments, first)
        report = OutputReport(chunk.fence, chunk.task, chunk.portion, first, max(items), self._wall(), len(payload))
        self._sender.put(report, payload)

    def _spool(self, opened: _Open, part: bytes, head: int = 0) -> None:
        if opened.spool is None:
            opened.spool = self._spools.begin(head)
        opened.spool.write(part)

    def _finish_spool(self, opened: _Open) -> tuple[str | None, int]:
        spool, opened.spool = opened.spool, None
        return (None, 0) if spool is None else (spool.finish(), spool.size)


def _grown_from(base: TaskFile | None, spool: Spool | None) -> int | None:
    """With how many bytes a file that is finished begins that stood there before; None where it has other content now, or is none."""
    if spool is None or base is None:
        return None if spool is None else 0
    return base.length if spool.head_digest == base.digest else None


def _is_folder(mode: int) -> bool:
    return (mode & 0o170000) == 0o040000
