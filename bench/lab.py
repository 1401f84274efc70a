"""
The lab that is measured: a server with its durable store and TLS, one worker with two slots, somebody who has logged in; all warm.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Iterator

from bench import programs
from bench.peer import WORKERS
from bench.usage import Spent, adopt_orphans, bury, has_children, spent_by
from tests.end_to_end.lab import Daemon, Lab, Person, wait_until
from tests.pythons import found_pythons

#: Seconds that one run of the client may take.
CLIENT_SECONDS = 600.0
#: An interpreter of Python 2.7, None where this machine has none.
OLD_PYTHON = next((python.path for python in found_pythons(os.environ) if python.version[0] == 2), None)


@dataclass(frozen=True, slots=True)
class Taken:
    """What one run of the client took. ``seconds``: of the map, or of each item; ``size``: bytes of results."""

    seconds: tuple[float, ...]
    count: int
    size: int
    lines: int
    spent: Spent


class BenchLab(Lab):
    """``profiled``: the daemon, by name ("server", "worker"), that runs under cProfile; its statistics are in ``profile`` once it stopped."""

    def __init__(self, folder: Path, profiled: str = "") -> None:
        super().__init__(folder)
        self.profile = folder / "profile"
        self._profiled = profiled
        self.worker: Daemon | None = None
        self.client: Person

    def begin(self) -> None:
        """Start the server, and let somebody log in who has the programs."""
        self.start_server()
        self.client = self.person("client")
        shutil.copy(programs.__file__, self.client.work)

    def begin_work(self) -> None:
        """Start the worker, and run a first map."""
        adopt_orphans()
        sandbox = () if shutil.which("bwrap") else ("--sandbox", "none", "--users", "client")
        pythons = [option for python in (sys.executable, OLD_PYTHON) if python for option in ("--python", python)]
        self.worker = self.start_worker("worker", "--slots", str(WORKERS), *pythons, *sandbox)
        wait_until(lambda: self.worker.running() and "ready" in self.admin("workers"), "a worker that is ready")
        self.run("map_all", "square", range=1000, check=True)

    def run(self, scenario: str, function: str, **job: Any) -> Taken:
        """One run of :mod:`bench.client`; keyword arguments are its JOB's."""
        argv = [sys.executable, "-m", "bench.client", json.dumps({"scenario": scenario, "function": function, **job})]
        around = self.installation.environment(self.client.home, MARX_HOME=str(self.client.home / "marx"), MARX_LOG=str(self.folder / "client.log"))
        before = self._spent()
        ended = subprocess.run(argv, cwd=self.client.work, env=around, stdout=subprocess.PIPE, timeout=CLIENT_SECONDS)
        if ended.returncode:
            raise RuntimeError(f"the client ended with {ended.returncode}; {self.folder / 'client.log'} says more:\n{self.last_words()}")
        taken = json.loads(ended.stdout)
        self._settle()
        seconds = tuple(taken.pop("seconds"))
        spent = replace(self._spent().since(before), wall=sum(seconds), client=taken.pop("client"))
        return Taken(seconds, spent=spent, **taken)

    def last_words(self) -> str:
        """The last lines of every log."""
        logs = sorted(self.folder.glob("*.log"))
        return "\n".join(f"--- {log.name}\n" + "\n".join(log.read_text(errors="replace").splitlines()[-15:]) for log in logs)

    def _settle(self) -> None:
        """Until the runners have ended, so that they are in the account and the next run begins with an idle machine."""
        own = [daemon.process.pid for daemon in self.daemons]
        if self.worker is not None:
            wait_until(lambda: not has_children(self.worker.process.pid), "the runners to end")
        bury(own)

    def _spent(self) -> Spent:
        return spent_by(self.server.process.pid, self.worker.process.pid if self.worker else None)

    def _daemon(self, argv: list[str], name: str, user: int | None = None, folder: Path | None = None) -> Daemon:
        if name == self._profiled:
            argv = [sys.executable, "-m", "bench.profiled", str(self.profile), *argv[1:]]
        return super()._daemon(argv, name, user, folder)


@contextmanager
def lab_in_a_new_folder(profiled: str = "") -> Iterator[BenchLab]:
    """A lab with nothing started yet, below the system's folder for temporary files; all of it is gone afterwards."""
    folder = Path(tempfile.mkdtemp(prefix="marx-bench-"))
    folder.chmod(0o755)
    lab = BenchLab(folder, profiled)
    try:
        yield lab
    finally:
        lab.stop()
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def warm_lab(profiled: str = "") -> Iterator[BenchLab]:
    """A lab that has run its first map."""
    with lab_in_a_new_folder(profiled) as lab:
        lab.begin()
        lab.begin_work()
        yield lab
