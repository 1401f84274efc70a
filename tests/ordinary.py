"""Doing things as an ordinary user, also where the tests run as root: folders and an interpreter open to everyone."""

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from pathlib import Path

NOBODY = 65534
SEARCH = "/usr/local/bin:/usr/bin:/bin"
NEWEST_FIRST = ["python3", *("python3.%d" % minor for minor in range(20, 10, -1))]
SUFFICES = "import ensurepip, sys; sys.exit(sys.version_info < (3, 11))"


def run_as_ordinary(
    command: list[object], folder: Path, environ: Mapping[str, str] | None = None, seconds: float = 120
) -> subprocess.CompletedProcess[str]:
    """Run `command` in `folder`, as nobody if we are root, with no environment but PATH, HOME and `environ`."""
    who = {"user": NOBODY, "group": NOBODY, "extra_groups": []} if os.geteuid() == 0 else {}
    surroundings = {"PATH": SEARCH, "HOME": str(folder), **(environ or {})}
    words = [str(word) for word in command]
    return subprocess.run(
        words, cwd=folder, env=surroundings, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=seconds, umask=0o022, **who
    )


@contextmanager
def open_folder() -> Iterator[Path]:
    """A new folder that everyone can enter, removed afterwards; pytest's own are closed to others."""
    with tempfile.TemporaryDirectory(prefix="marx-", ignore_cleanup_errors=True) as name:
        os.chmod(name, 0o755)
        yield Path(name)


def own_folder(parent: Path, name: str) -> Path:
    """A new folder in `parent` that belongs to the ordinary user."""
    folder = parent / name
    folder.mkdir()
    if os.geteuid() == 0:
        os.chown(folder, NOBODY, NOBODY)
    return folder


@cache
def open_python() -> str | None:
    """An interpreter for daemons, 3.11 or newer with venv, that an ordinary user can run; None if there is none.

    The one that runs the tests may stand in a home folder that is closed to others, as pyenv's do.
    """
    found = [getattr(sys, "_base_executable", sys.executable), *(shutil.which(name, path=SEARCH) for name in NEWEST_FIRST)]
    return next((python for python in found if python and _can_run(python)), None)


def _can_run(python: str) -> bool:
    try:
        return run_as_ordinary([python, "-c", SUFFICES], Path("/")).returncode == 0
    except OSError:
        return False
