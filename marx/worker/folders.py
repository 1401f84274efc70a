"""
A task's files on this machine: a folder of copies for each (task, slot), which a runner sees at the caller's own paths.

    BASE/0/a2b3c4d5/roots/0     what stands at the task's first root
                    place       the working folder, where no root covers it
                    home tmp    scratch
    BASE/seat-1/...             the same for a main program on the first seat

Copies and never links to the cache: what a program does to its files is its own affair, and reaches nobody else. A map's and a main program's
runner finds the files as they were submitted; those of portions share a slot's folder, which is brought from one list of files to the next.
The folder goes with its task, and whatever an earlier daemon left goes at the start. All of this waits for the disk, so it runs in threads.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import Callable, Iterable, Iterator, Sequence

from marx.worker.launch import Mounts
from marx.worker.paths import is_within, parents
from marx.worker.recipes import CannotRun, Recipe, TaskFile
from marx.worker.surroundings import HOME
from marx.worker.trees import Stamp, Tree, mode_of

TMP = "/tmp"

#: A number of a root, and a relative path below it.
Place = tuple[int, str]


@dataclass(frozen=True, slots=True)
class Layout:
    """Where a runner finds its task's files. ``mounts``: what is shown where."""

    folder: Path
    mounts: Mounts


@dataclass(frozen=True, slots=True)
class Plan:
    """How a folder comes to its list of files: what to remove, then what to put, which must be in the cache by then."""

    layout: Layout
    trees: Sequence[Tree]
    removed: Sequence[Place]
    put: Sequence[TaskFile]


class Folders:
    """``base`` is this module's own. ``blob_path``: where a blob of the cache lies. Everything here blocks."""

    def __init__(self, base: Path, blob_path: Callable[[str], Path]) -> None:
        self._base = base
        self._blob_path = blob_path
        self._placed: dict[Path, dict[Place, tuple[str, Stamp]]] = {}

    def sweep(self) -> None:
        """At start: remove what an earlier daemon left."""
        remove_tree(self._base)
        self._base.mkdir(mode=0o711, parents=True)

    def plan(self, recipe: Recipe, files: Sequence[TaskFile], slot: int, owner: int | None, afresh: bool = True) -> Plan:
        """
        Compare the folder of a task on a slot with the ``files`` that should be in it; make it first if it is not there, or ``afresh``.

        ``owner``: the user that must own it all, if not this one. Raises :class:`CannotRun` for files that contradict each other, and OSError.
        """
        wanted = _by_place([*_own_folders(recipe), *files])
        folder = self._folder(recipe.task, slot)
        if afresh or folder not in self._placed:
            self._make(folder, recipe, owner)
        trees = [Tree(root, owner) for root in _roots(folder, recipe)]
        removed: list[Place] = []
        standing: set[Place] = set()
        placed = self._placed[folder]
        needed = _needed_folders(wanted)
        for place, stamp in _found(trees):
            file = wanted.get(place)
            if file is None:
                if not (place in needed and stat.S_ISDIR(stamp.mode)):
                    removed.append(place)
            elif _stands(file, stamp, trees[file.root], placed):
                standing.add(place)
        return Plan(self._layout(folder, recipe), trees, removed, [file for place, file in wanted.items() if place not in standing])

    def carry_out(self, plan: Plan) -> Layout:
        """Let the folder be as planned. The blobs must be in the cache and held. Raises OSError, as when the disk is full."""
        placed = self._placed[plan.layout.folder]
        for root, path in plan.removed:
            plan.trees[root].remove(path)
            placed.pop((root, path), None)
        for file in plan.put:
            stamp = plan.trees[file.root].put(file, self._blob_path)
            if file.digest is not None:
                placed[file.root, file.path] = (file.digest, stamp)
        return plan.layout

    def remove(self, task: str, slot: int) -> None:
        """The slot's runner of this task is gone, and the task as well."""
        folder = self._folder(task, slot)
        self._placed.pop(folder, None)
        remove_tree(folder)

    def _folder(self, task: str, slot: int) -> Path:
        return self._base / (str(slot) if slot >= 0 else f"seat{slot}") / task

    def _make(self, folder: Path, recipe: Recipe, owner: int | None) -> None:
        remove_tree(folder)
        self._placed[folder] = {}
        for place in (*_roots(folder, recipe), folder / "home", folder / "tmp", folder / "place"):
            place.mkdir(mode=0o755, parents=True)
        if owner is not None:
            for above, _, _ in os.walk(folder):
                os.chown(above, owner, owner)

    def _layout(self, folder: Path, recipe: Recipe) -> Layout:
        writable = list(zip(map(str, _roots(folder, recipe)), recipe.roots))
        if not is_within(recipe.cwd, *recipe.roots):
            writable.append((str(folder / "place"), recipe.cwd))
        taken = {inside for _, inside in writable}
        scratch = ((str(folder / "home"), HOME), (str(folder / "tmp"), TMP))
        return Layout(folder, Mounts(writable=(*writable, *(bind for bind in scratch if bind[1] not in taken))))


