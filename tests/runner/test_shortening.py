"""A chunk at work gives back what it has not begun: nothing of it is run twice, and nothing is left out."""

from __future__ import annotations

from pathlib import Path

import pytest

from marx.worker.messages import GivenBack
from marx.worker.orders import shorten_frame
from tests.runner.conftest import Start
from tests.runner.driving import Outcome
from tests.runner.spawning import appears

#: Says on the disk that it has begun an item, then takes its time with those that are told to.
SLOW = """
import os, time
def f(order):
    place, until = order
    open(place, "w").close()
    while until and not os.path.exists(until):
        time.sleep(0.001)
    return os.path.basename(place)
"""
FRESH = "import threading, time\nthreading.Thread(target=time.sleep, args=(60,)).start()\n" + SLOW


def given_back(outcome: Outcome) -> list[int]:
    return [message.stop for message in outcome.messages if type(message) is GivenBack]


@pytest.mark.parametrize("source", [SLOW, FRESH], ids=["forked", "fresh"])
def test_the_item_at_work_is_the_last_and_the_others_are_given_back_while_it_runs(start: Start, tmp_path: Path, source: str) -> None:
    runner = start(source)
    release = tmp_path / "release"
    runner.give_items([[str(tmp_path / "0"), ""], [str(tmp_path / "1"), str(release)]] + [[str(tmp_path / str(item)), ""] for item in range(2, 9)])
    fence = runner.give_chunk(0, 9)
    appears(tmp_path / "1")
    runner.shorten(fence, 1)
    runner.hear_until(lambda heard: any(type(message) is GivenBack for message in heard))
    release.write_text("")
    outcome = runner.hear_chunk(fence)
    assert (outcome.values, given_back(outcome), outcome.ended.outcome) == (["0", "1"], [2], "succeeded")
    assert not (tmp_path / "2").exists()
    assert runner.run(2, 7).values == [str(item) for item in range(2, 9)]


def test_no_more_is_given_back_than_was_asked_for(start_some: Start, tmp_path: Path) -> None:
    runner = start_some(SLOW)
    release = tmp_path / "release"
    runner.give_items([[str(tmp_path / "0"), str(release)]] + [[str(tmp_path / str(item)), ""] for item in range(1, 9)])
    fence = runner.give_chunk(0, 9)
    appears(tmp_path / "0")
    runner.shorten(fence, 5)
    runner.hear_until(lambda heard: any(type(message) is GivenBack for message in heard))
    release.write_text("")
    outcome = runner.hear_chunk(fence)
    assert (outcome.values, given_back(outcome)) == ([str(item) for item in range(5)], [5])


def test_it_can_be_shortened_again_and_again(start_some: Start, tmp_path: Path) -> None:
    runner = start_some(SLOW)
    release = tmp_path / "release"
    runner.give_items([[str(tmp_path / "0"), str(release)]] + [[str(tmp_path / str(item)), ""] for item in range(1, 9)])
    fence = runner.give_chunk(0, 9)
    appears(tmp_path / "0")
    for number, stop in enumerate((7, 3, 0), 1):
        runner.shorten(fence, stop)
        runner.hear_until(lambda heard: sum(type(message) is GivenBack for message in heard) == number)
    release.write_text("")
    outcome = runner.hear_chunk(fence)
    assert (outcome.values, given_back(outcome)) == (["0"], [7, 3, 1])


def test_quick_items_are_run_once_wherever_the_cut_falls(start_some: Start) -> None:
    runner = start_some("def f(x): return x")
    runner.give_range(200000)
    for stop in (1, 700, 20000, 199999):
        fence = runner.give_chunk(0, 200000)
        runner.shorten(fence, stop)
        outcome = runner.hear_chunk(fence)
        found = given_back(outcome)
        assert outcome.ended.outcome == "succeeded" and outcome.ended.done == (found[-1] if found else 200000)
        assert outcome.values == list(range(outcome.ended.done)) and (not found or found[-1] >= stop)


def test_what_is_asked_of_a_chunk_that_is_not_at_work_is_no_matter(start_some: Start) -> None:
    runner = start_some("def f(x): return x")
    runner.give_range(10)
    runner.send(shorten_frame(77, 3))
    assert runner.run(0, 10).values == list(range(10))
