"""
What the differential test found: counted while it runs, then a record for programs (JSON), a page for people, and the cases as files.
"""

from __future__ import annotations

import json
import threading
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bench.circumstances import circumstances, sentence
from bench.table import table
from tests.proofs.generator.drawn import Drawn
from tests.proofs.generator.rendering import rendered
from tests.proofs.trying import Trial, lay_out
from tests.pythons import UserPython

_HEAD = """Generated programs
==================

``python -m tests.proofs.differential --programs {programs} --seed {seed}`` draws programs from a seed (``tests/proofs/generator``): pools and executors in all
their forms, what a program does before it makes one, values of all kinds, exceptions, prints and files. Each is run plainly and in a lab of one
server and two workers of one slot each, with one item in each chunk. Standard output, standard error, exit code and every file must be the
same. Only the order in which items of one portion print, and append to one file, is not compared; that they print between the two
lines that the main program prints around the portion is.
"""


@dataclass(frozen=True)
class Case:
    """A program that came out differently, as small as it could be made. ``name``: its seed and number, and the Python."""

    name: str
    drawn: Drawn
    found: tuple[str, ...]


@dataclass
class Tally:
    """What was tried so far; many threads count."""

    programs: Counter[str] = field(default_factory=Counter)
    constructs: Counter[str] = field(default_factory=Counter)
    portions: int = 0
    items: int = 0
    different: int = 0
    unstable: int = 0
    plain_seconds: float = 0.0
    marx_seconds: float = 0.0
    seconds: float = 0.0
    cases: list[Case] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def count(self, python: str, drawn: Drawn, trial: Trial) -> None:
        """One more program."""
        with self.lock:
            self.programs[python] += 1
            self.constructs.update(set(drawn.constructs()))
            self.portions += len(drawn.portions)
            self.items += sum(portion.count for portion in drawn.portions)
            self.different += bool(trial.found) and not trial.unstable
            self.unstable += trial.unstable
            self.plain_seconds += trial.plain_seconds
            self.marx_seconds += trial.marx_seconds

    def sentence(self) -> str:
        """For the terminal."""
        total = self.programs.total()
        mean = f"{1000 * self.plain_seconds / total:.0f} ms plainly and {1000 * self.marx_seconds / total:.0f} ms under Marx each"
        counts = f"{self.portions} portions, {self.items} items: {self.different} different, {self.unstable} without one outcome"
        return f"{total} programs in {self.seconds:.0f} s ({total / max(self.seconds, 0.001):.1f} a second; {mean}), {counts}"


def write_record(tally: Tally, seed: int, pythons: Sequence[UserPython], folder: Path) -> None:
    """``differential.json`` and ``differential.rst`` in ``folder``."""
    folder.mkdir(parents=True, exist_ok=True)
    around = circumstances()
    names = ["%d.%d.%d" % python.version for python in pythons]
    (folder / "differential.json").write_text(json.dumps(_recorded(tally, seed, names, around), indent=1) + "\n")
    page = _HEAD.format(programs=tally.programs.total(), seed=seed)
    rows = [(name, str(count)) for name, count in sorted(tally.constructs.items())]
    told = f"Recorded with {sentence(around)}. User programs under Python {', '.join(names)}.\n\n{tally.sentence()}.\n"
    (folder / "differential.rst").write_text("\n".join([page, told, table(("construct", "programs"), rows), ""]))


def _recorded(tally: Tally, seed: int, pythons: Sequence[str], around: dict[str, Any]) -> dict[str, Any]:
    counts = {name: getattr(tally, name) for name in ("portions", "items", "different", "unstable", "seconds", "plain_seconds", "marx_seconds")}
    made_of = {"programs": dict(tally.programs), "constructs": dict(sorted(tally.constructs.items()))}
    return {"circumstances": around, "pythons": pythons, "seed": seed, **counts, **made_of, "cases": [case.name for case in tally.cases]}


def write_cases(cases: Sequence[Case], folder: Path) -> None:
    """Each case as a folder that can be run by hand, with what was different beside it."""
    for case in cases:
        lay_out(rendered(case.drawn), folder / case.name)
        (folder / f"{case.name}.txt").write_text("\n".join(case.found) + "\n")
