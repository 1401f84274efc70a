"""
What it takes to run a task, as values: its specification, checked once more, and the list of its files.

Both come from a user. The server looked at the types; paths, which this machine will make on its disk, are looked at here.
"""

from __future__ import annotations

import json
import posixpath
from dataclasses import dataclass, field
from stat import S_IMODE
from typing import Any, Mapping, Sequence

from marx.worker.bounds import Bounds
from marx.worker.digests import is_digest

#: Characters of one path; Linux takes no longer one.
LONGEST_PATH = 4096


class CannotRun(Exception):
    """
    This worker cannot run a task; the text is one sentence. ``fatal``: it is the task's own fault, and no worker can.
    """

    def __init__(self, reason: str, fatal: bool = False) -> None:
        super().__init__(reason)
        self.fatal = fatal


@dataclass(frozen=True, slots=True)
class TaskFile:
    """
    One entry of a manifest: a file (``digest``), a link (``link``), or else a folder, at ``path`` below root number ``root``.

    ``mtime_ns``: when a file was written at its user's, in ns since 1970; None for what was made since.
    """

    root: int
    path: str
    mode: int
    length: int
    digest: str | None
    link: str | None
    mtime_ns: int | None = None


@dataclass(frozen=True, slots=True)
class Recipe:
    """
    A task as a worker runs it. Paths are the caller's own, absolute and normalized.

    ``kind``: "map", or "run" for a program; of the latter ``input`` is its standard input (None: empty, "stream", or the digest of a blob) and
    ``divide`` says which of its portions leave it. ``bounds``: what it asks for.
    """

    task: str
    program: str | None
    module: str | None
    function: str
    argv: tuple[str, ...]
    cwd: str
    roots: tuple[str, ...]
    python: str
    seed: int
    hash_seed: int
    manifest: str | None = None
    env: Mapping[str, str] = field(default_factory=dict)
    kind: str = "map"
    input: str | None = None
    divide: str = "found"
    network: bool = False
    bounds: Bounds = Bounds()
    secrets: Mapping[str, str] = field(default_factory=dict, repr=False)

    @classmethod
    def of(cls, task: str, spec: Mapping[str, Any], secrets: Mapping[str, Any] | None = None) -> Recipe:
        """From a specification, with the values of what it calls ``secrets``. Raises :class:`CannotRun` for one that no machine can follow."""
        program = spec.get("program")
        try:
            return cls(
                task=task,
                program=_absolute(program) if program else None,
                module=spec.get("module"),
                function=str(spec.get("function") or ""),
                argv=tuple(str(word) for word in spec.get("argv") or [program or spec.get("module") or ""]),
                cwd=_absolute(spec["cwd"]),
                roots=tuple(_absolute(root) for root in spec["roots"]),
                python=spec.get("python") or "",
                seed=int(spec["seed"]),
                hash_seed=int(spec["hash_seed"]),
                manifest=spec.get("manifest"),
                env={str(name): str(value) for name, value in (spec.get("env") or {}).items()},
                kind=spec["kind"],
                input=spec.get("stdin"),
                divide=spec.get("divide") or "found",
                network=bool(spec.get("network")),
                bounds=Bounds.of(spec),
                secrets={str(name): str(value) for name, value in (secrets or {}).items()},
            )
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise CannotRun(f"the task's specification makes no sense: {error}", fatal=True) from error


def read_manifest(raw: bytes, roots: int) -> list[TaskFile]:
    """
    The files of a task with ``roots`` roots, folders before what lies in them, links last. Raises :class:`CannotRun`.

    Links come last so that no file is ever written through one.
    """
    try:
        files = [task_file(entry, roots) for entry in json.loads(raw)]
    except (ValueError, TypeError, RecursionError) as error:
        raise CannotRun(f"the task's list of files makes no sense: {error}", fatal=True) from error
    return sorted(files, key=lambda file: (file.link is not None, file.digest is not None, file.path.count("/"), file.path))


def digests_of(files: Sequence[TaskFile]) -> list[str]:
    """What must be fetched, each once."""
    return list(dict.fromkeys(file.digest for file in files if file.digest is not None))


def task_file(entry: Any, roots: int) -> TaskFile:
    """One row of a list of files. Raises ValueError or TypeError for what cannot be one."""
    root, path, mode, length, digest, link = entry[:6]
    if type(root) is not int or not 0 <= root < roots:
        raise ValueError(f"root {root!r} is none of {roots}")
    if not isinstance(path, str) or not _stays_below(path):
        raise ValueError(f"{str(path)[:80]!r} is not a path below its root")
    if digest is not None and not is_digest(digest):
        raise ValueError(f"{str(digest)[:80]!r} is not a digest")
    if link is not None and not isinstance(link, str):
        raise ValueError(f"{str(link)[:80]!r} is not where a link can lead")
    mtime_ns = entry[6] if len(entry) > 6 else None
    if mtime_ns is not None and not (type(mtime_ns) is int and abs(mtime_ns) < 1 << 63):
        raise ValueError(f"{str(mtime_ns)[:80]!r} is no time")
    return TaskFile(root, path, S_IMODE(int(mode)), int(length), digest, link, mtime_ns)


def _stays_below(path: str) -> bool:
    return bool(path) and "\0" not in path and not any(part in ("", ".", "..") for part in path.split("/"))


def _absolute(path: Any) -> str:
    if not isinstance(path, str) or not path.startswith("/") or "\0" in path or len(path) > LONGEST_PATH:
        raise ValueError(f"{str(path)[:80]!r} is not an absolute path")
    return posixpath.normpath("/" + path.lstrip("/"))
