"""Reports leave at once or gathered, are forgotten when they are answered, and outlive connections and daemons."""

from __future__ import annotations

import errno
import os
import tracemalloc
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule
from twisted.internet.task import Clock

from marx.wire.reports import ArtifactReport, DropReport, EndReport, ItemsReport, NoteReport, PortionReport, Report, ResultsReport
from marx.worker.journal import SAVE_SECONDS, SLACK_BYTES, Journal, JournalKeeper
from marx.worker.outbox import Box, Outbox, OutboxLimits


def results(first: int, fence: int = 1, blob: str | None = None, size: int = 2) -> ResultsReport:
    return ResultsReport(fence, "task", 0, first, 1, "values", (), 0.1, 0 if blob else size, blob)


def artifact(path: str, blob: str, fence: int = 1) -> ArtifactReport:
    return ArtifactReport(fence, "task", 0, None, 0, path, 0o100644, 3, 1.0, blob, False, None)


def portion(number: int, state: str | None = None, files: str | None = None, fence: int = 1) -> PortionReport:
    return PortionReport(fence, "task", number, "{}", "lab", "", "3.11", state, files)


def items(number: int, first: int, blob: str | None = None, final: bool = False) -> ItemsReport:
    return ItemsReport(1, "task", number, first, 1, "pickles", "d" * 64, final, 0, blob)


def read_back(report: ResultsReport) -> ResultsReport:
    """JSON has no tuples."""
    return replace(report, failed=list(report.failed))


def end(fence: int = 1) -> EndReport:
    return EndReport(fence, "task", 0, "succeeded", None, "", 0, None, 0.1, 100)


def reports_of(box: Box | None) -> list[Report]:
    assert box is not None
    return [entry.report for entry in box.entries]


class TestPortions:
    def test_a_portion_waits_for_both_of_its_blobs_and_what_follows_for_the_portion(self) -> None:
        for order in (("state", "files"), ("files", "state")):
            outbox = Outbox()
            for report in (portion(1, "state", "files"), items(1, 0), results(0, fence=2)):
                outbox.put(report)
            assert reports_of(outbox.gather()) == [results(0, fence=2)]
            outbox.returned()
            outbox.arrived(order[0])
            assert reports_of(outbox.gather()) == [results(0, fence=2)]
            outbox.returned()
            outbox.arrived(order[1])
            assert reports_of(outbox.gather()) == [results(0, fence=2), portion(1, "state", "files"), items(1, 0)]

    def test_a_state_that_the_server_has_for_this_program_is_not_waited_for_again(self) -> None:
        outbox = Outbox()
        outbox.put(portion(1, "state"))
        outbox.arrived("state")
        assert not outbox.is_there(1, "state"), "it is when the report is answered"
        outbox.answered(outbox.gather())
        outbox.put(portion(2, "state"))
        outbox.put(portion(1, "state", fence=2))
        assert outbox.is_there(1, "state") and not outbox.is_there(2, "state")
        assert reports_of(box := outbox.gather()) == [portion(2, "state")]
        outbox.answered(box)
        outbox.put(end())
        outbox.answered(outbox.gather())
        assert not outbox.is_there(1, "state"), "the program has ended"

    def test_a_portion_whose_state_cannot_be_sent_stays_at_home_with_its_items(self) -> None:
        outbox = Outbox()
        lost = [portion(1, "state", "files"), items(1, 0), items(1, 1, "long"), DropReport(1, "task", 1)]
        for report in [*lost, portion(2), items(2, 0), end()]:
            outbox.put(report, spooled=10)
        assert [entry.report for entry in outbox.given_up("state", "it is too large")] == lost
        sent = reports_of(box := outbox.gather())
        assert sent == [replace(portion(1), place="home", reason="what its items see could not be sent: it is too large"), portion(2), items(2, 0), end()]
        outbox.answered(box)
        assert outbox.is_empty and outbox.has_room and outbox._held_bytes == outbox._held_spooled == 30 - 30

    def test_a_portion_with_an_item_that_cannot_be_sent_is_dropped(self) -> None:
        outbox = Outbox()
        for report in (portion(1), items(1, 0), items(1, 1, "long"), items(1, 2, final=True)):
            outbox.put(report)
        assert [entry.report for entry in outbox.given_up("long", "it is too large")] == [items(1, 1, "long"), items(1, 2, final=True)]
        assert reports_of(outbox.gather()) == [portion(1), items(1, 0), DropReport(1, "task", 1)]

    def test_those_of_a_program_that_is_not_this_workers_any_more_are_forgotten(self) -> None:
        outbox = Outbox()
        for report in (portion(1, "state", "files"), portion(2, "files"), items(2, 0)):
            outbox.put(report)
        assert [entry.report for entry in outbox.disowned("files")] == [portion(1, "state", "files"), portion(2, "files"), items(2, 0)]
        outbox.disowned("state")
        assert outbox.is_empty


