"""
``python -m tests.proofs.foreign``: what Marx makes of other people's sequential programs; the record of it, which grows package by package.
"""

from __future__ import annotations

import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import click

from tests.end_to_end.lab import Lab, Person
from tests.proofs.environments import NotMade, make
from tests.proofs.foreign.listing import LIST, Package, named, packages
from tests.proofs.foreign.record import PARTS, Record
from tests.proofs.foreign.rows import Survey
from tests.proofs.foreign.running import PLAIN_SECONDS, run
from tests.proofs.foreign.surveying import looks
from tests.proofs.foreign.timing import timed
from tests.proofs.obtaining import NotObtained, obtain
from tests.proofs.real_programs import CACHE, RECORD, Trial
from tests.proofs.ways import Locally, Plainly, two_workers

#: A program that takes less plainly has no site worth a look at the clock.
LEAST_SECONDS = 0.5


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--part", "parts", multiple=True, type=click.Choice(PARTS), help="Only this part; may be repeated. Each stands on those before it.")
@click.option("--only", multiple=True, metavar="NAME", help="Only packages whose name has this in it; may be repeated.")
@click.option("--program", metavar="TEXT", default="", help="Only programs whose path has this in it (runs and sites).")
@click.option("--minutes", type=float, default=float("inf"), metavar="N", help="Begin no further program after so long.")
@click.option("--repeats", default=3, metavar="N", help="Run a program with something divided so often with and without it.")
@click.option("--again", is_flag=True, help="Also what the record has already.")
@click.option("--at-a-time", type=click.IntRange(min=1), default=1, show_default=True, help="Programs that are compared at the same time (runs).")
@click.option("--list", "listed", type=click.Path(path_type=Path), default=LIST, help="The packages; default packages.toml.")
@click.option("--cache", type=click.Path(path_type=Path), default=CACHE, help="Where archives and environments are kept.")
@click.option("--record", "folder", type=click.Path(path_type=Path), default=RECORD, help="The folder of the record.")
def foreign(
    parts: Sequence[str],
    only: Sequence[str],
    program: str,
    minutes: float,
    repeats: int,
    again: bool,
    at_a_time: int,
    listed: Path,
    cache: Path,
    folder: Path,
) -> None:
    """Look at other people's sequential programs, run them plainly and under Marx, and time what is divided."""
    proof = Proof(Record(folder), cache, Chosen(program, time.monotonic() + 60 * minutes, repeats, again, at_a_time))
    for package in named(packages(listed), only):
        try:
            python = make(package.environment, cache)
            source = obtain(package.source, cache, python)
        except (NotMade, NotObtained) as error:
            proof.problems.append(f"{package.name}: {error}")
            click.echo(proof.problems[-1])
            continue
        for part in PARTS:
            if (not parts or part in parts) and proof.has_time():
                proof.part(part, package, python, source)
    if proof.problems:
        raise click.ClickException(f"{len(proof.problems)} found: {'; '.join(proof.problems)}")


@dataclass(frozen=True)
class Chosen:
    """
    What of it is to be done. ``program``: a part of the paths of programs; ``ends_at``: no program is begun after it (monotonic).

    ``at_a_time``: so many are run beside each other, to be compared and not to be timed.
    """

    program: str
    ends_at: float
    repeats: int
    again: bool
    at_a_time: int


class Proof:
    """``problems``: what is to be looked at."""

    def __init__(self, record: Record, cache: Path, chosen: Chosen) -> None:
        self._record = record
        self._cache = cache
        self._chosen = chosen
        self._recording = threading.Lock()
        self.problems: list[str] = []

    def has_time(self) -> bool:
        """Whether another program may be begun."""
        return time.monotonic() < self._chosen.ends_at

    def part(self, part: str, package: Package, python: str, source: Path) -> None:
        """One part of one package; what is recorded already is left alone."""
        files = package.files(source)
        waiting = [file for file in files if self._chosen.program in file and (self._chosen.again or not self._record.has(part, package, file))]
        if waiting:
            self._record.begin(part, package, version_of(python), files, self._chosen.again and not self._chosen.program)
            todo: dict[str, Callable[[Package, str, Path, Sequence[str]], None]] = {"survey": self._survey, "runs": self._runs, "sites": self._sites}
            todo[part](package, python, source, files if part == "survey" else waiting)

    def _survey(self, package: Package, python: str, source: Path, files: Sequence[str]) -> None:
        survey, found = Survey(), []
        for look in looks(python, source, files):
            survey.add(look)
            found.append(look)
        self._record.surveyed(package, survey, found)
        click.echo(f"{package.name:28} {survey.programs} programs, {survey.proved} of {survey.work} sites with work are proved")

    def _runs(self, package: Package, python: str, source: Path, files: Sequence[str]) -> None:
        with ThreadPoolExecutor(self._chosen.at_a_time) as crew:
            list(crew.map(lambda file: self._run(package, python, file), self._in_order(package, files)))

    def _run(self, package: Package, python: str, file: str) -> None:
        if not self.has_time():
            return
        with _place() as (folder, lab):
            plainly, locally = Plainly(folder, PLAIN_SECONDS), Locally(lab.home_of("local"))
            found = run(Trial(package.program(file), python, folder / "run", self._cache), plainly, locally)
        with self._recording:
            self._record.ran(package, file, found)
            said = " ".join(found.found)[:300]
            click.echo(f"{package.name:28} {file:60} {found.plain:5.1f} s {found.marx:5.1f} s  {found.verdict} {said}")
            if found.verdict == "different":
                self.problems.append(f"{package.name} {file} is different")

    def _sites(self, package: Package, python: str, source: Path, files: Sequence[str]) -> None:
        with _place() as (folder, lab):
            person: Person | None = None
            for file in self._in_order(package, [file for file in files if self._may_be_slow(package, file)]):
                if not self.has_time():
                    return
                person = person or two_workers(lab, [python])
                [look] = looks(python, source, [file])
                found = timed(Trial(package.program(file), python, folder / "run", self._cache), look, folder, person, self._chosen.repeats)
                self._record.timed(package, file, found)
                click.echo(f"{package.name:28} {file:60} {len(found.sites)} slow sites {found.problem}")

    def _in_order(self, package: Package, files: Sequence[str]) -> list[str]:
        """Those with the most to divide first."""
        return sorted(files, key=lambda file: self._record.proved(package, file), reverse=True)

    def _may_be_slow(self, package: Package, file: str) -> bool:
        ran = self._record.run(package, file)
        ends_well = ran is not None and ran["verdict"] in ("same", "different", "unlike itself")
        return ran is not None and ends_well and ran["plain"] > LEAST_SECONDS and self._record.proved(package, file)[1] > 0


def version_of(python: str) -> str:
    """Of the interpreter at this path."""
    return subprocess.run([python, "-c", "import sys; print('%d.%d.%d' % sys.version_info[:3])"], check=True, capture_output=True, text=True).stdout.strip()


@contextmanager
def _place() -> Iterator[tuple[Path, Lab]]:
    """A new folder, with a lab that nobody has started yet; everything is gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="marx-proof-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        folder.chmod(0o755)
        lab = Lab(folder)
        try:
            yield folder, lab
        finally:
            lab.stop()


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))  # so that everything is ended in order
    sys.exit(foreign())
