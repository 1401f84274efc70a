"""
``python -m tests.proofs.found``: generated sequential programs under plain Python and with every proved site sent away; the record of it.

What is sent is computed by another process of the program's interpreter, item by item (`tests.runner.playing`); all processes are forks of one
that has imported what they need (`tests.runner.beginning`), but for those of one program in ``--started``, which shows that this makes no difference.
With ``--hopeful`` all sites of programs without traps are sent, proved or not.
"""

from __future__ import annotations

import math
import os
import re
import shutil
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from random import Random

import click

from marx.worker.kit import lay_out_kit
from tests.proofs.found_record import Tally, write_record
from tests.proofs.loops.drawing import Program, draw
from tests.pythons import UserPython, found_pythons
from tests.runner.beginning import Stable, StableGone
from tests.runner.playing import SITE_PACKAGES, Lab, Run, Silence, with_libraries

ADDRESS = re.compile(r"0x[0-9a-f]+")
#: So many different programs are enough to see what is wrong.
ENOUGH = 5
SHRINKING_RUNS = 40
#: Raised where a program does not end, plainly or divided.
HUNG = (Silence, StableGone, subprocess.TimeoutExpired)


class Bench:
    """Where programs of one interpreter are tried; each thread has a folder of its own, and a process to fork. ``kit``: the runner that they meet."""

    def __init__(self, python: UserPython, kit: Path, folder: Path, finding: str) -> None:
        self._python = python
        self.kit = kit
        self._folder = folder
        self._finding = finding
        self._stables: dict[int, Stable] = {}

    def close(self) -> None:
        """End what is forked."""
        while self._stables:
            self._stables.popitem()[1].close()

    def start_anew(self) -> None:
        """End what this thread forks programs from: one of them may be at work there for ever."""
        stable = self._stables.pop(threading.get_ident(), None)
        if stable is not None:
            stable.close()

    @contextmanager
    def exchanged(self, *edits: tuple[str, str, str]) -> Iterator[None]:
        """With another text for one that stands once in a file of the runner, for each (file, text, other). Raises ValueError where it does not."""
        paths = [self.kit / "marx" / "runner" / file for file, _, _ in edits]
        before = {path: path.read_text() for path in paths}
        self.close()  # what is forked has the old one
        try:
            for path, (file, text, other) in zip(paths, edits, strict=True):
                source = path.read_text()
                if source.count(text) != 1:
                    raise ValueError(f"{text!r} stands {source.count(text)} times in {file}")
                path.write_text(source.replace(text, other))
            yield
        finally:
            self.close()
            for path, source in before.items():
                path.write_text(source)

    def tried(self, program: Program, is_started: bool = False) -> tuple[list[str], Run]:
        """What was different, and the run. ``is_started``: an interpreter for each process."""
        runs, place = [], self._folder / str(threading.get_ident())
        for finding in (None, self._finding):
            shutil.rmtree(place, ignore_errors=True)
            program.write(place)
            lab = Lab(self._python, self.kit, place, finding=finding, environ=with_libraries(self._python, SITE_PACKAGES))
            lab.stable = None if is_started else self._stable(lab)
            words = [str(place / "prog.py")]
            run = lab.run_words_plainly(*words) if finding is None else lab.run_words(*words)
            runs.append((run, files_of(place)))
        (plain, files), (found, files_found) = runs
        differences = []
        for name in ("code", "out", "err"):
            one, other = (ADDRESS.sub("0x", str(getattr(run, name))) for run in (plain, found))
            if one != other:
                differences.append(f"{name}: {one[-600:]!r} plainly, {other[-600:]!r} divided")
        if files != files_found:
            differences.append(f"files: {files!r} plainly, {files_found!r} divided")
        return differences, found

    def _stable(self, lab: Lab) -> Stable:
        """This thread's own."""
        thread = threading.get_ident()
        if thread not in self._stables:
            self._stables[thread] = Stable(self._python.path, self.kit, lab.surroundings)
        return self._stables[thread]

    def shrunk(self, program: Program, is_started: bool = False) -> Program:
        """The smallest program found that is different still."""
        left = SHRINKING_RUNS
        while True:
            for smaller in program.smaller():
                left -= 1
                if left > 0 and self.tried(smaller, is_started)[0]:
                    program = smaller
                    break
            else:
                return program


def files_of(folder: Path) -> list[tuple[str, str]]:
    """All below it but the program's own; where objects lie is chance."""
    paths = [path for path in folder.rglob("*") if path.is_file() and path.suffix != ".py"]
    return sorted((str(path.relative_to(folder)), ADDRESS.sub("0x", path.read_bytes().decode("latin-1"))) for path in paths)


@contextmanager
def benches(pythons: Sequence[UserPython], finding: str) -> Iterator[dict[UserPython, Bench]]:
    """For each interpreter one; all gone afterwards."""
    folder = Path(tempfile.mkdtemp(prefix="marx-proof-"))
    made = {}
    try:
        kit = lay_out_kit(folder / "kit")
        for python in pythons:
            (folder / python.name).mkdir()
            made[python] = Bench(python, kit, folder / python.name, finding)
        yield made
    finally:
        for bench in made.values():
            bench.close()
        shutil.rmtree(folder, ignore_errors=True)