class TestGathering:
    def test_the_first_report_leaves_at_once_and_others_gather_while_it_is_unanswered(self) -> None:
        outbox = Outbox()
        outbox.put(results(0), b"25")
        first = outbox.gather()
        assert reports_of(first) == [results(0)] and first.payload() == b"25"
        outbox.put(results(1), b"36")
        outbox.put(end())
        assert outbox.gather() is None
        outbox.answered(first)
        assert reports_of(outbox.gather()) == [results(1), end()]

    def test_full_boxes_leave_before_the_answer_up_to_the_window(self) -> None:
        outbox = Outbox(OutboxLimits(box_reports=2, window=3))
        for number in range(10):
            outbox.put(results(number), b"xx")
        boxes = [outbox.gather() for _ in range(4)]
        assert [len(reports_of(box)) for box in boxes[:3]] == [2, 2, 2] and boxes[3] is None
        outbox.answered(boxes[1])
        assert reports_of(outbox.gather()) == [results(6), results(7)]

    def test_no_more_bytes_are_under_way_than_the_limit_and_a_box(self) -> None:
        outbox = Outbox(OutboxLimits(box_bytes=10, under_way_bytes=100, window=50))
        for number in range(10):
            outbox.put(results(number), bytes(10))
        assert outbox.gather() is not None and outbox.gather() is None

    def test_a_box_ends_before_it_grows_too_large_but_one_report_always_fits(self) -> None:
        outbox = Outbox(OutboxLimits(box_bytes=10))
        for size in (6, 6, 50):
            outbox.put(results(size), bytes(size))
        sizes = []
        while (box := outbox.gather()) is not None:
            sizes.append(len(box.payload()))
            outbox.answered(box)
        assert sizes == [6, 6, 50]

    def test_what_was_under_way_when_the_connection_broke_goes_again_in_its_order(self) -> None:
        outbox = Outbox(OutboxLimits(box_reports=2))
        for number in range(5):
            outbox.put(results(number), b"xx")
        lost, also_lost = outbox.gather(), outbox.gather()
        outbox.returned()
        outbox.answered(lost)
        assert [report.first for report in reports_of(outbox.gather())] == [0, 1]
        assert [report.first for report in reports_of(outbox.gather())] == [2, 3]
        assert len(outbox.unanswered()) == 5 and also_lost is not None

    def test_it_is_full_by_memory_or_by_disk_and_has_room_again_at_half(self) -> None:
        outbox = Outbox(OutboxLimits(waiting_bytes=2000, spooled_bytes=100))
        outbox.put(results(0), bytes(1500))
        assert not outbox.is_full
        outbox.put(results(1), bytes(1))
        assert outbox.is_full and not outbox.has_room
        box = outbox.gather()
        outbox.answered(box)
        assert not outbox.is_full and outbox.has_room
        outbox.put(results(2, blob="b"), spooled=100)
        assert outbox.is_full

    def test_a_box_that_the_server_cannot_read_goes_again_one_by_one(self) -> None:
        outbox = Outbox()
        for number in range(3):
            outbox.put(results(number))
        box = outbox.gather()
        assert len(reports_of(box)) == 3 and outbox.refused(box) is True
        good, bad = outbox.gather(), None
        assert reports_of(good) == [results(0)]
        outbox.answered(good)
        bad = outbox.gather()
        assert reports_of(bad) == [results(1)] and outbox.refused(bad) is False
        assert reports_of(outbox.gather()) == [results(2)]


