"""Run as a program, by test_containing.py, in a cgroup that may be divided: is a worker's start, or one that is killed with a runner at work.

Its argument is a JSON object; so is what it prints.
"""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from marx.worker.bounds import Bounds
from marx.worker.cgroups import Group, Groups
from marx.worker.containing import contain
from marx.worker.launch import Launch
from marx.worker.sandbox import choose


def drive(order: dict[str, Any]) -> None:
    """Say what the worker says of its groups, and how many there are, and leave as ordered."""
    state = Path(order["state"])
    groups, sentence = contain(choose(order["level"], state), state)
    said: dict[str, Any] = {"sentence": sentence}
    if order["what"] == "be killed":
        said["pid"] = _start_inside(groups.make(Bounds(memory_bytes=1 << 28, processes=10)))
    parent = Path((state / "cgroups").read_text().splitlines()[0])
    runners = _runners(parent) if order["what"] == "be killed" else wait_for_none(parent, groups)
    sys.stdout.write(json.dumps({**said, "left": len(runners), "folders": [str(child) for child in runners]}))
    sys.stdout.flush()
    if order["what"] == "be killed":
        os.kill(os.getpid(), signal.SIGKILL)


def wait_for_none(parent: Path, groups: Groups) -> list[Path]:
    """Who was killed goes when the system comes to it; a worker looks again whenever it makes a group. Those that are left after 20 s."""
    deadline = time.monotonic() + 20
    while (left := _runners(parent)) and time.monotonic() < deadline:
        time.sleep(0.05)
        groups.make(Bounds(processes=10)).remove()
    return left


def _runners(parent: Path) -> list[Path]:
    return [child for child in parent.iterdir() if child.name.isdigit()] if parent.exists() else []


def _start_inside(group: Group) -> int:
    command = group.around(Launch([b"/bin/sh", b"-c", b"echo here; exec sleep 600 >/dev/null 2>&1"], {})).argv
    started = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    assert started.stdout is not None and started.stdout.readline() == b"here\n"
    return started.pid


if __name__ == "__main__":
    drive(json.loads(sys.argv[1]))
