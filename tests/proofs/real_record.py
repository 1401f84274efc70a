"""
What the trial of real programs found, as a record for programs (JSON) and a page for people (reStructuredText).
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from bench.circumstances import circumstances, sentence
from bench.table import table
from tests.proofs.manifest import KINDS, Program
from tests.proofs.ways import Portion

_HEAD = """Programs of other people
========================

``python -m tests.proofs.real_programs`` takes what ``tests/proofs/programs.toml`` lists from the package index, in the versions and with the SHA-256
that stand there, and runs each unchanged: plainly twice, under ``tasker run --local=2``, and in a lab of one server and two workers, each a
process of its own. Compared are standard output, standard error, exit code and every file (name, content, mode); what two plain runs do
differently, times above all, is masked with a reason in that list. The whole record is ``docs/proofs/real-programs.json``.
"""

#: Differences of one program that are shown on the terminal; the record has all.
SHOWN = 4


@dataclass(frozen=True)
class Verdict:
    """How one program fared one way. ``seconds``: of that run. ``found``: what was different; empty is what is hoped for."""

    program: str
    way: str
    seconds: float
    found: tuple[str, ...] = ()
    portions: tuple[Portion, ...] = ()

    @property
    def same(self) -> bool:
        """Whether nothing was different."""
        return not self.found

    def line(self) -> str:
        """For the terminal."""
        more = [f"... and {len(self.found) - SHOWN} more"] if len(self.found) > SHOWN else []
        end = "same" if self.same else "\n  ".join(["DIFFERENT", *self.found[:SHOWN], *more])
        return f"{self.program:32} {self.way:6} {self.seconds:6.1f} s  {placed(self.portions):24} {end}"


def placed(portions: Sequence[Portion]) -> str:
    """How many went to the lab and how many stayed home, and why: "3 lab, 1 home (draws ...)"."""
    counts = Counter(portion.place for portion in portions)
    reasons = sorted({portion.reason for portion in portions if portion.place == "home"})
    text = ", ".join(f"{counts[place]} {place}" for place in ("lab", "home") if counts[place])
    return f"{text} ({'; '.join(reasons)})" if reasons else text


def write_record(verdicts: Sequence[Verdict], programs: Sequence[Program], folder: Path) -> None:
    """``real-programs.json`` and ``real-programs.rst`` in ``folder``."""
    folder.mkdir(parents=True, exist_ok=True)
    around = circumstances()
    record = {"circumstances": around, "programs": [_recorded(program, verdicts) for program in programs]}
    (folder / "real-programs.json").write_text(json.dumps(record, indent=1) + "\n")
    (folder / "real-programs.rst").write_text(page(verdicts, programs, around))


def _recorded(program: Program, verdicts: Sequence[Verdict]) -> dict[str, Any]:
    source = program.source and {"requirement": program.source.requirement, "sha256": program.source.sha256}
    mine = {verdict.way: asdict(verdict) for verdict in verdicts if verdict.program == program.name}
    described = {"name": program.name, "python": program.environment.python, "pool": program.pool, "run": program.run, "source": source}
    return {**described, "masks": [asdict(mask) for mask in program.masks], "ways": mine}


def page(verdicts: Sequence[Verdict], programs: Sequence[Program], around: Mapping[str, Any]) -> str:
    """The page for people."""
    by_program = {program.name: [verdict for verdict in verdicts if verdict.program == program.name] for program in programs}
    good = [program for program in programs if all(verdict.same for verdict in by_program[program.name])]
    return "\n".join([_HEAD, f"Recorded with {sentence(around)}.\n", _counts(good, programs), table(_HEADS, _rows(programs, by_program)), ""])


_HEADS = ("program", "Python", "pool", "from", "plain", "local", "lab", "portions", "verdict")


def _counts(good: Sequence[Program], programs: Sequence[Program]) -> str:
    kinds = ", ".join(f"{sum(program.pool == kind for program in good)} {kind}" for kind in KINDS)
    two = sum(program.environment.python == "2.7" for program in good)
    return f"{len(good)} of {len(programs)} programs behave the same, {two} of them for Python 2.7; by what they spread their work: {kinds}.\n"


def _rows(programs: Sequence[Program], by_program: Mapping[str, Sequence[Verdict]]) -> list[tuple[str, ...]]:
    rows = []
    for program in programs:
        seconds = {verdict.way: f"{verdict.seconds:.1f} s" for verdict in by_program[program.name]}
        portions = next((verdict.portions for verdict in by_program[program.name] if verdict.way == "lab"), ())
        verdict = "same" if all(verdict.same for verdict in by_program[program.name]) else "different"
        origin = program.source.requirement if program.source else "the interpreter"
        times = (seconds.get(way, "") for way in ("plain", "local", "lab"))
        rows.append((program.name, program.environment.python, program.pool, origin, *times, placed(portions), verdict))
    return rows
