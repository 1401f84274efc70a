"""Runners inside bubblewrap: one recipe for an ordinary user, in a user namespace, and one for root, without.

bwrap run plainly by root is no sandbox: uid 0 outside stays behind whatever uid is shown inside, and could write
/proc/sys/kernel/core_pattern. So root's recipe makes the namespaces, then `setpriv` leaves for an unprivileged uid, one
for each slot, with no capability left. Which recipe serves is proved by `selftest.py` when the worker starts.

What a task sets in its environment never reaches a program that still has rights, nor arguments that anybody can read:
an LD_PRELOAD would run in bwrap itself, outside, and a secret would stand in `ps`.
"""

import shlex
import subprocess
from abc import abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from marx.worker.grip import SandboxGrip
from marx.worker.interpreters import Interpreter
from marx.worker.launch import Launch, Mounts, Sandbox, encoded, memory_files, require_variables
from marx.worker.mounting import OUR_PLACE, in_order, mount_options
from marx.worker.surroundings import FIRST_UID, SEAT_UIDS, SLOT_UIDS, make_up_etc, names_of_the_network, system_binds

FILTER_FD, REPORT_FD, OPTIONS_FD, START_FD = 5, 6, 7, 8
"""bwrap reads the system-call filter, its options and (for root) the start script; it writes its report, see grip.py."""

START = OUR_PLACE + "/start"

SHM_BYTES = 1 << 30
"""multiprocessing's semaphores and shared memory. A plain run has half of the machine's memory; only what is used counts."""

TMP_BYTES = 64 << 20
"""/tmp where the Mounts have none: on disk it has no such limit."""

ROOT_CAPABILITIES = ("CAP_SETUID", "CAP_SETGID", "CAP_SETPCAP")
"""What setpriv needs to become the slot's user and to give up the rest; it ends with none."""


@dataclass(frozen=True)
class Tools:
    """The programs that recipes are made of, and the options that this machine's bwrap knows."""

    bwrap: str
    options: frozenset[str]
    setpriv: str | None = None
    setsid: str | None = None


@dataclass(frozen=True)
class Ground:
    """What is the same for every runner of this worker."""

    system: tuple[str, ...]
    private: tuple[str, ...]
    syscall_filter: bytes

    @classmethod
    def prepare(cls, folder: Path, private: Iterable[str], syscall_filter: bytes) -> Self:
        """Write the made-up /etc below `folder`, and look at the system once."""
        make_up_etc(folder / "etc")
        return cls(tuple(in_order(system_binds(folder / "etc"))), tuple(private), syscall_filter)


def known_options(bwrap: str) -> frozenset[str]:
    """The long options that this bwrap lists; versions differ by them. Raises OSError or subprocess.SubprocessError."""
    answer = subprocess.run([bwrap, "--help"], env={}, capture_output=True, text=True, timeout=10)
    words = (answer.stdout + answer.stderr).split()
    return frozenset(word for word in words if word.startswith("--"))


