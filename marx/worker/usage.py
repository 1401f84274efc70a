"""
What a runner and the processes below it use: looked at from outside, so that no program can deny it.

Reading costs about 40 µs for each process. Pages that forked processes share are counted once for each by that; where the sum is above a
limit, `exact_memory` asks for each process's share instead, which takes the kernel about 100 ms for each GB: a thread's work, now and then.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

_TICK = 1.0 / os.sysconf("SC_CLK_TCK")
_PAGE = os.sysconf("SC_PAGE_SIZE")
#: What a file, folder or link counts at least, however little is in it: a disk of ext4 has room for one for each so many bytes.
LEAST_FILE_BYTES = 16 << 10
#: Processes of one runner that are looked at; who makes more is bounded by other limits.
MOST = 2000


@dataclass(frozen=True, slots=True)
class Usage:
    """Of a whole tree. ``cpu_seconds``: of processes that are there and of those that they have waited for. ``pids``: who was counted."""

    cpu_seconds: float = 0.0
    memory_bytes: int = 0
    pids: tuple[int, ...] = ()


def measure(root: int, proc: Path = Path("/proc")) -> Usage:
    """The tree below ``root``, itself included. Processes that go meanwhile count as far as they were seen."""
    seconds, pages, seen = 0.0, 0, []
    waiting = [root]
    while waiting and len(seen) < MOST:
        pid = waiting.pop()
        try:
            # Behind the name in parentheses, which may hold anything, from the state on.
            fields = (proc / str(pid) / "stat").read_bytes().rpartition(b")")[2].split()
            waiting += _children(proc / str(pid))
        except OSError:
            continue
        seen.append(pid)
        seconds += sum(map(int, fields[11:15])) * _TICK
        pages += int(fields[21])
    return Usage(seconds, pages * _PAGE, tuple(seen))


def exact_memory(pids: tuple[int, ...], proc: Path = Path("/proc"), spared: int = 1) -> int:
    """
    Bytes of these processes together, parents before children; of shared pages each one's share.

    The first that does not let us look is the runner, and is left out: ``spared``, 0 while it loads the program. Whoever else hides counts
    with all that it holds: a program must not get more by closing its memory.
    """
    shares = [_share(proc / str(pid)) for pid in pids]
    hidden = [pid for pid, share in zip(pids, shares, strict=True) if share is None]
    return sum(filter(None, shares)) + sum(_resident(proc / str(pid)) for pid in hidden[spared:])


def disk_bytes(folder: Path) -> int:
    """What the files below a folder take of the disk, of its bytes or of its places for files; links are not followed. Waits for the disk."""
    total, waiting = 0, [str(folder)]
    while waiting:
        try:
            with os.scandir(waiting.pop()) as entries:
                for entry in entries:
                    total += max(LEAST_FILE_BYTES, entry.stat(follow_symlinks=False).st_blocks * 512)
                    if entry.is_dir(follow_symlinks=False):
                        waiting.append(entry.path)
        except OSError:
            continue
    return total


def _children(process: Path) -> list[int]:
    found = []
    for thread in os.listdir(process / "task"):
        try:
            found += [int(pid) for pid in (process / "task" / thread / "children").read_bytes().split()]
        except OSError:
            continue
    return found


def _share(process: Path) -> int | None:
    """None of a process that is there and does not let us look."""
    try:
        lines = (process / "smaps_rollup").read_bytes().splitlines()
    except PermissionError:
        return None
    except OSError:
        return 0
    return sum(int(line.split()[1]) << 10 for line in lines if line.startswith(b"Pss:"))


def _resident(process: Path) -> int:
    try:
        return int((process / "statm").read_bytes().split()[1]) * _PAGE
    except (OSError, IndexError):
        return 0
