"""Whether each interpreter starts in this worker's sandbox: tried once at the start, before any of them is offered.

What a Python needs outside of the folders that it names, or what is closed to this worker's user, is found here and not by
a user's program.
"""

import os
import tempfile
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

from marx.worker.interpreters import Interpreter
from marx.worker.launch import CannotLaunch, Mounts, Sandbox
from marx.worker.selftest import run_to_end

TRIAL_SECONDS = 20.0
"""It takes 0.03 s; a cold network disk is given its time."""

TRIALS_AT_ONCE = 4
CWD = "/home/alice/project"
SAY = "import json, os, socket, struct; os.write(1, b'here')"
"""What the runner imports, as far as it is compiled."""


def try_all(sandbox: Sandbox, interpreters: Iterable[Interpreter], folder: Path) -> dict[str, str]:
    """By path why an interpreter cannot run in `sandbox`, for those that cannot. `folder`: the worker's state. Blocks."""
    with tempfile.TemporaryDirectory(prefix="trial-", dir=folder) as name:
        scratch = Path(name, "scratch")
        scratch.mkdir()
        owner = sandbox.owner(0)
        if owner is not None:
            os.chown(scratch, owner, owner)
        mounts = Mounts(writable=((str(scratch), CWD),))
        tried = list(interpreters)
        with ThreadPoolExecutor(TRIALS_AT_ONCE) as pool:
            answers = pool.map(lambda one: _why_not(sandbox, one, mounts), tried)
        return {one.path: why for one, why in zip(tried, answers, strict=True) if why}


def _why_not(sandbox: Sandbox, interpreter: Interpreter, mounts: Mounts) -> str:
    env = {"LANG": "C.UTF-8", **interpreter.variables}
    command = ["-s", "-c", SAY]
    try:
        with closing(sandbox.launch(interpreter, command, mounts, env, sandbox.place(mounts, CWD), 0)) as launch:
            said, complaint = run_to_end(launch, TRIAL_SECONDS)
    except (CannotLaunch, OSError) as refusal:
        return str(refusal)
    if said == b"here":
        return ""
    lines = complaint.decode(errors="replace").strip().splitlines()
    return "it does not start in the sandbox: %s" % (lines[-1] if lines else "it said nothing")
