"""
``python -m tests.proofs.killing``: a program with three portions, whose worker is killed again and again; what it leaves must be what plain Python leaves.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from random import Random

import click
import psutil

from tests.end_to_end.lab import Daemon, Lab, Person, wait_until
from tests.proofs.crowd import OnATerminal
from tests.proofs.killing_record import Kill, write_record
from tests.proofs.outcomes import Outcome, differences, entries, exit_code
from tests.proofs.tagged import ordered
from tests.proofs.victims import children_of, runs_program
from tests.proofs.ways import Call, patient, plain_environ, tasker_environ, tasker_words, two_workers
from tests.pythons import UserPython, found_pythons

PROGRAM = Path(__file__).with_name("killed_program.py")
#: Items of the program, and slots that they are spread over: what an item must sleep for a run of so many seconds follows.
ITEMS, SLOTS = 180, 2
STDIN = b"Ada\n"
#: Seconds beyond the program's own that the kills may cost in all.
GRACE = 900.0


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--seconds", type=click.FloatRange(min=5), default=300.0, show_default=True, help="How long the program would take undisturbed.")
@click.option("--kills", type=click.IntRange(min=1), default=10, show_default=True, help="How often its worker is killed.")
@click.option("--seed", type=int, default=None, help="Of the moments; default: others each time.")
@click.option("--python", "version", default=None, metavar="2.7|3.x", help="Default: the newest that is found here.")
@click.option("--record", type=click.Path(path_type=Path), default=None, help="The folder for a record; docs/proofs is the project's own.")
def killing(seconds: float, kills: int, seed: int | None, version: str | None, record: Path | None) -> None:
    """Kill the worker of a main program again and again, and compare what it leaves with a plain run."""
    seed = Random().randrange(10**6) if seed is None else seed
    python = [python for python in found_pythons(os.environ) if version in (None, python.name)][-1]
    with a_folder() as folder:
        plain = OnATerminal(plain_environ(folder)).run(laid_out(folder / "plain", python, pace=0.0), folder)
        done, left, took = killed_run(folder, python, seconds, kills, Random(seed))
    found = differences(ordered(plain, b""), ordered(left, b""))
    click.echo(f"seed {seed}: {len(done)} kills in {took:.0f} s, {'something' if found else 'nothing'} is different")
    if record is not None:
        write_record(record, seed, python.name, seconds, took, done, found)
    if found or len(done) < kills:
        raise click.ClickException("\n".join(found) or f"the program ended after {len(done)} kills")


@contextmanager
def a_folder() -> Iterator[Path]:
    """A new folder, gone afterwards."""
    folder = Path(tempfile.mkdtemp(prefix="marx-proof-"))
    folder.chmod(0o755)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def laid_out(folder: Path, python: UserPython, pace: float, stdin: bytes = STDIN) -> Call:
    """The program in a new folder, whose items sleep for ``pace`` seconds each."""
    folder.mkdir()
    shutil.copy(PROGRAM, folder / "prog.py")
    return Call(folder, python.path, ["prog.py", str(pace)], stdin, wanted="%d.%d.%d" % python.version)


def killed_run(folder: Path, python: UserPython, seconds: float, kills: int, random: Random) -> tuple[list[Kill], Outcome, float]:
    """The kills that were done, what the program left, and how many seconds it took."""
    lab = Lab(folder)
    try:
        person = two_workers(lab, [python.path], server=patient(lab))
        call = laid_out(folder / "killed", python, pace=seconds * SLOTS / ITEMS)
        run = Run(person, call, folder)
        killer = Killer(lab, run, python.path, sorted(random.uniform(0, seconds) for _ in range(kills)))
        try:
            killer.wait_through(seconds + GRACE)
        finally:
            run.end()
        return killer.done, run.outcome(), run.seconds()
    finally:
        lab.stop()


class Run:
    """``tasker run`` at work in a folder of its own."""

    def __init__(self, person: Person, call: Call, aside: Path) -> None:
        self._call = call
        self._streams = {name: aside / name for name in ("stdout", "stderr")}
        (aside / "stdin").write_bytes(call.stdin)
        argv = [*tasker_words(person, call), *call.words]
        with open(aside / "stdin", "rb") as given, open(self._streams["stdout"], "wb") as out, open(self._streams["stderr"], "wb") as err:
            self._process = subprocess.Popen(argv, cwd=call.folder, env=tasker_environ(person), stdin=given, stdout=out, stderr=err)
        self._begun = time.monotonic()
        self._ended: float | None = None

    def seconds(self) -> float:
        """Since it began, or from beginning to end."""
        return (self._ended or time.monotonic()) - self._begun

    def running(self) -> bool:
        """Whether it has not ended."""
        if self._process.poll() is not None and self._ended is None:
            self._ended = time.monotonic()
        return self._ended is None

    def printed(self) -> int:
        """Lines of standard output so far."""
        return self._streams["stdout"].read_bytes().count(b"\n")

    def end(self) -> None:
        """At once, if it has not ended."""
        if self.running():
            self._process.kill()
        self._process.wait()

    def outcome(self) -> Outcome:
        """What it left."""
        streams = {name: path.read_bytes() for name, path in self._streams.items()}
        return Outcome(exit_code(self._process.returncode), files=entries(self._call.folder), **streams)


class Killer:
    """Kills the worker that has the main program at each of the ``moments`` (seconds since the run began), and starts it again."""

    def __init__(self, lab: Lab, run: Run, python: str, moments: list[float]) -> None:
        self._lab = lab
        self._run = run
        self._python = python
        self._moments = moments
        self.done: list[Kill] = []

    def wait_through(self, seconds: float) -> None:
        """Until the program has ended; AssertionError after so many seconds."""
        while self._moments and self._run.running():
            moment = self._moments.pop(0)
            wait_until(lambda moment=moment: self._run.seconds() >= moment or not self._run.running(), "the moment to kill", seconds)
            found = wait_until(lambda: self._with_main_program() or not self._run.running(), "the main program to run somewhere", 120)
            if isinstance(found, Daemon):
                self._kill(found)
        wait_until(lambda: not self._run.running(), "the program to end", max(1.0, seconds - self._run.seconds()))

    def _with_main_program(self) -> Daemon | None:
        """The worker that has the main program at this moment."""
        return next((daemon for daemon in self._lab.daemons if daemon is not self._lab.server and any(map(runs_program, children_of(daemon)))), None)

    def _kill(self, worker: Daemon) -> None:
        """All of its processes at once, the youngest last; then a new one in its place."""
        doomed = [psutil.Process(worker.process.pid), *children_of(worker)]
        self.done.append(Kill(round(self._run.seconds(), 1), worker.folder.name, len(doomed), self._run.printed()))
        click.echo(f"{self.done[-1].seconds:6.1f} s: kill -9 of worker {worker.folder.name} and {len(doomed) - 1} processes below it", err=True)
        for process in doomed:
            _kill_if_there(process)
        worker.process.wait()
        self._lab.daemons.remove(worker)
        self._lab.start_worker(worker.folder.name, "--python", self._python)


def _kill_if_there(process: psutil.Process) -> None:
    try:
        process.kill()
    except psutil.NoSuchProcess:
        pass


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))  # so that everything is ended in order
    sys.exit(killing())
