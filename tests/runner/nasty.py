"""A program run plainly and with everything that is proved sent away."""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping
from pathlib import Path

from tests.pythons import UserPython
from tests.runner.beginning import Beginning
from tests.runner.playing import Lab, Run


def both(python: UserPython, kit: Path, folder: Path, stables: Mapping[UserPython, Beginning], text: str) -> tuple[Run, Run]:
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


def same(python: UserPython, kit: Path, folder: Path, stables: dict[UserPython, Stable], text: str) -> Run:
    """The run divided, which has shown what the plain one shows: output, errors, exit code and files."""
    plain, found = both(python, kit, folder, stables, text)
    shown = [(run.out, run.err, run.code) for run in (plain, found)]
    assert shown[0] == shown[1], "plainly: %r\ndivided: %r" % tuple(shown)
    return found
