"""Limits of time and memory, told in words: real programs on an embedded lab, on a 2.7 and a 3.x."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from tests.end_to_end.lab import Installation
from tests.pythons import UserPython

pytestmark = pytest.mark.slow

INSTALLED = Installation()


@pytest.fixture(params=[2, 3])
def python(request: pytest.FixtureRequest, interpreters: tuple[UserPython, ...]) -> UserPython:
    """The newest of each: what differs among the 3.x is the runner's tests' business."""
    found = [each for each in interpreters if each.version[0] == request.param]
    return found[-1] if found else pytest.skip(f"no Python {request.param} was found")


def tasker(folder: Path, python: UserPython, *words: str) -> subprocess.CompletedProcess[str]:
    """What a person types with ``--local=2``, and what comes of it."""
    verb, *rest = words
    command = [*INSTALLED.script("tasker"), verb, "--local=2", "--python", str(python.path), *rest]
    return subprocess.run(command, cwd=folder, env=INSTALLED.environment(folder), capture_output=True, text=True, timeout=100)


def written(folder: Path, source: str) -> Path:
    """A program in the folder."""
    (folder / "prog.py").write_text(source)
    return folder


SLEEPY = """\
import sys, time

def nap(seconds):
    time.sleep(float(seconds))
    return seconds

if __name__ == "__main__":
    print("begun")
    sys.stdout.flush()
    time.sleep(100)
"""


def test_a_map_whose_time_is_over_ends_with_124_and_keeps_what_was_done(tmp_path: Path, python: UserPython) -> None:
    ended = tasker(written(tmp_path, SLEEPY), python, "map", "--timeout", "2s", "prog.py:nap", "0", "100")
    assert ended.returncode == 124, ended.stderr
    assert ended.stdout == '{"index": 0, "value": "0"}\n'
    assert "its time limit of 2 s is over (--timeout)" in ended.stderr


def test_a_program_whose_time_is_over_ends_with_124(tmp_path: Path, python: UserPython) -> None:
    ended = tasker(written(tmp_path, SLEEPY), python, "run", "--timeout", "2s", "prog.py")
    assert (ended.returncode, ended.stdout) == (124, "begun\n"), ended.stderr
    assert "its time limit of 2 s is over (--timeout)" in ended.stderr


def test_an_item_over_its_time_costs_itself_and_is_told_in_words(tmp_path: Path, python: UserPython) -> None:
    source = SLEEPY.replace("time.sleep(float(seconds))", "sys.stdout.write('napping\\n'); time.sleep(float(seconds))")
    ended = tasker(written(tmp_path, source), python, "map", "--item-timeout", "1s", "prog.py:nap", "0", "100", "0.1")
    assert ended.returncode == 1, ended.stderr
    first, late, last = map(json.loads, ended.stdout.splitlines())
    assert (first["value"], last["value"], late["error"]["type"]) == ("0", "0.1", "ItemTimeout")
    for told in ("item 1 took longer than an item may: 1 s (--item-timeout)", "on worker", "at attempt 1", "of processor time", '"napping"'):
        assert told in late["error"]["message"]


HUNGRY = """\
import os, sys, time

def eat(megabytes):
    eaten = bytearray(int(megabytes) << 20)
    for _ in range(20 if int(megabytes) > 100 else 0):
        time.sleep(0.5)
    return len(eaten) >> 20

if __name__ == "__main__":
    sys.stdout.write("hungry\\n")
    sys.stdout.flush()
    eat(400)
"""


def test_an_item_that_takes_too_much_memory_costs_itself_and_is_told_in_words(tmp_path: Path, python: UserPython) -> None:
    ended = tasker(written(tmp_path, HUNGRY), python, "map", "--memory", "200M", "prog.py:eat", "10", "400", "20")
    first, greedy, last = map(json.loads, ended.stdout.splitlines())
    assert (ended.returncode, first["value"], last["value"], greedy["error"]["type"]) == (1, 10, 20, "ItemOutOfMemory"), ended.stderr
    assert "item 1 used more memory than it may: " in greedy["error"]["message"]
    assert " of 200 MB (--memory, or the worker's limit), on worker " in greedy["error"]["message"]


def test_a_program_that_takes_too_much_memory_ends_as_if_the_kernel_had_killed_it(tmp_path: Path, python: UserPython) -> None:
    ended = tasker(written(tmp_path, HUNGRY), python, "run", "--memory", "200M", "prog.py")
    assert (ended.returncode, ended.stdout) == (137, "hungry\n"), ended.stderr


def test_a_task_that_wants_more_memory_than_anybody_lends_says_so(tmp_path: Path, python: UserPython) -> None:
    ended = tasker(written(tmp_path, HUNGRY), python, "map", "--memory", "900T", "--start-within", "1s", "prog.py:eat", "1")
    assert ended.returncode == 75
    assert "of memory, not 9.22e+05 GB" in ended.stderr


def test_an_item_that_hangs_silently_is_ended(tmp_path: Path, python: UserPython) -> None:
    source = SLEEPY.replace("return seconds", "sys.stdout.write('awake')\n    return seconds")
    ended = tasker(written(tmp_path, source), python, "map", "--silence", "2s", "prog.py:nap", "0", "100", "1")
    assert ended.returncode == 1, ended.stderr
    first, hanging, last = map(json.loads, ended.stdout.splitlines())
    assert (first["value"], last["value"], hanging["error"]["type"]) == ("0", "1", "ItemSilent")
    assert "item 1 printed nothing and used no processor for 2 s (--silence)" in hanging["error"]["message"]


def test_a_program_that_hangs_silently_ends_with_124(tmp_path: Path, python: UserPython) -> None:
    ended = tasker(written(tmp_path, SLEEPY), python, "run", "--silence", "2s", "prog.py")
    assert (ended.returncode, ended.stdout) == (124, "begun\n"), ended.stderr
    assert "it printed nothing and used no processor for 2 s (--silence)" in ended.stderr


POOLED = """\
import multiprocessing, time

def nap(number):
    for _ in range(4):
        time.sleep(0.5)
        print(number)
    return number

if __name__ == "__main__":
    pool = multiprocessing.Pool(2)
    print(sum(pool.map(nap, range(4))))
"""


def test_a_program_that_waits_for_its_items_is_not_silent(tmp_path: Path, python: UserPython) -> None:
    ended = tasker(written(tmp_path, POOLED), python, "run", "--silence", "1s", "prog.py")
    assert ended.returncode == 0 and ended.stdout.endswith("6\n"), ended.stderr


IDLE_POOL = """\
import sys, time
from multiprocessing import Pool

def step(number):
    return number

if __name__ == "__main__":
    pool = Pool(2)
    print(pool.map(step, range(3)))
    sys.stdout.flush()
    time.sleep(100)
"""


def test_a_program_whose_items_are_done_can_hang_silently(tmp_path: Path, python: UserPython) -> None:
    ended = tasker(written(tmp_path, IDLE_POOL), python, "run", "--silence", "2s", "--item-timeout", "1s", "prog.py")
    assert (ended.returncode, ended.stdout) == (124, "[0, 1, 2]\n"), ended.stderr
