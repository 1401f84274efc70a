"""
What a run of a program leaves: output, exit code and files; and how two of them differ. Values only, but for the look at a folder.
"""

from __future__ import annotations

import difflib
import os
import stat
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

#: Lines of a difference that are shown; more hide the first one.
SHOWN_LINES = 12
#: What plain Python leaves beside a program's own files, with time stamps in it: not the program's doing.
BYTECODE = ("__pycache__", ".pyc", ".pyo")


@dataclass(frozen=True)
class Entry:
    """A file (its content), a symbolic link (its target) or a folder (empty) below the working folder."""

    kind: str
    mode: int
    content: bytes = b""


@dataclass(frozen=True)
class Outcome:
    """How a program ended. ``code``: its exit code, 128+N after signal N. ``files``: what is there afterwards, by path."""

    code: int
    stdout: bytes
    stderr: bytes
    files: Mapping[str, Entry]


def exit_code(returned: int) -> int:
    """A child's return code as a shell gives it: 128+N for signal N."""
    return 128 - returned if returned < 0 else returned


def entries(folder: Path, bytecode: bool = False) -> dict[str, Entry]:
    """Everything below ``folder``; compiled modules only with ``bytecode``."""
    found = {}
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        if bytecode or not any(part.endswith(BYTECODE) for part in name.split("/")):
            found[name] = _entry(path)
    return found


def _entry(path: Path) -> Entry:
    status = path.lstat()
    mode = stat.S_IMODE(status.st_mode)
    if stat.S_ISLNK(status.st_mode):
        return Entry("link", 0, os.fsencode(os.readlink(path)))
    if stat.S_ISDIR(status.st_mode):
        return Entry("folder", mode)
    return Entry("file", mode, path.read_bytes() if stat.S_ISREG(status.st_mode) else b"")


def differences(plain: Outcome, other: Outcome) -> list[str]:
    """What is different, one text each; empty if nothing is."""
    found = [f"exit code {plain.code} became {other.code}"] if plain.code != other.code else []
    for stream in ("stdout", "stderr"):
        found += _text_difference(stream, getattr(plain, stream), getattr(other, stream))
    return found + list(_file_differences(plain.files, other.files))


def _file_differences(plain: Mapping[str, Entry], other: Mapping[str, Entry]) -> Iterator[str]:
    for name in sorted({*plain, *other}):
        before, after = plain.get(name), other.get(name)
        if before is None or after is None:
            yield f"{name} {'should not be there' if before is None else 'is not there'}"
        elif (before.kind, before.mode) != (after.kind, after.mode):
            yield f"{name}: {before.kind} {before.mode:o} became {after.kind} {after.mode:o}"
        else:
            yield from _text_difference(name, before.content, after.content)


def _text_difference(name: str, plain: bytes, other: bytes) -> list[str]:
    if plain == other:
        return []
    lines = difflib.unified_diff(_lines(plain), _lines(other), "plain", "marx", n=1, lineterm="")
    shown = [line[:300] for _, line in zip(range(SHOWN_LINES), lines)]
    return ["\n    ".join([f"{name} differs:", *(shown or ["in its line ends only"])])]


def _lines(content: bytes) -> list[str]:
    return content.decode("utf-8", "backslashreplace").splitlines()
