"""Runners played by a test in fake children: what a real one would say, when the test says so."""

from __future__ import annotations

from typing import Any

from twisted.internet.defer import Deferred

from marx.worker.assignments import Assignments
from marx.worker.conversation import RunnerListener
from marx.worker.orders import TaskOrder
from marx.worker.pipe import encode
from marx.worker.process import RunnerProcess
from marx.worker.recipes import CannotRun
from tests.fakes.processes import FakeProcess, FakeProcesses, launch_of

MAX_VALUE = 1 << 30


def order_for(task: str) -> TaskOrder:
    return TaskOrder(task, "map", "/p/prog.py", None, "f", "/p", ["prog.py"], ["/p"], 1, {}, None, MAX_VALUE)


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
        """From beginning to end: item squared."""
        header = self._chunk(fence)
        items = range(header["first"], header["first"] + header["count"])
        return self.begin(fence).results(fence, header["first"], *(item * item for item in items)).end(fence)

    def exit(self, code: int = 0, number: int = 0) -> None:
        self.child.exit(code, number)
        self.reactor.turn()

    def _chunk(self, fence: int) -> dict[str, Any]:
        [header] = [frame.header for frame in self.child.heard("C") if frame.header["chunk"] == fence]
        return header


class FakeStarter:
    """Starts played runners at once, or when `held` is released. `refuses`: why none can be started, by task."""

    shows_own_paths = True

    def __init__(self, reactor: FakeProcesses) -> None:
        self.reactor = reactor
        self.started: list[PlayedRunner] = []
        self.refuses: dict[str, CannotRun] = {}
        self.held: Deferred[None] | None = None
        self.forgotten: list[str] = []
        self.cleared: list[tuple[str, int]] = []

    async def start(self, task: str, slot: int, listener: RunnerListener) -> RunnerProcess:
        if self.held is not None:
            await self.held
        if task in self.refuses:
            raise self.refuses[task]
        runner = RunnerProcess(self.reactor, listener, Assignments(1, MAX_VALUE), self.reactor.grip)
        runner.start(launch_of([]), order_for(task))
        self.started.append(PlayedRunner(self.reactor, self.reactor.spawned[-1], task, slot))
        return runner

    def forget(self, task: str) -> None:
        self.forgotten.append(task)

    def clear(self, task: str, slot: int) -> None:
        self.cleared.append((task, slot))
