"""
``python -m tests.proofs.differential``: generated programs under plain Python and in a lab of two workers with one item a chunk; the record of it.
"""

from __future__ import annotations

import math
import os
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import contextmanager
from pathlib import Path
from random import Random

import click

from tests.end_to_end.lab import Lab
from tests.proofs.crowd import OnATerminal, WarmTasker
from tests.proofs.differential_record import Case, Tally, write_cases, write_record
from tests.proofs.generator.drawing import Taste, draw
from tests.proofs.trying import Bench
from tests.proofs.ways import plain_environ, two_workers
from tests.pythons import UserPython, found_pythons
from tests.source import CHECKOUT

CASES = CHECKOUT / "build" / "proofs" / "cases"
#: So many different programs are enough to see what is wrong.
ENOUGH = 10


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--programs", "count", type=click.IntRange(min=1), default=100, show_default=True, help="How many programs.")
@click.option("--seed", type=int, default=None, help="Which programs; default: others each time.")
@click.option("--from", "first", type=int, default=0, metavar="N", help="Begin with the Nth program of this seed.")
@click.option("--python", "versions", multiple=True, metavar="2.7|3.x", help="Default: every one that is found here, by turns.")
@click.option("--without", multiple=True, metavar="CONSTRUCT", help="Leave out programs with this construct, named as in the record.")
@click.option("--at-a-time", type=click.IntRange(min=1), default=4, show_default=True, help="Programs at work at the same time.")
@click.option("--minutes", type=click.FloatRange(min=0, min_open=True), help="Begin no further program after so many.")
@click.option("--plain", is_flag=True, help="Plain Python against itself: whether the programs have one outcome.")
@click.option("--cases", type=click.Path(path_type=Path), default=CASES, help="Where programs that came out differently are put.")
@click.option("--record", type=click.Path(path_type=Path), default=None, help="The folder for a record; docs/proofs is the project's own.")
def differential(
    count: int,
    seed: int | None,
    first: int,
    versions: Sequence[str],
    without: Sequence[str],
    at_a_time: int,
    minutes: float | None,
    plain: bool,
    cases: Path,
    record: Path | None,
) -> None:
    """Draw programs, run each plainly and in a lab of two workers with one item a chunk, and compare."""
    seed = Random().randrange(10**6) if seed is None else seed
    pythons = [python for python in found_pythons(os.environ) if not versions or python.name in versions]
    if not pythons:
        raise click.UsageError(f"none of {', '.join(versions)} was found")
    click.echo(f"seed {seed}, {count} programs, Python {', '.join(python.name for python in pythons)}")
    with benches(pythons, plain) as opened:
        until = time.monotonic() + 60 * minutes if minutes else math.inf
        tally = tried(opened, seed, range(first, first + count), at_a_time, frozenset(without), until)
    write_cases(tally.cases, cases)
    if record is not None:
        asked = f"--seed {seed} --from {first} --programs {tally.begun}" + "".join(f" --python {name}" for name in versions)
        write_record(tally, asked + "".join(f" --without {shlex.quote(name)}" for name in without), pythons, record)
    click.echo(tally.sentence())
    if tally.cases:
        raise click.ClickException(f"the smallest programs that came out differently are in {cases}")


@contextmanager
def benches(pythons: Sequence[UserPython], plain: bool) -> Iterator[dict[UserPython, Bench]]:
    """A warm lab, and for each Python a place to try programs; all gone afterwards."""
    folder = Path(tempfile.mkdtemp(prefix="marx-proof-"))
    folder.chmod(0o755)
    lab = Lab(folder)
    tasker = None
    try:
        plainly = OnATerminal(plain_environ(folder))
        if not plain:
            tasker = WarmTasker(two_workers(lab, [python.path for python in pythons], "--seats", "8"))
        yield {python: Bench(_folder(folder, python), python, plainly, tasker or plainly) for python in pythons}
    finally:
        if tasker is not None:
            tasker.close()
        lab.stop()
        shutil.rmtree(folder, ignore_errors=True)


def _folder(folder: Path, python: UserPython) -> Path:
    made = folder / python.name
    made.mkdir()
    return made


def tried(
    opened: Mapping[UserPython, Bench],
    seed: int,
    numbers: range,
    at_a_time: int,
    without: frozenset[str] = frozenset(),
    until: float = math.inf,
) -> Tally:
    """All of them, several at a time; ends early when enough were different, or at the instant ``until``."""
    tally, pythons = Tally(), list(opened)
    tastes = {python: Taste(python.version[:2], has_backport(python)) for python in pythons}

    def try_one(number: int) -> None:
        if time.monotonic() > until or len(tally.cases) >= ENOUGH:
            return
        tally.begin(number - numbers.start)
        python = pythons[number % len(pythons)]
        drawn = draw(Random(f"{seed}:{number}"), tastes[python])
        if not without.isdisjoint(drawn.constructs()):
            return
        trial = opened[python].tried(drawn)
        tally.count(python.name, drawn, trial)
        if trial.found and not trial.unstable and len(tally.cases) < ENOUGH:
            smallest, shown = opened[python].shrunk(drawn, trial)
            tally.cases.append(Case(f"{seed}-{number}-{python.name}", smallest, shown.found))
            click.echo(f"program {number} (Python {python.name}) is DIFFERENT:\n  " + "\n  ".join(shown.found))
        elif trial.unstable:
            click.echo(f"program {number} (Python {python.name}) has no one outcome:\n  " + "\n  ".join(trial.found))

    with ThreadPoolExecutor(at_a_time) as crew:
        begun = time.monotonic()
        waiting = [crew.submit(try_one, number) for number in numbers]
        try:
            for ended, future in enumerate(as_completed(waiting), 1):
                future.result()
                if ended % 100 == 0:
                    click.echo(f"{ended} programs, {ended / (time.monotonic() - begun):.1f} a second, {len(tally.cases)} different", err=True)
        finally:
            crew.shutdown(cancel_futures=True)  # else the rest would be tried before an interrupt is heard of
        tally.seconds = time.monotonic() - begun
    return tally


def has_backport(python: UserPython) -> bool:
    """Whether this 2.7 has concurrent.futures installed."""
    return python.version < (3,) and not subprocess.run([python.path, "-c", "import concurrent.futures"], capture_output=True).returncode


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))  # so that everything is ended in order
    sys.exit(differential())
