"""
A cgroup for each runner that has bounds, in which the system holds memory and processes of all that is in there together.

What watching cannot see counts there too: files that are memory (memfd, /dev/shm), and what is taken between two looks. The groups lie
below the worker's own. In version 2 a group with processes cannot have bounded ones below it, so the worker moves into one itself:

    .../marx-worker.service/                         the worker's own: must be its user's, with nobody else in it
    .../marx-worker.service/marx-1f2e3d4c/worker     where the worker goes
    .../marx-worker.service/marx-1f2e3d4c/0          a runner

Whether all of this is so is found out by :mod:`marx.worker.containing`; where it is not, :class:`Groups` makes groups that hold nobody.
"""

from __future__ import annotations

import errno
import hashlib
import itertools
import os
import signal
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Iterator, Sequence

from marx.worker.bounds import Bounds
from marx.worker.cgroup_places import CONTROLLERS, NoCgroups, Place
from marx.worker.launch import Launch

#: What the runner, the sandbox and the kernel for them take beside the program, which alone is bounded. A runner is 10 to 30 MB.
BESIDE_BYTES = 32 << 20
#: The same in processes: bubblewrap's two, the runner, and what starts them.
BESIDE_PROCESSES = 8
#: What a group that is full may lack: memory is counted in portions for each processor.
NEARLY_BYTES = 4 << 20
#: Puts the process itself into the groups before it becomes the runner: whoever is moved later leaves behind what it has forked.
ENTER = 'until [ "$1" = -- ]; do echo 0 >"$1" || exit 71; shift; done; shift; exec "$@"'
#: Looks at who is in a group that is to go; it cannot grow meanwhile.
KILL_ROUNDS = 3
#: Where the worker itself goes, in version 2.
LEAF = "worker"
#: The file in the worker's state that names the folders of its groups, for a later daemon that stands elsewhere.
RECORD = "cgroups"


class Group:
    """Of one runner. This one holds nobody: its runner is only watched. ``memory_bytes``: what may be in it, 0 where that is not held."""

    memory_bytes = 0

    def around(self, launch: Launch) -> Launch:
        """The same command, run inside."""
        return launch

    @property
    def memory_kills(self) -> int:
        """So many processes were killed since they wanted more memory than there may be; to be asked at any time."""
        return 0

    def remove(self) -> None:
        """The runner is gone: end what it left in there, and the group."""


class Groups:
    """Makes the groups of this worker's runners."""

    def make(self, bounds: Bounds) -> Group:
        """For one runner. Raises OSError."""
        return Group()

    def close(self) -> None:
        """No runner is left: remove what can be removed."""


class Cgroup(Group):
    """``folders``: its folder in each tree that has one, the one that counts memory first. ``left``: where folders go that cannot be removed yet."""

    def __init__(self, version: int, folders: Sequence[Path], memory_bytes: int, left: list[Path]) -> None:
        self.memory_bytes = memory_bytes
        self._version = version
        self._folders = folders
        self._left = left
        self._kills = 0
        self._events = str(folders[0] / ("memory.oom_control" if version == 1 else "memory.events"))

    def around(self, launch: Launch) -> Launch:
        """By a shell, which takes 0.7 ms."""
        doors = [os.fsencode(folder / "cgroup.procs") for folder in self._folders]
        return replace(launch, argv=[b"/bin/sh", b"-c", ENTER.encode(), b"marx", *doors, b"--", *launch.argv])

    @property
    def memory_kills(self) -> int:
        """A kill for the machine's own want of memory counts only if the group was full, too. The last count stays when it is removed."""
        if self.memory_bytes:
            with suppress(OSError):
                counts = _counts(self._events)
                kills = counts.get("oom_kill", 0)
                self._kills = kills if kills and self._was_full(counts) else 0
        return self._kills

    def remove(self) -> None:
        """Who was killed in there may take its time; then it is tried again when the next group is made."""
        self._kills = self.memory_kills
        self._left += _not_removed(self._folders)
        for folder in self._folders:
            with suppress(OSError):
                folder.parent.rmdir()  # a worker that is killed without a runner leaves nothing

    def _was_full(self, counts: dict[str, int]) -> bool:
        if self._version == 2:
            return counts.get("oom", 0) > 0
        # memory.failcnt stays 0 in newer kernels.
        most = int((self._folders[0] / "memory.max_usage_in_bytes").read_text())
        return most > self.memory_bytes - NEARLY_BYTES


