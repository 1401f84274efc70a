"""A Python with scikit-learn, joblib, matplotlib and numpy, for the examples that need them: MARX_TEST_SCIENCE names it.

Without that variable it is looked for in ``.venv-science`` of the checkout, which ``make science`` makes.
"""

import os
import subprocess
from collections.abc import Mapping
from pathlib import Path

from tests.pythons import UserPython
from tests.source import CHECKOUT

NEEDED = "import joblib, matplotlib, numpy, sklearn, sys; print(*sys.version_info[:3])"
IMPORT_SECONDS = 120


class ScienceMissing(Exception):
    """There is no such Python; the text says how to make one."""


def science_python(environ: Mapping[str, str]) -> UserPython:
    """The one that is named or found. Raises ScienceMissing."""
    named = environ.get("MARX_TEST_SCIENCE")
    path = Path(named) if named else CHECKOUT / ".venv-science" / "bin" / "python"
    how = "`make science` makes one that has all of them"
    try:
        answer = subprocess.run([str(path), "-c", NEEDED], capture_output=True, text=True, timeout=IMPORT_SECONDS)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise ScienceMissing(f"{path} cannot be run ({error}); {how}") from None
    if answer.returncode:
        raise ScienceMissing(f"{path} lacks a library ({answer.stderr.strip().splitlines()[-1]}); {how}")
    major, minor, micro = map(int, answer.stdout.split())
    return UserPython((major, minor, micro), os.path.abspath(path))
