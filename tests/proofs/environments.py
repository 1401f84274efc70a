"""
Virtual environments for other people's programs, of any version of Python that is found here; each made once, and again when its list changes.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

from tests.proofs.manifest import Environment
from tests.pythons import found_pythons

#: The last line of virtualenv that makes environments for 2.7.
VIRTUALENV = "virtualenv==20.15.1"
#: Seconds that installing one environment may take.
PATIENCE = 1200

#: The interpreter's own sitecustomize of an environment that is seeded. Importing what draws costs the same plainly and under Marx.
SEEDING = """import random
random.seed(1)
try:
    import numpy.random
    numpy.random.seed(1)
except ImportError:
    pass
"""


class NotMade(Exception):
    """An environment could not be made; the text says what is missing."""


def make(environment: Environment, cache: Path) -> str:
    """The path of the environment's interpreter below ``cache``. Raises NotMade."""
    folder = cache / "environments" / environment.name
    python, stamp = folder / "bin" / "python", folder / "holds.txt"
    wanted = "\n".join([_base(environment), *environment.requirements])
    if not stamp.exists() or stamp.read_text() != wanted:
        shutil.rmtree(folder, ignore_errors=True)
        _run([*_maker(environment, cache), str(folder)])
        if environment.requirements:
            _run([str(python), "-m", "pip", "install", "--quiet", *environment.requirements])
        stamp.write_text(wanted)
    if environment.is_seeded:
        (_packages_of(python) / "sitecustomize.py").write_text(SEEDING)
    return str(python)


def _packages_of(python: Path) -> Path:
    code = "import sysconfig; print(sysconfig.get_paths()['purelib'])"
    return Path(subprocess.run([str(python), "-c", code], check=True, capture_output=True, text=True).stdout.strip())


def _base(environment: Environment) -> str:
    for python in found_pythons(os.environ):
        if python.name == environment.python:
            return python.path
    raise NotMade(f"the environment {environment.name} needs Python {environment.python}, which was not found")


def _maker(environment: Environment, cache: Path) -> list[str]:
    """The command that makes a new environment; 2.7 has none of its own."""
    base = _base(environment)
    if not environment.python.startswith("2"):
        return [base, "-m", "venv"]
    command = cache / "environments" / "virtualenv" / "bin" / "virtualenv"
    if not command.exists():
        folder = command.parents[1]
        _run([sys.executable, "-m", "venv", str(folder)])
        _run([str(folder / "bin" / "python"), "-m", "pip", "install", "--quiet", VIRTUALENV])
    return [str(command), "--quiet", "--no-periodic-update", "--python", base]


def _run(argv: list[str]) -> None:
    try:
        said = subprocess.run(argv, capture_output=True, text=True, timeout=PATIENCE)
    except subprocess.TimeoutExpired:
        raise NotMade(f"{' '.join(argv[:4])} ... took more than {PATIENCE} s") from None
    if said.returncode:
        raise NotMade(f"{' '.join(argv)} failed: {said.stderr.strip()[-800:]}")
