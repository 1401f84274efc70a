"""Limits of time and memory, told in words: real programs on an embedded lab, on every Python of the tests."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

from tests.end_to_end.lab import Installation
from tests.pythons import UserPython

INSTALLED = Installation()


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


def test_a_map_whose_time_is_over_ends_with_124_and_keeps_what_was_done(tmp_path: Path, user_python: UserPython) -> None:
    ended = tasker(written(tmp_path, SLEEPY), user_python, "map", "--timeout", "2s", "prog.py:nap", "0", "100")
    assert ended.returncode == 124, ended.stderr
    assert ended.stdout == '{"index": 0, "value": "0"}\n'
    assert "its time limit of 2 s is over (--timeout)" in ended.stderr


def test_a_program_whose_time_is_over_ends_with_124(tmp_path: Path, user_python: UserPython) -> None:
    ended = tasker(written(tmp_path, SLEEPY), user_python, "run", "--timeout", "2s", "prog.py")
    assert (ended.returncode, ended.stdout) == (124, "begun\n"), ended.stderr
    assert "its time limit of 2 s is over (--timeout)" in ended.stderr


def test_an_item_over_its_time_costs_itself_and_is_told_in_words(tmp_path: Path, user_python: UserPython) -> None:
    source = SLEEPY.replace("time.sleep(float(seconds))", "sys.stdout.write('napping\\n'); time.sleep(float(seconds))")
    ended = tasker(written(tmp_path, source), user_python, "map", "--item-timeout", "1s", "prog.py:nap", "0", "100", "0.1")
    assert ended.returncode == 1, ended.stderr
    first, late, last = map(json.loads, ended.stdout.splitlines())
    assert (first["value"], last["value"], late["error"]["type"]) == ("0", "0.1", "ItemTimeout")
    for told in ("item 1 took longer than an item may: 1 s (--item-timeout)", "on worker", "at attempt 1", "of processor time", '"napping"'):
        assert told in late["error"]["message"]
