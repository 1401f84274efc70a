"""
Where a process stands in the system's cgroups, read from what /proc says of it. Pure.

Version 1 has a tree of groups for each controller, version 2 one tree for all. A machine can have both, and then a controller is in one of
them. The files of a tree are seen below where it is mounted, if the group itself is.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Iterator

#: What a group has to bound.
CONTROLLERS = ("memory", "pids")
#: How version 2, which names no controllers there, is called among the trees.
_UNIFIED = ""


class NoCgroups(Exception):
    """The text says why, as the end of a sentence for the worker's owner."""


@dataclass(frozen=True, slots=True)
class Place:
    """A process's own groups: the folder that counts its memory, and the one that counts processes, which is the same in version 2."""

    version: int
    memory: Path
    pids: Path


def find_place(cgroup: str, mountinfo: str) -> Place:
    """From /proc/PID/cgroup and /proc/PID/mountinfo. Raises :class:`NoCgroups`."""
    own, mounts = dict(_own_groups(cgroup)), dict(_mounts(mountinfo))
    version = 1 if all(name in own for name in CONTROLLERS) else 2
    memory, pids = (_seen(own.get(tree), mounts.get(tree)) for tree in (CONTROLLERS if version == 1 else (_UNIFIED, _UNIFIED)))
    if memory is None or pids is None:
        raise NoCgroups("no cgroups that count memory and processes are mounted here")
    return Place(version, memory, pids)


def _own_groups(cgroup: str) -> Iterator[tuple[str, str]]:
    for line in cgroup.splitlines():
        _, names, path = line.split(":", 2)
        for name in names.split(","):
            yield name, path


def _mounts(mountinfo: str) -> Iterator[tuple[str, tuple[str, str]]]:
    for line in mountinfo.splitlines():
        before, _, after = line.partition(" - ")
        kind, _, options = after.split(" ", 2)
        root, point = (_plain(word) for word in before.split()[3:5])
        if kind == "cgroup2":
            yield _UNIFIED, (root, point)
        elif kind == "cgroup":
            for name in options.split(","):
                yield name, (root, point)


def _plain(word: str) -> str:
    """Blanks and the like are written as octal numbers there."""
    return re.sub(r"\\([0-7]{3})", lambda found: chr(int(found[1], 8)), word)


def _seen(path: str | None, mount: tuple[str, str] | None) -> Path | None:
    if path is None or mount is None:
        return None
    root, point = mount
    below = os.path.relpath(path, root)
    return None if below.startswith("..") else Path(os.path.normpath(os.path.join(point, below)))
