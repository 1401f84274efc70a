"""Looks for the Python interpreters of this machine: fast enough to be done whenever a worker starts.

Measured on nine interpreters and two cores: 2.5 s for the first time in the spike, where a general finder took 24 to 67;
from the cache a few milliseconds. A version switch's shims are never run: each costs a shell and answers for another.
"""

import json
import os
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from glob import glob
from pathlib import Path
from typing import Any

from marx.worker.interpreters import Interpreter, environment_of
from marx.worker.probing import NotAnInterpreter, probe_one

PLACES = (
    "/usr/local/bin",
    "/usr/bin",
    "{pyenv}/versions/*/bin",
    "~/.local/bin",
    "~/.local/share/uv/python/*/bin",
    "~/.local/share/mise/installs/python/*/bin",
    "~/.asdf/installs/python/*/bin",
    "/opt/*/bin",
    "/opt/python/*/bin",
    "/opt/local/bin",
    "/opt/homebrew/bin",
    "/Library/Frameworks/Python.framework/Versions/*/bin",
    "~/*conda*/bin",
    "~/miniforge*/bin",
    "~/mambaforge*/bin",
    "~/*conda*/envs/*/bin",
    "~/miniforge*/envs/*/bin",
    "/opt/*/envs/*/bin",
)
"""Searched after the PATH, in this order; a Python that is nobody's project comes before conda's environments."""

NAMES = re.compile(r"(python|pypy)([23](\.\d+)?)?")
PROBES_AT_ONCE = 4
FORMAT = 1

Program = tuple[str, str | None]
"""What an executable's path leads to, and its virtual environment, which makes it another Python."""

Stamp = list[int]
"""Inode, modification time in ns, size: an interpreter with the same three is the same."""


def find_interpreters(
    explicit: Iterable[str],
    environ: Mapping[str, str],
    cache: Path | None = None,
    probe: Callable[[str], Interpreter] = probe_one,
    tell: Callable[[str], None] = lambda refusal: None,
) -> tuple[Interpreter, ...]:
    """Every usable Python, those of `explicit` first, each executable once. Blocks; call it in a thread or before the reactor.

    Raises NotAnInterpreter for the first of `explicit` that is none; what was only found and does not answer is left
    out, and `tell` is told which and why. `cache` is a file of our own in the worker's state.
    """
    named = [_resolved(path, environ) for path in explicit]
    names = _by_program([*named, *candidates(environ)])
    found = [paths[0] for paths in names.values()]
    known = _read(cache)
    described = _describe_all(found, known, probe)
    for path, refusal in described.items():
        if path in named and isinstance(refusal, NotAnInterpreter):
            raise refusal
        if isinstance(refusal, NotAnInterpreter):
            tell(str(refusal))
    usable = {path: one for path, one in described.items() if isinstance(one, Interpreter)}
    if cache is not None:
        _write(cache, usable, known)
    return tuple({one.path: replace(one, names=_others(one.path, names)) for one in usable.values()}.values())


def candidates(environ: Mapping[str, str]) -> Iterator[str]:
    """Executables that are likely to be a Python, by name and place, virtual environments and shims left out."""
    for folder in _folders(environ):
        for name in sorted(_names_in(folder), key=len, reverse=True):
            path = os.path.join(folder, name)
            if os.access(path, os.X_OK) and environment_of(path) is None and not _is_script(path):
                yield path


def _folders(environ: Mapping[str, str]) -> Iterator[str]:
    home = environ.get("HOME", "/nonexistent")
    pyenv = environ.get("PYENV_ROOT") or os.path.join(home, ".pyenv")
    on_path = [folder for folder in environ.get("PATH", "").split(os.pathsep) if os.path.isabs(folder)]
    patterns = [place.replace("{pyenv}", pyenv).replace("~", home) for place in PLACES]
    yield from dict.fromkeys([*on_path, *(folder for pattern in patterns for folder in sorted(glob(pattern)))])


def _names_in(folder: str) -> list[str]:
    try:
        return [name for name in os.listdir(folder) if NAMES.fullmatch(name)]
    except OSError:
        return []


def _is_script(path: str) -> bool:
    try:
        with open(path, "rb") as executable:
            return executable.read(2) == b"#!"
    except OSError:
        return True


def _resolved(path: str, environ: Mapping[str, str]) -> str:
    if path.startswith("~/"):
        path = environ.get("HOME", "~") + path[1:]
    return os.path.abspath(path)


def _by_program(paths: Iterable[str]) -> dict[Program, list[str]]:
    """The paths of each executable, in their order."""
    found: dict[Program, list[str]] = {}
    for path in paths:
        found.setdefault(_program(path), []).append(path)
    return found


def _others(path: str, names: Mapping[Program, list[str]]) -> tuple[str, ...]:
    folder, program = os.path.dirname(path), _program(path)
    beside = (os.path.join(folder, name) for name in sorted(_names_in(folder)))
    same = [*names.get(program, ()), *(other for other in beside if _program(other) == program)]
    return tuple(name for name in dict.fromkeys(same) if name != path)


def _program(path: str) -> Program:
    return os.path.realpath(path), environment_of(path)


def _describe_all(
    paths: list[str], known: dict[str, Any], probe: Callable[[str], Interpreter]
) -> dict[str, Interpreter | NotAnInterpreter]:
    def describe(path: str) -> Interpreter | NotAnInterpreter:
        try:
            return _remembered(path, known) or probe(path)
        except NotAnInterpreter as refusal:
            return refusal

    with ThreadPoolExecutor(PROBES_AT_ONCE) as pool:
        return dict(zip(paths, pool.map(describe, paths), strict=True))


def _remembered(path: str, known: dict[str, Any]) -> Interpreter | None:
    record = known.get(path)
    try:
        return Interpreter.from_json(record["interpreter"]) if record and record["stamp"] == _stamp(path) else None
    except (KeyError, TypeError, ValueError, OSError):
        return None


def _stamp(path: str) -> Stamp:
    status = os.stat(path)
    return [status.st_ino, status.st_mtime_ns, status.st_size]


def _read(cache: Path | None) -> dict[str, Any]:
    """What an earlier start wrote; nothing if there is no such file, or not of this format."""
    try:
        record = json.loads(cache.read_bytes()) if cache else {}
        return dict(record["interpreters"]) if record["format"] == FORMAT else {}
    except (OSError, ValueError, KeyError, TypeError):
        return {}


def _write(cache: Path, usable: dict[str, Interpreter], known: dict[str, Any]) -> None:
    # What cannot be written is probed again at the next start, which is no reason not to start now.
    with suppress(OSError):
        records = {path: {"stamp": _stamp(path), "interpreter": one.to_json()} for path, one in usable.items()}
        if records != known:
            fresh = cache.with_name(cache.name + ".new")
            fresh.write_text(json.dumps({"format": FORMAT, "interpreters": records}, indent=1), encoding="utf-8")
            os.replace(fresh, cache)
