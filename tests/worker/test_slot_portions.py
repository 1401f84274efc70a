"""Chunks of portions that a program opened: each in a runner of its state, over the files of its portion."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from twisted.internet.defer import Deferred

from marx.worker.recipes import CannotRun
from marx.worker.slot import IDLE_KEPT
from tests.fakes.floors import Floor
from tests.fakes.runners import pack_of

ONE, TWO = "1" * 64, "2" * 64


@pytest.fixture
def floor(tmp_path: Path) -> Floor:
    floor = Floor(tmp_path)
    floor.connect()
    return floor


class TestRunners:
    def test_a_portion_is_described_once_and_its_items_and_results_are_records(self, floor: Floor) -> None:
        floor.open(1, state=ONE)
        first, second = floor.grant(0, 1, portion=1)
        assert floor.shop.calls.count("DescribePortion") == 1
        runner = floor.runner()
        runner.load()
        [pack] = runner.child.heard("P")
        assert runner.kinds == "TPCECE" and pack.header["codec"] == "pickles" and pack.header["portion"] == 1
        runner.run(first)
        runner.run(second)
        assert floor.sender.ends == [(first, "succeeded"), (second, "succeeded")]
        results = [(report.codec, report.portion, payload) for report, payload, _ in floor.sender.sent if report.kind == "results"]
        assert results == [("pickles", 1, pack_of(b"0")), ("pickles", 1, pack_of(b"1"))]

    def test_portions_of_one_state_and_files_share_a_runner(self, floor: Floor) -> None:
        for portion in (1, 2):
            floor.open(portion, state=ONE)
            [fence] = floor.grant(0, portion=portion)
            if portion == 1:
                floor.runner().load()
            floor.runner().run(fence)
        assert len(floor.starter.started) == 1 and floor.starter.brought == [] and "S" not in floor.runner().kinds

    def test_another_state_has_another_runner(self, floor: Floor) -> None:
        for number, state in enumerate([ONE, TWO, None, ONE], 1):
            floor.open(number, state=state)
            [fence] = floor.grant(0, portion=number)
            if number < 4:
                floor.runner().load()
            floor.runner(0 if number == 4 else -1).run(fence)
        assert len(floor.starter.started) == 3
        assert floor.runner(0).kinds.endswith("SPCE"), "others ran over its files since"

    def test_few_idle_runners_are_kept_however_many_states_there_are(self, floor: Floor) -> None:
        for number in range(1, IDLE_KEPT + 4):
            floor.open(number, state="%064x" % number)
            [fence] = floor.grant(0, portion=number)
            floor.runner().load().run(fence)
            for runner in floor.starter.started:
                if runner.is_asked_to_quit:
                    runner.exit()
        alive = [runner for runner in floor.starter.started if runner.child.status is None]
        assert len(alive) == IDLE_KEPT + 1

    def test_a_state_that_cannot_be_loaded_is_refused_for_good_and_other_states_run(self, floor: Floor) -> None:
        floor.open(1, state=ONE)
        floor.open(2, state=TWO)
        [first] = floor.grant(0, portion=1)
        [second] = floor.grant(0, portion=2)
        floor.runner().fail_to_load("state")
        [end] = floor.sender.of_kind("end")
        assert (end.fence, end.outcome, end.fatal) == (first, "refused", True) and end.reason.startswith("ImportError: no module named x")
        floor.runner().load().run(second)
        assert floor.sender.ends[-1] == (second, "succeeded")

    def test_a_portion_that_nobody_knows_is_refused(self, floor: Floor) -> None:
        floor.open(1)
        del floor.shop.portions["a", 1]
        [fence] = floor.grant(0, portion=1)
        [end] = floor.sender.of_kind("end")
        assert (end.fence, end.outcome, end.fatal) == (fence, "refused", False) and "no portion 1" in end.reason

    def test_a_description_that_makes_no_sense_is_refused(self, floor: Floor) -> None:
        floor.open(1, state="../../etc/passwd")
        floor.grant(0, portion=1)
        [end] = floor.sender.of_kind("end")
        assert end.outcome == "refused" and floor.starter.started == []

    def test_a_chunk_that_is_revoked_before_its_portion_is_known_is_over(self, floor: Floor) -> None:
        floor.shop.holds["DescribePortion"] = held = Deferred()
        floor.open(1)
        [fence] = floor.grant(0, portion=1)
        floor.slots.revoke([fence], gently=False)
        held.callback(None)
        floor.settle()
        assert floor.sender.ends == [(fence, "cancelled")] and floor.starter.started == []

    def test_a_chunk_of_a_known_portion_waits_behind_one_of_an_unknown(self, floor: Floor) -> None:
        floor.open(1)
        floor.open(2)
        [first] = floor.grant(0, portion=2)
        floor.runner().load().run(first)
        floor.shop.holds["DescribePortion"] = held = Deferred()
        [second] = floor.grant(0, portion=1)
        [third] = floor.grant(1, portion=2)
        assert floor.runner().chunks == [first]
        held.callback(None)
        floor.settle()
        assert floor.runner().chunks == [first, second, third]

    @pytest.mark.parametrize("how", ["revoked", "refused"])
    def test_what_waits_behind_a_chunk_that_never_runs_goes_on(self, floor: Floor, how: str) -> None:
        floor.open(1)
        floor.open(2)
        [first] = floor.grant(0, portion=2)
        floor.runner().load().run(first)
        floor.shop.holds["DescribePortion"] = held = Deferred()
        [second] = floor.grant(0, portion=1)
        [third] = floor.grant(1, portion=2)
        if how == "revoked":
            floor.slots.revoke([second], gently=True)
        else:
            del floor.shop.portions["a", 1]
            held.callback(None)
            floor.settle()
        assert floor.runner().chunks == [first, third]

    def test_a_forgotten_task_takes_all_of_its_runners_along(self, floor: Floor) -> None:
        for number, state in enumerate([ONE, TWO], 1):
            floor.open(number, state=state)
            [fence] = floor.grant(0, portion=number)
            floor.runner().load().run(fence)
        floor.slots.forget("a")
        assert [runner.is_asked_to_quit for runner in floor.starter.started] == [True, True] and floor.starter.cleared == []
        for runner in floor.starter.started:
            runner.exit()
        assert floor.starter.cleared == [("a", 0)]


class TestFiles:
    def test_files_are_brought_while_the_runner_has_nothing_to_do_and_it_is_told_to_look(self, floor: Floor) -> None:
        floor.open(1, state=ONE, files=ONE)
        floor.open(2, state=ONE, files=TWO)
        [first] = floor.grant(0, portion=1)
        [second] = floor.grant(0, portion=2)
        runner = floor.runner().load()
        assert floor.starter.brought == [], "it started over the first list, and is at work"
        runner.run(first)
        assert floor.starter.brought == [TWO]
        assert [frame.kind for frame in runner.child.frames][-4:] == ["S", "P", "C", "E"]
        runner.run(second)
        assert floor.sender.ends == [(first, "succeeded"), (second, "succeeded")]

    def test_what_a_chunk_that_does_not_count_did_to_files_is_undone_before_the_next(self, floor: Floor) -> None:
        floor.open(1, state=ONE, files=ONE)
        [first] = floor.grant(0, portion=1)
        runner = floor.runner().load()
        runner.begin(first)
        floor.slots.revoke([first], gently=False)
        runner.end(first, "cancelled")
        [second] = floor.grant(1, portion=1)
        assert floor.starter.brought == [ONE]
        runner.run(second)
        floor.slots.distrust("a")
        [third] = floor.grant(2, portion=1)
        assert floor.starter.brought == [ONE, ONE]
        runner.run(third)
        assert floor.sender.ends == [(first, "cancelled"), (second, "succeeded"), (third, "succeeded")]

    def test_nothing_is_given_while_files_are_on_their_way(self, floor: Floor) -> None:
        floor.open(1, files=ONE)
        floor.open(2, files=TWO)
        [first] = floor.grant(0, portion=1)
        runner = floor.runner().load()
        floor.starter.bringing = Deferred()
        runner.run(first)
        [second] = floor.grant(0, portion=2)
        assert runner.chunks == [first] and floor.state() == "starting"
        floor.starter.bringing.callback(None)
        floor.settle()
        assert runner.chunks == [first, second]

    def test_files_that_cannot_be_brought_refuse_their_portion_and_no_other(self, floor: Floor) -> None:
        floor.open(1, files=ONE)
        floor.open(2, files=TWO)
        floor.starter.lacks[TWO] = CannotRun("a blob is missing")
        [first] = floor.grant(0, portion=1)
        [second] = floor.grant(0, portion=2)
        [third] = floor.grant(1, portion=1)
        runner = floor.runner().load()
        runner.run(first)
        assert (second, "refused") in floor.sender.ends and floor.starter.brought == [ONE], "the folder is half way"
        runner.run(third)
        assert floor.sender.ends[-1] == (third, "succeeded")

    def test_a_task_forgotten_meanwhile_ends_the_runner_and_what_is_brought_comes_too_late(self, floor: Floor) -> None:
        floor.open(1, files=ONE)
        floor.open(2, files=TWO)
        [first] = floor.grant(0, portion=1)
        runner = floor.runner().load()
        runner.run(first)
        floor.starter.bringing = Deferred()
        floor.grant(0, portion=2)
        floor.slots.forget("a")
        floor.starter.bringing.callback(None)
        floor.reactor.advance(1.0)
        floor.settle()
        assert "S" not in runner.kinds and floor.starter.cleared == [("a", 0)]

    def test_a_new_runner_begins_over_the_files_of_its_chunk(self, floor: Floor) -> None:
        floor.open(1, files=ONE)
        first, second = floor.grant(0, 1, portion=1)
        floor.runner().load().begin(first).exit(number=9)
        floor.runner().load().run(second)
        assert floor.starter.brought == [] and floor.sender.ends == [(first, "died"), (second, "succeeded")]


def test_a_state_stays_in_the_cache_as_long_as_a_runner_of_it(floor: Floor, tmp_path: Path) -> None:
    state = floor.shop.put(b"state")
    fetched: list[Any] = []
    floor.open(1, state=state)
    floor.cache.fetch(state, "a").addCallback(fetched.append)
    floor.settle()
    [fence] = floor.grant(0, portion=1)
    floor.cache._limit = 0
    floor.cache._make_room()
    assert state in floor.cache
    floor.runner().load().run(fence)
    floor.runner().exit()
    floor.cache._make_room()
    assert state not in floor.cache
