"""
``python -m tests.proofs.real_programs``: programs that other people wrote, under plain Python and under Marx; the record of how they compare.
"""

from __future__ import annotations

import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import click

from tests.end_to_end.lab import Lab
from tests.proofs.environments import NotMade, make
from tests.proofs.manifest import Program, programs
from tests.proofs.masks import masked
from tests.proofs.obtaining import NotObtained, lay_out, obtain, standard_library
from tests.proofs.outcomes import Outcome, differences
from tests.proofs.real_record import Verdict, write_record
from tests.proofs.ways import Call, InTheLab, Locally, Plainly, TookTooLong, Way, two_workers
from tests.source import CHECKOUT

CACHE = CHECKOUT / "build" / "proofs"
RECORD = CHECKOUT / "docs" / "proofs"
WAYS = ("local", "lab")


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--only", multiple=True, metavar="NAME", help="Only programs whose name has this in it; may be repeated.")
@click.option("--way", "ways", multiple=True, type=click.Choice(WAYS), help="Only this way beside the plain one; default both.")
@click.option("--plain", is_flag=True, help="Only the two plain runs: which programs can be compared at all.")
@click.option("--cache", type=click.Path(path_type=Path), default=CACHE, help="Where archives and environments are kept.")
@click.option("--record", type=click.Path(path_type=Path), default=RECORD, help="The folder of the record, which only a whole run writes.")
def real_programs(only: Sequence[str], ways: Sequence[str], plain: bool, cache: Path, record: Path) -> None:
    """Run other people's programs plainly twice, then under Marx, and compare."""
    chosen = [program for program in programs() if not only or any(part in program.name for part in only)]
    pythons, missing = prepare(chosen, cache)
    verdicts = said(iter(missing))
    with opened(() if plain else ways or WAYS, sorted(set(pythons.values()))) as (folder, opened_ways):
        for program in chosen:
            if program.name in pythons:
                trial = Trial(program, pythons[program.name], folder / "run" / program.name, cache)
                verdicts += said(trial.verdicts(Plainly(folder), opened_ways))
    if not only and not plain and not ways:
        write_record(verdicts, chosen, record)
    if wrong := [verdict for verdict in verdicts if not verdict.same]:
        raise click.ClickException(f"{len(wrong)} of {len(verdicts)} comparisons found something")


def said(verdicts: Iterator[Verdict]) -> list[Verdict]:
    """Show each as it comes."""
    kept = []
    for verdict in verdicts:
        kept.append(verdict)
        click.echo(verdict.line())
    return kept


def prepare(chosen: Sequence[Program], cache: Path) -> tuple[dict[str, str], list[Verdict]]:
    """The interpreter of each program that can be run here, by the program's name; and what cannot, with the reason."""
    pythons, missing = {}, []
    for program in chosen:
        try:
            pythons[program.name] = make(program.environment, cache)
            if program.source is not None:
                obtain(program.source, cache, pythons[program.name])
        except (NotMade, NotObtained) as error:
            pythons.pop(program.name, None)
            missing.append(Verdict(program.name, "obtain", 0.0, (str(error),)))
    return pythons, missing


@contextmanager
def opened(ways: Sequence[str], pythons: Sequence[str]) -> Iterator[tuple[Path, list[Way]]]:
    """A new folder, and the ways to run a program there; everything is gone afterwards."""
    folder = Path(tempfile.mkdtemp(prefix="marx-proof-"))
    folder.chmod(0o755)
    lab = Lab(folder)
    try:
        found: list[Way] = [Locally(lab.home_of("local"))] if "local" in ways else []
        if "lab" in ways:
            found.append(InTheLab(two_workers(lab, pythons)))
        yield folder, found
    finally:
        lab.stop()
        shutil.rmtree(folder, ignore_errors=True)


class Trial:
    """One program, run each way in the same folder, which is laid out anew each time."""

    def __init__(self, program: Program, python: str, folder: Path, cache: Path) -> None:
        self._program = program
        self._call = Call(folder, python, program.run, program.stdin.encode(), program.environ, program.bytecode)
        self._cache = cache
        self._standard = standard_library(python)
        self._places = {str(folder): "<folder>", str(self._standard): "<lib>", str(cache.absolute()): "<cache>"}

    def verdicts(self, plainly: Way, ways: Sequence[Way]) -> Iterator[Verdict]:
        """First whether two plain runs are alike: what is not cannot be compared with anything. Then each other way."""
        outcome, first = self.tried(plainly, None)
        again = self.tried(plainly, outcome)[1] if first.same else first
        yield again
        for way in ways if again.same else ():
            yield self.tried(way, outcome)[1]

    def tried(self, way: Way, plain: Outcome | None) -> tuple[Outcome | None, Verdict]:
        """One run, held against a ``plain`` one if there is one; no outcome where it did not end."""
        lay_out(self._program, self._call.folder, self._cache, self._standard)
        begun = time.monotonic()
        try:
            outcome = masked(way.run(self._call), self._program.masks)
            found, portions = differences(plain, outcome) if plain else self._failed(outcome), way.portions()
            portions = [replace(portion, reason=self._anywhere(portion.reason)) for portion in portions]
        except (TookTooLong, AssertionError) as error:
            outcome, found, portions = None, [str(error)], []
        return outcome, Verdict(self._program.name, way.name, time.monotonic() - begun, tuple(map(self._anywhere, found)), tuple(portions))

    def _anywhere(self, text: str) -> str:
        """The same wherever this is run: a record names no folder of the machine that made it."""
        for place, name in self._places.items():
            text = text.replace(place, name)
        return text

    def _failed(self, outcome: Outcome) -> list[str]:
        if outcome.code == self._program.code:
            return []
        return [f"it exits with {outcome.code}, not with {self._program.code}: {outcome.stderr[-400:].decode(errors='replace')}"]


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))  # so that everything is ended in order
    sys.exit(real_programs())
