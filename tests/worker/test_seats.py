"""A main program on a seat: what its keeper says becomes reports in that order, and it goes with its attempt."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from marx.worker import portion_reporting
from marx.worker.recipes import CannotRun, TaskFile
from tests.fakes.floors import Floor
from tests.fakes.runners import PlayedKeeper, pack_of
from tests.fakes.servers import digest_of

SUBMITTED = TaskFile(0, "prog.py", 0o644, 3, "a" * 64, None)


@pytest.fixture
def floor(tmp_path: Path) -> Floor:
    return Floor(tmp_path, count=1, seats=2)


def begun(floor: Floor, **how: Any) -> PlayedKeeper:
    """A main program that has begun."""
    fence = floor.run(files=(SUBMITTED,), **how)
    keeper: PlayedKeeper = floor.runner()
    keeper.load().begin(fence)
    return keeper


def spooled(floor: Floor, digest: str) -> bytes:
    return floor.spools.path(digest).read_bytes()


class TestSeats:
    def test_seats_have_negative_numbers_and_a_program_needs_no_items(self, floor: Floor) -> None:
        assert [each["slot"] for each in floor.slots.states()] == [0, -1, -2]
        keeper = begun(floor)
        assert keeper.kinds == "TCE" and floor.state(-1) == "busy" and floor.state(0) == "idle"
        assert keeper.child.heard("T")[0].header["words"] == ["prog.py"]
        keeper.leave(3)
        [end] = floor.sender.of_kind("end")
        assert (end.outcome, end.exit_code) == ("succeeded", 3)

    def test_a_keeper_goes_with_its_program_and_the_next_attempt_waits_for_that(self, floor: Floor) -> None:
        keeper = begun(floor)
        keeper.leave()
        assert keeper.is_asked_to_quit
        floor.run()
        assert len(floor.starter.started) == 1, "the folder is still the first one's"
        keeper.exit()
        assert len(floor.starter.started) == 2

    def test_a_seat_that_is_not_there_and_a_portion_on_one_are_refused(self, floor: Floor) -> None:
        floor.grant(0, slot=-3)
        floor.grant(0, slot=-1, portion=1)
        assert [end.reason for end in floor.sender.of_kind("end")] == [
            "this worker has no slot -3 for portion 0",
            "this worker has no slot -1 for portion 1",
        ]

    def test_a_program_whose_keeper_died_is_not_to_blame(self, floor: Floor) -> None:
        keeper = begun(floor)
        keeper.exit(number=9)
        [end] = floor.sender.of_kind("end")
        assert (end.outcome, end.item) == ("died", None) and "signal 9" in end.reason

    def test_what_cannot_be_started_is_refused(self, floor: Floor) -> None:
        floor.starter.refuses["a"] = CannotRun("no Python")
        fence = floor.run()
        assert floor.sender.ends == [(fence, "refused")]


class TestPortions:
    def test_a_portion_is_reported_behind_what_was_printed_and_changed_before(self, floor: Floor) -> None:
        keeper = begun(floor)
        keeper.print(b"no newline yet").file("in.txt", b"text").state(1, b"state").open(1, 1)
        keeper.print(b", and more\n").items(1, 0, b"one", b"two").items(1, 2, b"three", final=True).drop(1)
        assert floor.sender.kinds == ["artifact", "output", "portion", "output", "items", "items", "drop"]
        [portion] = floor.sender.of_kind("portion")
        assert (portion.fence, portion.portion, portion.place, portion.python) == (keeper.fence, 1, "lab", "3.11")
        assert json.loads(portion.call) == {"file": "/p/prog.py", "line": 9, "kind": "Pool.map", "function": "f"}
        first, last = floor.sender.of_kind("items")
        assert (first.first, first.count, first.final, last.first, last.final) == (0, 2, False, 2, True)
        assert first.digest == digest_of(pack_of(b"one", b"two")) and first.blob is None
        [payload, _] = [payload for report, payload, _ in floor.sender.sent if report.kind == "items"]
        assert payload == pack_of(b"one", b"two")

    def test_its_state_is_a_blob_that_stays_until_the_report_has_it(self, floor: Floor) -> None:
        keeper = begun(floor)
        keeper.state(7, b"st", total=5).state(7, b"ate", at=2, total=5)
        assert spooled(floor, digest_of(b"state")) == b"state"
        keeper.open(1, 7)
        [portion] = floor.sender.of_kind("portion")
        assert portion.state == digest_of(b"state") and portion.files is None, "nothing has changed since it was submitted"

    def test_a_state_that_no_portion_named_goes_with_the_program(self, floor: Floor) -> None:
        keeper = begun(floor)
        keeper.state(1, b"unused").leave()
        assert not floor.spools.path(digest_of(b"unused")).exists()

    def test_the_list_of_files_is_made_anew_when_something_changed_and_only_then(self, floor: Floor) -> None:
        keeper = begun(floor)
        keeper.file("sub/in.txt", b"text").open(1)
        keeper.open(2)
        keeper.file("sub/in.txt", None).open(3)
        lists = [report.files for report in floor.sender.of_kind("portion")]
        assert lists[0] == lists[1] != lists[2] and None not in lists
        row = [0, "sub/in.txt", 0o100644, 4, digest_of(b"text"), None]
        assert json.loads(spooled(floor, lists[0])) == [[0, "prog.py", 0o100644, 3, "a" * 64, None], row]
        assert json.loads(spooled(floor, lists[2])) == [[0, "prog.py", 0o100644, 3, "a" * 64, None]]

    def test_a_folder_is_told_of_as_one(self, floor: Floor) -> None:
        keeper = begun(floor)
        keeper.file("out", b"", mode=0o750, folder=True).open(1)
        [made] = floor.sender.of_kind("artifact")
        [portion] = floor.sender.of_kind("portion")
        assert (made.mode, made.blob) == (0o40750, None)
        assert [0, "out", 0o40750, 0, None, None] in json.loads(spooled(floor, portion.files))

    def test_a_long_item_travels_in_parts_and_is_a_blob(self, floor: Floor) -> None:
        keeper = begun(floor)
        keeper.open(1)
        pack = pack_of(b"x" * 1_500_000)
        keeper.part(1, 0, 1, pack[: 1 << 20], digest_of(pack), 0, len(pack)).part(1, 0, 1, pack[1 << 20 :], digest_of(pack), 1 << 20, len(pack))
        [items] = floor.sender.of_kind("items")
        assert (items.size, items.blob, items.count) == (0, digest_of(pack), 1) and spooled(floor, items.blob) == pack

    def test_a_portion_at_home_is_told_with_its_reason(self, floor: Floor) -> None:
        begun(floor).open(1, place="home", reason="x cannot be carried")
        [portion] = floor.sender.of_kind("portion")
        assert (portion.place, portion.reason) == ("home", "x cannot be carried")

    def test_a_keeper_that_lies_is_killed(self, floor: Floor) -> None:
        keeper = begun(floor)
        keeper.items(5, 0, b"of a portion that was never opened")
        floor.reactor.advance(1.0)
        [end] = floor.sender.of_kind("end")
        assert end.outcome == "died" and "it broke the protocol" in end.reason

    def test_a_runner_of_chunks_cannot_open_portions(self, floor: Floor) -> None:
        floor.carry()
        [fence] = floor.grant(0)
        runner = floor.runner()
        runner.load().begin(fence).say("D", chunk=fence, portion=1)
        floor.reactor.advance(1.0)
        assert floor.sender.ends == [(fence, "died")] and floor.sender.of_kind("drop") == []

    def test_states_that_no_portion_names_are_bounded(self, floor: Floor, monkeypatch: Any, logged_failures: Any) -> None:
        monkeypatch.setattr(portion_reporting, "UNNAMED_BYTES", 10)
        keeper = begun(floor)
        keeper.state(1, b"123456").open(1, 1)
        keeper.state(2, b"123456").state(3, b"12345")
        floor.reactor.advance(1.0)
        [end] = floor.sender.of_kind("end")
        assert end.outcome == "died" and "no portion was opened with" in end.reason and logged_failures.flush()

    def test_a_full_disk_ends_it(self, floor: Floor, monkeypatch: Any, logged_failures: Any) -> None:
        keeper = begun(floor)
        monkeypatch.setattr(floor.spools, "begin", lambda: (_ for _ in ()).throw(OSError(28, "No space left on device")))
        keeper.state(1, b"state")
        floor.reactor.advance(1.0)
        [end] = floor.sender.of_kind("end")
        assert end.outcome == "died" and "No space left" in end.reason
        assert logged_failures.flush()