class TestBlobs:
    def test_a_report_waits_for_its_blob_with_what_its_chunk_reports_behind_it(self) -> None:
        outbox = Outbox()
        outbox.put(results(0, fence=1, blob="big"), spooled=10)
        outbox.put(end(fence=1))
        outbox.put(results(7, fence=2), b"25")
        box = outbox.gather()
        assert reports_of(box) == [results(7, fence=2)]
        outbox.arrived("big")
        outbox.answered(box)
        assert reports_of(outbox.gather()) == [results(0, blob="big"), end()]

    def test_one_arrival_serves_all_reports_that_name_the_blob(self) -> None:
        outbox = Outbox()
        outbox.put(artifact("a", "same"))
        outbox.put(artifact("b", "same"))
        outbox.put(artifact("c", "other", fence=2))
        outbox.put(artifact("d", "same", fence=2))
        outbox.arrived("same")
        first = outbox.gather()
        assert [report.path for report in reports_of(first)] == ["a", "b"]
        outbox.arrived("other")
        outbox.answered(first)
        assert [report.path for report in reports_of(outbox.gather())] == ["c", "d"]

    def test_a_result_that_cannot_be_sent_becomes_an_error_and_a_file_a_note(self) -> None:
        outbox = Outbox()
        outbox.put(results(4, blob="big"), spooled=10)
        outbox.put(artifact("out.bin", "big"), spooled=10)
        assert len(outbox.given_up("big", "too large")) == 2
        box = outbox.gather()
        failed, note = reports_of(box)
        assert (failed.codec, failed.failed, failed.blob) == ("entries", (4,), None)
        assert b"the result could not be sent: too large" in box.payload() and failed.size == len(box.payload())
        assert note == NoteReport(1, "task", 0, "the file out.bin could not be sent: too large")

    def test_a_chunk_that_is_not_ours_any_more_leaves_nothing_behind(self) -> None:
        outbox = Outbox()
        outbox.put(results(0, blob="big"), spooled=10)
        outbox.put(end())
        assert [entry.report for entry in outbox.disowned("big")] == [results(0, blob="big")]
        assert reports_of(outbox.gather()) == [end()]

    def test_no_result_is_reported_of_an_item_whose_file_is_not_wanted(self) -> None:
        outbox = Outbox()
        for report in (results(0), artifact("out.bin", "big"), results(1), end()):
            outbox.put(report)
        assert reports_of(first := outbox.gather()) == [results(0)]
        outbox.disowned("big")
        outbox.answered(first)
        assert reports_of(outbox.gather()) == [end()]


class OutboxMachine(RuleBasedStateMachine):
    """Reports go in, boxes go out, connections break: nothing is lost, nothing is doubled in a connection, order stays within a chunk."""

    def __init__(self) -> None:
        super().__init__()
        self.outbox = Outbox(OutboxLimits(box_reports=3, box_bytes=50, window=2))
        self.wanted: dict[int, list[int]] = {1: [], 2: [], 3: []}
        self.taken: dict[int, list[int]] = {1: [], 2: [], 3: []}
        self.absent: set[str] = set()
        self.boxes: list[Box] = []
        self.count = 0

    @rule(fence=st.integers(1, 3), blob=st.sampled_from([None, None, None, "b1", "b2"]), size=st.integers(0, 60))
    def put(self, fence: int, blob: str | None, size: int) -> None:
        self.count += 1
        self.wanted[fence].append(self.count)
        self.outbox.put(results(self.count, fence, blob), b"" if blob else bytes(size))
        if blob:
            self.absent.add(blob)

    @rule()
    def send(self) -> None:
        box = self.outbox.gather()
        if box is not None:
            self.boxes.append(box)

    @precondition(lambda self: self.absent)
    @rule(pick=st.randoms())
    def arrive(self, pick) -> None:
        blob = pick.choice(sorted(self.absent))
        self.absent.discard(blob)
        self.outbox.arrived(blob)

    @precondition(lambda self: self.boxes)
    @rule()
    def answer(self) -> None:
        box = self.boxes.pop(0)
        for entry in box.entries:
            self.taken[entry.report.fence].append(entry.report.first)
        self.outbox.answered(box)

    @rule()
    def break_connection(self) -> None:
        self.boxes.clear()
        self.outbox.returned()

    @invariant()
    def what_is_not_taken_is_held_once(self) -> None:
        held = [entry.report.first for entry in self.outbox.unanswered()]
        taken = [number for numbers in self.taken.values() for number in numbers]
        assert sorted(held + taken) == sorted(number for numbers in self.wanted.values() for number in numbers)

    @invariant()
    def order_holds_within_a_chunk(self) -> None:
        for fence, taken in self.taken.items():
            assert taken == self.wanted[fence][: len(taken)]

    @invariant()
    def sizes_add_up(self) -> None:
        outbox = self.outbox
        assert outbox._held_bytes == sum(entry.size for entry in outbox.unanswered())
        assert outbox._waiting_bytes == sum(entry.size for entry in outbox._waiting)
        assert outbox._under_way_bytes == sum(box.size for box in self.boxes)

    def teardown(self) -> None:
        for blob in sorted(self.absent):
            self.outbox.arrived(blob)
        while self.boxes or (box := self.outbox.gather()) is not None:
            if not self.boxes:
                self.boxes.append(box)
            self.answer()
        assert self.taken == self.wanted and self.outbox.is_empty


TestOutboxMachine = OutboxMachine.TestCase
TestOutboxMachine.settings = settings(max_examples=150, stateful_step_count=40)


