"""
What a lab should have no trace of once its tasks have ended: leases, reports, processes, temporary files.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import psutil

from tests.end_to_end.lab import Daemon, Lab, wait_until

#: Seconds that a lab may take to tidy up after a task: a runner that is told to go has ten for each rung of the ladder.
TIDYING = 60.0


def remains(lab: Lab) -> Iterator[str]:
    """Whatever is left of tasks that have all ended, once the lab had time to tidy up; one sentence each."""
    try:
        wait_until(lambda: not list(_left(lab)), "the lab to tidy up", TIDYING)
    except AssertionError:
        yield from _left(lab)


def _left(lab: Lab) -> Iterator[str]:
    for daemon in lab.daemons:
        yield from _incoming(daemon) if daemon is lab.server else _of_worker(lab, daemon)
    yield from _strays(lab)


def _of_worker(lab: Lab, worker: Daemon) -> Iterator[str]:
    state = state_of(worker)
    try:
        status = json.loads(lab.admin_of(state, "status", "--json"))
    except Exception as error:
        yield f"worker {worker.folder.name} does not answer its owner: {error}"
        return
    for what in ("leases", "unanswered"):
        if status[what]:
            yield f"worker {worker.folder.name} still has {status[what]} {what}"
    for folder in ("slots", "outgoing"):
        yield from (f"{path} is left over" for path in _below(state / folder))
    for process in psutil.Process(worker.process.pid).children(recursive=True):
        yield f"process {_described(process)} still runs below worker {worker.folder.name}"


def _incoming(server: Daemon) -> Iterator[str]:
    yield from (f"{path} is left over" for path in _below(state_of(server) / "blobs" / "incoming"))


def _below(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if not path.is_dir()] if folder.exists() else []


def _strays(lab: Lab) -> Iterator[str]:
    """Processes that have something of the lab's folder in their words, and are no daemon of it."""
    own = {daemon.process.pid for daemon in lab.daemons}
    for process in psutil.process_iter(["cmdline", "cwd"]):
        words = [*(process.info["cmdline"] or ()), process.info["cwd"] or ""]
        if process.pid not in own and any(str(lab.folder) in word for word in words):
            yield f"process {_described(process)} still runs"


def _described(process: psutil.Process) -> str:
    try:
        return f"{process.pid} ({' '.join(process.cmdline())[:200]})"
    except psutil.Error:
        return str(process.pid)


def state_of(daemon: Daemon) -> Path:
    """A daemon's state folder."""
    return Path(daemon.argv[daemon.argv.index("--state") + 1])
