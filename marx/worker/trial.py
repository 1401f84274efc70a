"""A worker's test of itself: its sandbox as at its start, then one small chunk in each interpreter, by the real runner.

Asked for by the server when everything fails here that goes well elsewhere. Blocking, a second or so for each interpreter; what it finds
is said in one sentence. The chunk writes a file, since a full disk is what such a worker most often suffers from.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path

from marx.wire.packs import ItemPack
from marx.worker import orders
from marx.worker.interpreters import Interpreter
from marx.worker.launch import CannotLaunch, Launch, Mounts, Sandbox
from marx.worker.messages import Ended, LoadFailed, Message, Results, read
from marx.worker.mounting import OUR_PLACE
from marx.worker.pipe import FrameError, FrameReader
from marx.worker.selftest import CWD, NotProved, prove, run_to_end

KIT = OUR_PLACE + "/kit"
ENVIRONMENT = {"LANG": "C.UTF-8", "PYTHONHASHSEED": "0", "PATH": "/usr/bin:/bin"}

PROGRAM = b"""
def work(x):
    with open("written", "wb") as written:
        written.write(b"x" * 1000000)
    return 2 * x
"""
EXPECTED = b"42"

Kit = Callable[[Interpreter], Path]


def trouble_here(sandbox: Sandbox, kit: Kit, interpreters: Sequence[Interpreter], folder: Path) -> str:
    """What does not work on this machine, "" if all does. `folder`: the worker's state."""
    try:
        if sandbox.level != "none":
            prove(sandbox, folder)
    except NotProved as why:
        return f"the sandbox does not hold: {why}"
    for interpreter in interpreters:
        try:
            run_one_chunk(sandbox, kit, interpreter, folder)
        except (NotProved, CannotLaunch, OSError) as why:
            return f"Python {interpreter.version_text} ({interpreter.path}): {why}"
    return ""


def run_one_chunk(sandbox: Sandbox, kit: Kit, interpreter: Interpreter, folder: Path) -> None:
    """Have one item run by a runner in that interpreter. Raises NotProved, CannotLaunch, OSError."""
    with small_runner(sandbox, kit, interpreter, folder) as (launch, told):
        said, complaint = run_to_end(launch, orders=told, is_enough=_is_over)
    _judge(said, complaint)


@contextmanager
def small_runner(sandbox: Sandbox, kit: Kit, interpreter: Interpreter, folder: Path) -> Iterator[tuple[Launch, bytes]]:
    """A runner that is about to be started, and all that it is to be told. Raises CannotLaunch, OSError."""
    with tempfile.TemporaryDirectory(prefix="trial-", dir=folder) as place:
        scratch = Path(place) / "scratch"
        scratch.mkdir()
        (scratch / "trial.py").write_bytes(PROGRAM)
        owner = sandbox.owner(0)
        for path in (scratch, scratch / "trial.py") if owner is not None else ():
            os.chown(path, owner, owner)
        os.chmod(place, 0o711)
        mounts = Mounts(read_only=((str(kit(interpreter)), KIT),), writable=((str(scratch), CWD),))
        cwd = sandbox.place(mounts, CWD)
        command = ["-s", sandbox.place(mounts, KIT)]
        with closing(sandbox.launch(interpreter, command, mounts, ENVIRONMENT, cwd, 0)) as launch:
            yield launch, _orders(cwd)


def _orders(cwd: str) -> bytes:
    """All that the runner is told: load this, keep this item, run it."""
    order = orders.TaskOrder(
        task="trial",
        kind="map",
        program=cwd + "/trial.py",
        module=None,
        function="work",
        cwd=cwd,
        argv=[],
        roots=[cwd],
        seed=0,
        limits={},
        max_value=1 << 20,
    )
    pack = ItemPack(0, 1, "json", b"21")
    chunk = orders.chunk_frames(1, 0, 0, 1, "0" * 16, "1" * 16)
    return b"".join((orders.task_frame(order), orders.pack_frames(0, pack), chunk))


def told_by(said: bytes) -> list[Message]:
    """What a runner has said so far. Raises FrameError."""
    return [read(frame) for frame in FrameReader().feed(said)]


def _is_over(said: bytes) -> bool:
    try:
        return any(isinstance(each, (Ended, LoadFailed)) for each in told_by(said))
    except FrameError:
        return True


def _judge(said: bytes, complaint: bytes) -> None:
    try:
        told = told_by(said)
    except FrameError as error:
        raise NotProved(f"what the runner says makes no sense: {error}") from None
    results = b"".join(each.payload for each in told if isinstance(each, Results))
    if results == EXPECTED and any(isinstance(each, Ended) and each.outcome == "succeeded" for each in told):
        return
    failed = next((str(each) for each in told if isinstance(each, LoadFailed)), "")
    text = failed or results.decode(errors="replace") or complaint.decode(errors="replace").strip()
    raise NotProved(f"a small chunk did not go well: {text[-2000:] or 'it ended without a word'}")
