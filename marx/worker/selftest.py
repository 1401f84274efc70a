"""Proves a sandbox on this machine, before the worker offers it: runs `confined.py` by the real recipe, and listens.

Blocking, once at the start, about as long as two starts of Python. What a kernel, a container or a distribution
forbids or leaves open is found out here; no version number says it.
"""

import fcntl
import json
import os
import secrets
import select
import signal
import socket
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager, suppress
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any, BinaryIO

from marx.worker.launch import CannotLaunch, Launch, Mounts, Sandbox
from marx.worker.probing import own_interpreter

TEST_SECONDS = 20.0
"""An answer takes 0.05 s; a machine that swaps at boot is given its time."""

CWD = "/home/alice/project"
ENVIRONMENT = {"LANG": "C.UTF-8"}
FIRST_FREE = 32
"""Above every descriptor that a child is given, so that no duplicate treads on another."""


class NotProved(Exception):
    """The recipe does not work here, or does not hold; the text is what it said or what was possible."""


def prove(sandbox: Sandbox, folder: Path, seconds: float = TEST_SECONDS) -> None:
    """Run the self-test below `folder`, the worker's state; raises NotProved.

    One that ends without a word was killed, for want of memory most likely, and says nothing about the sandbox: it is run once more.
    """
    try:
        said, complaint = _try(sandbox, folder, seconds)
        if not said and not complaint:
            said, complaint = _try(sandbox, folder, seconds)
    except (CannotLaunch, OSError) as refusal:
        raise NotProved(str(refusal)) from None
    _judge(said, complaint)


def _try(sandbox: Sandbox, folder: Path, seconds: float) -> tuple[bytes, bytes]:
    with _bait(folder, sandbox.owner(0)) as bait:
        mounts = Mounts(writable=((str(bait.scratch), CWD),))
        source = files("marx.worker").joinpath("confined.py").read_text(encoding="utf-8")
        cwd = sandbox.place(mounts, CWD)
        command = ["-I", "-S", "-c", source, json.dumps({**bait.on, "cwd": cwd})]
        launch = sandbox.launch(own_interpreter(), command, mounts, ENVIRONMENT, cwd, 0)
        with closing(launch):
            return run_to_end(launch, seconds)


def _judge(said: bytes, complaint: bytes) -> None:
    try:
        *holes, end = json.loads(said)
    except ValueError:
        end = None
    if end != "done":
        raise NotProved(complaint.decode(errors="replace").strip() or "it ended without a word")
    if holes:
        raise NotProved("; ".join(holes))


@dataclass(frozen=True)
class Bait:
    """What is laid out for the self-test: a folder to work in, and what must be out of its reach."""

    scratch: Path
    on: dict[str, Any]


@contextmanager
def _bait(folder: Path, owner: int | None) -> Iterator[Bait]:
    with ExitStack() as stack:
        place = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="selftest-", dir=folder)))
        scratch = place / "scratch"
        scratch.mkdir()
        if owner is not None:
            os.chown(scratch, owner, owner)
        secret = place / "secret"
        secret.touch(mode=0o600)
        tcp = stack.enter_context(socket.create_server(("127.0.0.1", 0)))
        abstract = "marx-selftest-" + secrets.token_hex(8)
        unix = stack.enter_context(socket.socket(socket.AF_UNIX))
        unix.bind("\0" + abstract)
        unix.listen()
        yield Bait(
            scratch,
            {
                "secret": str(secret),
                "port": tcp.getsockname()[1],
                "abstract": abstract,
                "pid": os.getpid(),
                "pid_namespace": os.readlink("/proc/self/ns/pid"),
                "descriptors": 3,
                "names": [*ENVIRONMENT, "PWD"],
            },
        )


def run_to_end(
    launch: Launch, seconds: float = TEST_SECONDS, orders: bytes | None = None, is_enough: Callable[[bytes], bool] = lambda said: False
) -> tuple[bytes, bytes]:
    """Start it as Twisted would, and return its standard output and error when it has ended or its `seconds` are over.

    With `orders`, less than a pipe holds, it is a runner that is told these, and what it reports is returned in place of its output.
    When that `is_enough`, it is ended.
    """
    with ExitStack() as stack:
        nothing = stack.enter_context(open(os.devnull, "r+b", buffering=0))
        complaint = stack.enter_context(tempfile.TemporaryFile())
        reader, writer = _pipe(stack)
        heard = {1: writer.fileno()}
        if orders is not None:
            order_reader, order_writer = _pipe(stack)
            order_writer.write(orders)
            heard = {1: nothing.fileno(), 3: order_reader.fileno(), 4: writer.fileno()}
        ours = {number: nothing.fileno() if fd == "r" else fd for number, fd in launch.child_fds.items()}
        pid = _spawn(launch, {0: nothing.fileno(), 2: complaint.fileno(), **heard, **ours})
        writer.close()
        try:
            said = _read_until(time.monotonic() + seconds, reader, is_enough)
        finally:
            os.kill(pid, signal.SIGKILL)  # it has ended, but for one that hangs; not reaped yet, so the number is its own
            os.waitpid(pid, 0)
        complaint.seek(0)
        return said, complaint.read()


def _pipe(stack: ExitStack) -> tuple[BinaryIO, BinaryIO]:
    read, write = os.pipe()
    return stack.enter_context(open(read, "rb", 0)), stack.enter_context(open(write, "wb", 0))


def _spawn(launch: Launch, descriptors: dict[int, int]) -> int:
    # First out of the way of the numbers that are to be given, then to them.
    moved = {number: fcntl.fcntl(fd, fcntl.F_DUPFD_CLOEXEC, FIRST_FREE) for number, fd in descriptors.items()}
    actions: list[tuple[int, ...]] = [(os.POSIX_SPAWN_CLOSE, fd) for fd in _inheritable()]
    actions += [(os.POSIX_SPAWN_DUP2, fd, number) for number, fd in moved.items()]
    try:
        return os.posix_spawn(launch.argv[0], launch.argv, launch.env, file_actions=actions)
    finally:
        for fd in moved.values():
            os.close(fd)


def _inheritable() -> Iterator[int]:
    """What our own parent left open for our children; Twisted closes it too."""
    for name in os.listdir("/proc/self/fd"):
        with suppress(OSError):  # the listing's own is gone by now
            if int(name) > 2 and os.get_inheritable(int(name)):
                yield int(name)


def _read_until(deadline: float, reader: BinaryIO, is_enough: Callable[[bytes], bool]) -> bytes:
    """All that comes until every writer has closed, it is enough, or past `deadline`."""
    said = b""
    while not is_enough(said) and select.select([reader], [], [], max(0.0, deadline - time.monotonic()))[0]:
        piece = reader.read(65536)
        if not piece:
            break
        said += piece
    return said
