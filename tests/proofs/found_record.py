"""What the proof of found portions saw: counted while it runs, then one more run in a record for programs (JSON) and a page for people."""

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
from tests.proofs.loops.drawing import Program, Site
from tests.pythons import UserPython
from tests.runner.playing import Run

_HEAD = """Generated sequential programs
=============================

``python -m tests.proofs.found`` draws programs without a pool from a seed (``tests/proofs/loops``): loops, comprehensions and maps in all
their forms around what items do, harmless or a trap. Each is run plainly and with every proved site sent to another process, item by item.
Standard output, standard error, exit code and every file must be the same. Processes are forks of an interpreter that has run nothing
but imports; those of some programs, counted as started, are interpreters of their own. What a run found was mended before the next one; each run
is recorded here.

A construct is a form of a site, or what its items do. Counted are sites without traps that go over enough to be divided, and those of
which another process computed items. All others have a trap: nobody says that they must stay, only that the program must not notice.
"""

#: Why of some constructs less than half are divided.
WHY = {
    "loop that fills a list beyond its end": "an item fails, and from there on all is computed in place",
    "loop that fills lists in a list beyond their end": "an item fails, and from there on all is computed in place",
}
#: Forms of which the first run counted nothing, since the program drops what it has of a head's portion when the loop is left.
UNCOUNTED = "not counted in the first run"


@dataclass
class Tally:
    """What was tried. Of each form and each work of a separable site: how many there were, and how many were divided.

    ``begun``: how many numbers were drawn. ``started``: programs whose processes were no forks.
    """

    programs: Counter[str] = field(default_factory=Counter)
    separable: Counter[str] = field(default_factory=Counter)
    divided: Counter[str] = field(default_factory=Counter)
    hazards: Counter[str] = field(default_factory=Counter)
    corrected: Counter[str] = field(default_factory=Counter)
    stayed: Counter[str] = field(default_factory=Counter)
    begun: int = 0
    started: int = 0
    sites: int = 0
    items: int = 0
    cases: list[tuple[str, str]] = field(default_factory=list)
    seconds: float = 0.0
    lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def count(self, python: str, program: Program, run: Run, is_started: bool) -> None:
        """One program that came out the same."""
        lines = program.lines()
        away: Counter[int] = Counter()
        stopped = {portion.call["line"] for portion in run.portions if portion.place == "home"}
        for portion in run.portions:
            site = lines.get(portion.call["line"]) if portion.place == "lab" else None
            # Heads are not wanted any more when their loop is left; of anything else that means that it was computed in place.
            if site is not None and (not portion.is_dropped or "head" in site.form.name and portion.call["line"] not in stopped):
                away[site.number] += len(portion.records)
        with self.lock:
            self.programs[python] += 1
            self.started += is_started
            self.items += away.total()
            self.corrected.update(note.partition("in place, since ")[2] for note in run.notes)
            for site in program.sites:
                self._count_site(site, away[site.number])
            for portion in run.portions:
                site = lines.get(portion.call["line"])
                if portion.place != "lab" and site is not None and site.is_separable:
                    self.stayed[f"{site.form.name}, {site.work.name}: {portion.reason}"] += 1

    def _count_site(self, site: Site, items: int) -> None:
        self.sites += 1
        for name in (site.form.name, site.work.name) if site.is_separable and site.is_long else ():
            self.separable[name] += 1
            self.divided[name] += bool(items)
        if not site.is_separable:
            self.hazards[f"{site.form.name} x {site.work.name}"] += 1

    def sentence(self) -> str:
        """For the terminal."""
        programs, traps = self.programs.total(), self.hazards.total()
        told = f"{programs} programs in {self.seconds:.0f} s ({programs / max(self.seconds, 0.001):.1f} a second), {self.started} of them started"
        told += f", {self.sites} sites, {traps} with traps, {self.items} items reported by another runner"
        return f"{told}, {self.corrected.total()} set right at run time, {len(self.cases)} different"


def write_record(tally: Tally, asked: str, pythons: Sequence[UserPython], folder: Path) -> None:
    """One more run for ``found.json`` and ``found.rst`` in ``folder``. ``asked``: the options that would do it again."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "found.json"
    runs = json.loads(path.read_text())["runs"] if path.exists() else []
    runs.append(_recorded(tally, asked, ["%d.%d.%d" % python.version for python in pythons]))
    path.write_text(json.dumps({"circumstances": runs[-1]["circumstances"], "runs": runs}, indent=1) + "\n")
    (folder / "found.rst").write_text(page(runs))


def _recorded(tally: Tally, asked: str, pythons: Sequence[str]) -> dict[str, Any]:
    counts = {name: getattr(tally, name) for name in ("started", "sites", "items", "seconds")}
    shares = {name: [tally.divided[name], tally.separable[name]] for name in sorted(tally.separable)}
    made_of = {"programs": dict(tally.programs), "divided": shares, "traps": dict(sorted(tally.hazards.items()))}
    found = {"corrected": dict(tally.corrected), "different": [name for name, _ in tally.cases], "sentence": tally.sentence()}
    return {"circumstances": circumstances(), "asked": asked, "pythons": list(pythons), **counts, **made_of, **found}


def page(runs: Sequence[dict[str, Any]]) -> str:
    """All runs, newest last, and what was divided in them."""
    totals = {name: sum(run[name] for run in runs) for name in ("sites", "items", "started")}
    programs = sum((Counter(run["programs"]) for run in runs), Counter())
    traps = sum((Counter(run["traps"]) for run in runs), Counter())
    different = sum(len(run["different"]) for run in runs)
    total = (
        f"{programs.total():,} programs in {len(runs)} {'run' if len(runs) == 1 else 'runs'}, {totals['sites']:,} sites, {traps.total():,} of them with "
        f"traps in {len(traps):,} combinations; {totals['items']:,} items were computed elsewhere: {different} different."
    )
    told = "\n\n".join(
        f"``{run['asked']}``, recorded with {sentence(run['circumstances'])}. User programs under Python {', '.join(run['pythons'])}. "
        f"{run['sentence']}." + (f" Different: {', '.join(run['different'])}." if run["different"] else "")
        for run in runs
    )
    shares: dict[str, list[int]] = {}
    for run in runs:
        for name, counts in run["divided"].items():
            shares[name] = [one + more for one, more in zip(shares.get(name, [0, 0]), counts, strict=True)]
    rows = [(name, str(divided), str(count), _why(name, divided, count)) for name, (divided, count) in sorted(shares.items())]
    return "\n".join([_HEAD, total + "\n", told + "\n", table(("construct", "divided", "separable sites", "why not half"), rows), ""])


def _why(name: str, divided: int, count: int) -> str:
    if 2 * divided >= count:
        return ""
    return UNCOUNTED if " head" in name else WHY.get(name, "not known yet")
