"""Run as a program, by stand.py, under the user that a test is about: starts one runner in a sandbox, says how it went.

Its argument is a JSON object, see `Stand.run`; so is what it prints.
"""

import json
import os
import sys
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

from marx.worker.launch import CannotLaunch, Launch, Mounts, Sandbox
from marx.worker.probing import probe_one
from marx.worker.sandbox import NoSandbox, choose
from marx.worker.selftest import run_to_end


def drive(order: dict[str, Any]) -> dict[str, Any]:
    """What the program printed, or what kept it from starting."""
    try:
        sandbox = choose(order["level"], Path(order["state"]))
        with closing(_launch(sandbox, order)) as launch:
            said, complaint = run_to_end(launch)
    except (CannotLaunch, NoSandbox) as refusal:
        return {"refused": str(refusal)}
    return {"stdout": said.decode(), "stderr": complaint.decode(), "kind": type(sandbox).__name__}


def _launch(sandbox: Sandbox, order: dict[str, Any]) -> Launch:
    mounts = Mounts(writable=tuple(map(tuple, order["writable"])))
    owner = sandbox.owner(order["slot"])
    for host, _ in mounts.writable:
        if owner is not None:
            os.chown(host, owner, owner)
    cwd = sandbox.place(mounts, order["cwd"])
    interpreter = probe_one(order["python"])
    interpreter = replace(interpreter, folders=(*interpreter.folders, *order["folders"]))
    return sandbox.launch(interpreter, order["command"], mounts, {**interpreter.variables, **order["env"]}, cwd, order["slot"], order["network"])


if __name__ == "__main__":
    sys.stdout.write(json.dumps(drive(json.loads(sys.argv[1]))))
