"""
Processor time and memory of the lab's processes, as the kernel counts them (in steps of 10 ms).
"""

from __future__ import annotations

import ctypes
import os
from dataclasses import astuple, dataclass
from pathlib import Path
from statistics import mean
from typing import Collection, Sequence

import psutil

#: See prctl(2).
PR_SET_CHILD_SUBREAPER = 36


@dataclass(frozen=True, slots=True)
class Spent:
    """Seconds: of the clock (``wall``), else of a processor. ``runners``: the sandboxes and all that ran in them."""

    wall: float = 0.0
    server: float = 0.0
    server_threads: float = 0.0
    worker: float = 0.0
    worker_threads: float = 0.0
    runners: float = 0.0
    client: float = 0.0

    def since(self, earlier: Spent) -> Spent:
        """What was spent after ``earlier``."""
        return Spent(*(now - then for now, then in zip(astuple(self), astuple(earlier))))

    @property
    def processor(self) -> float:
        """Processor seconds, all together."""
        return sum(astuple(self)) - self.wall


def mean_of(spent: Sequence[Spent]) -> Spent:
    """The mean of several runs."""
    return Spent(*map(mean, zip(*map(astuple, spent))))


def spent_by(server: int, worker: int | None) -> Spent:
    """What the daemons with these process ids have spent so far. Runners count once they have ended and :func:`bury` was called."""
    own, threads = _own(server)
    if worker is None:
        return Spent(server=own, server_threads=threads)
    worker_own, worker_threads = _own(worker)
    times = psutil.Process(worker).cpu_times()
    ended = times.children_user + times.children_system + sum(_buried)
    return Spent(server=own, server_threads=threads, worker=worker_own, worker_threads=worker_threads, runners=ended)


def _own(pid: int) -> tuple[float, float]:
    """Of the main thread, where the reactor runs, and of all others, those that have ended included."""
    process = psutil.Process(pid)
    times = process.cpu_times()
    main = sum(thread.user_time + thread.system_time for thread in process.threads() if thread.id == pid)
    return main, max(0.0, times.user + times.system - main)


#: Processor seconds of the orphans that were buried.
_buried: list[float] = []


def adopt_orphans() -> None:
    """
    Become the parent of what loses its own. bubblewrap's outer process ends without waiting for the inner one, whose account, that of the
    runner, would else be lost with it.
    """
    if ctypes.CDLL(None, use_errno=True).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0):
        raise OSError(ctypes.get_errno(), "prctl")


def bury(own: Collection[int]) -> None:
    """Wait for the adopted that have ended, and keep their accounts; ``own``: the process ids of children that somebody else waits for."""
    for child in psutil.Process().children():
        if child.pid not in own and child.status() == psutil.STATUS_ZOMBIE:
            _, _, used = os.wait4(child.pid, 0)
            _buried.append(used.ru_utime + used.ru_stime)


def has_children(pid: int) -> bool:
    """Whether it has any now."""
    return bool(psutil.Process(pid).children())


def memory_of(pid: int) -> int:
    """Bytes in memory now."""
    return psutil.Process(pid).memory_info().rss


def peak_of(pid: int) -> int:
    """The most bytes that it had in memory since :func:`forget_peak`, or since its start."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM:"))


def forget_peak(pid: int) -> None:
    """Let :func:`peak_of` begin anew (5: see proc(5), clear_refs)."""
    Path(f"/proc/{pid}/clear_refs").write_text("5")
