"""Reports reach the server in order, blobs before those that name them, through cuts, refusals and restarts."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
from twisted.internet.defer import Deferred
from twisted.internet.task import Clock

from marx.wire.blobs import PART_BYTES, WINDOW
from marx.wire.calls import BadRequest, GuardedLink, InternalError, NotFound, TooLarge, Unavailable
from marx.wire.reports import ArtifactReport, EndReport, NoteReport, PortionReport, Report, ResultsReport
from marx.worker.assignments import Chunk
from marx.worker.journal import SAVE_SECONDS, Journal
from marx.worker.ledger import Ledger
from marx.worker.outbox import Outbox, OutboxLimits
from marx.worker.sending import BOXES, BOXES_SECONDS, ReportSender
from marx.worker.spool import SpoolFolder
from marx.worker.uplink import AGAIN_SECONDS, Uplink
from tests.fakes.servers import FakeEndpoint, FakeServer, Shop


def results(first: int, size: int = 2, blob: str | None = None, fence: int = 1) -> ResultsReport:
    return ResultsReport(fence, "a", 0, first, 1, "values", [], 0.1, 0 if blob else size, blob)


def end(fence: int = 1) -> EndReport:
    return EndReport(fence, "a", 0, "succeeded", None, "", 0, None, 0.1, 100)


class Desk:
    """A sender with its outbox on disk, and the played server behind it."""

    def __init__(self, folder: Path, limits: OutboxLimits = OutboxLimits()) -> None:
        self.clock, self.shop = Clock(), Shop()
        self.uplink, self.ledger = Uplink(self.clock), Ledger()
        self.spools = SpoolFolder(folder / "outgoing")
        self.pressure: list[bool] = []
        journal = Journal(folder / "outbox")
        self.unsent: list[tuple[int, str]] = []
        self.unwanted: list[str] = []
        learn = lambda report, why: self.unsent.append((report.portion, why))
        parts = self.spools, self.uplink, self.ledger
        self.sender = ReportSender(self.clock, Outbox(limits), journal, *parts, self.pressure.append, learn, self.unwanted.append)
        self.endpoint = FakeEndpoint(lambda: FakeServer(self.clock, self.shop))
        self.sender.resume()

    def connect(self) -> None:
        factory = type("Factory", (), {"buildProtocol": lambda _, address: GuardedLink(self.clock)})()
        self.endpoint.connect(factory).addCallback(self.connected)
        self.endpoint.flush()

    def connected(self, link: GuardedLink) -> None:
        self.uplink.connected(link)
        self.sender.connected(link)

    def cut(self) -> None:
        self.endpoint.cut()
        self.uplink.cut()
        self.sender.cut()

    def put(self, report: Report, payload: bytes = b"", spooled: int = 0) -> None:
        self.sender.put(report, payload, spooled)

    def spool(self, content: bytes) -> str:
        spool = self.spools.begin()
        spool.write(content)
        return spool.finish()

    @property
    def reports(self) -> list[Report]:
        self.endpoint.flush()
        return [report for report, _ in self.shop.reports]

    @property
    def boxes(self) -> int:
        self.endpoint.flush()
        return self.shop.calls.count("ReportItems")


@pytest.fixture
def desk(tmp_path: Path):
    desk = Desk(tmp_path)
    desk.connect()
    yield desk
    desk.sender.stop()


class TestReports:
    def test_a_report_is_on_its_way_before_the_reactor_turns(self, desk: Desk) -> None:
        desk.put(results(0), b"25")
        assert desk.endpoint.pump.clientIO.stream
        assert desk.reports == [results(0)] and desk.shop.reports[0][1] == b"25"

    def test_what_comes_while_one_is_unanswered_travels_together(self, desk: Desk) -> None:
        for number in range(20):
            desk.put(results(number), b"%02d" % number)
        assert desk.boxes == 2 and desk.reports == [results(number) for number in range(20)]
        assert [payload for _, payload in desk.shop.reports] == [b"%02d" % number for number in range(20)]

    def test_one_after_the_other_they_soon_wait_a_moment_for_company(self, desk: Desk) -> None:
        for number in range(100):
            desk.put(results(number), b"25")
            desk.endpoint.flush()
            desk.clock.advance(0.001)
        desk.clock.advance(BOXES_SECONDS)
        assert desk.reports == [results(number) for number in range(100)]
        assert BOXES < desk.boxes <= 4 * BOXES, "100 reports in 0.1 s"

    def test_a_full_box_never_waits(self, tmp_path: Path) -> None:
        desk = Desk(tmp_path, OutboxLimits(box_reports=5))
        desk.connect()
        for number in range(BOXES + 4):
            desk.put(results(number), b"25")
            desk.endpoint.flush()
        assert len(desk.reports) == BOXES
        desk.put(results(BOXES + 4), b"25")
        assert len(desk.reports) == BOXES + 5
        desk.sender.stop()

    def test_the_ledger_learns_what_was_answered_and_not_before(self, desk: Desk) -> None:
        desk.ledger.granted(Chunk(1, "a", 0, 0, 3))
        held = desk.shop.holds["ReportItems"] = Deferred()
        desk.put(results(0), b"25")
        desk.endpoint.flush()
        assert desk.ledger.held() == [[1, "a", 0, 0, 3, 0]]
        held.callback(None)
        desk.put(end())
        desk.endpoint.flush()
        assert desk.ledger.held() == []

    def test_whose_results_were_not_wanted_is_told(self, desk: Desk) -> None:
        desk.put(results(0), b"25")
        desk.endpoint.flush()
        assert desk.unwanted == []
        desk.shop.verdict = "already known"
        desk.put(results(1), b"25")
        desk.put(end())
        desk.endpoint.flush()
        assert desk.unwanted == [results(1).task]

    def test_what_was_unanswered_at_a_cut_goes_again_before_what_is_newer(self, desk: Desk) -> None:
        desk.put(results(0), b"25")
        desk.cut()
        desk.put(results(1), b"36")
        assert desk.shop.reports == []
        desk.connect()
        assert desk.reports == [results(0), results(1)]

    def test_a_server_that_cannot_store_now_is_asked_again_after_a_moment_and_not_before(self, desk: Desk) -> None:
        for refusal in (Unavailable("the disk is full"), InternalError("a bug")):
            desk.shop.refuses["ReportItems"] = refusal
            before = desk.boxes
            desk.put(results(0), b"25")
            desk.put(results(1), b"25")
            assert desk.boxes == before + 1
            desk.shop.refuses.clear()
            desk.clock.advance(AGAIN_SECONDS)
            assert desk.reports[-2:] == [results(0), results(1)]

    def test_a_report_that_the_server_cannot_read_costs_only_itself(self, desk: Desk, logged_failures: Any) -> None:
        desk.ledger.granted(Chunk(1, "a", 0, 0, 1))
        desk.shop.refuses["ReportItems"] = BadRequest("what is that")
        desk.put(results(0), b"25")
        desk.endpoint.flush()
        del desk.shop.refuses["ReportItems"]
        desk.put(end())
        assert desk.reports == [end()] and desk.ledger.held() == []
        assert "what is that" in str(logged_failures.flush())

    def test_waiting_for_the_last_answer(self, desk: Desk) -> None:
        done: list[Any] = []
        desk.put(results(0), b"25")
        desk.sender.wait_empty().addCallback(done.append)
        assert done == [] and desk.sender.unanswered == 1
        desk.endpoint.flush()
        assert done == [None]
        desk.sender.wait_empty().addCallback(done.append)
        assert done == [None, None]

    def test_pressure_is_told_once_in_each_direction(self, tmp_path: Path) -> None:
        desk = Desk(tmp_path, OutboxLimits(waiting_bytes=3000))
        for number in range(4):
            desk.put(results(number, 1000), bytes(1000))
        assert desk.pressure == [True]
        desk.connect()
        assert len(desk.reports) == 4 and desk.pressure == [True, False]
        desk.sender.stop()


class TestBlobs:
    @pytest.mark.parametrize("size", [3, PART_BYTES, PART_BYTES + 1, PART_BYTES * (WINDOW + 5)])
    def test_a_blob_is_there_before_the_report_that_names_it_and_gone_here_after(self, desk: Desk, size: int) -> None:
        content = os.urandom(size)
        digest = desk.spool(content)
        desk.put(results(0, blob=digest), spooled=size)
        desk.put(end())
        assert desk.reports == [results(0, blob=digest), end()] and desk.shop.blobs[digest] == content
        assert desk.shop.calls.index("PutBlob") < desk.shop.calls.index("ReportItems")
        assert not desk.spools.path(digest).exists()

    def test_what_the_server_has_already_is_not_sent_again(self, desk: Desk) -> None:
        content = os.urandom(PART_BYTES * 2)
        desk.shop.put(content)
        desk.put(results(0, blob=desk.spool(content)), spooled=1)
        assert len(desk.reports) == 1 and "PutBlob" not in desk.shop.calls

    def test_the_same_file_twice_is_sent_once_and_reported_twice(self, desk: Desk) -> None:
        content = os.urandom(PART_BYTES * 2)
        for path in ("one", "two"):
            desk.put(ArtifactReport(1, "a", 0, None, 0, path, 0o100644, 3, 1.0, desk.spool(content), False, None), spooled=3)
        assert [report.path for report in desk.reports] == ["one", "two"]
        assert desk.shop.calls.count("PutBlob") == 2

    def test_an_upload_begins_anew_after_a_cut(self, desk: Desk) -> None:
        content = os.urandom(PART_BYTES * 20)
        desk.put(results(0, blob=desk.spool(content)), spooled=1)
        for _ in range(6):
            desk.endpoint.pump.pump()
        desk.cut()
        assert desk.shop.blobs == {}
        desk.connect()
        assert len(desk.reports) == 1 and list(desk.shop.blobs.values()) == [content]

    def test_only_a_window_of_parts_is_in_memory(self, desk: Desk) -> None:
        desk.put(results(0, blob=desk.spool(bytes(PART_BYTES * 100))), spooled=1)
        most = 0
        for _ in range(300):
            desk.endpoint.pump.pump()
            most = max(most, len(desk.uplink.link._deadlines))
        assert most <= WINDOW

    def test_a_result_that_the_server_never_takes_fails_its_item(self, desk: Desk) -> None:
        desk.shop.refuses["PutBlob"] = TooLarge("results have at most 64 MB here")
        desk.put(results(4, blob=desk.spool(bytes(100))), spooled=100)
        [report] = desk.reports
        assert report.failed == [4] and b"64 MB" in desk.shop.reports[0][1]
        assert list(desk.spools._folder.iterdir()) == []

    def test_a_file_that_an_earlier_daemon_sent_before_it_was_killed_is_not_said_to_be_lost(self, desk: Desk) -> None:
        """Its journal still has the report: that it was answered is written later."""
        content = b"abc"
        digest = desk.shop.put(content)
        desk.put(ArtifactReport(1, "a", 0, None, 0, "big.bin", 0o100644, 3, 1.0, digest, False, None), spooled=3)
        [report] = desk.reports
        assert (report.kind, report.path) == ("artifact", "big.bin") and "PutBlob" not in desk.shop.calls

    def test_a_file_that_the_server_never_takes_becomes_a_note(self, desk: Desk) -> None:
        desk.shop.refuses["PutBlob"] = TooLarge("no")
        desk.put(ArtifactReport(1, "a", 0, None, 0, "big.bin", 0o100644, 3, 1.0, desk.spool(b"abc"), False, None), spooled=3)
        assert desk.reports == [NoteReport(1, "a", 0, "the file big.bin could not be sent: no")]

    def test_what_is_not_ours_any_more_is_dropped_and_never_becomes_a_failed_item(self, desk: Desk) -> None:
        desk.shop.refuses["PutBlob"] = NotFound("worker lab-1 holds no lease of task a")
        desk.put(results(4, blob=desk.spool(bytes(100))), spooled=100)
        desk.put(end())
        assert desk.reports == [end()]


class TestRestart:
    def test_a_new_daemon_sends_what_the_last_one_could_not(self, tmp_path: Path) -> None:
        first = Desk(tmp_path)
        digest = first.spool(b"large")
        first.put(results(0), b"25")
        first.put(results(1, blob=digest), spooled=5)
        first.put(end())
        first.sender.stop()
        second = Desk(tmp_path)
        second.connect()
        assert second.reports == [results(0), results(1, blob=digest), end()] and second.shop.blobs[digest] == b"large"
        second.sender.stop()
        third = Desk(tmp_path)
        third.connect()
        assert third.reports == []
        third.sender.stop()

    def test_so_does_one_after_a_kill_9_that_came_a_moment_later(self, tmp_path: Path) -> None:
        first = Desk(tmp_path)
        first.put(results(0), b"25")
        first.clock.advance(SAVE_SECONDS)
        second = Desk(tmp_path)
        second.connect()
        assert second.reports == [results(0)]
        second.sender.stop()

    def test_files_that_no_report_names_are_swept(self, tmp_path: Path) -> None:
        first = Desk(tmp_path)
        first.spool(b"nobody's")
        first.sender.stop()
        second = Desk(tmp_path)
        assert list((tmp_path / "outgoing").iterdir()) == []
        second.sender.stop()

    def test_nothing_goes_on_after_the_end(self, desk: Desk) -> None:
        desk.shop.refuses["ReportItems"] = Unavailable("later")
        desk.put(results(0), b"25")
        desk.put(results(1, blob=desk.spool(bytes(PART_BYTES * 20))), spooled=1)
        desk.endpoint.pump.pump()
        desk.sender.stop()
        desk.endpoint.cut()
        assert desk.clock.getDelayedCalls() == []


def portion(number: int, state: str | None, files: str | None = None) -> PortionReport:
    return PortionReport(1, "a", number, "{}", "lab", "", "3.11", state, files)


class TestPortions:
    def test_blobs_of_portions_are_there_before_them_and_sent_once(self, desk: Desk) -> None:
        state, files = desk.spool(b"state"), desk.spool(b"files")
        desk.put(portion(1, state, files))
        assert desk.reports == [portion(1, state, files)] and set(desk.shop.blobs) == {state, files}
        desk.put(portion(2, state, files))
        assert desk.reports[-1] == portion(2, state, files)
        assert desk.shop.calls.count("PutBlob") == 2 and not desk.spools.path(state).exists()

    def test_a_state_stays_here_until_every_report_that_waits_for_it_is_answered(self, desk: Desk) -> None:
        state = desk.spool(b"state")
        desk.put(portion(1, state))
        desk.put(portion(2, state))
        assert desk.reports == [portion(1, state), portion(2, state)] and not desk.spools.path(state).exists()

    def test_who_asked_is_told_what_the_server_will_never_take(self, desk: Desk) -> None:
        desk.shop.refuses["PutBlob"] = TooLarge("a file may have 1 byte")
        state = desk.spool(b"state")
        desk.put(portion(1, state))
        [report] = desk.reports
        assert (report.place, report.state) == ("home", None) and "a file may have 1 byte" in report.reason
        assert desk.unsent == [(1, "a file may have 1 byte")] and not desk.spools.path(state).exists()

    def test_both_blobs_outlive_the_daemon(self, tmp_path: Path) -> None:
        first = Desk(tmp_path)
        state, files = first.spool(b"state"), first.spool(b"files")
        first.put(portion(1, state, files))
        first.sender.stop()
        second = Desk(tmp_path)
        second.connect()
        assert second.reports == [portion(1, state, files)] and set(second.shop.blobs) == {state, files}
