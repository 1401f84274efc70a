"""
What a worker's box of reports turns into: events for the scheduler, rows for the store, a verdict for each report.

Results and ends are events, and so is what a program asks for. Output, artifacts and notes are stored beside them when the fence is one that the scheduler gave to this
worker; they come before the end of their chunk in the same order, so their fences are asked for first.
"""

from __future__ import annotations

import json
from contextlib import nullcontext
from dataclasses import dataclass
from functools import partial
from typing import Any, AsyncContextManager, Iterable, Iterator, Sequence

from twisted.internet.defer import Deferred, DeferredLock, FirstError, gatherResults

from marx.core import events
from marx.core.model import Lease, Range
from marx.server.blob_desk import BlobDesk
from marx.server.directory import Directory
from marx.server.items import ItemShelf
from marx.server.output import OutputIntake
from marx.server.program_records import NewPortion, TaskExit
from marx.server.records import BlobUse, NewArtifact, NewItems, NewNote, NewResults
from marx.server.service import SchedulingService
from marx.wire.calls import BadRequest
from marx.wire.packs import ItemPack
from marx.wire.reports import (
    ArtifactReport,
    DropReport,
    EndReport,
    ItemsReport,
    NoteReport,
    OutputReport,
    PortionReport,
    Report,
    RestReport,
    ResultsReport,
    blobs_of,
    from_list,
)

NOT_YOURS = "not yours"

#: A receipt with its report and payload, and the lease that it was made under.
Came = tuple[tuple[int, tuple[Report, bytes]], Lease | None]


@dataclass(frozen=True, slots=True)
class ResultsCargo:
    """Results on their way through the scheduler, which says which of them are new."""

    report: ResultsReport
    payload: bytes
    worker: str

    def rows(self, accepted: Sequence[Range], failed: Sequence[int], attempt: int) -> list[Any]:
        """A row for each accepted range; each names the whole pack, and says which part of it counts."""
        report = self.report
        rows: list[Any] = [
            NewResults(
                report.task,
                report.portion,
                first,
                stop - first,
                report.first,
                report.codec,
                tuple(index for index in failed if first <= index < stop),
                None if report.blob else self.payload,
                report.blob,
                self.worker,
                attempt,
                pack_count=report.count,
                fence=report.fence,
            )
            for first, stop in accepted
        ]
        return rows + ([BlobUse(report.task, report.blob)] if report.blob and rows else [])


@dataclass(frozen=True, slots=True)
class ExitCargo:
    """The end of a program on its way through the scheduler."""

    results: ResultsCargo
    exit_code: int

    def rows(self, accepted: Sequence[Range], failed: Sequence[int], attempt: int) -> list[Any]:
        """The result's row, and the exit code beside the task's state."""
        rows = self.results.rows(accepted, failed, attempt)
        return [*rows, TaskExit(self.results.report.task, self.exit_code)] if rows else []


def cut(raw_reports: Any, payload: bytes) -> list[tuple[Report, bytes]]:
    """The reports of a box with their parts of its payload. Raises :class:`BadRequest`."""
    pairs = []
    position = 0
    try:
        for raw in raw_reports:
            report = from_list(raw)
            pairs.append((report, payload[position : position + report.size]))
            position += report.size
    except (ValueError, TypeError) as error:
        raise BadRequest(str(error)) from error
    if position != len(payload):
        raise BadRequest(f"the reports speak of {position} bytes, and {len(payload)} came")
    return pairs


