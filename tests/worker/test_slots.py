"""Grants run in their order, each on its slot; every one of them gets exactly one end, whatever happens to the runner."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from twisted.internet.defer import Deferred

from marx.wire.packs import ItemPack, unpack_output
from marx.wire.reports import RestReport
from marx.worker.assignments import Chunk
from marx.worker.recipes import CannotRun
from marx.worker.revoking import CANCEL_SECONDS
from marx.worker.runners import GIVEN
from marx.worker.slot import IDLE_KEPT
from marx.worker.stopping import Patience
from tests.fakes.floors import Floor


@pytest.fixture
def floor(tmp_path: Path) -> Floor:
    floor = Floor(tmp_path)
    floor.carry("a")
    floor.carry("b")
    return floor


def outcome_of(waited: Deferred[Any]) -> list[Any]:
    outcome: list[Any] = []
    waited.addBoth(outcome.append)
    return outcome


class TestRunning:
    def test_the_first_grant_of_a_task_starts_its_runner_and_the_rest_use_it(self, floor: Floor) -> None:
        first, second = floor.grant(0, 1)
        assert floor.state() == "starting" and floor.runner().kinds == "T"
        floor.runner().load()
        assert floor.runner().kinds == "TPCECE" and floor.state() == "busy"
        floor.runner().run(first).run(second)
        [third] = floor.grant(2)
        floor.runner().run(third)
        assert len(floor.starter.started) == 1 and floor.state() == "idle"
        assert floor.sender.ends == [(first, "succeeded"), (second, "succeeded"), (third, "succeeded")]
        assert [payload for report, payload, _ in floor.sender.sent if report.kind == "results"] == [b"0", b"1", b"4"]

    def test_a_chunk_at_work_gives_back_its_rest_when_asked(self, floor: Floor) -> None:
        floor.carry("a")
        floor.slots.grant([Chunk(1, "a", 0, 0, 5), Chunk(2, "a", 0, 5, 2)])
        floor.runner().load().begin(1)
        floor.slots.shorten([[1, 2], [2, 6], [77, 1]])
        assert [(frame.header["chunk"], frame.header["stop"]) for frame in floor.runner().child.heard("G")] == [(1, 2)]
        floor.runner().say("G", chunk=1, stop=3).results(1, 0, 0, 1, 4)
        floor.runner().end(1)
        assert floor.sender.kinds[:3] == ["rest", "results", "end"]
        assert floor.sender.sent[0][0] == RestReport(1, "a", 0, 3)
        assert floor.sender.ends[0] == (1, "succeeded")

    def test_a_grant_to_an_idle_runner_is_in_its_pipe_before_the_reactor_turns(self, floor: Floor) -> None:
        floor.grant(0)
        floor.runner().load().run(1)
        floor.slots.grant([Chunk(2, "a", 0, 5, 1)])
        assert floor.runner().chunks == [1, 2]

    def test_a_runner_has_a_few_chunks_ahead_and_gets_more_as_they_end(self, floor: Floor) -> None:
        fences = floor.grant(*range(10))
        floor.runner().load()
        assert floor.runner().chunks == fences[:GIVEN]
        floor.runner().run(fences[0])
        assert floor.runner().chunks == fences[: GIVEN + 1]

    def test_a_pack_goes_to_a_runner_once_and_is_dropped_with_the_servers_word(self, floor: Floor) -> None:
        first, second = floor.grant(0, 1)
        floor.runner().load().run(first)
        floor.slots.drop([("a", 0, 0)])
        assert floor.runner().kinds.count("P") == 1 and "D" not in floor.runner().kinds
        floor.runner().run(second)
        assert floor.runner().kinds.endswith("D")

    def test_tasks_take_turns_in_the_order_of_the_grants(self, floor: Floor) -> None:
        [first] = floor.grant(0, task="a")
        [second] = floor.grant(0, task="b")
        [third] = floor.grant(1, task="a")
        floor.runner(0).load()
        assert len(floor.starter.started) == 1 and floor.runner(0).chunks == [first]
        floor.runner(0).run(first)
        floor.runner(1).load().run(second)
        assert floor.runner(0).chunks == [first, third]
        floor.runner(0).run(third)
        assert [fence for fence, _ in floor.sender.ends] == [first, second, third]

    def test_few_idle_runners_are_kept_and_the_longest_idle_goes(self, floor: Floor) -> None:
        for number in range(IDLE_KEPT + 2):
            floor.carry(f"task{number}")
            [fence] = floor.grant(0, task=f"task{number}")
            floor.runner().load().run(fence)
        quitting = [runner.task for runner in floor.starter.started if runner.is_asked_to_quit]
        assert quitting == ["task0"]
        floor.runner(0).exit(0)
        assert [runner.is_asked_to_quit for runner in floor.starter.started[1:]] == [False] * (IDLE_KEPT + 1)

    def test_each_slot_has_runners_of_its_own(self, tmp_path: Path) -> None:
        floor = Floor(tmp_path, count=2)
        floor.carry()
        floor.grant(0, slot=0)
        floor.grant(1, slot=1)
        assert [(runner.task, runner.slot) for runner in floor.starter.started] == [("a", 0), ("a", 1)]

    def test_output_is_reported_with_its_item_and_before_the_end(self, floor: Floor) -> None:
        [fence] = floor.grant(7)
        floor.runner().load().begin(fence).print(b"hello\n").print(b"oops\n", 2).results(fence, 7, 49).end(fence)
        assert floor.sender.kinds == ["output", "results", "end"]
        [(report, payload, _)] = [sent for sent in floor.sender.sent if sent[0].kind == "output"]
        assert [(segment.item, segment.content) for segment in unpack_output(payload, report.first)] == [(7, b"hello\n"), (7, b"oops\n")]

    def test_output_does_not_wait_for_results(self, floor: Floor) -> None:
        [fence] = floor.grant(7)
        floor.runner().load().begin(fence).print(b"still at it\n")
        floor.reactor.advance(0.1)
        assert floor.sender.kinds == ["output"]

    def test_what_is_true_of_a_task_is_noted_once(self, floor: Floor) -> None:
        first, second = floor.grant(0, 1)
        floor.runner().print(b"loading\n").load(fork=False, why="the program has threads").say("N", text="a sentence").say("N", text="a sentence")
        floor.runner().run(first).run(second)
        assert [note.text for note in floor.sender.of_kind("note")] == [
            "each chunk gets a fresh interpreter: the program has threads",
            "a sentence",
            "outside of any item, as when it was loaded, the program printed: loading\n",
        ]


class TestDying:
    def test_a_chunk_that_died_says_of_what_and_at_which_item_and_the_runner_goes_on(self, floor: Floor) -> None:
        first, second = floor.grant(0, 1)
        floor.runner().load().begin(first).end(first, "died", exit=None, signal=9, item=0)
        floor.runner().run(second)
        died, succeeded = floor.sender.of_kind("end")
        assert (died.outcome, died.item, died.signal, died.max_rss_kb) == ("died", 0, 9, 9216)
        assert died.reason == "was killed by signal 9 (SIGKILL) after using 9 MB of memory, most often by the kernel, because memory was short"
        assert succeeded.outcome == "succeeded"

    def test_a_runner_that_dies_takes_the_chunk_at_work_and_those_behind_it_start_in_a_new_one(self, floor: Floor) -> None:
        first, second, third = floor.grant(0, 1, 2)
        floor.runner().load().begin(first).exit(number=11)
        assert floor.sender.ends == [(first, "died")]
        [end] = floor.sender.of_kind("end")
        assert "its runner was killed by signal 11 (SIGSEGV)" in end.reason and end.item == 0, "with one item there is no doubt which"
        floor.runner(1).load().run(second).run(third)
        assert [fence for fence, _ in floor.sender.ends] == [first, second, third]

    def test_of_several_items_none_is_blamed_for_the_runners_death(self, floor: Floor) -> None:
        [fence] = floor.grant(0, count=5)
        floor.runner().load().begin(fence).results(fence, 0, 0, 1).exit(number=9)
        [end] = floor.sender.of_kind("end")
        assert end.item is None

    def test_a_runner_that_dies_without_work_is_replaced_when_it_is_needed(self, floor: Floor) -> None:
        [first] = floor.grant(0)
        floor.runner().load().run(first)
        floor.runner().exit(number=9)
        [second] = floor.grant(1)
        floor.runner(1).load().run(second)
        assert floor.sender.ends == [(first, "succeeded"), (second, "succeeded")]

    def test_a_chunk_that_came_while_the_runner_was_dying_runs_in_the_next(self, floor: Floor) -> None:
        [first] = floor.grant(0)
        floor.runner().load().run(first)
        floor.runner().child._held.add(1)
        floor.runner().exit(number=9)
        [second] = floor.grant(1)
        assert len(floor.starter.started) == 1
        floor.reactor.advance(1.0)
        floor.reactor.turn()
        floor.runner(1).load().run(second)
        assert floor.sender.ends == [(first, "succeeded"), (second, "succeeded")]

    def test_a_runner_that_lies_is_killed_and_its_chunk_died_of_that(self, floor: Floor) -> None:
        [fence] = floor.grant(0)
        floor.runner().load().begin(fence).results(fence, 500, 1)
        floor.reactor.advance(1.0)
        [end] = floor.sender.of_kind("end")
        assert end.outcome == "died" and "it broke the protocol" in end.reason


class TestRefusing:
    @pytest.mark.parametrize(("what", "fatal"), [("program", True), ("function", True), ("python", False)])
    def test_a_program_that_does_not_load_is_refused_with_its_traceback(self, floor: Floor, what: str, fatal: bool) -> None:
        fences = floor.grant(0, 1)
        floor.runner().fail_to_load(what)
        assert floor.sender.ends == [(fence, "refused") for fence in fences]
        [end, _] = floor.sender.of_kind("end")
        assert end.reason == "ImportError: no module named x\nTraceback..." and end.fatal is fatal
        assert floor.state() == "idle"

    def test_a_runner_that_dies_while_it_loads_is_no_fault_that_is_certain(self, floor: Floor) -> None:
        floor.grant(0)
        floor.runner().print(b"Fatal Python error\n", 2).exit(number=6)
        [end] = floor.sender.of_kind("end")
        assert (end.outcome, end.fatal) == ("refused", False)
        assert "SIGABRT" in end.reason and "Fatal Python error" in end.reason

    def test_what_cannot_be_started_is_refused_and_other_tasks_run(self, floor: Floor) -> None:
        floor.starter.refuses["a"] = CannotRun("there is no such Python", fatal=False)
        [first] = floor.grant(0, task="a")
        [second] = floor.grant(0, task="b")
        floor.runner().load().run(second)
        assert floor.sender.ends == [(first, "refused"), (second, "succeeded")]

    def test_items_that_were_never_sent_and_slots_that_are_not_there_are_refused(self, floor: Floor) -> None:
        floor.grant(5000)
        floor.grant(0, slot=7)
        assert [end.reason for end in floor.sender.of_kind("end")] == [
            "item 5000 of portion 0 was not sent to this worker",
            "this worker has no slot 7 for portion 0",
        ]
        assert floor.starter.started == []

    def test_a_process_that_does_not_die_breaks_its_slot_until_it_does(self, floor: Floor, monkeypatch: Any, logged_failures: Any) -> None:
        first, second = floor.grant(0, 1)
        floor.runner().load().begin(first)
        floor.carry("b")
        [third] = floor.grant(0, task="b")
        monkeypatch.setattr(floor.runner().child, "signalProcess", lambda number: None)
        floor.slots.forget("a")
        patience = Patience()
        for _ in range(int(patience.kill_seconds + patience.sweep_seconds) + 2):
            floor.reactor.advance(1.0)
        assert floor.state() == "broken" and (third, "refused") in floor.sender.ends
        assert any("does not die" in str(said) for said in logged_failures.flush())
        assert [note.text for note in floor.sender.of_kind("note")][-1].startswith("a process of this task does not die")
        [fourth] = floor.grant(1, task="b")
        assert (fourth, "refused") in floor.sender.ends
        floor.runner(0).exit(number=9)
        [fifth] = floor.grant(2, task="b")
        floor.runner().load().run(fifth)
        assert floor.sender.ends[-1] == (fifth, "succeeded")


class TestRevoking:
    def test_what_waits_is_gone_at_once_and_what_runs_when_its_processes_are(self, floor: Floor) -> None:
        fences = floor.grant(*range(GIVEN + 1))
        floor.runner().load().begin(fences[0])
        stopped = outcome_of(floor.slots.revoke([fences[0], fences[-1], 999], gently=False))
        assert floor.sender.ends == [(fences[-1], "cancelled")] and stopped == []
        assert floor.runner().cancelled == [fences[0]]
        floor.runner().end(fences[0], "cancelled")
        assert stopped == [1] and floor.sender.ends[-1] == (fences[0], "cancelled")

    def test_gently_leaves_what_has_begun(self, floor: Floor) -> None:
        first, second, third, fourth = floor.grant(0, 1, 2, 3)
        floor.runner().load().begin(first)
        stopped = outcome_of(floor.slots.revoke([first, second, fourth], gently=True))
        assert floor.runner().cancelled == [second] and floor.sender.ends == [(fourth, "cancelled")]
        floor.runner().ended(second, "cancelled")
        assert stopped == [0]
        floor.runner().results(first, 0, 0).end(first).run(third)
        assert dict(floor.sender.ends) == {first: "succeeded", second: "cancelled", third: "succeeded", fourth: "cancelled"}

    def test_a_runner_that_does_not_answer_is_killed_and_the_rest_goes_to_another(self, floor: Floor) -> None:
        first, second = floor.grant(0, 1)
        floor.runner().load().begin(first)
        stopped = outcome_of(floor.slots.revoke([first], gently=False))
        floor.reactor.advance(CANCEL_SECONDS)
        floor.reactor.turn()
        assert stopped == [1] and floor.sender.ends == [(first, "cancelled")]
        floor.runner(1).load().run(second)
        assert floor.sender.ends[-1] == (second, "succeeded")

    def test_a_runner_that_loads_for_nobody_any_more_counts_as_a_process(self, floor: Floor) -> None:
        fences = floor.grant(0, 1)
        stopped = outcome_of(floor.slots.revoke(fences, gently=False))
        assert stopped == [], "its process is not gone yet"
        floor.reactor.turn()
        assert stopped == [1] and floor.state() == "idle"

    def test_revoking_twice_answers_both(self, floor: Floor) -> None:
        [fence] = floor.grant(0)
        floor.runner().load().begin(fence)
        answers = [outcome_of(floor.slots.revoke([fence], gently=False)) for _ in range(2)]
        assert floor.runner().cancelled == [fence]
        floor.runner().end(fence, "cancelled")
        assert answers == [[1], [1]]

    def test_a_chunk_that_ended_before_the_word_came_is_answered(self, floor: Floor) -> None:
        [fence] = floor.grant(0)
        floor.runner().load().run(fence)
        assert outcome_of(floor.slots.revoke([fence], gently=False)) == [0]
        assert floor.sender.ends == [(fence, "succeeded")]


class TestForgetting:
    def test_an_idle_runner_quits_and_its_files_go_when_it_is_gone(self, floor: Floor) -> None:
        [fence] = floor.grant(0)
        floor.runner().load().run(fence)
        floor.slots.forget("a")
        assert floor.runner().is_asked_to_quit and floor.starter.cleared == []
        floor.runner().exit(0)
        assert floor.starter.cleared == [("a", 0)] and floor.starter.forgotten == ["a"]

    def test_a_busy_one_is_killed_and_nothing_of_it_is_held(self, floor: Floor) -> None:
        floor.grant(0, 1, 2, 3, 4)
        floor.runner().load().begin(1)
        floor.slots.forget("a")
        floor.reactor.turn()
        assert floor.starter.cleared == [("a", 0)] and len(floor.ledger) == 0 and floor.state() == "idle"
        assert outcome_of(floor.slots.wait_quiet()) == [None]

    def test_one_that_is_being_started_is_cancelled(self, floor: Floor) -> None:
        floor.starter.held = Deferred()
        floor.grant(0)
        floor.slots.forget("a")
        assert floor.starter.cleared == [("a", 0)] and floor.starter.started == []
        floor.starter.held = None
        floor.carry("a")
        [fence] = floor.grant(0)
        floor.runner().load().run(fence)
        assert floor.sender.ends == [(fence, "succeeded")]

    def test_a_task_that_never_was_here_is_cleared_everywhere(self, tmp_path: Path) -> None:
        floor = Floor(tmp_path, count=2)
        floor.slots.forget("z")
        assert floor.starter.cleared == [("z", 0), ("z", 1)]


class TestPausing:
    def test_under_pressure_nothing_is_taken_from_runners_old_or_new(self, tmp_path: Path) -> None:
        floor = Floor(tmp_path, count=2)
        floor.carry()
        [first] = floor.grant(0, slot=0)
        floor.runner(0).load()
        floor.slots.press(True)
        [second] = floor.grant(1, slot=1)
        floor.runner(0).run(first)
        floor.runner(1).load()
        assert floor.sender.sent == [] and floor.runner(1).chunks == []
        floor.slots.press(False)
        floor.reactor.turn()
        assert floor.sender.ends == [(first, "succeeded")] and floor.runner(1).chunks == [second]

    def test_a_disk_that_is_full_ends_the_runner_and_says_so(self, floor: Floor, monkeypatch: Any, logged_failures: Any) -> None:
        [fence] = floor.grant(0)
        floor.runner().load().begin(fence)
        monkeypatch.setattr(floor.spools, "begin", lambda head: (_ for _ in ()).throw(OSError(28, "No space left on device")))
        part = {"chunk": fence, "portion": 0, "item": 0, "offset": 0, "total": 2_000_000, "last": False}
        floor.runner().say("V", bytes(1000), **part)
        floor.reactor.turn()
        [end] = floor.sender.of_kind("end")
        assert end.outcome == "died" and "the worker's disk does not take" in end.reason and "No space left" in end.reason
        assert logged_failures.flush()


class TestStopping:
    def test_quiet_is_when_every_grant_is_over(self, floor: Floor) -> None:
        assert outcome_of(floor.slots.wait_quiet()) == [None]
        [fence] = floor.grant(0)
        quiet = outcome_of(floor.slots.wait_quiet())
        floor.runner().load()
        assert quiet == []
        floor.runner().run(fence)
        assert quiet == [None]

    def test_stopping_ends_what_runs_asks_what_idles_and_waits_for_both(self, tmp_path: Path) -> None:
        floor = Floor(tmp_path, count=2)
        floor.carry()
        first, second, third, fourth, fifth = floor.grant(0, 1, 2, 3, 4)
        [idle] = floor.grant(5, slot=1)
        floor.runner(0).load().begin(first)
        floor.runner(1).load().run(idle)
        stopped = outcome_of(floor.slots.stop())
        floor.reactor.turn()
        assert stopped == [] and floor.runner(1).is_asked_to_quit
        floor.runner(1).exit(0)
        assert stopped == [None]
        assert dict(floor.sender.ends) == {idle: "succeeded", **dict.fromkeys((first, second, third, fourth, fifth), "cancelled")}


class TestBlobs:
    def test_an_item_too_large_for_a_pack_is_fetched_before_its_chunk_is_given(self, floor: Floor, monkeypatch: Any) -> None:
        fetched: Deferred[None] = Deferred()
        monkeypatch.setattr(floor.cache, "fetch_all", lambda task, digests: fetched_for(fetched))
        floor.cache.path("d" * 64).write_bytes(b'"large"')
        floor.slots.carry("a", 0, ItemPack(2000, 1, "json", blob="d" * 64))
        [large] = floor.grant(2000)
        [small] = floor.grant(1)
        floor.runner().load()
        assert floor.runner().chunks == [], "the order of the grants holds"
        fetched.callback(None)
        floor.reactor.turn()
        assert floor.runner().chunks == [large, small]
        assert floor.runner().child.heard("P")[0].payload == b'"large"'

    def test_one_that_cannot_be_fetched_is_refused(self, floor: Floor) -> None:
        floor.slots.carry("a", 0, ItemPack(2000, 1, "json", blob="not a digest"))
        [fence] = floor.grant(2000)
        [end] = floor.sender.of_kind("end")
        assert (end.fence, end.outcome) == (fence, "refused") and "could not be brought here" in end.reason


async def fetched_for(fetched: Deferred[None]) -> None:
    await fetched
