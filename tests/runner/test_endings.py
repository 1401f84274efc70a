"""How a chunk ends other than well: its process dies, it is cancelled, it leaves processes behind; each costs as little as it can."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest

from marx.worker.messages import Results
from tests.runner.conftest import Start
from tests.runner.driving import Driver
from tests.runner.spawning import appears, is_alive, vanishes


@pytest.mark.parametrize(
    ("death", "code", "number"), [(["die", 0], 0, None), (["die", 7], 7, None), (["die_by", 9], None, 9), (["die_by", 11], None, 11)]
)
def test_a_death_names_the_item_at_work_and_how_it_died(zoo: Driver, death: list[object], code: int | None, number: int | None) -> None:
    outcome = zoo.map([["square", 1], ["square", 2], ["square", 3], death, ["square", 4]])
    ended = outcome.ended
    assert (ended.outcome, ended.item, ended.exit, ended.signal) == ("died", 3, code, number)
    assert ended.done <= 3 and outcome.values == [1, 4, 9][: ended.done]
    assert zoo.map([["square", 5]]).values == [25]


def test_what_was_sent_before_a_death_counts(zoo: Driver, tmp_path: Path) -> None:
    (tmp_path / "go").touch()
    outcome = zoo.map([["wait_for", str(tmp_path / "go")], ["text_of", 2_000_000], ["wait_for", str(tmp_path / "go")], ["die", 1]])
    assert (outcome.ended.done, outcome.ended.item) == (3, 3)
    assert outcome.values == [None, "x" * 2_000_000, None]


def test_a_death_in_a_large_batch_names_its_item(start: Start) -> None:
    runner = start("import os\ndef f(x):\n    if x == 30000: os._exit(1)\n    return x")
    runner.give_range(100_000)
    outcome = runner.run(0, 100_000)
    assert (outcome.ended.outcome, outcome.ended.item) == ("died", 30_000)
    assert outcome.values == list(range(outcome.ended.done))
    rest = runner.run(outcome.ended.done, 30_000 - outcome.ended.done)
    assert rest.ended.outcome == "succeeded"


def test_a_death_while_a_value_is_shown_names_its_item(start_some: Start) -> None:
    runner = start_some(
        """
        import os
        class Deadly(object):
            def __repr__(self): os._exit(6)
        def f(x): return Deadly() if x == 5 else x
        """
    )
    runner.give_range(10)
    ended = runner.run(0, 10).ended
    assert (ended.outcome, ended.item, ended.exit) == ("died", 5, 6)


def test_a_death_is_noticed_although_a_process_that_the_item_made_lives_on(start: Start, tmp_path: Path) -> None:
    runner = start(
        """
        import os, time
        def f(place):
            pid = os.fork()
            if not pid: time.sleep(1000)
            with open(place, "w") as names: names.write(str(pid))
            os._exit(3)
        """
    )
    runner.give_items([str(tmp_path / "pid")])
    ended = runner.run(0, 1).ended
    assert (ended.outcome, ended.exit, ended.item) == ("died", 3, 0)
    assert not is_alive(int((tmp_path / "pid").read_text()))


def test_nothing_that_an_item_started_outlives_its_chunk(zoo: Driver, tmp_path: Path) -> None:
    place = tmp_path / "pid"
    assert zoo.map([["leave_behind", str(place)], ["square", 2]]).values == [None, 4]
    assert not is_alive(int(place.read_text()))


def test_the_chunk_at_work_is_killed_when_it_is_cancelled_with_what_it_started(zoo: Driver, tmp_path: Path) -> None:
    place = tmp_path / "pid"
    zoo.give_items([["leave_behind", str(place)], ["wait_for", str(tmp_path / "never")]])
    fence = zoo.give_chunk(0, 2)
    appears(tmp_path / "never.waiting")
    zoo.cancel(fence)
    ended = zoo.hear_chunk(fence).ended
    assert (ended.outcome, ended.signal, ended.item) == ("cancelled", signal.SIGTERM, None)
    assert not is_alive(int(place.read_text()))
    zoo.drop(0)
    assert zoo.map([["square", 3]]).values == [9]


def test_a_chunk_that_waits_is_dropped_when_it_is_cancelled_and_the_others_run(zoo: Driver, tmp_path: Path) -> None:
    go = tmp_path / "go"
    zoo.give_items([["wait_for", str(go)], ["square", 2], ["square", 3]])
    at_work, dropped, kept = (zoo.give_chunk(item, 1) for item in range(3))
    zoo.cancel(dropped)
    zoo.hear_until(lambda heard: any(getattr(message, "outcome", "") == "cancelled" for message in heard))
    go.touch()
    assert zoo.hear_chunk(at_work).values == [None]
    assert zoo.hear_chunk(dropped).ended.done == 0
    assert zoo.hear_chunk(kept).values == [9]
    assert b"%016x" % dropped not in zoo.process.printed(1)
    zoo.drop(0)


def test_a_cancel_that_comes_too_late_changes_nothing(zoo: Driver) -> None:
    outcome = zoo.map([["square", 3]])
    zoo.cancel(outcome.ended.chunk)
    assert zoo.map([["square", 4]]).values == [16]


def test_results_before_a_cancel_count(zoo: Driver, tmp_path: Path) -> None:
    (tmp_path / "go").touch()
    zoo.give_items([["wait_for", str(tmp_path / "go")], ["wait_for", str(tmp_path / "never")]])
    fence = zoo.give_chunk(0, 2)
    zoo.hear_until(lambda heard: any(type(message) is Results for message in heard))
    zoo.cancel(fence)
    outcome = zoo.hear_chunk(fence)
    assert (outcome.ended.outcome, outcome.ended.done, outcome.values) == ("cancelled", 1, [None])
    zoo.drop(0)


@pytest.mark.parametrize(("code", "expected"), [("return", 0), (0, 0), (5, 5), ("a message", 1), (None, 0)])
def test_a_forked_process_that_comes_back_from_its_item_ends_there(zoo: Driver, code: object, expected: int) -> None:
    assert zoo.map([["fork_and", code], ["square", 3]]).values == [expected, 9]


def test_what_an_item_writes_into_every_descriptor_spoils_only_its_own_chunk(zoo: Driver) -> None:
    outcome = zoo.map([["write_everywhere", "x" * 100], ["square", 3]])
    assert outcome.ended.outcome == "died"
    assert outcome.notes == ["a chunk was given up since its program wrote into a descriptor that is not its own, where results go"]
    assert zoo.map([["square", 3]]).values == [9]


def test_a_frame_that_a_program_forges_for_another_chunk_spoils_only_its_own(start_some: Start) -> None:
    runner = start_some(
        """
        import os, struct
        def f(x):
            header = b'{"chunk":99,"portion":0,"first":0,"count":1,"codec":"values","failed":[],"seconds":0}'
            frame = struct.pack(">IcI", len(header) + 1, b"R", len(header)) + header + b"1"
            for descriptor in range(5, 40):
                try: os.write(descriptor, frame)
                except OSError: pass
        """
    )
    runner.give_range(2)
    assert runner.run(0, 1).ended.outcome == "died"
    assert runner.run(1, 1).ended.outcome == "died"


def test_an_item_that_kills_its_process_group_dies_alone(start_some: Start) -> None:
    runner = start_some("import os, signal\ndef f(x): os.killpg(os.getpgrp(), signal.SIGTERM)")
    runner.give_range(2)
    for item in range(2):
        ended = runner.run(item, 1).ended
        assert (ended.outcome, ended.signal, ended.item) == ("died", signal.SIGTERM, item)


def test_when_the_runner_is_killed_its_child_dies_too(start: Start, tmp_path: Path) -> None:
    runner = start(
        """
        import os, time
        def f(place):
            with open(place + ".new", "w") as file: file.write(str(os.getpid()))
            os.rename(place + ".new", place)
            time.sleep(1000)
        """
    )
    runner.give_items([str(tmp_path / "pid")])
    runner.give_chunk(0, 1)
    appears(tmp_path / "pid")
    os.kill(runner.process.pid, signal.SIGKILL)
    runner.process.wait()
    vanishes(int((tmp_path / "pid").read_text()))


def test_a_child_that_outlives_its_runner_for_a_moment_prints_nothing_of_its_own(start: Start, tmp_path: Path) -> None:
    """What it prints may still reach the people as if the item had printed it."""
    runner = start(
        """
        import ctypes, os, time
        def f(place):
            ctypes.CDLL(None).prctl(1, 0, 0, 0, 0)  # as if the kernel took its time to kill a child of one that died
            with open(place + ".new", "w") as file: file.write(str(os.getpid()))
            os.rename(place + ".new", place)
            while not os.path.exists(place + ".go"): time.sleep(0.01)
            return "x" * 100000
        """
    )
    runner.give_items([str(tmp_path / "pid")])
    runner.give_chunk(0, 1)
    appears(tmp_path / "pid")
    os.kill(runner.process.pid, signal.SIGKILL)
    runner.process.wait()
    (tmp_path / "pid.go").touch()
    vanishes(int((tmp_path / "pid").read_text()))
    assert b"Traceback" not in runner.process.printed(2)


def test_where_no_process_can_be_made_the_chunk_has_died_and_the_log_says_why(start: Start) -> None:
    runner = start("import resource\nresource.setrlimit(resource.RLIMIT_NOFILE, (7, 7))\ndef f(x): return x")
    runner.give_range(2)
    for item in range(2):
        outcome = runner.run(item, 1)
        assert (outcome.ended.outcome, outcome.ended.item, outcome.ended.done) == ("died", None, 0)
        assert outcome.notes[0].startswith("no process could be made")
        assert runner.printed(outcome.ended.chunk) == {}
    assert runner.quit() == 0


def test_a_program_that_looks_after_its_own_children_does_not_confuse_the_runner(start_some: Start) -> None:
    runner = start_some(
        """
        import os, signal
        signal.signal(signal.SIGCHLD, signal.SIG_IGN)
        def f(x):
            pid = os.fork()
            if not pid: os._exit(0)
            try:
                os.waitpid(pid, 0)
            except OSError as error:
                return error.errno
        """
    )
    runner.give_range(3)
    for item in range(3):
        assert runner.run(item, 1).values == [10], "ECHILD: they are reaped by themselves, as the program wanted"


def test_an_item_without_memory_is_an_error_or_a_death_of_its_own(start: Start) -> None:
    runner = start(
        """
        import resource
        resource.setrlimit(resource.RLIMIT_AS, (1 << 30, 1 << 30))
        def f(x): return len(bytearray(x))
        """
    )
    runner.give_items([10, 1 << 32, 20])
    outcome = runner.run(0, 3)
    assert outcome.results[1]["error"]["type"] == "MemoryError"
    assert [outcome.results[0], outcome.results[2]] == [{"value": 10}, {"value": 20}]
