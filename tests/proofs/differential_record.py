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

``python -m tests.proofs.differential`` draws programs from a seed (``tests/proofs/generator``): pools and executors in all their forms, what a program does before it makes one, values of all kinds, exceptions, prints and files. Each is run plainly and in a lab of one
server and two workers of one slot each, with one item in each chunk. Standard output, standard error, exit code and every file must be the
same. Only the order in which items of one portion print, and append to one file, is not compared; that they print between the two
lines that the main program prints around the portion is. What a run found was mended before the next one; each run is recorded here.
"""


@dataclass(frozen=True)
class Case:
    """A program that came out differently, as small as it could be made. ``name``: its seed and number, and the Python."""

    name: str
    drawn: Drawn
    found: tuple[str, ...]


@dataclass
class Tally:
    """What was tried so far; many threads count. ``begun``: how many numbers were drawn, those that were left out among them."""

    programs: Counter[str] = field(default_factory=Counter)
    constructs: Counter[str] = field(default_factory=Counter)
    begun: int = 0
    portions: int = 0
    items: int = 0
    different: int = 0
    unstable: int = 0
    plain_seconds: float = 0.0
    marx_seconds: float = 0.0
    seconds: float = 0.0
    cases: list[Case] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def begin(self, place: int) -> None:
        """The program at ``place``, from 0, is drawn."""
        with self.lock:
            self.begun = max(self.begun, place + 1)

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


def write_record(tally: Tally, asked: str, pythons: Sequence[UserPython], folder: Path) -> None:
    """One more run for ``differential.json`` and ``differential.rst`` in ``folder``. ``asked``: the options that would do it again."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "differential.json"
    runs = json.loads(path.read_text())["runs"] if path.exists() else []
    runs.append(_recorded(tally, asked, ["%d.%d.%d" % python.version for python in pythons]))
    path.write_text(json.dumps({"circumstances": runs[-1]["circumstances"], "runs": runs}, indent=1) + "\n")
    (folder / "differential.rst").write_text(page(runs))


def _recorded(tally: Tally, asked: str, pythons: Sequence[str]) -> dict[str, Any]:
    counts = {name: getattr(tally, name) for name in ("portions", "items", "different", "unstable", "seconds", "plain_seconds", "marx_seconds")}
    made_of = {"programs": dict(tally.programs), "constructs": dict(sorted(tally.constructs.items()))}
    cases = {"cases": [case.name for case in tally.cases], "sentence": tally.sentence()}
    return {"circumstances": circumstances(), "asked": asked, "pythons": list(pythons), **counts, **made_of, **cases}


def page(runs: Sequence[dict[str, Any]]) -> str:
    """All runs, newest last, and what was in their programs."""
    totals = {name: sum(run[name] for run in runs) for name in ("portions", "items", "different", "unstable")}
    programs, constructs = (sum((Counter(run[name]) for run in runs), Counter()) for name in ("programs", "constructs"))
    total = (
        f"{programs.total():,} programs in {len(runs)} {'run' if len(runs) == 1 else 'runs'}, {totals['portions']:,} portions, "
        f"{totals['items']:,} items: {totals['different']} different, {totals['unstable']} without one outcome."
    )
    told = "\n\n".join(
        f"``{run['asked']}``, recorded with {sentence(run['circumstances'])}. User programs under Python {', '.join(run['pythons'])}. "
        f"{run['sentence']}." + (f" Different: {', '.join(run['cases'])}." if run["cases"] else "")
        for run in runs
    )
    rows = [(name, str(count)) for name, count in sorted(constructs.items())]
    return "\n".join([_HEAD, total + "\n", told + "\n", table(("construct", "programs"), rows), ""])


def write_cases(cases: Sequence[Case], folder: Path) -> None:
    """Each case as a folder that can be run by hand, with what was different beside it."""
    for case in cases:
        lay_out(rendered(case.drawn), folder / case.name)
        (folder / f"{case.name}.txt").write_text("\n".join(case.found) + "\n")
