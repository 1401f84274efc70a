"""
``python -m tests.proofs.found``: generated sequential programs under plain Python and with every proved site sent away; the record of it.

What is sent is computed by another process of the program's interpreter, item by item (`tests.runner.playing`). With ``--hopeful`` all
sites of programs without traps are sent, proved or not.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

import click

from bench.circumstances import circumstances, sentence
from bench.table import table
from marx.worker.kit import lay_out_kit
from tests.proofs.loops.drawing import Program, Site, draw
from tests.pythons import UserPython, found_pythons
from tests.runner.playing import Lab, Run, compile_once

ADDRESS = re.compile(r"0x[0-9a-f]+")
_HEAD = """Generated sequential programs
=============================

``python -m tests.proofs.found --programs {programs} --seed {seed}`` draws programs without a pool from a seed (``tests/proofs/loops``): loops,
comprehensions and maps in all their forms around what items do, harmless or a trap. Each is run plainly and with every proved site sent to
another process, item by item. Standard output, standard error, exit code and every file must be the same.
"""
#: So many different programs are enough to see what is wrong.
ENOUGH = 5
SHRINKING_RUNS = 40


@dataclass
class Tally:
    """What was tried. Of each form and each work of a separable site: how many there were, and how many were divided."""

    programs: Counter[str] = field(default_factory=Counter)
    separable: Counter[str] = field(default_factory=Counter)
    divided: Counter[str] = field(default_factory=Counter)
    hazards: Counter[str] = field(default_factory=Counter)
    items: int = 0
    corrected: Counter[str] = field(default_factory=Counter)
    cases: list[tuple[str, str]] = field(default_factory=list)
    seconds: float = 0.0
    lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def count(self, python: str, program: Program, run: Run) -> None:
        """One program that came out the same."""
        sites = {line: site for line, site in program.lines().items()}
        away: Counter[int] = Counter()
        for portion in run.portions:
            if portion.place == "lab" and not portion.is_dropped and portion.call["line"] in sites:
                away[sites[portion.call["line"]].number] += len(portion.records)
        with self.lock:
            self.programs[python] += 1
            self.items += away.total()
            self.corrected.update(note.partition("in place, since ")[2] for note in run.notes)
            for site in program.sites:
                self._count_site(site, away[site.number])

    def _count_site(self, site: Site, items: int) -> None:
        for name in (site.form.name, site.work.name):
            if site.is_separable and site.items not in ("range(0)", "[2]"):
                self.separable[name] += 1
                self.divided[name] += bool(items)
        if not site.is_separable:
            self.hazards[f"{site.form.name} x {site.work.name}"] += 1

    def sentence(self) -> str:
        """For the terminal."""
        programs, sites = self.programs.total(), self.hazards.total()
        told = f"{programs} programs in {self.seconds:.0f} s, {self.items} items reported by another runner, {sites} sites with traps"
        return f"{told}, {self.corrected.total()} set right at run time, {len(self.cases)} different"


class Bench:
    """Where programs of one interpreter are tried; each thread has a folder of its own. ``kit``: the runner that they meet."""

    def __init__(self, python: UserPython, kit: Path, folder: Path, finding: str) -> None:
        self._python = python
        self.kit = kit
        self._folder = folder
        self._finding = finding

    def tried(self, program: Program) -> tuple[list[str], Run]:
        """What was different, and the run."""
        runs = []
        for finding in (None, self._finding):
            place = self._folder / str(threading.get_ident())
            shutil.rmtree(place, ignore_errors=True)
            place.mkdir()
            lab = Lab(self._python, self.kit, place, finding=finding)
            text = program.text()
            run = lab.run_plainly(text) if finding is None else lab.run(text)
            runs.append((run, sorted((path.name, path.read_bytes()) for path in place.iterdir() if path.name != "prog.py")))
        (plain, files), (found, files_found) = runs
        differences = []
        for name in ("code", "out", "err"):
            one, other = (ADDRESS.sub("0x", str(getattr(run, name))) for run in (plain, found))
            if one != other:
                differences.append(f"{name}: {one[-600:]!r} plainly, {other[-600:]!r} divided")
        if files != files_found:
            differences.append(f"files: {files!r} plainly, {files_found!r} divided")
        return differences, found

    def shrunk(self, program: Program) -> Program:
        """The smallest program found that is different still."""
        left = SHRINKING_RUNS
        while True:
            for smaller in program.smaller():
                left -= 1
                if left > 0 and self.tried(smaller)[0]:
                    program = smaller
                    break
            else:
                return program


@contextmanager
def benches(pythons: Sequence[UserPython], finding: str) -> Iterator[dict[UserPython, Bench]]:
    """For each interpreter one; all gone afterwards."""
    folder = Path(tempfile.mkdtemp(prefix="marx-proof-"))
    try:
        kit = lay_out_kit(folder / "kit")
        made = {}
        for python in pythons:
            compile_once(python.path, kit)
            (folder / python.name).mkdir()
            made[python] = Bench(python, kit, folder / python.name, finding)
        yield made
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def tried(opened: dict[UserPython, Bench], seed: int, numbers: range, at_a_time: int, traps: bool) -> Tally:
    """All of them; ends early when enough were different."""
    tally, pythons, begun = Tally(), list(opened), time.monotonic()

    def try_one(number: int) -> None:
        if len(tally.cases) >= ENOUGH:
            return
        python = pythons[number % len(pythons)]
        program = draw(Random(f"{seed}:{number}"), python.version[:2], traps)
        differences, run = opened[python].tried(program)
        if not differences:
            tally.count(python.name, program, run)
            return
        smallest = opened[python].shrunk(program)
        said = "\n".join(opened[python].tried(smallest)[0])
        with tally.lock:
            tally.cases.append((f"{seed}-{number}-{python.name}", smallest.text()))
        click.echo(f"program {number} (Python {python.name}) is DIFFERENT:\n{smallest.text()}\n{said}")

    with ThreadPoolExecutor(at_a_time) as crew:
        list(crew.map(try_one, numbers))
    tally.seconds = time.monotonic() - begun
    return tally


def write_record(tally: Tally, seed: int, pythons: Sequence[UserPython], folder: Path) -> None:
    """``found.json`` and ``found.rst`` in ``folder``."""
    around, names = circumstances(), ["%d.%d.%d" % python.version for python in pythons]
    shares = {name: [tally.divided[name], tally.separable[name]] for name in sorted(tally.separable)}
    counts = {"programs": dict(tally.programs), "items": tally.items, "corrected": dict(tally.corrected), "seconds": tally.seconds}
    said = {"circumstances": around, "pythons": names, "seed": seed, **counts, "divided": shares, "traps": dict(sorted(tally.hazards.items()))}
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "found.json").write_text(json.dumps({**said, "different": [name for name, _ in tally.cases]}, indent=1) + "\n")
    rows = [(name, str(divided), str(total)) for name, (divided, total) in shares.items()]
    told = f"Recorded with {sentence(around)}. Python {', '.join(names)}.\n\n{tally.sentence()}.\n"
    page = _HEAD.format(programs=tally.programs.total(), seed=seed)
    (folder / "found.rst").write_text("\n".join([page, told, table(("construct", "divided", "separable sites"), rows), ""]))


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--programs", "count", type=click.IntRange(min=1), default=100, show_default=True, help="How many programs.")
@click.option("--seed", type=int, default=None, help="Which programs; default: others each time.")
@click.option("--from", "first", type=int, default=0, metavar="N", help="Begin with the Nth program of this seed.")
@click.option("--python", "versions", multiple=True, metavar="2.7|3.x", help="Default: every one that is found here, by turns.")
@click.option("--at-a-time", type=click.IntRange(min=1), default=2, show_default=True, help="Programs at work at the same time.")
@click.option("--shares", is_flag=True, help="Say of each construct how many of its separable sites were divided.")
@click.option("--record", type=click.Path(path_type=Path), default=None, help="The folder for a record; docs/proofs is the project's own.")
@click.option("--hopeful", is_flag=True, help="Programs without traps, and each of their sites is sent, proved or not.")
def found(
    count: int, seed: int | None, first: int, versions: Sequence[str], at_a_time: int, shares: bool, record: Path | None, hopeful: bool
) -> None:
    """Draw sequential programs, run each plainly and with all that is proved sent away, and compare."""
    seed = Random().randrange(10**6) if seed is None else seed
    pythons = [python for python in found_pythons(os.environ) if not versions or python.name in versions]
    if not pythons:
        raise click.UsageError(f"none of {', '.join(versions)} was found")
    click.echo(f"seed {seed}, {count} programs, Python {', '.join(python.name for python in pythons)}")
    with benches(pythons, "numbered" if hopeful else "proved") as opened:
        tally = tried(opened, seed, range(first, first + count), at_a_time, not hopeful)
    click.echo(tally.sentence())
    if shares:
        click.echo("\n".join(f"  {each}: {tally.divided[each]} of {tally.separable[each]}" for each in sorted(tally.separable)))
        click.echo("\n".join(f"  {count} x {reason}" for reason, count in tally.corrected.most_common()))
    if record is not None:
        write_record(tally, seed, pythons, record)
    if tally.cases:
        raise click.ClickException(f"{len(tally.cases)} programs came out differently")


if __name__ == "__main__":
    found()
