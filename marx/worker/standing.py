"""
What stood in a slot's folder when it was brought to the files of a portion: against this it is held what items have made of them.

Items of one slot find what those before them wrote, as in the processes of a pool; the folder is the same ground for all of them until it is
brought to other files.
"""

from __future__ import annotations

from typing import Iterable

from marx.worker.recipes import TaskFile


class Standing:
    """``files``: the list that the folder was brought to."""

    def __init__(self, files: Iterable[TaskFile]) -> None:
        self._files = {(file.root, file.path): file for file in files}
        self._ground: int | None = None
        self._turn = 0

    def ground(self, fence: int) -> int:
        """A number for this folder as it was brought now: the fence of the first chunk that says what it made there, never given twice."""
        if self._ground is None:
            self._ground = fence
        return self._ground

    def turn(self) -> int:
        """One more than the last time, from 0."""
        self._turn += 1
        return self._turn - 1

    def base(self, root: int, path: str) -> TaskFile | None:
        """The file that stood at a place, None where none did."""
        file = self._files.get((root, path))
        return file if file is not None and file.digest is not None else None
