"""Files that hold secrets: readable by their owner alone from the first moment, whole or not there."""

from __future__ import annotations

import os
from pathlib import Path


def make_private_folder(folder: Path) -> None:
    """
    Make ``folder``, mode 0700, where it is not there. Raises OSError.

    A folder that exists keeps its mode: it may be one that others use (``--state .``), and the files in it are private by themselves.
    """
    folder.parent.mkdir(parents=True, exist_ok=True)
    folder.mkdir(mode=0o700, exist_ok=True)


def write_private(path: Path, content: bytes) -> None:
    """
    Write ``content`` to ``path``, mode 0600, durable and all or nothing: a crash leaves the old file or the new one. Raises OSError.

    The new file is made under another name (a left-over of a crash is replaced) and renamed.
    """
    fresh = path.with_name(f".{path.name}.new")
    fresh.unlink(missing_ok=True)
    with open(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600), "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    os.replace(fresh, path)
    _make_durable(path.parent)


def _make_durable(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
