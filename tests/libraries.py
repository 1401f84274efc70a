"""Libraries that programs in the tests import, for each interpreter: joblib, numpy, and what 2.7 lacks of concurrent.futures.

They lie in a folder for each version below MARX_TEST_LIBRARIES, or else ``.venv-libraries`` of the checkout, which is called as installers
call theirs, and come into programs by PYTHONPATH. Run as a program this fetches them, as ``make libraries`` does, and lets each
interpreter compile what was fetched for it: pip compiles for its own Python, and no process that a test starts may keep its bytecode.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.pythons import UserPython

CHECKOUT = Path(__file__).resolve().parents[1]

#: The last that a version of Python can import; newer ones take the newest.
FOR_OLD = {
    "2.7": ["joblib==0.14.1", "futures==3.4.0", "numpy==1.16.6"],
    "3.6": ["joblib==1.1.1", "numpy==1.19.5"],
    "3.7": ["joblib==1.3.2", "numpy==1.21.6"],
    "3.8": ["joblib==1.4.2", "numpy==1.24.4"],
}
FOR_NEW = ["joblib>=1.5,<2", "cloudpickle", "numpy>=2,<3"]


def library_folder(version: str, environ: Mapping[str, str]) -> Path:
    """Where the libraries of a version of Python ("3.11") lie, or would."""
    return Path(environ.get("MARX_TEST_LIBRARIES") or CHECKOUT / ".venv-libraries") / version / "site-packages"


def fetch(version: str, environ: Mapping[str, str]) -> None:
    """Bring a version's libraries into its folder, if they are not there. Raises CalledProcessError."""
    folder = library_folder(version, environ)
    # A pip of today's older kind looks at its own version of Python where the one that was asked for is 2.7.
    wanted = ["--ignore-requires-python", *FOR_OLD[version]] if version in FOR_OLD else FOR_NEW
    stamp = folder / "fetched"
    if stamp.exists() and stamp.read_text() == " ".join(wanted):
        return
    target = ["--target", str(folder), "--upgrade", "--python-version", version, "--only-binary=:all:", "--no-deps"]
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-compile", "--disable-pip-version-check", *target]
    subprocess.run([*command, *wanted], check=True)
    stamp.write_text(" ".join(wanted))


def compile_for(python: UserPython, environ: Mapping[str, str]) -> None:
    """Let an interpreter keep its bytecode of them, if it has not yet. A file that it cannot read is one that no program imports."""
    folder = library_folder(python.name, environ)
    stamp = folder / "compiled"
    if not stamp.exists() or stamp.read_text() != python.path:
        subprocess.run([python.path, "-m", "compileall", "-q", str(folder)], capture_output=True)
        stamp.write_text(python.path)


if __name__ == "__main__":
    sys.path.insert(0, str(CHECKOUT))
    from tests.pythons import found_pythons

    for python in found_pythons(os.environ):
        fetch(python.name, os.environ)
        compile_for(python, os.environ)
