"""A cgroup that belongs to a worker's user and has nobody else in it, as systemd's Delegate=yes makes one, where the tests are root; and an end of all."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from marx.worker.cgroup_places import CONTROLLERS, NoCgroups, find_place
from marx.worker.cgroups import ENTER

THEIRS = ("cgroup.procs", "cgroup.threads", "cgroup.subtree_control")
"""What systemd gives away beside the folder."""


@contextmanager
def delegated(uid: int | None) -> Iterator[list[str]]:
    """What goes before a command that is to run in a new one; nothing where there are none to be had."""
    made: list[Path] = []
    try:
        with suppress(NoCgroups, OSError):
            made = list(_make(uid))
        doors = [str(folder / "cgroup.procs") for folder in made]
        yield ["/bin/sh", "-c", ENTER, "delegated", *doors, "--"] if made else []
    finally:
        for folder in made:
            _remove(folder)


def _make(uid: int | None) -> Iterator[Path]:
    if os.geteuid():
        raise NoCgroups("only root can give them away")
    place = find_place(Path("/proc/self/cgroup").read_text(), Path("/proc/self/mountinfo").read_text())
    name = f"marx-test-{secrets.token_hex(4)}"
    above = [place.memory, place.pids] if place.version == 1 else [_root_of(place.memory)]
    if place.version == 2 and not set(CONTROLLERS) <= set((above[0] / "cgroup.subtree_control").read_text().split()):
        raise NoCgroups("version 2 has other controllers here")
    for parent in above:
        folder = parent / name
        folder.mkdir()
        yield folder
        for each in (folder, *(folder / name for name in THEIRS)):
            if uid is not None and each.exists():
                os.chown(each, uid, uid)


def _root_of(folder: Path) -> Path:
    while not os.path.ismount(folder):
        folder = folder.parent
    return folder


def remove_what_is_left(record: Path) -> None:
    """The groups of a worker that was killed and is not started again; ``record``: the file in its state that names them."""
    for line in record.read_text().splitlines():
        _remove(Path(line))


def _remove(folder: Path) -> None:
    for child in folder.iterdir() if folder.is_dir() else ():
        if child.is_dir():
            _remove(child)
    with suppress(OSError):
        folder.rmdir()
