"""
``python -m tests.proofs.chaos``: maps and programs, one after the other, in a lab to which whatever can happen does; every outcome must be right.
"""

from __future__ import annotations

import os
import shutil
import signal
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

import click

from tests.end_to_end.lab import Lab, Person, wait_until
from tests.proofs.chaos_record import Course, write_record
from tests.proofs.crowd import OnATerminal
from tests.proofs.jobs import Items, Job, Program, Work
from tests.proofs.killing import a_folder, laid_out
from tests.proofs.outcomes import Outcome
from tests.proofs.relay import Relay
from tests.proofs.remains import remains
from tests.proofs.trouble import Trouble
from tests.proofs.ways import LOSSES, plain_environ
from tests.pythons import UserPython, found_pythons
from tests.source import CHECKOUT

#: The files of a lab in which something was found, by seed.
KEPT = CHECKOUT / "build" / "proofs" / "chaos"
WORKERS = ("one", "two", "three")
#: Tasks at a time.
AT_ONCE = 3
#: Seconds that the last tasks may take once everything is mended: a main program waits 45 s for a worker that does not come back.
GRACE = 400.0


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--minutes", type=click.FloatRange(min=0.1), default=10.0, show_default=True, help="How long there is trouble.")
@click.option("--seed", type=int, default=None, help="Of the trouble; default: others each time.")
@click.option("--every", "pause", type=click.FloatRange(min=0.05), default=1.0, show_default=True, help="Seconds between two troubles, on average.")
@click.option("--record", type=click.Path(path_type=Path), default=None, help="The folder for a record; docs/proofs is the project's own.")
def chaos(minutes: float, seed: int | None, pause: float, record: Path | None) -> None:
    """Kill, stop, cut, delay and restart everything at random under a mix of maps and programs."""
    seed = Random().randrange(10**6) if seed is None else seed
    click.echo(f"seed {seed}")
    pythons = _pythons()
    with a_folder() as folder, lab_behind_a_relay(folder, pythons) as (lab, relay, person):
        stage = Stage(lab, relay, person, pythons, Random(seed))
        try:
            stage.play(60 * minutes, pause)
        finally:
            stage.end()
        found = [*stage.found, *remains(lab)]
        if found:
            kept = _kept(folder, seed)
    course = Course(minutes, pause, dict(stage.trouble.done), stage.ended, len(found))
    click.echo(course.sentence())
    if record is not None:
        write_record(record, seed, [python.name for python in pythons], course, found)
    if found:
        raise click.ClickException("\n".join([*found, f"the lab's logs, state and jobs are in {kept}"]))


def _kept(folder: Path, seed: int) -> Path:
    """Where the lab's files are put for whoever looks for the reason."""
    kept = KEPT / str(seed)
    shutil.rmtree(kept, ignore_errors=True)
    shutil.copytree(folder, kept, symlinks=True, ignore=lambda _, names: [name for name in names if name.endswith(".sock")], ignore_dangling_symlinks=True)
    return kept


def _pythons() -> Sequence[UserPython]:
    """The oldest and the newest: 2.7 where it is there."""
    found = found_pythons(os.environ)
    return (found[0], found[-1]) if len(found) > 1 else found


@contextmanager
def lab_behind_a_relay(folder: Path, pythons: Sequence[UserPython]) -> Iterator[tuple[Lab, Relay, Person]]:
    """A lab whose workers and taskers reach the server over a wire that can be cut."""
    relay, lab = Relay(), Lab(folder)
    lab.address = f"127.0.0.1:{relay.port}"
    try:
        (folder / "server.toml").write_text(f'[leases]\nitem_losses = {LOSSES}\nlease = "20s"\nheartbeat = "5s"\nsilent_after = "15s"\n')
        lab.start_server("--config", str(folder / "server.toml"))
        relay.target = int((lab.state / "port").read_text())
        (folder / "worker.toml").write_text('[limits]\ndrain = "3s"\n')
        named = [word for python in pythons for word in ("--python", python.path)]
        for name in WORKERS:
            lab.start_worker(name, "--config", str(folder / "worker.toml"), *named)
        wait_until(lambda: lab.admin("workers").count("ready") == len(WORKERS), "all workers to be ready")
        yield lab, relay, lab.person("ada")
    finally:
        lab.stop()
        relay.stop()


@dataclass
class Stage:
    """The lab, its trouble, and the jobs in it. ``ended``: how many jobs did; ``found``: whatever was wrong."""

    lab: Lab
    relay: Relay
    person: Person
    pythons: Sequence[UserPython]
    random: Random
    trouble: Trouble = field(init=False)
    jobs: list[Job] = field(default_factory=list)
    ended: int = 0
    found: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.trouble = Trouble(self.lab, self.relay, self.random)
        self._plain = {python.name: self._run_plainly(python) for python in self.pythons}
        self._begun = 0

    def play(self, seconds: float, pause: float) -> None:
        """Trouble for so many seconds, then peace until everything has ended."""
        until = time.monotonic() + seconds
        next_at = time.monotonic()
        while time.monotonic() < until:
            while len(self.jobs) < AT_ONCE:
                self._begin()
            next_at += self.random.expovariate(1 / pause)
            wait_until(lambda due=next_at: self._step() or time.monotonic() >= due, "the next trouble", seconds + 60)
            self.trouble.make(self.jobs)
        self.trouble.mend()
        try:
            wait_until(lambda: self._step() or not self.jobs, "the last tasks to end", GRACE)
        except AssertionError as error:
            self.found += [f"{error}: {', '.join(map(str, self.jobs))}", *(self._shown(job) for job in self.jobs)]

    def end(self) -> None:
        """Leave no tasker behind."""
        self.trouble.mend()
        for job in self.jobs:
            job.end()

    def _step(self) -> bool:
        """Look after everything; always False."""
        self.trouble.look()
        self.found += self.trouble.found
        self.trouble.found.clear()
        for job in list(self.jobs):
            job.step()
            if job.is_over:
                self.jobs.remove(job)
                self.ended += 1
                self.found += [f"{job}: {wrong}" for wrong in job.wrong]
                if job.wrong:
                    self.found.append(self._shown(job))
                for wrong in job.wrong:
                    click.echo(f"{job}: {wrong}", err=True)
        return False

    def _begin(self) -> None:
        self._begun += 1
        folder = self.lab.home_of("ada") / f"job-{self._begun}"
        folder.mkdir()
        self.jobs.append(Job(self.person, folder, self._draw()))

    def _draw(self) -> Work:
        python = self.random.choice(self.pythons)
        if self.random.random() < 0.5:
            return Items(python, self.random.randrange(100, 2000))
        return Program(python, self._plain[python.name])

    def _run_plainly(self, python: UserPython) -> Outcome:
        aside = self.lab.home_of("plain")
        call = laid_out(aside / python.name, python, pace=0.0, stdin=b"")
        return OnATerminal(plain_environ(aside)).run(call, aside)

    def _shown(self, job: Job) -> str:
        return self.person.tasker("show", job.task, expect=None).out.decode() if job.task else "not submitted"


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))  # so that everything is ended in order
    sys.exit(chaos())
