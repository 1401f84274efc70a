"""The nastiest programs that were thought of, with everything that is proved sent away, item by item: each shows what it shows plainly."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.pythons import UserPython
from tests.runner.beginning import Stable
from tests.runner.playing import Lab, Run
from tests.runner.programs.nastiest_run import EVERYWHERE, FUTURE, IN_THREE, IN_TWO


@pytest.fixture(scope="module")
def stables(kit: Path, interpreters: tuple[UserPython, ...]) -> Iterator[dict[UserPython, Stable]]:
    """What is forked, of each interpreter."""
    made = {python: Stable(python.path, kit, Lab(python, kit, kit).surroundings) for python in interpreters}
    yield made
    for stable in made.values():
        stable.close()


def both(python: UserPython, kit: Path, folder: Path, stables: dict[UserPython, Stable], text: str) -> tuple[Run, Run]:
    """A program run plainly and divided, each in a folder of the same name that is new."""
    runs = []
    for finding in (None, "proved"):
        place = folder / "place"
        shutil.rmtree(place, ignore_errors=True)
        place.mkdir()
        lab = Lab(python, kit, place, finding=finding, stable=stables[python])
        run = lab.run_plainly(text) if finding is None else lab.run(text)
        run.out += "".join("\n%s: %s" % (name, (place / name).is_file() and (place / name).read_text()) for name in sorted(os.listdir(place)))
        runs.append(run)
    return runs[0], runs[1]


@pytest.mark.parametrize("what", [*EVERYWHERE, *IN_TWO, *IN_THREE])
def test_the_nastiest_programs_show_what_they_show_plainly(
    what: str, user_python: UserPython, kit: Path, tmp_path: Path, stables: dict[UserPython, Stable]
) -> None:
    program, least = {**EVERYWHERE, **IN_TWO, **IN_THREE}[what]
    if what in (IN_THREE if user_python.version < (3,) else IN_TWO):
        pytest.skip("it is written for another Python")
    text = program if what in IN_TWO else FUTURE + program
    plain, found = both(user_python, kit, tmp_path, stables, text)
    assert (found.out, found.err, found.code) == (plain.out, plain.err, plain.code)
    divided = {portion.call["line"] for portion in found.portions if portion.place == "lab" and not portion.is_dropped}
    assert len(divided) >= least, [portion.reason for portion in found.portions]