class Bubblewrap(Sandbox):
    """What both recipes share. Descriptors 5 to 8 of the child are bwrap's and closed before the runner starts."""

    level = "bwrap"

    def __init__(self, tools: Tools, ground: Ground) -> None:
        self._tools = tools
        self._ground = ground

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
        """See Sandbox. The runner is in a session and a pid namespace of its own."""
        require_variables(env)
        options = [
            *self._identity(env),
            *("--unshare-pid", "--unshare-ipc", "--unshare-uts", "--unshare-cgroup-try"),
            *(() if network else ("--unshare-net",)),
            *("--hostname", "marx", "--new-session", "--die-with-parent"),
            *self._ground.system,
            *(in_order(names_of_the_network()) if network else ()),
            *self._kernel_places(mounts),
            *mount_options(interpreter, mounts, self._ground.private),
            *self._start_options(),
            *("--remount-ro", "/", "--chdir", cwd, "--seccomp", str(FILTER_FD), "--info-fd", str(REPORT_FD)),
        ]
        program = [interpreter.path, *command]
        contents = {FILTER_FD: self._ground.syscall_filter, OPTIONS_FD: _joined(options), **self._start(program, env, cwd)}
        argv = encoded([*self._monitor(), *self._entry(program, slot_index)])
        return Launch(argv, env={}, child_fds={REPORT_FD: "r", **memory_files(contents)})

    def place(self, mounts: Mounts, inside: str) -> str:
        """Inside paths are what they say."""
        return inside

    def grip(self, pid: int) -> SandboxGrip:
        """On bwrap's monitor, which is what was spawned."""
        return SandboxGrip(pid)

    def _monitor(self) -> list[str]:
        # In the worker's own session Ctrl-C at `tasker --local` would kill every sandbox before anybody was asked.
        first = [self._tools.setsid] if self._tools.setsid else []
        return [*first, self._tools.bwrap, "--args", str(OPTIONS_FD), "--"]

    def _kernel_places(self, mounts: Mounts) -> list[str]:
        options = ["--proc", "/proc", "--dev", "/dev", *self._tmpfs("/dev/shm", SHM_BYTES), "--remount-ro", "/dev"]
        if "/tmp" in [place for _, place in mounts.writable]:
            return options
        return [*options, *self._tmpfs("/tmp", TMP_BYTES)]

    def _tmpfs(self, place: str, size: int) -> list[str]:
        known = self._tools.options
        perms = ["--perms", "1777"] if "--perms" in known else []
        return [*perms, *(["--size", str(size)] if "--size" in known else []), "--tmpfs", place]

    @abstractmethod
    def _identity(self, env: Mapping[str, str]) -> list[str]:
        """Options: who the runner is, and its environment where that can be given so early."""

    @abstractmethod
    def _entry(self, program: list[str], slot_index: int) -> list[str]:
        """What bwrap executes to get to `program`."""

    def _start_options(self) -> list[str]:
        return []

    def _start(self, program: list[str], env: Mapping[str, str], cwd: str) -> dict[int, bytes]:
        return {}


class UserBubblewrap(Bubblewrap):
    """For an ordinary user: a user namespace, in which nobody has any right outside. The runner is process 1 inside."""

    def owner(self, slot_index: int) -> None:
        """The worker's own user is the one behind the uid inside."""
        return None

    def _identity(self, env: Mapping[str, str]) -> list[str]:
        no_more = ["--disable-userns"] if "--disable-userns" in self._tools.options else []
        variables = [word for name, value in env.items() for word in ("--setenv", name, value)]
        uid = str(FIRST_UID)
        return ["--unshare-user", *no_more, "--uid", uid, "--gid", uid, "--cap-drop", "ALL", "--as-pid-1", *variables]

    def _entry(self, program: list[str], slot_index: int) -> list[str]:
        return program


class RootBubblewrap(Bubblewrap):
    """For root: the slot's own uid. `setpriv` has an empty environment; a script sets the program's after it.

    Process 1 inside is bwrap's own and the runner is process 2, for the sake of a worker that is killed: the monitor has
    given up its capabilities, so its death could not signal a process 1 of another uid, which would live on.
    """

    def owner(self, slot_index: int) -> int:
        """One uid for each slot or seat, so that a limit on its processes is its own."""
        if slot_index >= 0:
            return FIRST_UID + slot_index % SLOT_UIDS
        return FIRST_UID + SLOT_UIDS + (-1 - slot_index) % SEAT_UIDS

    def _identity(self, env: Mapping[str, str]) -> list[str]:
        return ["--cap-drop", "ALL", *(word for name in ROOT_CAPABILITIES for word in ("--cap-add", name))]

    def _entry(self, program: list[str], slot_index: int) -> list[str]:
        uid = str(self.owner(slot_index))
        return [
            *(str(self._tools.setpriv), "--reuid", uid, "--regid", uid, "--clear-groups"),
            *("--inh-caps=-all", "--bounding-set=-all", "--no-new-privs", "--", "/bin/sh", START),
        ]

    def _start_options(self) -> list[str]:
        return ["--dir", "/run", "--dir", OUR_PLACE, "--perms", "0644", "--ro-bind-data", str(START_FD), START]

    def _start(self, program: list[str], env: Mapping[str, str], cwd: str) -> dict[int, bytes]:
        variables = ["%s=%s" % pair for pair in {**env, "PWD": cwd}.items()]
        words = ["exec", "/usr/bin/env", "-i", *variables, *program]
        return {START_FD: b" ".join(encoded(map(shlex.quote, words))) + b"\n"}


def _joined(options: Iterable[str]) -> bytes:
    return b"".join(word + b"\0" for word in encoded(options))
