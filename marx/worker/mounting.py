"""Turns an interpreter and a runner's Mounts into bubblewrap's mount options, in the order that makes them stand.

Shallow before deep, so that no bind covers another; folders above a bind are made first with mode 0755, since bubblewrap
would otherwise give them the mode of the bind's source, which under root's recipe closes them to the runner.
"""

import os
from collections.abc import Iterable, Iterator, Sequence

from marx.worker.interpreters import Interpreter
from marx.worker.launch import Bind, CannotLaunch, Mounts
from marx.worker.paths import depth, is_within, parents
from marx.worker.probing import closed_folder, mend_for

MountStep = tuple[str, str, str]
"""An option of bubblewrap with what it takes: "--ro-bind", host path, inside path, or "--symlink", target, inside path."""

SYSTEM_PLACES = (
    *("/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32", "/nix/store", "/gnu/store"),
    *("/etc", "/proc", "/dev", "/sys"),
)
"""Nothing of a task is ever put here. Under root's recipe what runs before the rights are given up comes from here: a
task's own /usr/bin/setpriv, or /etc/ld.so.preload, would run as root."""

OUR_PLACE = "/run/marx"
"""The kit, and root's start script."""

PYTHONS_OWN = ("bin", "lib", "lib32", "lib64", "libexec", "include", "pyvenv.cfg")
"""What is Python's in a prefix that holds other things too."""


def mount_options(interpreter: Interpreter, mounts: Mounts, private: tuple[str, ...]) -> list[str]:
    """Options for everything but the system itself; `private` are host folders that no interpreter's folder may show.

    Raises CannotLaunch for a folder that this user cannot read, and for a place where nothing can be put.
    """
    mounts = Mounts(mounts.read_only, tuple(_unfolded(mounts.writable)))
    shown = tuple(_shown(interpreter, mounts, private))
    for folder in shown:
        require_readable(folder)
    _require_places(mounts, shown)
    steps: list[MountStep] = [
        *(("--ro-bind", folder, folder) for folder in shown),
        *(("--ro-bind", *bind) for bind in mounts.read_only),
        *(("--bind", *bind) for bind in mounts.writable),
        *(("--symlink", target, path) for target, path in interpreter.links),
    ]
    for _, _, place in steps:
        _require_no_links(place, mounts)
    return list(in_order(steps))


def _unfolded(writable: Iterable[Bind]) -> Iterator[Bind]:
    """With what was to be the root folder as its entries: the system has to stay where it is, and new names are refused.

    In a container a person often stands in "/". To an ordinary user it is not writable there either.
    """
    binds = list(writable)
    yield from (bind for bind in binds if bind[1] != "/")
    for host in [host for host, place in binds if place == "/"]:
        # The source of a bind is resolved out here: a link that came with the task would show any file of this machine.
        yield from ((entry.path, "/" + entry.name) for entry in os.scandir(host) if not entry.is_symlink())


def in_order(steps: Iterable[MountStep]) -> Iterator[str]:
    """The steps as options, shallow before deep, each after the folders above it."""
    made: set[str] = set()
    for option, source, place in sorted(steps, key=lambda step: depth(step[2])):
        for folder in parents(place):
            if folder not in made:
                made.add(folder)
                yield from ("--dir", folder)
        yield from (option, source, place)


def _shown(interpreter: Interpreter, mounts: Mounts, private: tuple[str, ...]) -> Iterator[str]:
    """The interpreter's folders; of one that also holds secrets or is the program's own folder, only Python's part.

    A prefix can be ~/.local or a home folder, and a virtual environment can be made right in a project; a .pth file in it can
    name the folder that it lies in, so a folder that is shown in part may hold a prefix deeper down.
    """
    projects = [place for _, place in mounts.writable]
    for folder in interpreter.folders:
        if folder in projects or any(is_within(secret, folder) for secret in private):
            prefixes = [prefix for prefix in (interpreter.prefix, interpreter.base_prefix) if is_within(prefix, folder)]
            parts = (os.path.join(place, name) for place in dict.fromkeys([folder, *prefixes]) for name in PYTHONS_OWN)
            yield from filter(os.path.exists, parts)
        else:
            yield folder


def require_readable(folder: str) -> None:
    """Raise CannotLaunch for a folder of an interpreter that is closed to this user."""
    if os.access(folder, os.R_OK | (os.X_OK if os.path.isdir(folder) else 0)):
        return
    closed = closed_folder(folder) or folder
    raise CannotLaunch(
        "the interpreter's folder %s cannot be read by this worker: %s is closed to its user; %s"
        % (folder, closed, mend_for(closed))
    )


def _require_places(mounts: Mounts, shown: Sequence[str]) -> None:
    for _, place in mounts.read_only + mounts.writable:
        if not os.path.isabs(place) or os.path.normpath(place) != place:
            raise CannotLaunch("%r is not a plain absolute path" % place)
        if is_within(place, *SYSTEM_PLACES):
            raise CannotLaunch("%s cannot be a program's own in the sandbox: it is the system's" % place)
        if is_within(place, *shown) and not os.path.exists(place):
            raise CannotLaunch(
                "%s cannot be shown in the sandbox: it lies in the folder of an interpreter of this worker; "
                "start the task from another folder" % place
            )
    for _, place in mounts.writable:
        if is_within(place, OUR_PLACE) or is_within(OUR_PLACE, place):
            raise CannotLaunch("%s cannot be a program's own in the sandbox: Marx itself is shown there" % place)


def _require_no_links(place: str, mounts: Mounts) -> None:
    """A program of an earlier chunk may have put a link where bubblewrap is about to make a folder, with our rights."""
    for host, around in mounts.writable:
        if place == around or not is_within(place, around):
            continue
        for folder in [*parents(place), place]:
            if is_within(folder, around) and os.path.islink(os.path.join(host, os.path.relpath(folder, around))):
                raise CannotLaunch("%s is a symbolic link, where the sandbox must put a folder" % folder)
