"""
One runner's processes and files on the scales: what is measured of them, and what its guard says to that.
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Callable

from marx.worker.bounds import Bounds
from marx.worker.cgroups import Group
from marx.worker.conversation import Gone
from marx.worker.deaths import too_much_memory, too_much_to_load
from marx.worker.guard import Guard
from marx.worker.process import RunnerProcess
from marx.worker.usage import disk_bytes, exact_memory, measure

#: What looks closer, in a thread; what that returns is to be called afterwards.
Closer = Callable[[], Callable[[], None]]


class Scales:
    """
    ``folder``: where the task's files lie on this machine. ``group``: what holds the processes, if anything does. ``used_bytes``: of memory or
    disk, when that was too much.
    """

    def __init__(self, bounds: Bounds = Bounds(), folder: Path | None = None, group: Group = Group()) -> None:
        self.bounds = bounds
        self.guard = Guard(bounds)
        self.used_bytes = 0
        self._folder = folder
        self._group = group
        self._kills_told = 0

    def look(self, process: RunnerProcess, fence: int | None, is_paused: bool, now: float) -> tuple[str, Closer | None]:
        """
        For what the chunk at work has to end, see :meth:`Guard.judge`; and what must look closer, if anything.

        ``fence``: None while the program is loaded.
        """
        pid = process.pid if self.bounds.must_be_watched else None
        if pid is None:
            return "", None
        if is_paused:
            self.guard.reported()
        self.guard.printed(process.printed_bytes)
        if self._group.memory_kills > self._kills_told:
            # Who was killed may not have been the chunk's own process, which then waits for it in vain.
            self.guard.weighed(self._group.memory_bytes)
        usage = measure(pid)
        cause = self.guard.judge_loading() if fence is None else self.guard.judge(fence, usage, now)
        if cause:
            self.used_bytes = self.guard.scratch_bytes if cause == "scratch" else self.guard.memory_bytes
            return cause, None
        pids = usage.pids if self.guard.must_weigh(usage, now) else ()
        folder = self._folder if self.guard.must_survey(now) else None
        spared = 0 if fence is None else 1
        return "", partial(_look_closer, self.guard, pids, folder, spared) if pids or folder else None

    def was_overfull(self) -> bool:
        """Whether the system has killed somebody in there for too much memory, since this was asked before."""
        kills = self._group.memory_kills
        was_overfull, self._kills_told = kills > self._kills_told, kills
        if was_overfull:
            self.used_bytes = self._group.memory_bytes
        return was_overfull

    def explained(self, gone: Gone, was_ready: bool) -> Gone:
        """The end of a runner, which may have been killed for too much memory itself; ``was_ready``: whether its program was loaded."""
        if gone.fault or not self.was_overfull():
            return gone
        why = too_much_memory if was_ready else too_much_to_load
        return replace(gone, fault=why(self.used_bytes, self.bounds), cause="memory")


def _look_closer(guard: Guard, pids: tuple[int, ...], folder: Path | None, spared: int) -> Callable[[], None]:
    """Weigh processes, but for ``spared`` (see :func:`exact_memory`), and survey a folder; what is returned tells the guard."""
    memory_bytes = exact_memory(pids, spared=spared) if pids else None
    scratch_bytes = disk_bytes(folder) if folder is not None else None

    def tell() -> None:
        if memory_bytes is not None:
            guard.weighed(memory_bytes)
        if scratch_bytes is not None:
            guard.surveyed(scratch_bytes)

    return tell
