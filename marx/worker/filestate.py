"""
The list of a task's files as its main program sees them now: pure.

It begins with what was submitted; what the program changes, and what items of its portions changed and was brought back to it, is put over
that. Portions that the program opens take the list along.
"""

from __future__ import annotations

import json
import stat
from typing import Any, Iterable, Iterator

from marx.worker.paths import parents
from marx.worker.recipes import TaskFile

Place = tuple[int, str]


class FileState:
    """``files``: those that were submitted. Folders above them, which that list leaves out, count from here on: what was in them may go."""

    def __init__(self, files: Iterable[TaskFile]) -> None:
        submitted = list(files)
        self._files: dict[Place, TaskFile] = {place: TaskFile(*place, 0o755, 0, None, None) for place in _folders_above(submitted)}
        self._files.update({(file.root, file.path): file for file in submitted})
        self.is_changed = False

    def put(self, file: TaskFile) -> None:
        """A file, link or folder stands there now, whatever stood there before."""
        self._files[file.root, file.path] = file
        self.is_changed = True

    def remove(self, root: int, path: str) -> None:
        """Nothing stands there any more."""
        self._files.pop((root, path), None)
        self.is_changed = True

    def manifest(self) -> bytes:
        """The JSON list, in the form of a task's own."""
        rows = [_row(file) for place, file in sorted(self._files.items()) if self._is_reached(*place)]
        return json.dumps(rows, separators=(",", ":")).encode("ascii")

    def _is_reached(self, root: int, path: str) -> bool:
        """
        Whether folders lead there: two items can have made a file and a folder of one name, of which a list can hold one.
        """
        end = path.find("/")
        while end >= 0:
            above = self._files.get((root, path[:end]))
            if above is not None and (above.digest is not None or above.link is not None):
                return False
            end = path.find("/", end + 1)
        return True


def _folders_above(files: Iterable[TaskFile]) -> Iterator[Place]:
    return ((file.root, folder[1:]) for file in files for folder in parents("/" + file.path))


def _row(file: TaskFile) -> list[Any]:
    row = [file.root, file.path, _kind(file) | file.mode, file.length, file.digest, file.link]
    return row if file.mtime_ns is None else [*row, file.mtime_ns]


def _kind(file: TaskFile) -> int:
    if file.link is not None:
        return stat.S_IFLNK
    return stat.S_IFDIR if file.digest is None else stat.S_IFREG
