"""Libraries that programs in the tests import, for each interpreter: joblib, and what 2.7 lacks of concurrent.futures.

They lie in a folder for each version below MARX_TEST_LIBRARIES, or else ``.venv-libraries`` of the checkout, and come into programs by
PYTHONPATH. Run as a program this fetches them, as ``make libraries`` does.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parents[1]

#: The last that a version of Python can import; newer ones take the newest.
FOR_OLD = {"2.7": ["joblib==0.14.1", "futures==3.4.0"], "3.6": ["joblib==1.1.1"], "3.7": ["joblib==1.3.2"], "3.8": ["joblib==1.4.2"]}
FOR_NEW = ["joblib>=1.5,<2", "cloudpickle"]


def library_folder(version: str, environ: Mapping[str, str]) -> Path:
    """Where the libraries of a version of Python ("3.11") lie, or would."""
    return Path(environ.get("MARX_TEST_LIBRARIES") or CHECKOUT / ".venv-libraries") / version


def fetch(version: str, environ: Mapping[str, str]) -> None:
    """Bring a version's libraries into its folder, if they are not there. Raises CalledProcessError."""
    folder = library_folder(version, environ)
    if (folder / "fetched").exists():
        return
    target = ["--target", str(folder), "--upgrade", "--python-version", version, "--only-binary=:all:", "--no-deps"]
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *target]
    # A pip of today's older kind looks at its own version of Python where the one that was asked for is 2.7.
    wanted = ["--ignore-requires-python", *FOR_OLD[version]] if version in FOR_OLD else FOR_NEW
    subprocess.run([*command, *wanted], check=True)
    (folder / "fetched").touch()


if __name__ == "__main__":
    sys.path.insert(0, str(CHECKOUT))
    from tests.pythons import found_pythons

    for python in found_pythons(os.environ):
        fetch(python.name, os.environ)