def _roots(folder: Path, recipe: Recipe) -> list[Path]:
    return [folder / "roots" / str(number) for number in range(len(recipe.roots))]


def _own_folders(recipe: Recipe) -> Iterator[TaskFile]:
    """
    Folders that must be there whatever the list says: the program stands in one, where only named files travel too; the sandbox mounts others.
    """
    for number, root in enumerate(recipe.roots):
        for place in (recipe.cwd, *recipe.roots, HOME, TMP):
            if place != root and is_within(place, root):
                yield TaskFile(number, os.path.relpath(place, root), 0o755, 0, None, None)


def _by_place(files: Iterable[TaskFile]) -> dict[Place, TaskFile]:
    """Raises :class:`CannotRun` where two want one place, or one lies in what is no folder."""
    wanted: dict[Place, TaskFile] = {}
    for file in files:
        before = wanted.get((file.root, file.path))
        if before is not None and not (_is_folder(before) and _is_folder(file)):
            raise _contradiction(file)
        wanted[file.root, file.path] = file
    for root, path in wanted:
        for above in _above(path):
            if (root, above) in wanted and not _is_folder(wanted[root, above]):
                raise _contradiction(wanted[root, path])
    return wanted


def _is_folder(file: TaskFile) -> bool:
    return file.digest is None and file.link is None


def _contradiction(file: TaskFile) -> CannotRun:
    return CannotRun(f"two of the task's files want the place {file.path}", fatal=True)


def _needed_folders(places: Iterable[Place]) -> set[Place]:
    return {(root, above) for root, path in places for above in _above(path)}


def _above(path: str) -> Iterator[str]:
    """The relative folders above a relative path."""
    return (folder[1:] for folder in parents("/" + path))


def _found(trees: Sequence[Tree]) -> Iterator[tuple[Place, Stamp]]:
    for number, tree in enumerate(trees):
        for path, stamp in tree.walk():
            yield (number, path), stamp


def _stands(file: TaskFile, stamp: Stamp, tree: Tree, placed: dict[Place, tuple[str, Stamp]]) -> bool:
    """Whether what is there is the file already: put there by us and not touched, or made by an item with the same content."""
    if file.link is not None:
        return stat.S_ISLNK(stamp.mode) and tree.link(file.path) == file.link
    if stat.S_IMODE(stamp.mode) != mode_of(file):
        return False
    if file.digest is None:
        return stat.S_ISDIR(stamp.mode)
    if placed.get((file.root, file.path)) == (file.digest, stamp):
        return True
    if not stat.S_ISREG(stamp.mode) or stamp.size != file.length or _digest(tree.read(file.path)) != file.digest:
        return False
    placed[file.root, file.path] = (file.digest, tree.date(file.path, file.mtime_ns))
    return True


def _digest(parts: Iterable[bytes]) -> str:
    digest = hashlib.sha256()
    for part in parts:
        digest.update(part)
    return digest.hexdigest()


def remove_tree(folder: Path) -> None:
    """Remove a folder with whatever programs made in it, folders that they closed included. It may not be there."""
    shutil.rmtree(folder, ignore_errors=True)
    if not os.path.lexists(folder):
        return
    os.chmod(folder, 0o700)
    for above, names, _ in os.walk(folder):
        for name in names:
            if not os.path.islink(os.path.join(above, name)):
                os.chmod(os.path.join(above, name), 0o700)
    # What still resists, such as a file that a root's program made immutable, is tried again at the next start.
    shutil.rmtree(folder, ignore_errors=True)
