"""The hold that a worker has on one runner's processes: which pid to signal, and how to be sure that all are gone.

A sandbox is a pid namespace: when its process 1 dies (the runner, or under root's recipe bubblewrap's own) the kernel
kills everything in there, also what made sessions of its own or ignores every signal, and bubblewrap's monitor, the
child that the worker spawned, exits only after that (measured: 4 ms). There is a moment in which it is otherwise: process 1
of bubblewrap 0.8.0 begins by waiting to be told that its user is set up, and if the monitor is killed before it has said
so, it waits for ever. Without a sandbox there is the process group and the tree of parents and children, which a program
that wants to can leave.
"""

import json
import os
import signal
from typing import Protocol

import psutil

LONGEST_REPORT = 64 * 1024
"""Bytes; bubblewrap writes about 200."""

BUBBLEWRAP = "bwrap"
"""What its processes are called."""

FREEZE_ROUNDS = 10
"""A tree that still grows after so many looks is forking faster than it can be stopped; what is known is killed."""


class Grip(Protocol):
    """What `stopping.Stopping` needs to be able to do to a runner. Nothing here raises if the process is gone."""

    def hear(self, report: bytes) -> None:
        """Take bytes from descriptor 6, if the Launch had one."""

    def terminate(self) -> None:
        """SIGTERM to the runner and to what shares its process group."""

    def kill(self) -> None:
        """SIGKILL, so that every process of the runner goes."""

    def sweep(self) -> None:
        """SIGKILL by the remaining means, for when `kill` did not end it."""

    def clear_up(self) -> None:
        """To be called once, when the spawned process has been reaped: end what it left running."""


class InfoPid:
    """Reads bubblewrap's `--info-fd`, which arrives in pieces, for the host's pid of the sandbox's process 1."""

    def __init__(self) -> None:
        self._received = b""
        self.pid: int | None = None

    def feed(self, report: bytes) -> int | None:
        """Take some bytes; the pid as soon as it is known, and None for a report that is no JSON object of bounded size."""
        self._received = (self._received + report)[: LONGEST_REPORT + 1]
        if self.pid is None and self._received.rstrip().endswith(b"}"):
            self.pid = _child_pid(self._received)
        return self.pid


def _child_pid(report: bytes) -> int | None:
    try:
        pid = json.loads(report)["child-pid"]
    except (ValueError, KeyError, TypeError):
        return None
    return pid if isinstance(pid, int) and pid > 1 else None


class SandboxGrip:
    """On a runner inside bubblewrap; `monitor` is the pid of the bwrap that was spawned."""

    def __init__(self, monitor: int) -> None:
        self._monitor = monitor
        self._inside = InfoPid()

    def hear(self, report: bytes) -> None:
        """Learn the pid of the sandbox's process 1."""
        self._inside.feed(report)

    def terminate(self) -> None:
        """SIGTERM to the group of process 1, in which the runner is; a process 1 without a handler does not notice."""
        if self._holds_inside():
            _signal_group(self._inside.pid, signal.SIGTERM)

    def kill(self) -> None:
        """SIGKILL to process 1, or to the monitor as long as that is all we know."""
        if self._holds_inside():
            _signal(self._inside.pid, signal.SIGKILL)
        else:
            self.sweep()

    def sweep(self) -> None:
        """SIGKILL to the monitor; the sandbox dies with it."""
        _signal(self._monitor, signal.SIGKILL)

    def clear_up(self) -> None:
        """SIGKILL to what is left of the monitor's group: a process 1 that waits for it in vain."""
        _signal_group(self._monitor, signal.SIGKILL)

    def _holds_inside(self) -> bool:
        """Whether the pid is still our sandbox's: numbers are given out again once the monitor has reaped it."""
        if self._inside.pid is None:
            return False
        try:
            return psutil.Process(self._inside.pid).ppid() == self._monitor
        except psutil.Error:
            return False


class TreeGrip:
    """On a runner without a sandbox: its process group, and its tree of children as far as they kept to it."""

    def __init__(self, pid: int) -> None:
        self._pid = pid

    def hear(self, report: bytes) -> None:
        """There is no such descriptor at this level."""

    def terminate(self) -> None:
        """SIGTERM to the group, or to the runner alone if it leads none."""
        if not _signal_group(self._pid, signal.SIGTERM):
            _signal(self._pid, signal.SIGTERM)

    def kill(self) -> None:
        """Stop the tree, so that it cannot grow while it is read, then SIGKILL all of it and the group."""
        for process in _frozen_tree(self._pid):
            _signal(process.pid, signal.SIGKILL)
        _signal_group(self._pid, signal.SIGKILL)

    def sweep(self) -> None:
        """The same once more: a child may have been between two parents."""
        self.kill()

    def clear_up(self) -> None:
        """SIGKILL to what is left of the group; a child that left it is out of reach now."""
        _signal_group(self._pid, signal.SIGKILL)


def end_orphans(script: str) -> int:
    """SIGKILL to every process 1 whose monitor was killed together with its worker, before it began to run ``script``; how many there were."""
    sandboxes = [process for process in psutil.process_iter(["name"]) if process.info["name"] == BUBBLEWRAP]
    orphans = [each.pid for each in sandboxes if _is_sandbox(each.pid, script) and _is_first(each.pid) and not _has_monitor(each, script)]
    return sum([_signal(pid, signal.SIGKILL) for pid in orphans])


def _is_sandbox(pid: int, script: str) -> bool:
    """Whether that is bubblewrap, its monitor or its process 1; so is what cannot be looked at."""
    try:
        words = psutil.Process(pid).cmdline()
    except psutil.NoSuchProcess:
        return False
    except psutil.Error:
        return True
    return bool(words) and os.path.basename(words[0]) == BUBBLEWRAP and script in words


def _is_first(pid: int) -> bool:
    """Whether it is process 1 of a pid namespace within ours."""
    numbers = _numbers(pid)
    return len(numbers) > len(_numbers(os.getpid())) and numbers[-1] == "1"


def _numbers(pid: int) -> list[str]:
    """What a process is called in each pid namespace, from ours inwards; nothing if it is gone."""
    try:
        with open(f"/proc/{pid}/status") as status:
            return next((line.split()[1:] for line in status if line.startswith("NSpid:")), [])
    except OSError:
        return []


def _has_monitor(process: psutil.Process, script: str) -> bool:
    """Whether it is not alone; one that has gone meanwhile is nobody's orphan."""
    try:
        return _is_sandbox(process.ppid(), script)
    except psutil.Error:
        return True


def _frozen_tree(pid: int) -> list[psutil.Process]:
    known: dict[int, psutil.Process] = {}
    for _ in range(FREEZE_ROUNDS):
        fresh = [process for process in _tree(pid) if process.pid not in known]
        if not fresh:
            break
        for process in fresh:
            known[process.pid] = process
            _signal(process.pid, signal.SIGSTOP)
    return list(known.values())


def _tree(pid: int) -> list[psutil.Process]:
    try:
        root = psutil.Process(pid)
        return [root, *root.children(recursive=True)]
    except psutil.Error:
        return []


def _signal(pid: int, number: int) -> bool:
    try:
        os.kill(pid, number)
    except (ProcessLookupError, PermissionError):
        return False
    return True


def _signal_group(leader: int, number: int) -> bool:
    """False if `leader` leads no group. It is never the worker's own: no new pid equals the number of a living group."""
    try:
        os.killpg(leader, number)
    except (ProcessLookupError, PermissionError):
        return False
    return True
