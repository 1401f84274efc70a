"""The interpreters that user programs are tested with: found, or named by MARX_TEST_PYTHONS.

MARX_TEST_PYTHONS holds paths or version numbers, separated by colons: `2.7:3.9:/opt/python3.13/bin/python`. Without it
the PATH and pyenv are searched. The fixtures of conftest.py stand on this. Run as a program it prints what it found, in
the form of that variable, and fails where CI's minimum is not met: .ci/run uses that.
"""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import NamedTuple

KNOWN = ((2, 7), *((3, minor) for minor in range(6, 15)))
"""The versions that the runner promises to work under."""

LEAST_OF_THREE = 4
"""So many different 3.x must be found under CI, beside 2.7."""

PROBE = "import sys; print('%d %d %d' % sys.version_info[:3] + ' ' + sys.executable)"
PROBE_SECONDS = 20


class UserPython(NamedTuple):
    """One interpreter a user's program may be run by."""

    version: tuple[int, int, int]
    path: str

    @property
    def name(self) -> str:
        """`2.7` or `3.11`, as people type it after --python."""
        return "%d.%d" % self.version[:2]


class PythonMissing(Exception):
    """An interpreter that was named, or that CI demands, is not there."""


def found_pythons(environ: Mapping[str, str]) -> tuple[UserPython, ...]:
    """The newest interpreter of each known minor version, oldest first.

    With MARX_TEST_PYTHONS in `environ`, those that it names and no others; raises PythonMissing if one cannot be run.
    """
    named = environ.get("MARX_TEST_PYTHONS")
    if named:
        pythons = [_named(name, environ) for name in named.split(":") if name]
    else:
        pythons = list(_probe_all(_candidates(environ)))
    newest = {python.version[:2]: python for python in sorted(pythons)}
    return tuple(newest[minor] for minor in sorted(newest) if minor in KNOWN)


def shortage(pythons: Iterable[UserPython]) -> str | None:
    """What CI's minimum lacks, as a sentence; None if nothing does."""
    names = [python.name for python in pythons]
    threes = [name for name in names if name.startswith("3.")]
    if "2.7" in names and len(threes) >= LEAST_OF_THREE:
        return None
    return "CI runs user programs under Python 2.7 and at least %d different 3.x, but found only: %s" % (
        LEAST_OF_THREE,
        ", ".join(names) or "none",
    )


def _named(name: str, environ: Mapping[str, str]) -> UserPython:
    paths = [Path(name)] if os.sep in name else _candidates(environ)
    for python in _probe_all(paths):
        if os.sep in name or _is_version(python, name):
            return python
    raise PythonMissing("MARX_TEST_PYTHONS names %r, which is not an interpreter that runs on this machine" % name)


def _is_version(python: UserPython, name: str) -> bool:
    full = "%d.%d.%d" % python.version
    return (full + ".").startswith(name + ".")


def _candidates(environ: Mapping[str, str]) -> Iterator[Path]:
    search = environ.get("PATH", os.defpath)
    for major, minor in KNOWN:
        on_path = shutil.which("python%d.%d" % (major, minor), path=search)
        if on_path:
            yield Path(on_path)
    pyenv = Path(environ.get("PYENV_ROOT") or Path(environ.get("HOME", "/"), ".pyenv"))
    yield from sorted(pyenv.glob("versions/*/bin/python"))


def _probe_all(paths: Iterable[Path]) -> Iterator[UserPython]:
    for path in paths:
        python = _probe(str(path))
        if python is not None:
            yield python


@cache
def _probe(path: str) -> UserPython | None:
    try:
        answer = subprocess.run([path, "-c", PROBE], capture_output=True, text=True, timeout=PROBE_SECONDS)
    except (OSError, subprocess.TimeoutExpired):
        return None
    if answer.returncode:  # a shim of pyenv for a version that is not switched on ends here
        return None
    major, minor, micro, executable = answer.stdout.strip().split(" ", 3)
    return UserPython((int(major), int(minor), int(micro)), executable)


def spread(pythons: Iterable[UserPython], threes: int) -> list[UserPython]:
    """Every 2.x, and so many different 3.x: the oldest, the newest, and some between them."""
    twos, others = [], []
    for python in pythons:
        (twos if python.version[0] == 2 else others).append(python)
    if len(others) <= threes:
        return twos + others
    return twos + [others[round(place * (len(others) - 1) / (threes - 1))] for place in range(threes)]


if __name__ == "__main__":
    # A thousand tests start each interpreter: all of those that are found would take CI longer than it has.
    pythons = spread(found_pythons(os.environ), LEAST_OF_THREE)
    print(":".join(python.path for python in pythons))
    sys.exit(shortage(pythons))
