"""
The first part: what the analysis says of every program of a package, asked of the Python that would run it.
"""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path

from tests.proofs.foreign.rows import Look, look
from tests.source import CHECKOUT

LOOKING = Path(__file__).with_name("looking.py")


def looks(python: str, folder: Path, files: Sequence[str]) -> Iterator[Look]:
    """One for each of ``files`` below ``folder``, in their order, as they come."""
    paths = [str(folder.absolute() / file) for file in files]
    # With `site`, unlike the tasker at first: virtual environments of 2.7 have no standard library without.
    command = [python, "-E", "-s", "-B", str(LOOKING), str(CHECKOUT)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin is not None and process.stdout is not None
        with process.stdin as asking:
            json.dump(paths, asking)
        for file, path in zip(files, paths, strict=True):
            line = process.stdout.readline()
            yield look(file, path, json.loads(line) if line else {"error": "the interpreter ended"})