class TestJournal:
    def test_what_was_unanswered_comes_back_to_the_next_daemon_in_its_order(self, tmp_path: Path) -> None:
        outbox, journal = Outbox(), Journal(tmp_path / "outbox")
        outbox.put(results(0), b"\x00\n25")
        outbox.put(artifact("p\udce4", "blob"), spooled=3)
        journal.save(outbox.unanswered())
        outbox.put(end())
        journal.save(outbox.unanswered())
        journal.close()
        left = Journal(tmp_path / "outbox").load()
        assert left == [(read_back(results(0)), b"\x00\n25", 0), (artifact("p\udce4", "blob"), b"", 3), (end(), b"", 0)]

    def test_nothing_is_left_once_all_was_answered(self, tmp_path: Path) -> None:
        outbox, journal = Outbox(), Journal(tmp_path / "outbox")
        outbox.put(results(0), b"25")
        journal.save(outbox.unanswered())
        outbox.answered(outbox.gather())
        journal.save(outbox.unanswered())
        journal.close()
        assert Journal(tmp_path / "outbox").load() == []
        assert Journal(tmp_path / "not there").load() == []

    def test_a_record_that_a_death_cut_short_costs_only_itself(self, tmp_path: Path) -> None:
        outbox, journal = Outbox(), Journal(tmp_path / "outbox")
        for number in range(3):
            outbox.put(results(number), b"value")
        journal.save(outbox.unanswered())
        journal.close()
        whole = (tmp_path / "outbox").read_bytes()
        for length in range(len(whole)):
            (tmp_path / "outbox").write_bytes(whole[:length])
            left = Journal(tmp_path / "outbox").load()
            assert left == [(read_back(results(number)), b"value", 0) for number in range(len(left))]
            assert len(left) == 3 * length // len(whole)

    def test_a_file_full_of_answered_reports_is_written_anew(self, tmp_path: Path) -> None:
        outbox, journal = Outbox(), Journal(tmp_path / "outbox")
        outbox.put(results(0), b"never answered")
        assert outbox.gather() is not None
        for number in range(1, 40):
            outbox.put(results(number), bytes(1 << 20))
            journal.save(outbox.unanswered())
            outbox.answered(outbox.gather())
        assert (tmp_path / "outbox").stat().st_size < SLACK_BYTES + (2 << 20)
        journal.close()

    @pytest.mark.parametrize("is_new", [True, False])
    def test_a_full_outbox_is_written_without_a_copy_of_it_in_memory(self, tmp_path: Path, is_new: bool) -> None:
        outbox, journal = Outbox(), Journal(tmp_path / "outbox")
        if not is_new:
            journal.save([])
        payload = bytes(50_000)
        for number in range(1_000):
            outbox.put(results(number), payload)
        unanswered = outbox.unanswered()
        tracemalloc.start()
        try:
            journal.save(unanswered)
            assert tracemalloc.get_traced_memory()[1] < 2_000_000
        finally:
            tracemalloc.stop()
        assert (tmp_path / "outbox").stat().st_size > 50_000_000
        journal.close()
        assert [report.first for report, _, _ in Journal(tmp_path / "outbox").load()] == list(range(1_000))

    def test_only_what_is_unanswered_for_a_moment_touches_the_disk(self, tmp_path: Path) -> None:
        clock, outbox = Clock(), Outbox()
        keeper = JournalKeeper(clock, Journal(tmp_path / "outbox"), outbox)
        outbox.put(results(0), b"quick")
        keeper.touch()
        outbox.answered(outbox.gather())
        outbox.put(results(1), b"slow")
        keeper.touch()
        clock.advance(SAVE_SECONDS)
        content = (tmp_path / "outbox").read_bytes()
        assert b"slow" in content and b"quick" not in content
        outbox.answered(outbox.gather())
        clock.advance(SAVE_SECONDS)
        assert (tmp_path / "outbox").stat().st_size == 0 and clock.getDelayedCalls() == []
        keeper.stop()

    def test_what_came_last_is_kept_when_the_daemon_stops(self, tmp_path: Path) -> None:
        clock, outbox = Clock(), Outbox()
        keeper = JournalKeeper(clock, Journal(tmp_path / "outbox"), outbox)
        outbox.put(end())
        keeper.touch()
        keeper.stop()
        assert clock.getDelayedCalls() == []
        assert Journal(tmp_path / "outbox").load() == [(end(), b"", 0)]

    def test_a_full_disk_is_said_and_stops_nothing(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, logged_failures) -> None:
        clock, outbox = Clock(), Outbox()
        keeper = JournalKeeper(clock, Journal(tmp_path / "outbox"), outbox)
        outbox.put(end())
        keeper.touch()
        with monkeypatch.context() as full:
            full.setattr(os, "write", lambda *_: (_ for _ in ()).throw(OSError(errno.ENOSPC, "No space left on device")))
            clock.advance(SAVE_SECONDS)
        [said] = logged_failures.flush()
        assert "No space left" in said
        clock.advance(SAVE_SECONDS)
        keeper.stop()
        assert Journal(tmp_path / "outbox").load() == [(end(), b"", 0)]
