"""Items run, each outcome in its way: values, what JSON cannot hold, what was raised, in every interpreter."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from marx.runner.board import HURRY
from marx.wire.packs import ItemPack
from marx.worker.messages import Results, ValuePart
from tests.runner.conftest import Start
from tests.runner.driving import Driver
from tests.runner.spawning import appears


def test_a_range_needs_no_pack_of_values(start: Start) -> None:
    runner = start("def f(x): return x * x")
    runner.give_range(10**12, args=(10**20, -3))
    outcome = runner.run(5, 3)
    assert outcome.values == [(10**20 - 3 * i) ** 2 for i in (5, 6, 7)]
    assert runner.quit() == 0


def test_many_tiny_items_come_in_few_frames(start: Start) -> None:
    runner = start("def f(x): return x + 1")
    runner.give_range(100_000)
    outcome = runner.run(0, 100_000)
    assert outcome.values == list(range(1, 100_001))
    assert len(outcome.messages) < 60


def test_a_chunk_may_span_packs_and_start_within_one(zoo: Driver) -> None:
    for first in (0, 3, 6):
        zoo.give_items([["echo", first + i] for i in range(3)], first, portion=7)
    assert zoo.run(1, 7, portion=7).values == list(range(1, 8))
    for first in (0, 3, 6):
        zoo.drop(first, portion=7)


def test_portions_do_not_mix(zoo: Driver) -> None:
    zoo.give_items([["echo", "one"]], portion=1)
    zoo.give_items([["echo", "two"]], portion=2)
    assert zoo.run(0, 1, portion=2).values == ["two"]
    assert zoo.run(0, 1, portion=1).values == ["one"]


def test_an_item_longer_than_a_frame_arrives(zoo: Driver) -> None:
    assert zoo.map([["echo", "y" * 3_000_000]]).values == ["y" * 3_000_000]


@pytest.mark.parametrize("item", [None, True, 0, -1.5, 1e300, 2**70, "text \n ü 😀", [], [1, [2]], {"a": {"b": None}}])
def test_what_json_holds_comes_back_as_it_went(zoo: Driver, item: object) -> None:
    assert zoo.map([["echo", item]]).values == [item]


def test_flat_values_and_others_come_back_in_their_order(zoo: Driver) -> None:
    items = [1, "a", None, [1], 2.5, {"k": []}, True]
    assert zoo.map([["echo", item] for item in items]).values == items


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("nan", {"repr": "nan"}),
        ("inside", {"repr": "[1, {'a': inf}]"}),
        ("odd", {"repr": "<odd>"}),
        ("circle", {"repr": "{'self': {...}}"}),
        ("wrong keys", {"repr": "{(1, 2): 3}"}),
        ("tuple", {"value": [1, [2, 3]]}),
        ("big", {"value": 10**30}),
        ("nothing", {"value": None}),
        ("text", {"value": "hé 😀 \ud800\n"}),
    ],
)
def test_what_json_cannot_hold_is_shown(zoo: Driver, name: str, expected: dict[str, object]) -> None:
    [result] = zoo.map([["value", name]]).results
    assert result == expected


def test_bytes_are_shown_and_in_2_7_where_they_are_no_text(zoo: Driver) -> None:
    [result] = zoo.map([["value", "bytes"]]).results
    assert result["repr"].lstrip("b") == r"'\xff\xfe'"


def test_keys_become_texts_as_json_has_it(zoo: Driver) -> None:
    [value] = zoo.map([["value", "keys"]]).values
    assert value in ({"1": [], "null": 2.5}, {"1": "one", "null": 2.5, "true": []})


@pytest.mark.parametrize("name", ["mute", "deep", "class"])
def test_what_cannot_even_be_shown_costs_nothing_else(zoo: Driver, name: str) -> None:
    outcome = zoo.map([["square", 2], ["value", name], ["square", 3]])
    assert outcome.ended.outcome == "succeeded"
    assert [outcome.results[0], outcome.results[2]] == [{"value": 4}, {"value": 9}]
    assert "repr" in outcome.results[1]
    assert outcome.failed == []


def test_an_exception_is_an_entry_with_its_type_message_and_the_programs_own_lines(zoo: Driver) -> None:
    outcome = zoo.map([["square", 1], ["raises", "ValueError", "too ü"], ["square", 2]])
    assert outcome.failed == [1]
    assert [outcome.results[0], outcome.results[2]] == [{"value": 1}, {"value": 4}]
    error = outcome.results[1]["error"]
    assert (error["type"], error["message"]) == ("ValueError", "too ü")
    lines = error["traceback"].splitlines()
    assert lines[0] == "Traceback (most recent call last):"
    assert "zoo.py" in lines[1] and "in act" in lines[1] and "globals()[item[0]]" in lines[2]
    assert "marx/runner" not in error["traceback"]


@pytest.mark.parametrize("name", ["SystemExit", "KeyboardInterrupt", "GeneratorExit"])
def test_what_would_end_a_program_fails_only_its_item(zoo: Driver, name: str) -> None:
    outcome = zoo.map([["raises", name, "x"], ["square", 2]])
    assert outcome.results[0]["error"]["type"] == name
    assert outcome.results[1] == {"value": 4}
    assert outcome.ended.outcome == "succeeded"


def test_sys_exit_in_an_item_is_an_error_of_type_system_exit(zoo: Driver) -> None:
    [result] = zoo.map([["leave", 3]]).results
    assert (result["error"]["type"], result["error"]["message"]) == ("SystemExit", "3")


def test_an_exception_that_cannot_say_anything_is_still_reported(zoo: Driver) -> None:
    [result] = zoo.map([["raises", "Unsayable"]]).results
    assert result["error"]["type"] == "Unsayable"


def test_endless_recursion_is_an_error_and_the_next_item_runs(zoo: Driver) -> None:
    outcome = zoo.map([["recurse"], ["square", 5]])
    assert outcome.results[0]["error"]["type"] in ("RecursionError", "RuntimeError")
    assert outcome.results[1] == {"value": 25}


def test_a_wrong_number_of_arguments_has_a_traceback_without_the_runner(start_some: Start) -> None:
    runner = start_some("def f(): pass")
    runner.give_range(1)
    [result] = runner.run(0, 1).results
    assert result["error"]["type"] == "TypeError"
    assert result["error"]["traceback"].startswith("TypeError: ")


def test_many_failures_in_one_batch_name_their_own_items(start_some: Start) -> None:
    runner = start_some("def f(x):\n    if x % 3 == 1: raise ValueError(x)\n    return x")
    runner.give_range(3000)
    outcome = runner.run(0, 3000)
    assert outcome.failed == [i for i in range(3000) if i % 3 == 1]
    assert all(result["error"]["message"] == str(i) if i % 3 == 1 else result == {"value": i} for i, result in enumerate(outcome.results))


def test_a_long_result_comes_in_parts(zoo: Driver) -> None:
    outcome = zoo.map([["text_of", 5], ["text_of", 4_000_000], ["text_of", 6]])
    assert [len(value) for value in outcome.values] == [5, 4_000_000, 6]
    assert all(len(message.part) <= 256 << 10 for message in outcome.messages if type(message) is ValuePart)


def test_many_middling_results_come_in_frames_of_bounded_size(zoo: Driver) -> None:
    outcome = zoo.map([["text_of", 100_000]] * 20)
    assert outcome.values == ["x" * 100_000] * 20
    assert all(len(message.payload) <= 256 << 10 for message in outcome.messages if type(message) is Results)


def test_a_result_beyond_the_tasks_limit_fails_its_item_alone(start_some: Start) -> None:
    runner = start_some("def f(x): return 'x' * x", max_value=1_000_000)
    runner.give_items([10, 999_998, 999_999, 10])
    outcome = runner.run(0, 4)
    assert outcome.failed == [2]
    assert outcome.results[2]["error"]["type"] == "ResultTooLong"
    assert "1000001 bytes" in outcome.results[2]["error"]["message"]


def test_each_chunk_begins_with_the_state_as_it_was_loaded(zoo: Driver) -> None:
    assert zoo.map([["forget"], ["forget"]]).values == [1, 2]
    assert zoo.map([["forget"]]).values == [1]


def test_nothing_is_imported_in_a_child_that_its_program_did_not_ask_for(start: Start, tmp_path: Path) -> None:
    runner = start(
        """
        import sys
        LOADED = set(sys.modules)
        def f(x):
            print(x)
            open("out%d" % x, "w").close()
            return sorted(set(sys.modules) - LOADED)
        """,
        roots=[str(tmp_path)],
    )
    runner.give_range(4)
    assert [runner.run(first, 2).values for first in (0, 1, 2)] == [[[], []]] * 3


def test_an_item_may_use_threads_processes_and_temporary_files(zoo: Driver) -> None:
    assert zoo.map([["threads_and_files"]]).values == [[[1], [1, 4, 9], 0]]


def test_an_item_may_start_processes_that_load_the_program_again(zoo: Driver) -> None:
    outcome = zoo.map([["spawn_pool"]])
    assert outcome.values in ([[1, 4]], ["there is no spawn"])


def test_the_result_of_a_slow_item_comes_at_once_also_after_fast_ones(zoo: Driver, tmp_path: Path) -> None:
    places = [tmp_path / name for name in "abc"]
    zoo.give_items([["square", 1], ["square", 2], *(["wait_for", str(place)] for place in places), ["square", 3]])
    fence = zoo.give_chunk(0, 6)
    for number, place in enumerate(places, 3):
        appears(place.with_suffix(".waiting"))
        place.touch()
        zoo.hear_until(lambda heard: sum(message.count for message in heard if type(message) is Results) >= number)
    assert zoo.hear_chunk(fence).values == [1, 4, None, None, None, 9]


def test_what_the_runner_has_waited_for_comes_before_the_next_item_begins(start: Start, tmp_path: Path) -> None:
    """Which of two processes comes first cannot be told: the first item is the runner that waits, on the board of both."""
    runner = start(
        """
        import os, sys, time
        def f(place):
            if not place:
                board = sys._getframe(1).f_locals["board"]
                board[%d] = 1
            while place and not os.path.exists(place):
                time.sleep(0.001)
        """
        % HURRY
    )
    place = tmp_path / "place"
    runner.give_items(["", str(place)])
    fence = runner.give_chunk(0, 2)
    runner.hear_until(lambda heard: any(type(message) is Results for message in heard))
    place.touch()
    assert runner.hear_chunk(fence).values == [None, None]


def test_the_seconds_are_those_of_the_items(start_some: Start) -> None:
    runner = start_some("import time\ndef f(x): time.sleep(x)")
    runner.give_items([0, 0.05, 0.02])
    outcome = runner.run(0, 3)
    seconds = sum(message.seconds for message in outcome.messages if type(message) is Results)
    assert 0.07 <= seconds <= outcome.ended.wall_seconds
    assert outcome.ended.cpu_seconds < 0.07
    assert outcome.ended.max_rss_kb > 1000


def test_an_item_that_is_no_json_fails_alone(start_some: Start) -> None:
    runner = start_some("def f(x): return x")
    runner.give_pack(ItemPack(0, 4, "json", b"1\n{oops\n" + json.dumps("x").encode() + b"\n]"))
    outcome = runner.run(0, 4)
    assert [list(result) for result in outcome.results] == [["value"], ["error"], ["value"], ["error"]]
    assert outcome.failed == [1, 3]
