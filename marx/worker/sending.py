"""
Sends what the outbox holds, blobs before the reports that name them, and keeps what is unanswered.

A report leaves in the turn in which it is made when nothing is under way. When too much is unanswered the slots are told to pause.
"""

from __future__ import annotations

from typing import Callable

from twisted.internet.defer import Deferred, succeed
from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.logger import Logger
from twisted.python.failure import Failure

from marx.wire.bursts import Bursts
from marx.wire.calls import BadRequest, GuardedLink, TooLarge, WireError
from marx.wire.reports import ItemsReport, PortionReport, Report, ResultsReport, blobs_of
from marx.wire.worker import ReportItems
from marx.worker.journal import Journal, JournalKeeper
from marx.worker.ledger import Ledger
from marx.worker.outbox import Box, Entry, Outbox
from marx.worker.spool import SpoolFolder
from marx.worker.uplink import AGAIN_SECONDS, Uplink
from marx.worker.uploads import Uploads

log = Logger()

#: Boxes that are not full, in so many seconds: a single result goes at once, many gather.
BOXES, BOXES_SECONDS = 10, 0.05


class ReportSender:
    """
    The one door for reports. ``ledger`` learns what was answered.

    ``pressure`` is called with True when what is unanswered passes its limit, and with False when half of it is gone. ``unsent`` is called
    with what a portion needs and the server will never take, and why.
    """

    def __init__(
        self,
        clock: IReactorTime,
        outbox: Outbox,
        journal: Journal,
        spools: SpoolFolder,
        uplink: Uplink,
        ledger: Ledger,
        pressure: Callable[[bool], None],
        unsent: Callable[[PortionReport | ItemsReport, str], None] = lambda report, why: None,
        unwanted: Callable[[str], None] = lambda task: None,
    ) -> None:
        self._clock = clock
        self._outbox = outbox
        self._journal = journal
        self._keeper = JournalKeeper(clock, journal, outbox)
        self._spools = spools
        self._ledger = ledger
        self._pressure = pressure
        self._unsent = unsent
        self._unwanted = unwanted
        self._pressed = False
        self._resting: IDelayedCall | None = None
        self._gathering: IDelayedCall | None = None
        self._bursts = Bursts(BOXES, BOXES_SECONDS)
        self._link: GuardedLink | None = None
        self._uploads = Uploads(uplink, self._arrived, self._disowned, self._refused)
        self._waiting_empty: list[Deferred[None]] = []

    def resume(self) -> None:
        """At start: take up what an earlier daemon left."""
        left = self._journal.load()
        self._spools.sweep([blob for report, _, _ in left for blob in blobs_of(report)])
        for report, payload, spooled in left:
            self.put(report, payload, spooled)
        if left:
            log.info("{count} reports of an earlier run are still to be sent", count=len(left))

    def put(self, report: Report, payload: bytes = b"", spooled: int = 0) -> None:
        """Report this, in order with what its chunk reported before. Blobs that it names lie in the spool folder, or are there already."""
        self._outbox.put(report, payload, spooled)
        for blob in blobs_of(report):
            self._spools.want(blob)
            if not self._outbox.is_there(report.fence, blob):
                self._uploads.send(blob, self._spools.path(blob), report.task)
        self._keeper.touch()
        self._press(self._outbox.is_full)
        self._send()

    def connected(self, link: GuardedLink) -> None:
        """The server knows what this worker holds: everything unanswered may go."""
        self._link = link
        self._send()

    def cut(self) -> None:
        """The link is lost; what was under way goes again over the next."""
        self._link = None
        self._outbox.returned()

    @property
    def unanswered(self) -> int:
        """How many reports were not answered yet."""
        return len(self._outbox.unanswered())

    def wait_empty(self) -> Deferred[None]:
        """Fire when every report is answered."""
        if self._outbox.is_empty:
            return succeed(None)
        waited: Deferred[None] = Deferred()
        self._waiting_empty.append(waited)
        return waited

    def stop(self) -> None:
        """Keep what is unanswered for the next daemon."""
        self._link = None
        if self._resting is not None:
            self._resting.cancel()
            self._resting = None
        if self._gathering is not None:
            self._gathering.cancel()
            self._gathering = None
        self._uploads.stop()
        self._keeper.stop()

    def _send(self) -> None:
        link = self._link
        if link is None or self._resting is not None:
            return
        if not self._outbox.has_full_box and self._must_gather():
            return
        while (box := self._outbox.gather()) is not None:
            self._bursts.go(self._clock.seconds())
            answered = link.ask(ReportItems, reports=box.reports(), payload=box.payload())
            answered.addCallbacks(self._answered, self._failed, callbackArgs=(box,), errbackArgs=(box, link))
            answered.addErrback(lambda failure: log.failure("taking an answer to reports failed", failure))

    def _must_gather(self) -> bool:
        """Whether boxes went so often that what waits should wait for more."""
        if self._gathering is None:
            seconds = self._bursts.wait(self._clock.seconds())
            if seconds:
                self._gathering = self._clock.callLater(seconds, self._gathered)
        return self._gathering is not None

    def _gathered(self) -> None:
        self._gathering = None
        self._send()

    def _answered(self, answer: dict[str, list[str]], box: Box) -> None:
        for entry, verdict in zip(box.entries, answer["verdicts"]):
            if verdict:
                log.debug("a {kind} of task {task} was {verdict}", kind=entry.report.kind, task=entry.report.task, verdict=verdict)
                if isinstance(entry.report, ResultsReport):
                    self._unwanted(entry.report.task)
        self._forget(box)

    def _forget(self, box: Box) -> None:
        self._outbox.answered(box)
        for entry in box.entries:
            self._ledger.answered(entry.report)
            self._let_go(entry)
        if self._pressed and self._outbox.has_room:
            self._press(False)
        self._send()
        self._tell_if_empty()

    def _failed(self, failure: Failure, box: Box, link: GuardedLink) -> None:
        if not link.up or link is not self._link:
            return  # returned to the outbox with all others when the link was lost
        failure.trap(WireError)
        if not failure.check(BadRequest, TooLarge):
            self._outbox.returned(box)
            self._resting = self._resting or self._clock.callLater(AGAIN_SECONDS, self._go_on)
        elif self._outbox.refused(box):
            self._send()
        else:
            log.error("the server refused a {kind}: {why}", kind=box.entries[0].report.kind, why=failure.getErrorMessage())
            self._forget(box)

    def _go_on(self) -> None:
        self._resting = None
        self._send()

    def _arrived(self, blob: str) -> None:
        self._outbox.arrived(blob)
        self._send()

    def _disowned(self, blob: str) -> None:
        for entry in self._outbox.disowned(blob):
            self._ledger.answered(entry.report)
            self._let_go(entry)
        self._send()
        self._tell_if_empty()

    def _refused(self, blob: str, why: str) -> None:
        for entry in self._outbox.given_up(blob, why):
            self._let_go(entry)
            if isinstance(entry.report, (PortionReport, ItemsReport)):
                self._unsent(entry.report, why)
        self._send()

    def _let_go(self, entry: Entry) -> None:
        for blob in entry.blobs:
            self._spools.unwant(blob)

    def _tell_if_empty(self) -> None:
        if self._outbox.is_empty:
            waiting, self._waiting_empty = self._waiting_empty, []
            for waited in waiting:
                waited.callback(None)

    def _press(self, hard: bool) -> None:
        if hard != self._pressed and (hard or self._outbox.has_room):
            self._pressed = hard
            self._pressure(hard)