@dataclass(frozen=True)
class Plan:
    """What is tried: ``numbers`` of a ``seed``, ``at_a_time``, with or without ``traps``; one of ``started`` by interpreters of their own.

    ``until``: the instant after which no further one begins.
    """

    seed: int
    numbers: range
    at_a_time: int = 2
    traps: bool = True
    started: int = 100
    until: float = math.inf


def tried(opened: dict[UserPython, Bench], plan: Plan) -> Tally:
    """All of them; ends early when enough were different."""
    tally, pythons, begun = Tally(), list(opened), time.monotonic()

    def try_one(number: int) -> None:
        if len(tally.cases) >= ENOUGH or time.monotonic() > plan.until:
            return
        python = pythons[number % len(pythons)]
        program = draw(Random(f"{plan.seed}:{number}"), python.version[:2], plan.traps)
        is_started = number // len(pythons) % plan.started == plan.started - 1
        with tally.lock:
            tally.begun = max(tally.begun, number + 1 - plan.numbers.start)
        try:
            differences, run = opened[python].tried(program, is_started)
        except HUNG as error:
            opened[python].start_anew()
            with tally.lock:
                tally.cases.append((f"{plan.seed}-{number}-{python.name}-hangs", program.text()))
            click.echo(f"program {number} (Python {python.name}) HANGS ({type(error).__name__}):\n{program.text()}")
            return
        if not differences:
            tally.count(python.name, program, run, is_started)
            return
        smallest = opened[python].shrunk(program, is_started)
        said = "\n".join(opened[python].tried(smallest, is_started)[0])
        with tally.lock:
            tally.cases.append((f"{plan.seed}-{number}-{python.name}", smallest.text()))
        click.echo(f"program {number} (Python {python.name}) is DIFFERENT:\n{smallest.text()}\n{said}")

    with ThreadPoolExecutor(plan.at_a_time) as crew:
        for done, _ in enumerate(crew.map(try_one, plan.numbers), 1):
            if done % 1000 == 0:
                click.echo(f"{done} programs, {done / (time.monotonic() - begun):.1f} a second, {len(tally.cases)} different", err=True)
    tally.seconds = time.monotonic() - begun
    return tally


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--programs", "count", type=click.IntRange(min=1), default=100, show_default=True, help="How many programs.")
@click.option("--seed", type=int, default=None, help="Which programs; default: others each time.")
@click.option("--from", "first", type=int, default=0, metavar="N", help="Begin with the Nth program of this seed.")
@click.option("--python", "versions", multiple=True, metavar="2.7|3.x", help="Default: every one that is found here, by turns.")
@click.option("--at-a-time", type=click.IntRange(min=1), default=2, show_default=True, help="Programs at work at the same time.")
@click.option("--started", type=click.IntRange(min=1), default=100, show_default=True, help="Of so many programs one is run by interpreters of its own.")
@click.option("--minutes", type=click.FloatRange(min=0, min_open=True), help="Begin no further program after so many.")
@click.option("--shares", is_flag=True, help="Say of each construct how many of its separable sites were divided, and why others stayed.")
@click.option("--record", type=click.Path(path_type=Path), default=None, help="The folder for a record; docs/proofs is the project's own.")
@click.option("--hopeful", is_flag=True, help="Programs without traps, and each of their sites is sent, proved or not.")
def found(
    count: int,
    seed: int | None,
    first: int,
    versions: Sequence[str],
    at_a_time: int,
    started: int,
    minutes: float | None,
    shares: bool,
    record: Path | None,
    hopeful: bool,
) -> None:
    """Draw sequential programs, run each plainly and with all that is proved sent away, and compare."""
    seed = Random().randrange(10**6) if seed is None else seed
    pythons = [python for python in found_pythons(os.environ) if not versions or python.name in versions]
    if not pythons:
        raise click.UsageError(f"none of {', '.join(versions)} was found")
    click.echo(f"seed {seed}, {count} programs, Python {', '.join(python.name for python in pythons)}")
    until = time.monotonic() + 60 * minutes if minutes else math.inf
    with benches(pythons, "numbered" if hopeful else "proved") as opened:
        tally = tried(opened, Plan(seed, range(first, first + count), at_a_time, not hopeful, started, until))
    click.echo(tally.sentence())
    if shares:
        click.echo("\n".join(f"  {each}: {tally.divided[each]} of {tally.separable[each]}" for each in sorted(tally.separable)))
        click.echo("\n".join(f"  {count} x {reason}" for reason, count in tally.corrected.most_common()))
        click.echo("\n".join(f"  {count} x {reason}" for reason, count in tally.stayed.most_common(30)))
    if record is not None:
        asked = f"--seed {seed} --from {first} --programs {tally.begun}" + "".join(f" --python {name}" for name in versions)
        write_record(tally, asked, pythons, record)
    if tally.cases:
        raise click.ClickException(f"{len(tally.cases)} programs came out differently")


if __name__ == "__main__":
    found()
