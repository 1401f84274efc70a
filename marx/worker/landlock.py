"""Level "landlock": runners behind the kernel's file rules and the system-call filter, for where bubblewrap is not permitted.

Weaker than bubblewrap, and only for an ordinary user. There are no namespaces: a program sees which processes this machine
has, shares /dev/shm with others of the worker's user, and finds its files at their host paths, as at level "none". It has
no socket at all, since the rules do not know Unix sockets in folders; pairs of connected ones work.
"""

import ctypes
import json
import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from importlib.resources import files

from marx.worker.bare import Bare
from marx.worker.interpreters import Interpreter
from marx.worker.launch import Launch, Mounts, encoded, memory_files, require_variables
from marx.worker.mounting import require_readable
from marx.worker.surroundings import system_folders

ORDER_FD = 5

CREATE_RULESET, VERSION = 444, 1

LEAST_VERSION = 6
"""Linux 6.12: before it, signals and abstract sockets were not covered."""

DEVICES = ("null", "zero", "full", "random", "urandom", "tty", "ptmx", "pts")
ACCOUNTS = ("/etc/passwd", "/etc/group", "/etc/hosts", "/etc/nsswitch.conf", "/etc/host.conf")
NAMES = ("/etc/resolv.conf",)


def landlock_version() -> int:
    """Which version of its rules this kernel has; 0 if it has none, or they are switched off."""
    answer = ctypes.CDLL(None, use_errno=True).syscall(*map(ctypes.c_long, (CREATE_RULESET, 0, 0, VERSION)))
    return max(0, answer)


class Landlock(Bare):
    """See Sandbox. `filters`: the system-call filters without and with the network; `setsid` as in Bare."""

    level = "landlock"

    def __init__(self, setsid: str | None, filters: tuple[bytes, bytes]) -> None:
        super().__init__(setsid)
        self._filters = filters
        self._source = files("marx.worker").joinpath("walls.py").read_text(encoding="utf-8")

    def launch(
        self,
        interpreter: Interpreter,
        command: Sequence[str],
        mounts: Mounts,
        env: Mapping[str, str],
        cwd: str,
        slot_index: int,
        network: bool = False,
    ) -> Launch:
        """The worker's own Python, which puts up the walls and then is the runner. Nothing of the task is in its arguments."""
        require_variables(env)
        program = [interpreter.path, *command]
        encoded([*program, *env, *env.values(), cwd])  # raises for what no process can be given
        order = {
            "command": program,
            "env": {**env, "PWD": cwd},
            "cwd": cwd,
            "network": network,
            "filter": self._filters[network].hex(),
            "grants": {
                "read": [*_readable(interpreter, mounts), *(NAMES if network else ())],
                "write": [host for host, _ in mounts.writable],
                "device": ["/dev/" + name for name in DEVICES],
            },
        }
        order["grants"]["write"].append("/dev/shm")
        argv = encoded([*self._first, os.path.abspath(sys.executable), "-I", "-S", "-c", self._source])
        return Launch(argv, {}, memory_files({ORDER_FD: json.dumps(order).encode("ascii")}))


def _readable(interpreter: Interpreter, mounts: Mounts) -> Iterator[str]:
    for folder in interpreter.folders:
        require_readable(folder)
        yield folder
    yield from system_folders()
    yield from ("/proc", *ACCOUNTS)
    yield from (host for host, _ in mounts.read_only)
