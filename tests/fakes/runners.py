"""Runners played by a test in fake children: what a real one would say, when the test says so."""

from __future__ import annotations

import json
import struct
from pathlib import Path
from typing import Any

from twisted.internet.defer import Deferred

from marx.worker.bounds import Bounds
from marx.worker.cgroups import Group
from marx.worker.conversation import RunnerListener
from marx.worker.orders import TaskOrder
from marx.worker.pipe import encode
from marx.worker.portions import Load
from marx.worker.probing import own_interpreter
from marx.worker.process import RunnerProcess
from marx.worker.recipes import CannotRun, Recipe, TaskFile
from marx.worker.roles import Role, assignments_for, order_for
from marx.worker.starting import Started
from marx.worker.tasks import KnownTask
from tests.fakes.processes import FakeProcess, FakeProcesses, launch_of
from tests.fakes.servers import digest_of

MAX_VALUE = 1 << 30


def known_task(task: str, kind: str = "map", files: tuple[TaskFile, ...] = (), input: str | None = None) -> KnownTask:
    """A task of one program in one folder."""
    recipe = Recipe(task, "/p/prog.py", None, "f", ("prog.py",), "/p", ("/p",), "", 1, 1, kind=kind, input=input)
    return KnownTask(recipe, files, own_interpreter())


def order_of(known: KnownTask, role: Role = Role.MAP) -> TaskOrder:
    return order_for(known, role, lambda path: path, MAX_VALUE)


def pack_of(*records: bytes) -> bytes:
    """As both sides of the portal make them."""
    return b"".join(struct.pack(">I", len(record)) + record for record in records)


class PlayedRunner:
    """The child's side of one runner; each method says what it is named for."""

    def __init__(self, reactor: FakeProcesses, child: FakeProcess, task: str, slot: int) -> None:
        self.reactor = reactor
        self.child = child
        self.task = task
        self.slot = slot

    @property
    def chunks(self) -> list[int]:
        """The fences of all chunks that came, in their order."""
        return [frame.header["chunk"] for frame in self.child.heard("C")]

    @property
    def kinds(self) -> str:
        """The types of all frames that came, as one word."""
        return "".join(frame.kind for frame in self.child.frames)

    @property
    def is_asked_to_quit(self) -> bool:
        return bool(self.child.heard("Q"))

    @property
    def cancelled(self) -> list[int]:
        return [frame.header["chunk"] for frame in self.child.heard("X")]

    def say(self, kind: str, payload: bytes = b"", **header: Any) -> PlayedRunner:
        self.child.say(encode(kind.encode(), header, payload))
        self.reactor.turn()
        return self

    def load(self, fork: bool = True, why: str | None = None) -> PlayedRunner:
        return self.say("L", fork=fork, why=why, python="3.11.7", seconds=0.1)

    def fail_to_load(self, what: str = "program") -> PlayedRunner:
        self.say("F", what=what, error={"type": "ImportError", "message": "no module named x", "traceback": "Traceback..."})
        self.exit(3)
        return self

    def begin(self, fence: int) -> PlayedRunner:
        header = self._chunk(fence)
        for descriptor in (1, 2):
            self.child.say(b"\0%s:%d\n" % (header["mark"].encode(), header["first"]), descriptor)
        return self.say("B", chunk=fence)

    def print(self, text: bytes, descriptor: int = 1) -> PlayedRunner:
        self.child.say(text, descriptor)
        self.reactor.turn()
        return self

    def pickled(self, fence: int, portion: int, first: int, *records: bytes) -> PlayedRunner:
        """Results of a portion that a program opened."""
        header = {"portion": portion, "first": first, "count": len(records), "codec": "pickles"}
        return self.say("R", pack_of(*records), chunk=fence, **header, failed=[], seconds=0.1)

    def results(self, fence: int, first: int, *values: int) -> PlayedRunner:
        payload = b"\n".join(b"%d" % value for value in values)
        return self.say("R", payload, chunk=fence, portion=0, first=first, count=len(values), codec="values", failed=[], seconds=0.1)

    def end(self, fence: int, outcome: str = "succeeded", **more: Any) -> PlayedRunner:
        [secret] = [frame.header["secret"] for frame in self.child.heard("E") if frame.header["chunk"] == fence]
        for descriptor in (1, 2):
            self.child.say(b"\0%s!\n" % secret.encode(), descriptor)
        return self.ended(fence, outcome, **more)

    def ended(self, fence: int, outcome: str, **more: Any) -> PlayedRunner:
        header = {"chunk": fence, "outcome": outcome, "exit": 0, "signal": None, "item": None, "done": 0}
        return self.say("Z", **{**header, "cpu_seconds": 0.1, "wall_seconds": 0.2, "max_rss_kb": 9216, **more})

    def run(self, fence: int) -> PlayedRunner:
        """From beginning to end: item squared; of a portion that a program opened a record for each item."""
        header = self._chunk(fence)
        portion, first = header["portion"], header["first"]
        items = range(first, first + header["count"])
        self.begin(fence)
        if portion:
            self.pickled(fence, portion, first, *(b"%d" % item for item in items))
        else:
            self.results(fence, first, *(item * item for item in items))
        return self.end(fence)

    def exit(self, code: int = 0, number: int = 0) -> None:
        self.child.exit(code, number)
        self.reactor.turn()

    def _chunk(self, fence: int) -> dict[str, Any]:
        [header] = [frame.header for frame in self.child.heard("C") if frame.header["chunk"] == fence]
        return header


