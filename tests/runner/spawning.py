"""A runner's process: started with descriptors 0 to 4 as a worker starts it, its output kept, ended for certain."""

from __future__ import annotations

import fcntl
import os
import select
import signal
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from time import monotonic
from typing import BinaryIO

PATIENCE_SECONDS = 60
ABOVE = 10  # descriptors of ours, so that none is 3 or 4


@dataclass(frozen=True)
class Setting:
    """What a runner is started in. ``prefix``: a command that starts it. ``is_piped``: its standard output is a pipe, not a file.

    ``stdin``: a descriptor for its standard input, which is empty without it. ``flags``: of the interpreter.
    """

    environ: dict[str, str] = field(default_factory=dict)
    prefix: Sequence[str] = ()
    is_piped: bool = False
    stdin: int | None = None
    flags: Sequence[str] = ("-s",)


class RunnerProcess:
    """``control`` and ``reports``: our ends of its descriptors 3 and 4. ``output``: its standard output (1) and error (2)."""

    def __init__(self, python: str, kit: Path, setting: Setting) -> None:
        self.output: dict[int, BinaryIO] = {}
        self.piped: BinaryIO | None = None
        self._open_output(setting.is_piped)
        control, self.control = _pipe()
        self.reports, reports = _pipe()
        environ = {"PATH": os.defpath, "LANG": "C.UTF-8", **setting.environ}
        self.pid = self._spawn([*setting.prefix, python, *setting.flags, str(kit)], environ, control, reports, setting.stdin)
        self._status: int | None = None
        os.close(control)
        os.close(reports)

    def _open_output(self, is_piped: bool) -> None:
        self.output[2] = tempfile.TemporaryFile(buffering=0)
        if is_piped:
            reading, writing = os.pipe()
            self.piped, self.output[1] = open(reading, "rb", 0), open(writing, "wb", 0)
        else:
            self.output[1] = tempfile.TemporaryFile(buffering=0)

    def _spawn(self, command: list[str], environ: dict[str, str], control: int, reports: int, stdin: int | None) -> int:
        empty = os.open(os.devnull, os.O_RDONLY)
        numbers = {0: empty if stdin is None else stdin, 1: self.output[1].fileno(), 2: self.output[2].fileno(), 3: control, 4: reports}
        above = {number: fcntl.fcntl(descriptor, fcntl.F_DUPFD_CLOEXEC, ABOVE) for number, descriptor in numbers.items()}
        actions = [(os.POSIX_SPAWN_DUP2, descriptor, number) for number, descriptor in above.items()]
        try:
            return os.posix_spawnp(command[0], command, environ, file_actions=actions)
        finally:
            for descriptor in [empty, *above.values()]:
                os.close(descriptor)

    def hang_up(self) -> None:
        """Close our end of its descriptor 3, as a worker that dies."""
        os.dup2(os.open(os.devnull, os.O_WRONLY | os.O_CLOEXEC), self.control, inheritable=False)

    def stop_reading(self) -> None:
        """Close our end of its descriptor 4."""
        os.dup2(os.open(os.devnull, os.O_RDONLY | os.O_CLOEXEC), self.reports, inheritable=False)

    def printed(self, stream: int) -> bytes:
        """All that was written to a stream so far, marks included."""
        return os.pread(self.output[stream].fileno(), 1 << 26, 0)

    def wait(self) -> int:
        """Until it is gone; its exit code, or minus the signal that ended it."""
        if self._status is None:
            self._status = os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])
        return self._status

    def close(self) -> None:
        """End it whatever it does: as a worker that dies, and by SIGKILL if that is not enough."""
        os.close(self.control)
        if self._status is None and not self._ends_by_itself():
            os.kill(self.pid, signal.SIGKILL)
        self.wait()
        os.close(self.reports)
        for stream in self.output.values():
            stream.close()

    def _ends_by_itself(self) -> bool:
        descriptor = os.pidfd_open(self.pid)
        try:
            return bool(select.select([descriptor], [], [], PATIENCE_SECONDS)[0])
        finally:
            os.close(descriptor)


def appears(path: Path) -> None:
    """Wait until a process of the program has made a file."""
    until = monotonic() + PATIENCE_SECONDS
    while not path.exists():
        assert monotonic() < until, f"{path} did not appear"


def is_alive(pid: int) -> bool:
    """Whether a process is there and no zombie."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except OSError:
        return False


def vanishes(pid: int) -> None:
    """Wait until a process is gone."""
    until = monotonic() + PATIENCE_SECONDS
    while is_alive(pid):
        assert monotonic() < until, f"{pid} lives on"


def _pipe() -> tuple[int, ...]:
    """A pipe with both ends above the numbers that the runner gets."""
    ends = os.pipe()
    above = tuple(fcntl.fcntl(end, fcntl.F_DUPFD_CLOEXEC, ABOVE) for end in ends)
    for end in ends:
        os.close(end)
    return above
