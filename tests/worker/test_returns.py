"""What comes of a program's portions is told to its keeper in order, once, and answered when its pipe has taken it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from twisted.internet.defer import Deferred

from marx.wire.calls import BadRequest, NotFound
from marx.worker.process import TO_RUNNER
from marx.worker.program_orders import Given
from marx.worker.recipes import TaskFile
from tests.fakes.floors import Floor
from tests.fakes.runners import PlayedKeeper, pack_of
from tests.fakes.servers import digest_of

CHANGE = {
    "portion": 1,
    "item": 3,
    "source": "lab-2:0",
    "root": 0,
    "path": "out/a.txt",
    "mode": 0o644,
    "length": 4,
    "mtime": 2.5,
    "blob": digest_of(b"made"),
    "deleted": False,
    "link": None,
    "grown_from": 0,
    "turn": None,
}
PACK = pack_of(b"a", b"b", b"c")


class Bench:
    """One program that has begun, below a played server."""

    def __init__(self, folder: Path) -> None:
        self.floor = Floor(folder, seats=1)
        self.floor.connect()
        self.fence = self.floor.run(files=(TaskFile(0, "prog.py", 0o644, 3, "a" * 64, None),))
        self.keeper: PlayedKeeper = self.floor.runner()
        self.keeper.load().begin(self.fence)
        self.floor.settle()
        self.shop = self.floor.shop

    def change(self, row: int, **change: Any) -> list[Any]:
        return self.outcome(self.floor.programs.carry_change(self.fence, row, {**CHANGE, **change}))

    def returns(self, row: int, first: int = 0, count: int = 3, pack_first: int = 0, **more: Any) -> list[Any]:
        what = {"codec": "pickles", "failed": [], "payload": PACK, "blob": None, **more}
        given = Given(1, first, count, what["codec"], what["failed"])
        return self.outcome(self.floor.programs.carry_returns(self.fence, row, given, pack_first, what["payload"], what["blob"]))

    def listed(self) -> list[str]:
        """The paths that a portion begins with which the program opens now."""
        self.keeper.open(1)
        [opened] = self.floor.sender.of_kind("portion")
        return [path for _, path, *_ in json.loads(self.floor.spools.path(opened.files).read_bytes())]

    def outcome(self, answered: Deferred[None]) -> list[Any]:
        outcome: list[Any] = []
        answered.addBoth(outcome.append)
        self.floor.settle()
        return outcome

    @property
    def told(self) -> list[tuple[str, dict[str, Any], bytes]]:
        return [(frame.kind, frame.header, frame.payload) for frame in self.keeper.child.frames if frame.kind in "WGYJ"]

    @property
    def kinds(self) -> str:
        return "".join(kind for kind, _, _ in self.told)


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


class TestResults:
    def test_they_are_told_with_their_items_and_answered(self, bench: Bench) -> None:
        assert bench.returns(1, failed=[1]) == [None]
        assert bench.told == [
            ("G", {"portion": 1, "first": 0, "count": 3, "codec": "pickles", "failed": [1], "offset": 0, "total": len(PACK)}, PACK)
        ]

    def test_the_program_gets_just_the_items_that_are_meant(self, bench: Bench) -> None:
        bench.returns(1, first=11, count=1, pack_first=10)
        bench.returns(2, first=11, count=2, pack_first=10, codec="entries", payload=b"{1}\n{2}\n{3}")
        assert [content for _, _, content in bench.told] == [pack_of(b"b"), b"{2}\n{3}"]

    @pytest.mark.parametrize(
        "nonsense",
        [{"count": 4}, {"pack_first": 1}, {"count": 0}, {"payload": b"\0\0\0\5a"}, {"codec": "entries", "payload": b"{}"}, {"blob": "b" * 64}],
    )
    def test_what_makes_no_sense_is_refused_and_changes_nothing(self, bench: Bench, nonsense: dict[str, Any]) -> None:
        with pytest.raises(BadRequest):
            bench.returns(1, **nonsense)
        assert bench.told == [] and bench.returns(1) == [None]

    def test_a_long_one_comes_from_its_blob_in_parts(self, bench: Bench) -> None:
        pack = pack_of(b"x" * 600_000)
        assert bench.returns(1, first=5, count=1, pack_first=5, payload=b"", blob=bench.shop.put(pack)) == [None]
        assert [header["offset"] for _, header, _ in bench.told] == [0, 262144, 524288]
        assert b"".join(part for _, _, part in bench.told) == pack and {header["total"] for _, header, _ in bench.told} == {len(pack)}


class TestFiles:
    def test_a_file_is_told_before_the_results_behind_it_however_long_it_takes_to_fetch(self, bench: Bench) -> None:
        bench.shop.holds["GetBlob"] = held = Deferred()
        bench.shop.put(b"made")
        change, results = bench.change(1), bench.returns(1)
        assert bench.told == [] and change == results == []
        held.callback(None)
        bench.floor.settle()
        assert bench.kinds == "WG" and change == results == [None]
        _, header, content = bench.told[0]
        assert (header["item"], header["source"], header["path"], header["offset"], content) == (3, "lab-2:0", "out/a.txt", 0, b"made")
        assert (header["row"], header["grown_from"]) == (1, 0)

    def test_links_folders_and_deletions_have_no_content(self, bench: Bench) -> None:
        bench.change(1, blob=None, link="a.txt", path="link")
        bench.change(2, blob=None, mode=0o40750, path="out")
        bench.change(3, blob=None, deleted=True)
        assert [(header["link"], header["folder"], header["deleted"], header["mode"]) for _, header, _ in bench.told] == [
            ("a.txt", False, False, 0o644),
            (None, True, False, 0o750),
            (None, False, True, 0o644),
        ]

    def test_an_empty_file_is_one_frame(self, bench: Bench) -> None:
        bench.change(1, blob=bench.shop.put(b""), length=0)
        assert [(header["length"], content) for _, header, content in bench.told] == [(0, b"")]

    def test_portions_that_are_opened_when_they_stand_in_the_programs_folder_have_them_in_their_list(self, bench: Bench) -> None:
        bench.shop.put(b"made")
        bench.change(1)
        bench.change(2, path="prog.py", blob=None, deleted=True)
        bench.change(3, path="later")
        bench.keeper.open(1)
        bench.keeper.placed(1)
        bench.keeper.placed(2)
        bench.keeper.placed(99)
        bench.keeper.open(2)
        first, second = bench.floor.sender.of_kind("portion")
        assert first.files is None
        listed = json.loads(bench.floor.spools.path(second.files).read_bytes())
        assert listed == [[0, "out/a.txt", 0o100644, 4, digest_of(b"made"), None]]

    def test_what_was_passed_over_for_something_newer_is_in_no_list(self, bench: Bench) -> None:
        bench.shop.put(b"made")
        for row in (1, 2):
            bench.change(row, path=f"of-{row}")
        bench.keeper.placed(1, stands=False)
        bench.keeper.placed(2)
        assert bench.listed() == ["of-2", "prog.py"]

    def test_in_a_replay_they_are_placed_in_the_order_of_the_items_and_all_are_listed(self, bench: Bench) -> None:
        bench.shop.put(b"made")
        for row in (1, 2, 3):
            bench.change(row, path=f"of-{row}")
        for row in (2, 3, 1):
            bench.keeper.placed(row)
        assert bench.listed() == ["of-1", "of-2", "of-3", "prog.py"]

    def test_what_the_program_made_of_one_since_it_was_placed_is_what_is_listed(self, bench: Bench) -> None:
        bench.shop.put(b"made")
        bench.change(1)
        bench.keeper.state(1, b"begins", total=9).placed(1)
        bench.keeper.state(1, b"end", at=6, total=9).file("out/a.txt", b"joined")
        bench.keeper.open(1, state=1)
        [portion] = bench.floor.sender.of_kind("portion")
        [row] = [row for row in json.loads(bench.floor.spools.path(portion.files).read_bytes()) if row[1] == "out/a.txt"]
        assert row[4] == digest_of(b"joined")

    @pytest.mark.parametrize(
        "nonsense",
        [{"path": "../up"}, {"root": 1}, {"blob": "x"}, {"blob": None}, {"mode": "rw"}, {"link": 5, "blob": None}],
    )
    def test_what_makes_no_sense_is_refused(self, bench: Bench, nonsense: dict[str, Any]) -> None:
        with pytest.raises(BadRequest):
            bench.change(1, **nonsense)
        assert bench.told == []

    def test_one_that_cannot_be_brought_ends_the_program_rather_than_being_left_out(self, bench: Bench) -> None:
        [answer] = bench.change(1, blob="b" * 64)
        assert answer.check(NotFound)
        bench.floor.reactor.advance(1.0)
        bench.floor.settle()
        [end] = bench.floor.sender.of_kind("end")
        assert end.outcome == "died" and "what items of its portions gave could not be brought here" in end.reason


class TestCredit:
    def test_the_answer_waits_for_the_pipe(self, bench: Bench) -> None:
        pipe = bench.keeper.child.pipes[TO_RUNNER]
        pipe.full = True
        pack = pack_of(b"x" * 600_000)
        answered = bench.returns(1, count=1, payload=b"", blob=bench.shop.put(pack))
        second = bench.returns(2)
        assert answered == second == [] and len(bench.told) <= 1
        pipe.full = False
        bench.keeper.child.later(pipe.pull)
        bench.floor.settle()
        assert answered == second == [None] and bench.kinds == "GGGG"

    def test_who_waits_when_the_program_ends_is_told_so(self, bench: Bench) -> None:
        bench.keeper.child.pipes[TO_RUNNER].full = True
        bench.shop.holds["GetBlob"] = Deferred()
        answered = [bench.returns(1), bench.returns(2, count=1, payload=b"", blob="b" * 64), bench.returns(3)]
        assert answered == [[], [], []]
        bench.keeper.leave()
        assert [answer.check(NotFound) for [answer] in answered] == [NotFound] * 3
        with pytest.raises(NotFound):
            bench.returns(4)


class TestRepeats:
    def test_it_asks_from_the_beginning_when_it_has_begun_and_from_the_last_row_over_each_new_connection(self, bench: Bench) -> None:
        assert bench.shop.watched == [(bench.fence, 0, 0)]
        bench.shop.put(b"made")
        bench.returns(7)
        bench.change(4)
        bench.floor.cut()
        bench.floor.connect()
        assert bench.shop.watched == [(bench.fence, 0, 0), (bench.fence, 7, 4)]

    def test_what_comes_again_is_answered_and_not_told_again(self, bench: Bench) -> None:
        bench.shop.put(b"made")
        bench.change(3)
        bench.returns(9)
        assert bench.change(3) == [None] and bench.returns(9) == [None] and bench.returns(2) == [None]
        assert bench.kinds == "WG"
        bench.returns(10)
        assert bench.kinds == "WGG"

    def test_a_program_that_begins_without_a_connection_asks_when_there_is_one(self, tmp_path: Path) -> None:
        floor = Floor(tmp_path, seats=1)
        fence = floor.run()
        floor.runner().load().begin(fence)
        assert floor.shop.watched == []
        floor.connect()
        assert floor.shop.watched == [(fence, 0, 0)]


class TestWords:
    def test_a_refused_portion_is_told_behind_the_results_that_came_before(self, bench: Bench) -> None:
        bench.returns(1)
        bench.floor.programs.refuse_portion(bench.fence, 1, "no module named lab")
        bench.floor.programs.refuse_portion(99, 1, "of another")
        bench.floor.settle()
        assert bench.kinds == "GY" and bench.told[-1][1] == {"portion": 1, "reason": "no module named lab"}

    def test_a_signal_is_told_while_the_program_runs(self, bench: Bench) -> None:
        programs = bench.floor.programs
        assert programs.signal(bench.fence, 2) and not programs.signal(99, 2) and not programs.signal(bench.fence, 0)
        assert bench.told == [("J", {"signal": 2}, b"")]
        bench.keeper.leave()
        assert not programs.signal(bench.fence, 2)

    def test_what_earlier_attempts_asked_for_is_told_before_the_chunk(self, tmp_path: Path) -> None:
        floor = Floor(tmp_path, seats=1)
        floor.connect()
        packs = [[number, 1, "d" * 64] for number in range(9_000)]
        floor.shop.records["a"] = [[1, "{}", "lab", True, packs], [2, "{}", "home", False, []]]
        fence = floor.run(attempt=2)
        keeper = floor.runner()
        keeper.load()
        assert keeper.kinds == "THHHCE"
        told = [frame.header for frame in keeper.child.heard("H")]
        assert [(header["portion"], header["final"], len(header["packs"])) for header in told] == [(1, False, 8000), (1, True, 1000), (2, False, 0)]
        keeper.begin(fence)
        keeper.items(2, 0, b"goes on where the record ends")
        assert floor.sender.kinds == ["items"]

    def test_a_record_that_cannot_be_read_is_refused(self, tmp_path: Path) -> None:
        floor = Floor(tmp_path, seats=1)
        floor.connect()
        floor.shop.refuses["DescribeRecord"] = NotFound("the task has ended")
        fence = floor.run(attempt=2)
        floor.runner().load()
        assert floor.sender.ends == [(fence, "refused")]