CALL = {"file": "/p/prog.py", "line": 9, "kind": "Pool.map", "function": "f"}


class PlayedKeeper(PlayedRunner):
    """The keeper of a main program, which is chunk `fence`."""

    fence = 0

    def begin(self, fence: int) -> PlayedRunner:
        self.fence = fence
        return super().begin(fence)

    def state(self, number: int, content: bytes, at: int = 0, total: int | None = None) -> PlayedRunner:
        return self.say("K", content, chunk=self.fence, state=number, offset=at, total=len(content) if total is None else total)

    def open(self, portion: int, state: int | None = None, place: str = "lab", **more: Any) -> PlayedRunner:
        where = {"call": CALL, "place": place, "reason": "", "python": "3.11", "state": state}
        return self.say("O", chunk=self.fence, portion=portion, **{**where, **more})

    def items(self, portion: int, first: int, *records: bytes, final: bool = False) -> PlayedRunner:
        pack = pack_of(*records)
        return self.part(portion, first, len(records), pack, digest_of(pack), 0, len(pack), final)

    def part(self, portion: int, first: int, count: int, part: bytes, digest: str, offset: int, total: int, final: bool = False) -> PlayedRunner:
        header = {"portion": portion, "first": first, "count": count, "codec": "pickles", "digest": digest, "final": final}
        return self.say("I", part, chunk=self.fence, **header, offset=offset, total=total)

    def drop(self, portion: int) -> PlayedRunner:
        return self.say("D", chunk=self.fence, portion=portion)

    def placed(self, row: int, stands: bool = True) -> PlayedRunner:
        return self.say("W", chunk=self.fence, row=row, stands=stands)

    def file(self, path: str, content: bytes | None, **more: Any) -> PlayedRunner:
        """The program wrote a file, or removed it."""
        about = {"path": [0, path], "mode": 0o644, "mtime": 1.0, "deleted": content is None, "link": None, "offset": 0, "last": True}
        return self.say("A", content or b"", chunk=self.fence, portion=0, item=0, size=len(content or b""), **{**about, **more})

    def leave(self, exit: int | None = 0, signal: int | None = None) -> PlayedRunner:
        """The program exits, or dies."""
        payload = json.dumps({"exit": exit, "signal": signal}).encode()
        self.say("R", payload, chunk=self.fence, portion=0, first=0, count=1, codec="values", failed=[], seconds=0.1)
        return self.end(self.fence, exit=exit, signal=signal)


class FakeStarter:
    """
    Starts played runners at once, or when `held` is released. `refuses`: why none can be started, by task; `known`: what a task is, if not a
    map. Files are brought at once, or when `bringing` is released; `brought` has the list of each time, `lacks` why one cannot be. `stands`:
    the list that a slot's folder holds for portions. `bounds`: of all runners; `folder`: where their files lie; `group`: what holds them.
    """

    shows_own_paths = True

    def __init__(self, reactor: FakeProcesses) -> None:
        self.reactor = reactor
        self.started: list[Any] = []
        self.refuses: dict[str, CannotRun] = {}
        self.held: Deferred[None] | None = None
        self.known: dict[str, KnownTask] = {}
        self.brought: list[str] = []
        self.stands: dict[int, str] = {}
        self.bringing: Deferred[None] | None = None
        self.lacks: dict[str, CannotRun] = {}
        self.forgotten: list[str] = []
        self.cleared: list[tuple[str, int]] = []
        self.bounds = Bounds()
        self.folder: Path | None = None
        self.group = Group()

    async def start(self, load: Load, slot: int, listener: RunnerListener) -> Started:
        if self.held is not None:
            await self.held
        if load.task in self.refuses:
            raise self.refuses[load.task]
        known = self.known.get(load.task) or known_task(load.task)
        role = Role.PORTION if load.portion else Role.PROGRAM if slot < 0 else Role.MAP
        if load.portion:
            self.stands[slot] = load.files
        order = order_of(known, role)
        runner = RunnerProcess(self.reactor, listener, assignments_for(order, role), self.reactor.grip)
        runner.start(launch_of([]), order, has_input=slot < 0 and known.recipe.input is not None)
        played = PlayedKeeper if slot < 0 else PlayedRunner
        self.started.append(played(self.reactor, self.reactor.spawned[-1], load.task, slot))
        return Started(runner, known, None, self.bounds, self.folder, self.group)

    async def bring(self, load: Load, slot: int) -> None:
        if self.bringing is not None:
            await self.bringing
        if load.files in self.lacks:
            raise self.lacks[load.files]
        self.brought.append(load.files)
        self.stands[slot] = load.files

    def forget(self, task: str) -> None:
        self.forgotten.append(task)

    def clear(self, task: str, slot: int) -> None:
        self.cleared.append((task, slot))
