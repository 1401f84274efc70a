"""
Whether this worker can put its runners into cgroups: tried once at the start, in its sandbox, by the way that runners go.

What a machine mounts, lends and counts differs too much to be guessed. Where it does not work, memory is watched as before.
"""

from __future__ import annotations

import os
import tempfile
from contextlib import closing
from importlib.resources import files
from pathlib import Path

from marx.worker.bounds import Bounds
from marx.worker.cgroup_places import NoCgroups, find_place
from marx.worker.cgroups import BESIDE_PROCESSES, Cgroups, Group, Groups
from marx.worker.launch import CannotLaunch, Mounts, Sandbox
from marx.worker.probing import own_interpreter
from marx.worker.selftest import run_to_end

#: As little as a Python can start in, so that more is taken at once.
TRIAL = Bounds(memory_bytes=32 << 20, processes=16)
MOST_PROCESSES = 16 + BESIDE_PROCESSES
CWD = "/home/alice/project"
CONTAINED = "memory and processes of programs are contained by cgroups of version %d"
WATCHED = "memory of programs is watched and not contained: %s"


def contain(sandbox: Sandbox, folder: Path, proc: Path = Path("/proc/self")) -> tuple[Groups, str]:
    """The groups for runners in ``sandbox``, and the sentence that says what they are. ``folder``: the worker's state. Blocks for 0.2 s."""
    try:
        groups = Cgroups(find_place((proc / "cgroup").read_text(), (proc / "mountinfo").read_text()), folder)
        try:
            prove(groups, sandbox, folder)
        except (NoCgroups, OSError):
            groups.close()
            raise
    except (NoCgroups, OSError) as why:
        return Groups(), WATCHED % why
    return groups, CONTAINED % groups.version


def prove(groups: Groups, sandbox: Sandbox, folder: Path) -> None:
    """Let a program in there take too much of both. Raises :class:`NoCgroups` where it gets it, and OSError."""
    group = groups.make(TRIAL)
    try:
        said, complaint = _overfill(group, sandbox, folder)
        kills = group.memory_kills
    finally:
        group.remove()
    processes, *got_memory = said.split() or [b""]
    if not processes.isdigit():
        raise NoCgroups("a trial did not start in it: %s" % (complaint.decode(errors="replace").strip() or "it said nothing"))
    if int(processes) > MOST_PROCESSES:
        raise NoCgroups("a trial got more processes than its cgroup may have")
    if got_memory or not kills:
        raise NoCgroups("a trial got more memory than its cgroup may have")


def _overfill(group: Group, sandbox: Sandbox, folder: Path) -> tuple[bytes, bytes]:
    with tempfile.TemporaryDirectory(prefix="overfull-", dir=folder) as name:
        scratch = Path(name, "scratch")
        scratch.mkdir()
        owner = sandbox.owner(0)
        if owner is not None:
            os.chown(scratch, owner, owner)
        mounts = Mounts(writable=((str(scratch), CWD),))
        source = files("marx.worker").joinpath("overfull.py").read_text(encoding="utf-8")
        command = ["-I", "-S", "-c", source, str(group.memory_bytes), str(MOST_PROCESSES)]
        try:
            launch = sandbox.launch(own_interpreter(), command, mounts, {"LANG": "C.UTF-8"}, sandbox.place(mounts, CWD), 0)
        except CannotLaunch as refusal:
            raise NoCgroups(str(refusal)) from refusal
        with closing(launch):
            return run_to_end(group.around(launch))
