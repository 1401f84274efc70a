"""Files that hold secrets: readable by their owner alone from the first moment, whole or not there."""

from __future__ import annotations

import os
import shlex
import stat
from collections.abc import Iterable
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


def why_not_private(folder: Path, names: Iterable[str]) -> str | None:
    """
    The sentence, with the command that mends it, for a state ``folder`` in which others may write, or of whose files ``names`` one is not its
    owner's alone; None: all is well. Files that are not there are well. Raises OSError.
    """
    if stat.S_IMODE(folder.stat().st_mode) & 0o022:
        return f"others may put files into {folder}: chmod go-w {shlex.quote(str(folder))}"
    for path in (folder / name for name in names):
        try:
            found = path.stat()
        except FileNotFoundError:
            continue
        if found.st_uid not in (0, os.geteuid()):
            return f"{path}, which holds secrets, belongs to user {found.st_uid}: chown {os.geteuid()} {shlex.quote(str(path))}"
        if stat.S_IMODE(found.st_mode) & 0o077:
            mode = stat.S_IMODE(found.st_mode)
            return f"others may read {path}, which holds secrets (mode {mode:04o}): chmod 600 {shlex.quote(str(path))}"
    return None


def _make_durable(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
