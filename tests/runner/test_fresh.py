"""Where a fork is not safe each chunk gets a fresh interpreter, and nothing else changes."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.pythons import UserPython
from tests.runner.conftest import ZOO, Start
from tests.runner.driving import Driver
from tests.runner.spawning import Setting, appears, is_alive


@pytest.fixture
def fresh(kit: Path, user_python: UserPython, tmp_path: Path) -> Iterator[Driver]:
    """A runner of zoo.py that has a thread when it is loaded; its files are below tmp_path."""
    (tmp_path / "root").mkdir()
    root = str(tmp_path / "root")
    with Driver(user_python, kit, ZOO, "act", Setting({"ZOO": "thread"}), cwd=root, roots=[root], seed=7) as driver:
        loaded = driver.loaded()
        assert not loaded.fork
        assert loaded.why == "the program starts threads when it is loaded"
        yield driver


def test_values_errors_output_and_files_are_those_of_a_fork(fresh: Driver, zoo: Driver) -> None:
    items = [["square", 3], ["say_by_child", "child"], ["say", "hello", ""], ["raises", "ValueError", "no"], ["text_of", 700_000]]
    items.append(["write", "out", "x"])
    fresh.give_items(items)
    zoo.give_items(items[:-1])
    fences = fresh.give_chunk(1, 5), zoo.give_chunk(1, 4)
    outcome, forked = fresh.hear_chunk(fences[0]), zoo.hear_chunk(fences[1])
    zoo.drop(0)
    assert outcome.results == [*forked.results, {"value": None}]
    assert outcome.failed == [3]
    assert fresh.printed(fences[0]) == {1: b"child\n", 2: b"hello"}
    assert outcome.files == {"out": b"x"}


def test_each_chunk_has_a_process_of_its_own_and_the_state_as_it_was_loaded(fresh: Driver) -> None:
    fresh.give_items([["pid"], ["forget"], ["forget"]])
    first, second = fresh.run(0, 2).values, fresh.run(0, 3).values
    assert first[0] != second[0]
    assert (first[1:], second[1:]) == ([1], [1, 2])


def test_a_death_names_its_item_and_a_cancel_kills(fresh: Driver, tmp_path: Path) -> None:
    fresh.give_items([["square", 1], ["die", 4], ["leave_behind", str(tmp_path / "pid")], ["wait_for", str(tmp_path / "never")]])
    ended = fresh.run(0, 3).ended
    assert (ended.outcome, ended.exit, ended.item) == ("died", 4, 1)
    fence = fresh.give_chunk(2, 2)
    appears(tmp_path / "never.waiting")
    fresh.cancel(fence)
    assert fresh.hear_chunk(fence).ended.outcome == "cancelled"
    assert not is_alive(int((tmp_path / "pid").read_text()))


def test_random_numbers_are_those_of_a_fork(fresh: Driver, kit: Path, user_python: UserPython) -> None:
    items = [["draw", 2]] * 4
    with Driver(user_python, kit, ZOO, "act", seed=7) as forking:
        forking.loaded()
        expected = forking.map(items).values
    fresh.give_items(items)
    assert fresh.run(0, 1).values + fresh.run(1, 3).values == expected


def test_an_item_longer_than_a_frame_arrives(fresh: Driver) -> None:
    assert fresh.map([["echo", 1], ["echo", "y" * 3_000_000]]).values == [1, "y" * 3_000_000]


def test_a_thread_of_an_item_is_waited_for_and_not_one_of_the_program(start_some: Start) -> None:
    runner = start_some(
        """
        from __future__ import print_function
        import threading, time
        threading.Thread(target=time.sleep, args=(1000,)).start()
        def late(): time.sleep(0.02); print("late")
        def f(x): threading.Thread(target=late).start()
        """
    )
    runner.give_range(1)
    fence = runner.give_chunk(0, 1)
    assert runner.hear_chunk(fence).values == [None]
    assert runner.printed(fence) == {0: b"late\n"}


def test_many_items_in_several_packs_arrive(fresh: Driver) -> None:
    for first in range(0, 3000, 1000):
        fresh.give_items([["echo", first + i] for i in range(1000)], first)
    assert fresh.run(500, 2000).values == list(range(500, 2500))


def test_it_quits_although_a_thread_goes_on_for_ever(start_some: Start) -> None:
    runner = start_some("import threading, time\nthreading.Thread(target=time.sleep, args=(1000,)).start()\ndef f(x): return x")
    runner.give_range(1)
    assert runner.run(0, 1).values == [0]
    assert runner.quit() == 0


def test_a_process_started_while_loading_is_a_reason_too_and_is_there_for_each_chunk(kit: Path, user_python: UserPython) -> None:
    with Driver(user_python, kit, ZOO, "act", Setting({"ZOO": "process"})) as driver:
        loaded = driver.loaded()
        assert (loaded.fork, loaded.why) == (False, "the program starts processes when it is loaded")
        driver.give_items([["process_is_there"]])
        assert driver.run(0, 1).values == [True]
        assert driver.run(0, 1).values == [True]


def test_what_the_program_prints_when_it_is_loaded_again_belongs_to_the_chunks_first_item(start: Start) -> None:
    runner = start(
        """
        from __future__ import print_function
        import threading, time
        print("loading")
        threading.Thread(target=time.sleep, args=(1000,)).start()
        def f(x): print(x)
        """
    )
    runner.give_range(10)
    fence = runner.give_chunk(4, 2)
    runner.hear_chunk(fence)
    assert runner.printed(fence) == {4: b"loading\n4\n", 5: b"5\n"}
    assert runner.strays() == b"loading\n"


def test_a_program_that_cannot_be_loaded_again_costs_its_chunks_and_says_why(start: Start) -> None:
    runner = start(
        """
        import os, threading, time
        threading.Thread(target=time.sleep, args=(0.3,)).start()
        if os.path.exists("loaded"): raise ValueError("only once")
        open("loaded", "w").close()
        def f(x): return x
        """
    )
    runner.give_range(1)
    outcome = runner.run(0, 1)
    assert (outcome.ended.outcome, outcome.ended.exit, outcome.ended.item) == ("died", 3, None)
    assert outcome.notes == ["the program could not be loaded again: ValueError: only once"]


def test_a_thread_that_has_ended_by_the_time_is_no_reason(begin: Start) -> None:
    driver = begin("import threading\nt = threading.Thread(target=len, args=('',)); t.start(); t.join()\ndef f(x): return x")
    assert driver.loaded().fork
