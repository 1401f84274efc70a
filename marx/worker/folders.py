"""
A task's files on this machine: a folder of copies for each (task, slot), which a runner sees at the caller's own paths.

    BASE/0/a2b3c4d5/roots/0     what stands at the task's first root
                    place       the working folder, where no root covers it
                    home tmp    scratch

Copies and never links to the cache: what a program does to its files is its own affair, and reaches nobody else. The folder goes with its
task, and whatever an earlier daemon left goes at the start. All of this waits for the disk, so it runs in threads.
"""

from __future__ import annotations

import os
import shutil
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import Callable, Sequence

from marx.worker.launch import Mounts
from marx.worker.paths import is_within
from marx.worker.recipes import CannotRun, Recipe, TaskFile
from marx.worker.surroundings import HOME

TMP = "/tmp"


@dataclass(frozen=True, slots=True)
class Layout:
    """Where a runner finds its task's files. ``mounts``: what is shown where."""

    folder: Path
    mounts: Mounts


class Folders:
    """``base`` is this module's own. ``blob_path``: where a blob of the cache lies. Everything here blocks."""

    def __init__(self, base: Path, blob_path: Callable[[str], Path]) -> None:
        self._base = base
        self._blob_path = blob_path

    def sweep(self) -> None:
        """At start: remove what an earlier daemon left."""
        remove_tree(self._base)
        self._base.mkdir(mode=0o711, parents=True)

    def lay_out(self, recipe: Recipe, files: Sequence[TaskFile], slot: int, owner: int | None) -> Layout:
        """
        Make the folder of a task on a slot, with its files in it.

        ``owner``: the user that must own it all, if not this one. The blobs must be in the cache and held. Raises :class:`CannotRun` for
        files that contradict each other, and OSError, as when the disk is full.
        """
        folder = self._folder(recipe.task, slot)
        remove_tree(folder)
        roots = [folder / "roots" / str(number) for number in range(len(recipe.roots))]
        for place in (*roots, folder / "home", folder / "tmp"):
            place.mkdir(mode=0o755, parents=True)
        for root, inside in zip(roots, recipe.roots):
            if is_within(recipe.cwd, inside):
                # Where only named files travel none of them may lie there, and the program stands there all the same.
                (root / os.path.relpath(recipe.cwd, inside)).mkdir(mode=0o755, parents=True, exist_ok=True)
        for file in files:
            self._put(file, roots[file.root] / file.path)
        writable = list(zip(map(str, roots), recipe.roots))
        if not is_within(recipe.cwd, *recipe.roots):
            (folder / "place").mkdir(mode=0o755)
            writable.append((str(folder / "place"), recipe.cwd))
        taken = {inside for _, inside in writable}
        scratch = ((str(folder / "home"), HOME), (str(folder / "tmp"), TMP))
        writable += [bind for bind in scratch if bind[1] not in taken]
        if owner is not None:
            _give_to(folder, owner)
        return Layout(folder, Mounts(writable=tuple(writable)))

    def remove(self, task: str, slot: int) -> None:
        """The slot's runner of this task is gone, and the task as well."""
        remove_tree(self._folder(task, slot))

    def _folder(self, task: str, slot: int) -> Path:
        return self._base / str(slot) / task

    def _put(self, file: TaskFile, path: Path) -> None:
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            if file.link is not None:
                os.symlink(file.link, path)
            elif file.digest is not None:
                shutil.copyfile(self._blob_path(file.digest), path)
                path.chmod(file.mode | stat.S_IRUSR)
            else:
                path.mkdir(exist_ok=True)
                path.chmod(file.mode | stat.S_IRWXU)
        except (FileExistsError, NotADirectoryError, IsADirectoryError) as error:
            raise CannotRun(f"two of the task's files want the place {file.path}", fatal=True) from error


def _give_to(folder: Path, owner: int) -> None:
    for above, folders, files in os.walk(folder):
        os.chown(above, owner, owner, follow_symlinks=False)
        for name in files + [name for name in folders if os.path.islink(os.path.join(above, name))]:
            os.chown(os.path.join(above, name), owner, owner, follow_symlinks=False)


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
