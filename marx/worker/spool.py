"""
Large values and files of runners on their way to the server: written to disk as they come, hashed, and named by their SHA-256.

They stay until the reports that name them were answered, and outlive the daemon as those do. Parts are a quarter of a megabyte, which a
page cache takes in 0.1 ms and a hash in 0.2, so this is done where they arrive.
"""

from __future__ import annotations

import hashlib
import os
from collections import Counter
from pathlib import Path
from typing import Iterable

#: What an unfinished file is called, so that a later daemon knows what to throw away.
UNFINISHED = "unfinished-"


class Spool:
    """
    One file in the making; made by :class:`SpoolFolder`. Raises OSError where the disk is full.

    ``head_digest``: SHA-256 of its first ``head`` bytes, None as long as there are not so many.
    """

    def __init__(self, path: Path, head: int) -> None:
        self._path = path
        self._head = head
        self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        self._hash = hashlib.sha256()
        self.head_digest = None if head else self._hash.hexdigest()
        self.size = 0

    def write(self, part: bytes) -> None:
        """The next bytes."""
        view = memoryview(part)
        while view:
            view = view[os.write(self._file, view) :]
        if self.size < self._head <= self.size + len(part):
            head = self._hash.copy()
            head.update(memoryview(part)[: self._head - self.size])
            self.head_digest = head.hexdigest()
        self._hash.update(part)
        self.size += len(part)

    def finish(self) -> str:
        """That was all: the file now bears its digest as name, which is returned."""
        os.close(self._file)
        digest = self._hash.hexdigest()
        os.replace(self._path, self._path.with_name(digest))
        return digest

    def abandon(self) -> None:
        """Nobody wants it any more."""
        os.close(self._file)
        self._path.unlink(missing_ok=True)


class SpoolFolder:
    """The folder with what is being written and what waits for its upload."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._folder = folder
        self._number = 0
        self._wanted: Counter[str] = Counter()

    def begin(self, head: int = 0) -> Spool:
        """A new file, of whose first ``head`` bytes the digest is wanted, too."""
        self._number += 1
        return Spool(self._folder / f"{UNFINISHED}{os.getpid()}-{self._number}", head)

    def path(self, digest: str) -> Path:
        """Where a finished one lies."""
        return self._folder / digest

    def want(self, digest: str) -> None:
        """One more report names it."""
        self._wanted[digest] += 1

    def unwant(self, digest: str) -> None:
        """A report that named it was answered; the file goes with the last."""
        self._wanted[digest] -= 1
        if self._wanted[digest] <= 0:
            del self._wanted[digest]
            self.path(digest).unlink(missing_ok=True)

    def sweep(self, kept: Iterable[str]) -> None:
        """At start: remove all that no report in ``kept`` names."""
        names = set(kept)
        for path in self._folder.iterdir():
            if path.name not in names:
                path.unlink()