class Intake:
    """
    Takes one worker's reports, in the order in which they came.

    A report that names a blob which the worker did not send, nor its task knows, is not taken: it would give the task's user the blob of
    another whose hash the worker has heard of.
    """

    def __init__(
        self, worker: str, service: SchedulingService, directory: Directory, shelf: ItemShelf, blobs: BlobDesk, output: OutputIntake
    ) -> None:
        self._worker = worker
        self._service = service
        self._directory = directory
        self._shelf = shelf
        self._blobs = blobs
        self._output = output
        self._order = DeferredLock()
        self._returned: frozenset[int] = frozenset()

    def returned(self, fences: Iterable[int]) -> None:
        """The worker is back with these leases: what it reports of them may have come before, over its last connection."""
        self._returned = frozenset(fences)

    async def take(self, raw_reports: Any, payload: bytes) -> list[str]:
        """Verdicts, one for each report, once what was accepted is committed."""
        came = cut(raw_reports, payload)
        try:
            return await self._taken(came)
        except BaseException:
            for report, _ in came:  # what was not stored comes again, and is to be compared with what was
                if isinstance(report, OutputReport):
                    self._output.ended(report.fence)
            raise

    async def _taken(self, came: Sequence[tuple[Report, bytes]]) -> list[str]:
        verdicts = [NOT_YOURS] * len(came)
        await self._order.acquire()
        try:
            pairs = {receipt: pair for receipt, pair in enumerate(came) if await self._is_own(pair[0])}
            self._shelve(list(pairs.values()))
            leases = [self._service.scheduler.lease(report.fence, self._worker, report.task, report.portion) for report, _ in pairs.values()]
            async with self._turn(list(pairs.values()), leases):
                committed = [await self._handed_on(some) for some in self._lots(list(zip(pairs.items(), leases)))]
        finally:
            self._order.release()
        answers = await _all(committed)
        for receipt, lease in zip(pairs, leases):
            verdicts[receipt] = self._verdict(lease, answers.get(receipt))
        return verdicts

    async def _handed_on(self, several: Sequence[Came]) -> Deferred[Any]:
        """What fires with the answers to some of the reports when they are committed."""
        rows = [await self._rows(report, part, lease) for (_, (report, part)), lease in several]
        happenings = [event for (receipt, (report, part)), _ in several if (event := self._event(report, part, receipt))]
        return self._service.happened(*happenings, writes=[row for some in rows for row in some])

    def _lots(self, several: Sequence[Came]) -> Iterator[list[Came]]:
        """
        Reports, in their order, so that no two attempts of a portion print in one lot: what the first has printed is then found in the store.

        A worker that had finished a chunk when the server was restarted, and was given the same items again, reports both at a time.
        """
        lot: list[Came] = []
        printing: dict[tuple[str, int], int] = {}
        for came in several:
            (_, (report, _)), lease = came
            if isinstance(report, OutputReport) and lease is not None and self._may_repeat(lease):
                if printing.setdefault((report.task, report.portion), report.fence) != report.fence:
                    yield lot
                    lot, printing = [], {(report.task, report.portion): report.fence}
            lot.append(came)
        yield lot

    async def _is_own(self, report: Report) -> bool:
        """Whether all that a report names is its worker's or its task's."""
        named = blobs_of(report)
        return not named or await self._blobs.may_name(self._worker, named, report.task)

    def _turn(self, pairs: Sequence[tuple[Report, bytes]], leases: Sequence[Lease | None]) -> AsyncContextManager[Any]:
        """The turn at output, where another worker may print for the same items at this moment."""
        repeats = any(isinstance(report, OutputReport) and lease and self._may_repeat(lease) for (report, _), lease in zip(pairs, leases))
        return self._output.turn if repeats else nullcontext()

    def _shelve(self, pairs: Sequence[tuple[Report, bytes]]) -> None:
        """Items are at hand before they are granted; only the worker that runs a program may add to its portions."""
        for report, part in pairs:
            if isinstance(report, ItemsReport) and report.count:
                lease = self._service.scheduler.main_lease(report.task)
                if lease is not None and (lease.fence, lease.worker) == (report.fence, self._worker):
                    self._shelf.put(report.task, report.portion, pack_of(report, part))

    def _event(self, report: Report, part: bytes, receipt: int) -> events.Event | None:
        if isinstance(report, ResultsReport):
            return events.ItemsReported(
                self._worker,
                report.fence,
                report.task,
                report.portion,
                report.first,
                report.count,
                tuple(report.failed),
                report.seconds,
                receipt,
                self._cargo(report, part),
            )
        if isinstance(report, RestReport):
            return events.RestReturned(self._worker, report.fence, report.task, report.stop, receipt)
        if isinstance(report, EndReport):
            place = self._worker, report.fence, report.task
            said = report.outcome, report.item, report.reason, receipt, report, report.fatal
            return events.ChunkEnded(*place, *said, report.cause, report.evidence)
        if isinstance(report, (OutputReport, ArtifactReport)):
            is_new = self._service.scheduler.is_queued(report.fence)
            return events.ChunkBegun(self._worker, report.fence, report.task) if is_new else None
        return self._program_event(report, part, receipt)

    def _program_event(self, report: Report, part: bytes, receipt: int) -> events.Event | None:
        place = self._worker, report.fence, report.task, report.portion
        if isinstance(report, PortionReport):
            return events.PortionOpened(*place, report.python, report.place, receipt, portion_rows(report))
        if isinstance(report, ItemsReport):
            return events.ItemsAdded(
                report.task,
                report.portion,
                report.first,
                report.count,
                report.final,
                cargo=item_rows(report, part),
                receipt=receipt,
                worker=self._worker,
                fence=report.fence,
                weight=len(part),
            )
        if isinstance(report, DropReport):
            return events.PortionDropped(*place, receipt)
        return None

    def _cargo(self, report: ResultsReport, part: bytes) -> ResultsCargo | ExitCargo:
        live = self._directory.tasks.get(report.task)
        results = ResultsCargo(report, part, self._worker)
        if live is None or live.spec["kind"] != "run" or report.portion:
            return results
        try:
            return ExitCargo(results, exit_code_of(part))
        except (ValueError, TypeError, LookupError) as error:
            raise BadRequest(f"the end of a program makes no sense: {error}") from error

    async def _rows(self, report: Report, part: bytes, lease: Lease | None) -> list[Any]:
        if lease is None:
            return []
        if isinstance(report, OutputReport):
            return await self._output.rows(report, part, lease, self._may_repeat(lease), partial(self._is_too_late, lease))
        if isinstance(report, ArtifactReport):
            unwanted = report.item is not None and self._is_too_late(lease, report.item)
            return [] if unwanted else artifact_rows(report, lease)
        if isinstance(report, NoteReport):
            return [NewNote(report.task, self._worker, report.text)]
        if isinstance(report, EndReport):
            self._output.ended(report.fence)
        return []

    def _is_too_late(self, lease: Lease, item: int) -> bool:
        return self._service.scheduler.done_elsewhere(lease, item)

    def _may_repeat(self, lease: Lease) -> bool:
        return lease.fence in self._returned or not self._service.scheduler.is_alone(lease)

    @staticmethod
    def _verdict(lease: Lease | None, answer: Any) -> str:
        if answer is not None:
            return "" if answer.verdict == "accepted" else answer.verdict
        return "" if lease is not None else NOT_YOURS


