"""Each example on two workers gives what its plain loop gives: values, output, files."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.end_to_end.lab import Lab, Person
from tests.pythons import UserPython
from tests.source import CHECKOUT

#: Example, function, how its items are named, and the versions of Python that it is for.
MAPS = {
    "pi": ("pi.py:throw", ["--range", "0:40"], (2, 3)),
    "mandelbrot": ("mandelbrot.py:tile", ["--range", "0:16"], (2, 3)),
    "words": ("words.py:count", ["--items", "modules.jsonl"], (2,)),
    "sweep": ("sweep.py:misfit", ["--items", "grid.jsonl"], (3,)),
}


@pytest.fixture(scope="module")
def ada(lab: Lab) -> Person:
    return lab.person("ada")


def copy_of(example: str, folder: Path) -> Path:
    """An example's files in a folder of their own."""
    return Path(shutil.copytree(CHECKOUT / "examples" / example, folder, ignore=shutil.ignore_patterns("__pycache__", "*.pyc")))


def values(output: str) -> list[Any]:
    return [json.loads(line) for line in output.splitlines() if line.startswith('{"index": ')]


def printed(output: str) -> list[str]:
    return sorted(line for line in output.splitlines() if not line.startswith('{"index": '))


def files(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


@pytest.mark.parametrize("example", MAPS)
def test_a_map_gives_what_the_plain_loop_gives(example: str, user_python: UserPython, ada: Person, tmp_path: Path) -> None:
    target, items, versions = MAPS[example]
    if user_python.version[0] not in versions:
        pytest.skip(f"{example} is not written for Python {user_python.name}")
    plain, mapped = copy_of(example, tmp_path / "plain"), copy_of(example, tmp_path / "mapped")
    program = target.partition(":")[0]
    command = [user_python.path, "-B", program]
    ran = subprocess.run(command, cwd=plain, capture_output=True, text=True, check=True)

    ada.work = mapped
    said = ada.tasker("map", "--python", user_python.name, *items, target)

    assert said.lines() == values(ran.stdout)
    assert printed(said.err) == printed(ran.stdout + ran.stderr)
    assert files(mapped) == files(plain)