class Cgroups(Groups):
    """
    Below ``place``, in folders named after the worker's state ``folder``, so that a later daemon finds what was left. In version 1 they are
    there only while runners are; in version 2 this process is moved into one.
    """

    def __init__(self, place: Place, folder: Path) -> None:
        name = "marx-" + hashlib.sha256(bytes(folder.resolve())).hexdigest()[:8]
        self.version = place.version
        self._left: list[Path] = []
        self._parents = list(dict.fromkeys([place.memory / name, place.pids / name]))
        self._numbers = itertools.count()
        self._sweep(folder / RECORD, name)
        if place.version == 1:
            for parent in self._parents:
                _make(parent)
        else:
            _divide(place.memory, self._parents[0])

    def make(self, bounds: Bounds) -> Group:
        """None for a runner without bounds on memory or processes. Raises OSError."""
        if bounds.memory_bytes is None and bounds.processes is None:
            return Group()
        self._left[:] = _not_removed(self._left)
        folders = next(folders for folders in self._places() if not any(folder.exists() for folder in folders))
        memory_bytes = 0 if bounds.memory_bytes is None else bounds.memory_bytes + BESIDE_BYTES
        try:
            for folder in folders:
                folder.mkdir(parents=True)
            if memory_bytes:
                self._bound_memory(folders[0], memory_bytes)
            if bounds.processes is not None:
                (folders[-1] / "pids.max").write_text(str(bounds.processes + BESIDE_PROCESSES))
        except OSError:
            self._left += _not_removed(folders)
            raise
        return Cgroup(self.version, folders, memory_bytes, self._left)

    def close(self) -> None:
        """In version 2 the worker itself is still in there; what had started it removes that."""
        _not_removed(self._left)
        for parent in self._parents:
            with suppress(OSError):
                parent.rmdir()

    def _places(self) -> Iterator[list[Path]]:
        """Never the same again."""
        for number in self._numbers:
            yield [parent / str(number) for parent in self._parents]

    def _bound_memory(self, folder: Path, most: int) -> None:
        """Swap counts as memory does, where the system counts it."""
        if self.version == 1:
            first, then, swapped = "memory.limit_in_bytes", "memory.memsw.limit_in_bytes", most
        else:
            first, then, swapped = "memory.max", "memory.swap.max", 0
        (folder / first).write_text(str(most))
        if (folder / then).exists():
            (folder / then).write_text(str(swapped))

    def _sweep(self, record: Path, name: str) -> None:
        """Remove what an earlier daemon left, and write down where this one's groups will be."""
        known = record.read_text().splitlines() if record.exists() else []
        for parent in map(Path, known):
            if parent.name == name and parent.is_dir():
                self._left += _not_removed([child for child in parent.iterdir() if child.name.isdigit()])
                for empty in (parent / LEAF, parent):
                    with suppress(OSError):
                        empty.rmdir()
        left = [parent for parent in known if Path(parent).exists()]
        record.write_text("".join(f"{parent}\n" for parent in dict.fromkeys([*left, *map(str, self._parents)])))


def _make(folder: Path) -> None:
    try:
        folder.mkdir(exist_ok=True)
    except OSError as error:
        hint = "" if error.errno == errno.EROFS else ", which systemd's Delegate=yes makes it"
        raise NoCgroups(f"no cgroup can be made in {folder.parent} ({os.strerror(error.errno or 0)}): it must be this user's{hint}") from error


def _divide(own: Path, parent: Path) -> None:
    """Make ``parent`` below ``own``, with this process in a leaf of it, and let groups in there be bounded."""
    if not set(CONTROLLERS) <= set((own / "cgroup.controllers").read_text().split()):
        raise NoCgroups(f"its cgroup {own} cannot bound both memory and processes")
    leaf = parent / LEAF
    for folder in (parent, leaf):
        _make(folder)
    try:
        (leaf / "cgroup.procs").write_text("0")
        for folder in (own, parent):
            (folder / "cgroup.subtree_control").write_text(" ".join(f"+{name}" for name in CONTROLLERS))
    except OSError as error:
        with suppress(OSError):
            (own / "cgroup.procs").write_text("0")
            leaf.rmdir()
            parent.rmdir()
        why = "other processes are in there too" if error.errno == errno.EBUSY else os.strerror(error.errno or 0)
        raise NoCgroups(f"its cgroup {own} cannot be divided: {why}. Under systemd it has one of its own by etc/marx-worker.service") from error


def _counts(path: str) -> dict[str, int]:
    """Read after each chunk, so plainly, which takes 0.02 ms."""
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        words = os.read(descriptor, 4096).decode("ascii").split()
    finally:
        os.close(descriptor)
    return dict(zip(words[::2], map(int, words[1::2]), strict=True))


def _not_removed(folders: Sequence[Path]) -> list[Path]:
    """Remove these groups and end who is in there; those of which somebody is not gone yet."""
    return [folder for folder in folders if not _remove(folder)]


def _remove(folder: Path) -> bool:
    for _ in range(KILL_ROUNDS):
        try:
            folder.rmdir()
            return True
        except FileNotFoundError:
            return True
        except OSError:
            with suppress(OSError):
                (folder / "pids.max").write_text("0")
            _kill_all(folder)
    return False


def _kill_all(folder: Path) -> None:
    with suppress(OSError):
        # 0 stands for one of another namespace; to `kill` it would be this process's own group.
        for pid in filter(None, map(int, (folder / "cgroup.procs").read_text().split())):
            with suppress(OSError):
                os.kill(pid, signal.SIGKILL)
