"""How the processes of a played program begin: by starting an interpreter for each, or by forks of one that stays as it was (`programs/stable.py`)."""

from __future__ import annotations

import json
import os
import socket
import struct
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any, BinaryIO, Protocol

PROGRAMS = Path(__file__).parent / "programs"
LENGTH = struct.Struct(">I")
#: Seconds that a process may take to end.
ENDING_SECONDS = 120


class Begun(Protocol):
    """A process at work."""

    def kill(self) -> None:
        """By SIGKILL; nothing where it has ended."""

    def wait(self, timeout: float | None = None) -> int:
        """Until it is gone; its exit code, or minus the signal that ended it."""


class Beginning(Protocol):
    """Begins processes in ``folder``, all with standard output ``out`` and error ``err``."""

    def plainly(self, words: Sequence[str], folder: Path, out: BinaryIO, err: BinaryIO) -> Begun:
        """A program as anybody runs it."""

    def found(self, words: Sequence[str], folder: Path, out: BinaryIO, err: BinaryIO, portal: socket.socket, how: tuple[int, str]) -> Begun:
        """One as the keeper runs it. ``how``: the slots that it is promised, and what counts as a site, see `programs/finding.py`."""

    def computing(self, folder: Path, out: BinaryIO, err: BinaryIO, requests: int, results: int) -> Begun:
        """What `programs/computing.py` is. ``requests`` and ``results``: descriptors."""


class Started:
    """Each in an interpreter of its own, with the environment ``environ``."""

    def __init__(self, python: str, kit: Path, environ: Mapping[str, str]) -> None:
        self._python = [python, "-s"]
        self._kit = str(kit)
        self._environ = environ
        compile_once(python, kit)

    def plainly(self, words: Sequence[str], folder: Path, out: BinaryIO, err: BinaryIO) -> Begun:
        """See `Beginning`."""
        return self._begun(list(words), folder, out, err)

    def found(self, words: Sequence[str], folder: Path, out: BinaryIO, err: BinaryIO, portal: socket.socket, how: tuple[int, str]) -> Begun:
        """See `Beginning`."""
        before = [str(PROGRAMS / "finding.py"), self._kit, "%d:%d" % (portal.fileno(), how[0]), how[1]]
        return self._begun([*before, *words], folder, out, err, pass_fds=[portal.fileno()])

    def computing(self, folder: Path, out: BinaryIO, err: BinaryIO, requests: int, results: int) -> Begun:
        """See `Beginning`."""
        words = [str(PROGRAMS / "computing.py"), self._kit, str(results)]
        return self._begun(words, folder, out, err, stdin=requests, pass_fds=[results])

    def _begun(self, words: list[str], folder: Path, out: BinaryIO, err: BinaryIO, stdin: int = subprocess.DEVNULL, **more: Any) -> Begun:
        return subprocess.Popen(self._python + words, stdin=stdin, stdout=out, stderr=err, cwd=folder, env=self._environ, **more)


class Stable:
    """Each a fork of one process, which has imported the modules ``preloaded``. To be used by one thread, and closed."""

    def __init__(self, python: str, kit: Path, environ: Mapping[str, str], preloaded: Sequence[str] = ()) -> None:
        compile_once(python, kit)
        self._kit = str(kit)
        self._socket, theirs = socket.socketpair()
        self._socket.settimeout(ENDING_SECONDS)
        self._said = tempfile.TemporaryFile()
        self._null = open(os.devnull, "rb")
        command = [python, "-s", str(PROGRAMS / "stable.py"), self._kit, str(theirs.fileno()), *preloaded]
        self._process = subprocess.Popen(
            command, stdin=self._null, stdout=self._said, stderr=self._said, env=environ, pass_fds=[theirs.fileno()]
        )
        theirs.close()

    def close(self) -> None:
        """End it, also while it waits for a child that does not end."""
        self._socket.close()
        try:
            self._process.wait(ENDING_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._said.close()
        self._null.close()

    def plainly(self, words: Sequence[str], folder: Path, out: BinaryIO, err: BinaryIO) -> Begun:
        """See `Beginning`."""
        return self._begun("plain", folder, [self._null.fileno(), out.fileno(), err.fileno()], words=list(words))

    def found(self, words: Sequence[str], folder: Path, out: BinaryIO, err: BinaryIO, portal: socket.socket, how: tuple[int, str]) -> Begun:
        """See `Beginning`."""
        descriptors = [self._null.fileno(), out.fileno(), err.fileno(), portal.fileno()]
        return self._begun("found", folder, descriptors, words=list(words), slots=how[0], finding=how[1])

    def computing(self, folder: Path, out: BinaryIO, err: BinaryIO, requests: int, results: int) -> Begun:
        """See `Beginning`."""
        return self._begun("compute", folder, [requests, out.fileno(), err.fileno(), results])

    def _begun(self, do: str, folder: Path, descriptors: Sequence[int], **more: Any) -> Begun:
        return Forked(self, self.ask(descriptors, do=do, cwd=str(folder), kit=self._kit, **more))

    def ask(self, descriptors: Sequence[int] = (), **said: Any) -> int:
        """Its answer."""
        text = json.dumps({**said, "descriptors": len(descriptors)}).encode()
        try:
            self._socket.sendall(LENGTH.pack(len(text)) + text)
            for each in descriptors:
                socket.send_fds(self._socket, [b"d"], [each])
            answer = self._socket.recv(LENGTH.size, socket.MSG_WAITALL)
            return int(LENGTH.unpack(answer)[0])
        except (OSError, struct.error) as error:
            raise StableGone(os.pread(self._said.fileno(), 1 << 20, 0).decode() or str(error)) from error


class Preloaded:
    """Programs are forks of a process that has imported what the first lines of all of them import, which takes longer than the rest of them.

    What computes items comes from one that has not, so that it must find out what to import. To be used by one thread, and closed.
    """

    def __init__(self, python: str, kit: Path, environ: Mapping[str, str], modules: Sequence[str]) -> None:
        self._programs = Stable(python, kit, environ, modules)
        self._computers = Stable(python, kit, environ)
        self.plainly, self.found, self.computing = self._programs.plainly, self._programs.found, self._computers.computing

    def close(self) -> None:
        """End both."""
        self._programs.close()
        self._computers.close()


class StableGone(Exception):
    """What it wrote."""


class Forked:
    """A child of a `Stable`, which keeps its exit code until it is asked."""

    def __init__(self, stable: Stable, pid: int) -> None:
        self._stable = stable
        self._pid = pid
        self._code: int | None = None

    def kill(self) -> None:
        """See `Begun`."""
        if self._code is None:
            os.kill(self._pid, 9)

    def wait(self, timeout: float | None = None) -> int:
        """See `Begun`."""
        if self._code is None:
            self._code = os.waitstatus_to_exitcode(self._stable.ask(do="wait", pid=self._pid))
        return self._code


@cache
def compile_once(python: str, kit: Path) -> None:
    """Let an interpreter keep its bytecode of the kit, as a worker does: a program with many states starts many processes."""
    subprocess.run([python, "-m", "compileall", "-q", str(kit)], capture_output=True)
