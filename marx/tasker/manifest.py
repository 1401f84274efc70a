"""
A bundle as blobs: each file by its SHA-256, and the list of files, itself a blob.
"""

from __future__ import annotations

import hashlib
import json
import os
import stat
from dataclasses import dataclass
from typing import Any, Iterator

from marx.tasker.bundle import Bundle, Entry
from marx.tasker.exits import NO_FILE, Trouble


@dataclass(frozen=True, slots=True)
class Manifest:
    """``text``: the JSON list that ``marx.wire.spec`` describes; ``files``: a path for each digest."""

    text: bytes
    files: dict[str, str]

    @property
    def digest(self) -> str:
        """Under which the list itself is kept."""
        return hashlib.sha256(self.text).hexdigest()


def make_manifest(bundle: Bundle) -> Manifest:
    """Read every file once. Raises Trouble with 66 where one cannot be read."""
    files: dict[str, str] = {}
    rows = [_row(bundle, entry, files) for entry in bundle.entries]
    return Manifest(json.dumps(rows, separators=(",", ":")).encode("ascii"), files)


def _row(bundle: Bundle, entry: Entry, files: dict[str, str]) -> list[Any]:
    """[root number, relative path, mode, length, sha256 or null, link or null], and of a file when it was written, in ns."""
    root = bundle.root_of(entry.path)
    relative = os.path.relpath(entry.path, bundle.roots[root])
    if not stat.S_ISREG(entry.mode):
        return [root, relative, entry.mode, 0, None, entry.link]
    digest, size, mtime_ns = _looked_at(entry.path)
    files[digest] = entry.path
    return [root, relative, entry.mode, size, digest, None, mtime_ns]


def _looked_at(path: str) -> tuple[str, int, int]:
    """Its digest, its length, and when it was written, as it was before it was read."""
    try:
        with open(path, "rb") as file:
            mtime_ns = os.fstat(file.fileno()).st_mtime_ns
            return hashlib.file_digest(file, "sha256").hexdigest(), file.tell(), mtime_ns
    except OSError as error:
        raise Trouble(f"{path}: {error.strerror}", NO_FILE) from error


def parts_of(path: str, size: int) -> Iterator[tuple[int, int, bytes]]:
    """(offset, total, part) of a file, at least one, even of an empty file."""
    total = os.stat(path).st_size
    with open(path, "rb") as file:
        offset = 0
        while True:
            part = file.read(size)
            yield offset, total, part
            offset += len(part)
            if offset >= total or not part:
                return


def parts_of_bytes(content: bytes, size: int) -> Iterator[tuple[int, int, bytes]]:
    """The same of bytes."""
    for offset in range(0, max(1, len(content)), size):
        yield offset, len(content), content[offset : offset + size]
