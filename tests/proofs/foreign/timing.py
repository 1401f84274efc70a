"""
The third part: how long a program's sites take plainly, which of them Marx divides, and what the program gains by it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from tests.end_to_end.lab import Person
from tests.proofs.foreign.rows import LONG, Look, Site, Slow
from tests.proofs.real_programs import Trial
from tests.proofs.ways import InTheLab, Plainly, Portion

TAKING = Path(__file__).with_name("taking.py")
#: What a portion's kind is called where the analysis has another word.
CALLED = {"starmap": "itertools.starmap"}


@dataclass(frozen=True)
class Timed:
    """One program: its slow sites, and its seconds in the lab with what was found and without (None where nothing was divided)."""

    sites: tuple[Slow, ...] = ()
    found: float | None = None
    without: float | None = None
    problem: str = ""


def timed(trial: Trial, look: Look, aside: Path, person: Person, repeats: int) -> Timed:
    """``aside``: a folder for the times, and the home of plain runs.

    A program with something divided is run ``repeats`` times with it and without it; the least time counts, since others use the machine.
    """
    plan, times = aside / "plan.json", aside / "times.json"
    plan.write_text(json.dumps({"sites": [[site.line, site.construct, site.is_proved] for site in look.sites], "times": str(times)}))
    times.unlink(missing_ok=True)
    outcome, _ = trial.tried(Plainly(aside, before=(str(TAKING), str(plan))), None)
    if outcome is None or not times.exists():
        return Timed(problem="its sites could not be timed")
    rows = slow(look, json.loads(times.read_text()))
    if not rows:
        return Timed()
    lab = InTheLab(person)
    outcome, verdict = trial.tried(lab, None)
    if outcome is None:
        return Timed(tuple(rows), problem=verdict.found[0])
    rows = [decided(row, look, [each for each in verdict.portions if is_of(each, row, look)]) for row in rows]
    if not any(row.divided for row in rows):
        return Timed(tuple(rows))
    found, without = [verdict.seconds], []
    for _ in range(repeats):
        without.append(trial.tried(InTheLab(person, "--divide", "explicit"), None)[1].seconds)
        found.append(trial.tried(lab, None)[1].seconds)
    return Timed(tuple(gained(rows, min(without) - min(found))), min(found), min(without))


def slow(look: Look, times: Mapping[str, Mapping[str, Any]]) -> list[Slow]:
    """The sites that take long, by the times that ``taking.py`` wrote. Where two of a kind begin on one line, they count as one."""
    found = []
    for key, took in sorted(times.items()):
        mine = [site for site in look.sites if site.key == key]
        if took["seconds"] >= LONG and mine[0].construct != "while loop":
            proved = any(site.is_proved for site in mine)
            found.append(Slow(mine[0].line, mine[0].construct, took["seconds"], took["longest"], took["times"], proved))
    return found


def is_of(portion: Portion, row: Slow, look: Look) -> bool:
    """Whether a portion is one time that a site of the main file was gone through."""
    return portion.file == Path(look.file).name and (portion.line, CALLED.get(portion.kind, portion.kind)) == (row.line, row.construct)


def decided(row: Slow, look: Look, portions: Sequence[Portion]) -> Slow:
    """With what became of it, and why."""
    divided = sum(portion.place == "lab" for portion in portions)
    said = next((portion.reason for portion in portions if portion.reason), "")
    if divided:
        return replace(row, divided=divided, reason=said)
    return replace(row, reason=said or _why([site for site in look.sites if site.key == f"{row.line} {row.construct}"], row))


def _why(sites: Sequence[Site], row: Slow) -> str:
    """Where the run says nothing."""
    if not row.is_proved:
        return sites[0].reason
    if row.longest < LONG:
        return f"each of its {row.times} times takes less than a quarter of a second"
    if all(site.is_head for site in sites if site.is_proved):
        return "only a part of each turn is proved, and that takes too little of its time"
    return "nothing is said of it"


def gained(rows: Sequence[Slow], seconds: float) -> list[Slow]:
    """With the seconds under Marx, where the program became faster by ``seconds``: what was divided shares them as it shares the time."""
    divided = sum(row.seconds for row in rows if row.divided)
    return [replace(row, marx=max(0.01, row.seconds - seconds * row.seconds / divided)) if row.divided else row for row in rows]
