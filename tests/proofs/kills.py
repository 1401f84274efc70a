"""
``python -m tests.proofs.kills``: a map of many short items, while each second a random process of the lab is killed; every result and line must be right.
"""

from __future__ import annotations

import os
import shutil
import signal
import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from random import Random

import click

from tests.end_to_end.lab import Lab, Person, wait_until
from tests.proofs.killed_items import TALKING, value
from tests.proofs.killing import a_folder
from tests.proofs.kills_record import Ran, write_record
from tests.proofs.remains import remains
from tests.proofs.shows import UNREACHABLE, Show, Shows
from tests.proofs.victims import Victims
from tests.proofs.ways import patient
from tests.pythons import UserPython, found_pythons

PROGRAM = Path(__file__).with_name("killed_items.py")
WORKERS = ("one", "two", "three")
#: An item whose process is killed counts as one that died; nobody can tell that it was not its own doing.
RETRIES = 1000
#: A server that is killed again before it is well up gets nothing done: so many times what its start takes lies between two kills at least.
STARTS = 1.5
#: Seconds beyond what the items sleep in all that a run may take, and how many times as long.
GRACE, TIMES = 120.0, 10


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--items", type=click.IntRange(min=100), default=200_000, show_default=True, help="How many, of 5 ms each.")
@click.option("--every", "pause", type=click.FloatRange(min=0.05), default=1.0, show_default=True, help="Seconds between two kills; longer on a machine that needs longer to start a server.")
@click.option("--slots", type=click.IntRange(min=1), default=1, show_default=True, help="Of each of the three workers.")
@click.option("--seed", type=int, default=None, help="Of the victims; default: others each time.")
@click.option("--python", "version", default=None, metavar="2.7|3.x", help="Of the items. Default: the newest that is found here.")
@click.option("--record", type=click.Path(path_type=Path), default=None, help="The folder for a record; docs/proofs is the project's own.")
def kills(items: int, pause: float, slots: int, seed: int | None, version: str | None, record: Path | None) -> None:
    """Map many short items while server, workers, runners and taskers are killed; then the same undisturbed, and compare."""
    seed = Random().randrange(10**6) if seed is None else seed
    click.echo(f"seed {seed}")
    python = [python for python in found_pythons(os.environ) if version in (None, python.name)][-1]
    killed = ran(python, items, slots, pause, Random(seed))
    quiet = ran(python, items, slots, None, Random(seed))
    found = [*killed.found, *(f"undisturbed: {trouble}" for trouble in quiet.found)]
    click.echo(f"{sum(killed.kills.values())} kills, {killed.seconds:.0f} s, {quiet.seconds:.0f} s without: {killed.seconds / quiet.seconds:.2f} times")
    if record is not None:
        write_record(record, seed, python.name, items, slots, killed, quiet)
    if found:
        raise click.ClickException("\n".join(found))


def ran(python: UserPython, items: int, slots: int, pause: float | None, random: Random) -> Ran:
    """One map in a new lab; ``pause``: seconds between two kills, None for none."""
    with a_folder() as folder:
        lab = Lab(folder)
        try:
            person = _people(lab, python, slots)
            pause = None if pause is None else max(pause, STARTS * _start_seconds(lab))
            begun = time.monotonic()
            shows = _begin(person, folder, python, items)
            victims = Victims(lab, shows, random)
            try:
                _wait_through(shows, victims, pause, (1.0 if pause is None else max(1.0, pause)) * (GRACE + TIMES * items * 0.005 / (slots * len(WORKERS))))
            finally:
                shows.stop()
            seconds = time.monotonic() - begun
            found = [*_troubles(shows, items), *remains(lab)]
        finally:
            lab.stop()
    return Ran(seconds, pause, dict(victims.kills), len(shows.all), found)


def _people(lab: Lab, python: UserPython, slots: int) -> Person:
    lab.start_server(*patient(lab))
    for name in WORKERS:
        lab.start_worker(name, "--python", python.path, "--slots", str(slots))
    wait_until(lambda: lab.admin("workers").count("ready") == len(WORKERS), "all workers to be ready")
    return lab.person("ada")


def _start_seconds(lab: Lab) -> float:
    """How long a server that was killed takes to be there again."""
    lab.server.kill()
    lab.daemons.remove(lab.server)
    begun = time.monotonic()
    lab.start_server(*patient(lab))
    return time.monotonic() - begun


def _begin(person: Person, folder: Path, python: UserPython, items: int) -> Shows:
    shutil.copy(PROGRAM, person.work / "items.py")
    terms = ("--python", python.name, "--retries", str(RETRIES), "--range", f"0:{items}")
    return Shows(person, folder, "map", "-q", *terms, "items.py:work")


def _wait_through(shows: Shows, victims: Victims, pause: float | None, seconds: float) -> None:
    """Until the task was shown to its end; AssertionError after so many seconds."""
    begun = time.monotonic()
    turn = 0
    while shows.running:
        assert time.monotonic() < begun + seconds, f"it had not ended after {seconds:.0f} s: {victims.kills}"
        due = begun + turn * (pause or 1.0)
        wait_until(lambda due=due: time.monotonic() >= due or not shows.running, "the moment to kill")
        turn += 1
        if pause is not None and shows.running:
            victims.kill_one()


def _troubles(shows: Shows, items: int) -> Iterator[str]:
    """What is wrong with what any of the taskers showed."""
    values = b"".join(b'{"index": %d, "value": %d}\n' % (item, value(item)) for item in range(items))
    last = shows.all[-1]
    if last.process.returncode != 0:
        yield f"the last tasker ended with {last.process.returncode}: {last.err.read_bytes()[-1000:]!r}"
    if last.out.read_bytes() != values:
        yield f"{last.out.name} is not what it should be"
    for show in shows.all:
        said = show.out.read_bytes()
        if not values.startswith(said):
            at = len(os.path.commonprefix([said, values]))
            yield f"{show.out.name} is wrong from byte {at} on: {said[at : at + 120]!r} instead of {values[at : at + 120]!r}"
        yield from _wrong_lines(show, items, is_whole=show is last)


def _wrong_lines(show: Show, items: int, is_whole: bool) -> Iterator[str]:
    lines = show.err.read_bytes().split(b"\n") if show.process.returncode != UNREACHABLE else []
    if not is_whole:
        lines[-1:] = []  # it may have been killed in the middle of that one, or before it has ended for want of a server
        lines = [line for line in lines if not line.startswith(b"tasker: no connection: ")]
    counted = Counter(lines) - Counter([b""])
    wanted = Counter(b"item %d %b" % (item, what) for item in range(0, items, TALKING) for what in (b"begins", b"ends"))
    for line, count in (counted - wanted).items():
        yield f"{show.err.name}: {line!r} is there {counted[line]} times instead of {wanted[line]}"
    if is_whole:
        yield from (f"{show.err.name}: {line!r} is not there" for line in wanted - counted)
    places = {line: place for place, line in enumerate(lines)}
    for item in range(0, items, TALKING):
        begins, ends = places.get(b"item %d begins" % item), places.get(b"item %d ends" % item)
        if ends is not None and (begins is None or begins > ends):
            yield f"{show.err.name}: item {item} ends before it begins"


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))  # so that everything is ended in order
    sys.exit(kills())