async def _all(committed: Sequence[Deferred[dict[Any, Any]]]) -> dict[Any, Any]:
    """All answers by receipt; raises what the first failed with."""
    try:
        return {receipt: answer for answers in await gatherResults(committed, consumeErrors=True) for receipt, answer in answers.items()}
    except FirstError as error:
        error.subFailure.raiseException()
        raise


def artifact_rows(report: ArtifactReport, lease: Lease) -> list[Any]:
    """The rows of a file that a chunk made under ``lease``."""
    row = NewArtifact(
        report.task,
        report.portion,
        report.item,
        report.root,
        report.path,
        report.mode,
        report.length,
        report.mtime,
        report.blob,
        report.deleted,
        report.link,
        f"{lease.worker}/{lease.slot}" if report.ground is None else f"{lease.worker}/{report.ground}",
        report.grown_from,
        report.turn,
        report.fence,
    )
    return [row, BlobUse(report.task, report.blob)] if report.blob else [row]


def portion_rows(report: PortionReport) -> list[Any]:
    """The rows of a portion that a program opened."""
    row = NewPortion(
        report.task, report.portion, report.place, report.reason, report.python, report.state, report.files, report.call
    )
    return [row, *(BlobUse(report.task, blob) for blob in (report.state, report.files) if blob)]


def pack_of(report: ItemsReport, part: bytes) -> ItemPack:
    """The items that a program added."""
    return ItemPack(report.first, report.count, report.codec, part, (report.digest,), report.blob)


def item_rows(report: ItemsReport, part: bytes) -> list[Any]:
    """The rows of such items."""
    payload = None if report.blob else part
    row = NewItems(
        report.task, report.portion, report.first, report.count, report.codec, (report.digest,), payload, report.blob, report.final
    )
    return [row, BlobUse(report.task, report.blob)] if report.blob else [row]


def exit_code_of(payload: bytes) -> int:
    """A program's exit code from its result, {"exit", "signal"}; 128 + N after signal N. Raises ValueError for what is no such thing."""
    said = json.loads(payload)
    if not isinstance(said, dict):
        raise ValueError(f"a program's end is not {str(said)[:80]}")
    return 128 + int(said["signal"]) if said.get("signal") else int(said.get("exit") or 0)
