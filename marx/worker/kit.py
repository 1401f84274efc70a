"""Lays out the small folder that carries the runner into a sandbox: `__main__.py`, and the package `marx` with `runner` in it.

The user's Python runs that folder. It must hold nothing else to be imported: its place is first on `sys.path` until the
runner has been imported, and with our own site-packages on the path a program would see all of Marx's dependencies. Then
the place is given back, so that a program's own `report.py` or `pipe.py` is the one that it imports.

A folder inside, whose name nobody can import, holds what the interpreter of a main program meets before it starts.
"""

import hashlib
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path

from twisted.logger import Logger

from marx.worker.interpreters import Interpreter

MAIN = b'''"""Starts the runner, which gets this folder off sys.path again. Parses on Python 2.7."""

from __future__ import absolute_import

import sys

from marx.runner.__main__ import main

sys.path.pop(0)
sys.exit(main())
'''

BEFORE = "before-programs"
"""The folder in the kit that the keeper puts on a program's PYTHONPATH; marx/runner/keeper_process.py knows its name, too."""

SITECUSTOMIZE = b'''"""Met by the interpreter of a program before it starts; see marx.runner.bootstrap. Parses on Python 2.7."""

import os
import sys

folder = os.path.dirname(__file__)
kit = os.path.dirname(folder)
sys.path.insert(0, kit)

from marx.runner import bootstrap

bootstrap.begin(folder, kit)
'''

COMPILE_SECONDS = 30.0

_log = Logger()


def lay_out_kit(folder: Path, package: Traversable | None = None) -> Path:
    """The kit of this version of Marx, made below `folder` if it is not there yet; readable by every user.

    Named by its content: a worker that was upgraded makes another one and leaves the old to runners that still use it.
    `package` is where `marx` is installed.
    """
    contents = dict(_contents(package or files("marx")))
    kit = folder / _digest(contents)
    if not kit.exists():
        _make(kit, contents)
    return kit


def compile_kit(kit: Path, interpreter: Interpreter) -> None:
    """Let `interpreter` store its bytecode of the kit, where it cannot itself since the kit is read-only to runners.

    Blocks for about 0.1 s, once for each kind of interpreter; saves that share of each runner's start. A kit that could
    not be compiled works all the same.
    """
    done = kit / (".compiled-%s-%s" % (interpreter.implementation, interpreter.version_text))
    if done.exists():
        return
    command = [interpreter.path, "-s", "-m", "compileall", "-q", str(kit)]
    environment = {"PATH": os.defpath, "HOME": "/nonexistent", **interpreter.variables}
    try:
        subprocess.run(
            command, env=environment, stdin=subprocess.DEVNULL, capture_output=True, timeout=COMPILE_SECONDS, check=True
        )
        done.touch()
        _open_to_all(kit)
    except (OSError, subprocess.SubprocessError) as error:
        _log.warn("the runner could not be compiled for {path}: {error}", path=interpreter.path, error=error)


def _contents(package: Traversable) -> Iterator[tuple[str, bytes]]:
    yield "__main__.py", MAIN
    yield "%s/sitecustomize.py" % BEFORE, SITECUSTOMIZE
    yield "marx/__init__.py", (package / "__init__.py").read_bytes()
    yield from _modules(package / "runner", "marx/runner")


def _modules(folder: Traversable, place: str) -> Iterator[tuple[str, bytes]]:
    for entry in folder.iterdir():
        if entry.is_dir():
            yield from _modules(entry, "%s/%s" % (place, entry.name))
        elif entry.name.endswith(".py"):
            yield "%s/%s" % (place, entry.name), entry.read_bytes()


def _digest(contents: dict[str, bytes]) -> str:
    digest = hashlib.sha256()
    for place in sorted(contents):
        digest.update(b"%d %s %d\n" % (len(place), place.encode(), len(contents[place])) + contents[place])
    return digest.hexdigest()[:16]


def _make(kit: Path, contents: dict[str, bytes]) -> None:
    kit.parent.mkdir(parents=True, exist_ok=True)
    fresh = Path(tempfile.mkdtemp(prefix="new-", dir=kit.parent))
    for place, text in contents.items():
        path = fresh / place
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text)
    _open_to_all(fresh)
    try:
        fresh.rename(kit)
    except OSError:
        # Another worker with the same state was first, and what it made is the same.
        shutil.rmtree(fresh)
        if not kit.exists():
            raise


def _open_to_all(folder: Path) -> None:
    """Whatever the umask: a sandbox of root's runs under another uid."""
    folder.chmod(0o755)
    for path in folder.rglob("*"):
        path.chmod(0o755 if path.is_dir() else 0o644)
