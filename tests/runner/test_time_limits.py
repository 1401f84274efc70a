"""An item that takes too long costs itself: the runner sees it on the board, asks, and then kills."""

from __future__ import annotations

import signal
from pathlib import Path

from marx.worker.orders import cancel_frame, reading_frame
from tests.runner.conftest import Start
from tests.runner.spawning import appears, is_alive

LIMITED = {"limits": {"item_seconds": 1.0}}
NAPS = "import time\ndef f(seconds):\n    time.sleep(seconds)\n    return seconds"
DEAF = """
import os, signal, subprocess, time
def f(place):
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    child = subprocess.Popen(["sh", "-c", "trap '' TERM; while :; do sleep 0.1; done"])
    with open(place + ".new", "w") as file: file.write(str(child.pid))
    os.rename(place + ".new", place)
    while True: time.sleep(0.05)
"""


def test_an_item_over_its_time_is_named_and_those_before_it_count(start: Start) -> None:
    runner = start(NAPS, **LIMITED)
    outcome = runner.map([0, 0.01, 60, 0])
    ended = outcome.ended
    assert (ended.outcome, ended.cause, ended.item, ended.signal) == ("died", "item-timeout", 2, signal.SIGTERM)
    assert outcome.values == [0, 0.01][: ended.done]
    assert runner.map([0, 0.02]).values == [0, 0.02]


def test_many_items_together_may_take_longer_than_one(start: Start) -> None:
    assert start(NAPS, **LIMITED).map([0.25] * 6).values == [0.25] * 6


def test_one_that_does_not_want_to_end_is_killed_with_all_below_it(start: Start, tmp_path: Path) -> None:
    runner = start(DEAF, **LIMITED)
    ended = runner.map([str(tmp_path / "pid")]).ended
    assert (ended.cause, ended.item, ended.signal) == ("item-timeout", 0, signal.SIGKILL)
    assert not is_alive(int((tmp_path / "pid").read_text()))


def test_time_in_which_nobody_reads_what_is_printed_does_not_count(start: Start, tmp_path: Path) -> None:
    source = "import time\ndef f(place):\n    open(place, 'w').close()\n    time.sleep(2.0)"
    runner = start(source, **LIMITED)
    runner.send(reading_frame(False))
    runner.give_items([str(tmp_path / "begun")])
    fence = runner.give_chunk(0, 1)
    appears(tmp_path / "begun")
    assert runner.hear_chunk(fence).ended.outcome == "succeeded"


def test_a_chunk_that_the_worker_ends_for_a_reason_has_died_of_it(start: Start, tmp_path: Path) -> None:
    runner = start("import time\ndef f(place):\n    open(place, 'w').close()\n    time.sleep(60)")
    runner.give_items([str(tmp_path / "begun")])
    fence = runner.give_chunk(0, 1)
    appears(tmp_path / "begun")
    runner.send(cancel_frame(fence, "memory", at_once=True))
    ended = runner.hear_chunk(fence).ended
    assert (ended.outcome, ended.cause, ended.item, ended.signal) == ("died", "memory", 0, signal.SIGKILL)


def test_a_fresh_interpreter_has_time_to_load(start: Start) -> None:
    source = "import threading, time\ntime.sleep(1.6)\nthreading.Thread(target=time.sleep, args=(60,)).start()\ndef f(seconds):\n    time.sleep(seconds)\n    return seconds"
    runner = start(source, **LIMITED)
    assert runner.map([0.01]).values == [0.01]
    assert runner.map([60]).ended.cause == "item-timeout"
