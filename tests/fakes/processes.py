"""
Child processes that live on a `Clock`, and real ones that do the same: both follow a script.

A script is a list of steps: `say` bytes on a descriptor, `hear` a frame of a type on descriptor 3, `hold` a descriptor in a grandchild,
`ignore` polite signals, `exit` with a code, `die` of a signal. After the last step a child waits to be killed. `test_process.py` holds one
contract against both, which is what makes the fake worth anything.
"""

from __future__ import annotations

import json
import signal
import sys
from typing import Any

from twisted.internet.error import ProcessDone, ProcessExitedAlready, ProcessTerminated
from twisted.internet.task import Clock
from twisted.python.failure import Failure

from marx.worker.launch import Launch
from marx.worker.pipe import FrameReader

Step = tuple[str, Any]
#: What a reactor reads at a time.
READ_BYTES = 8192


def say(content: bytes, descriptor: int = 4) -> Step:
    return "say", [descriptor, content.hex()]


def hear(kind: str) -> Step:
    return "hear", kind


def hold(descriptor: int) -> Step:
    return "hold", descriptor


IGNORE: Step = ("ignore", None)


def leave(code: int) -> Step:
    return "exit", code


def die(number: int = signal.SIGKILL) -> Step:
    return "die", int(number)


REAL_CHILD = r"""
import json, os, signal, struct, sys
buffer = b""
def hear(kind):
    global buffer
    while True:
        while len(buffer) >= 9:
            length, found, _ = struct.unpack_from(">IcI", buffer)
            if len(buffer) < 9 + length:
                break
            buffer = buffer[9 + length:]
            if found.decode() == kind:
                return
        got = os.read(3, 65536)
        if not got:
            os._exit(0)
        buffer += got
def hold(kept):
    if os.fork() == 0:
        os.setsid()
        for descriptor in set(range(8)) - {3, kept}:
            try: os.close(descriptor)
            except OSError: pass
        while os.read(3, 65536):
            pass
        os._exit(0)
def write(descriptor, text):
    content = bytes.fromhex(text)
    while content:
        content = content[os.write(descriptor, content):]
for name, value in json.loads(sys.argv[1]):
    if name == "say": write(*value)
    elif name == "hear": hear(value)
    elif name == "hold": hold(value)
    elif name == "ignore": signal.signal(signal.SIGTERM, signal.SIG_IGN)
    elif name == "exit": os._exit(value)
    elif name == "die": os.kill(os.getpid(), value)
while True: signal.pause()
"""


def launch_of(script: list[Step]) -> Launch:
    """What starts a child that follows `script`, real or not."""
    command = [sys.executable, "-S", "-E", "-c", REAL_CHILD, json.dumps(script)]
    return Launch([word.encode() for word in command], env={}, child_fds={})


class FakePipe:
    """The worker's end of one pipe of a child; what comes while it is not read waits, as in a real one."""

    def __init__(self, child: FakeProcess, descriptor: int, direction: str) -> None:
        self._child = child
        self.descriptor = descriptor
        self.direction = direction
        self.reading = direction == "r"
        self.waiting = bytearray()
        self.ended = False
        self.producer: Any = None
        self.full = False

    def startReading(self) -> None:
        self.reading = True
        self._child.later(self.deliver)

    def stopReading(self) -> None:
        self.reading = False

    def write(self, content: bytes) -> None:
        self._child.writeToChild(self.descriptor, content)

    def doWrite(self) -> None:
        """What was written is in the pipe already."""

    def registerProducer(self, producer: Any, streaming: bool) -> None:
        assert not streaming and self.producer is None
        self.producer = producer
        self._child.later(self.pull)

    def unregisterProducer(self) -> None:
        self.producer = None

    def pull(self) -> None:
        if self.producer is not None and not self.full:
            self.producer.resumeProducing()
            self._child.later(self.pull)

    def come(self, content: bytes) -> None:
        self.waiting += content
        self._child.later(self.deliver)

    def end(self) -> None:
        self.ended = True
        self._child.later(self.deliver)

    def doRead(self) -> str | None:
        """One read, whether paused or not; what is not None means that nothing will come any more."""
        if self.waiting:
            content = bytes(self.waiting[:READ_BYTES])
            del self.waiting[:READ_BYTES]
            self._child.protocol.childDataReceived(self.descriptor, content)
            return None
        return "ended" if self.ended else None

    def deliver(self) -> None:
        while self.reading and self.waiting:
            self.doRead()
        if self.ended and not self.waiting and (self.reading or self.direction == "w"):
            self._child.close(self.descriptor)


class FakeProcess:
    """A child and its transport in one; `received` is what the worker wrote to each descriptor."""

    def __init__(self, reactor: FakeProcesses, protocol: Any, argv: list[bytes], descriptors: dict[int, Any], pid: int) -> None:
        self.reactor = reactor
        self.protocol = protocol
        self.argv = argv
        self.pid: int | None = pid
        self.number = pid
        self.pipes = {number: FakePipe(self, number, way) for number, way in descriptors.items() if way in ("r", "w")}
        self.frames: list[Any] = []
        self.status: Failure | None = None
        self.signals: list[int] = []
        self._held: set[int] = set()
        self._ignores = False
        self._reader = FrameReader()
        self._unheard = 0
        self._script: list[Step] = []

    # The child's side

    def follow(self, script: list[Step]) -> None:
        self._script = list(script)
        self.later(self._go_on)

    def say(self, content: bytes, descriptor: int = 4) -> None:
        """Write, as the child."""
        if descriptor in self.pipes:
            self.pipes[descriptor].come(content)

    def exit(self, code: int = 0, number: int = 0) -> None:
        """Exit with a code, or of a signal: reaped first, then the pipes end, as with a real child."""
        if self.status is not None:
            return
        self.status = Failure(ProcessTerminated(code or None, number or None) if code or number else ProcessDone(0))
        self.pid = None
        self.later(self.protocol.processExited, self.status)
        for descriptor, pipe in list(self.pipes.items()):
            if descriptor not in self._held:
                self.later(pipe.end)

    def heard(self, kind: str) -> list[Any]:
        """The frames of one type that came so far."""
        return [frame for frame in self.frames if frame.kind == kind]

    def _go_on(self) -> None:
        while self._script and self.status is None:
            name, value = self._script[0]
            if name == "hear" and not self._hears(value):
                return
            del self._script[0]
            if name == "say":
                self.say(bytes.fromhex(value[1]), value[0])
            elif name == "hold":
                self._held.add(value)
            elif name == "ignore":
                self._ignores = True
            elif name == "exit":
                self.exit(value)
            elif name == "die":
                self.exit(number=value)

    def _hears(self, kind: str) -> bool:
        for position in range(self._unheard, len(self.frames)):
            if self.frames[position].kind == kind:
                self._unheard = position + 1
                return True
        return False

    # The transport's side

    def later(self, call: Any, *arguments: Any) -> None:
        self.reactor.callLater(0, call, *arguments)

    def writeToChild(self, descriptor: int, content: bytes) -> None:
        assert self.pipes[descriptor].direction == "w"
        self.frames.extend(self._reader.feed(content))
        self.later(self._go_on)

    def closeChildFD(self, descriptor: int) -> None:
        if descriptor in self.pipes:
            self.pipes[descriptor].stopReading()
            self.later(self.close, descriptor)

    def close(self, descriptor: int) -> None:
        pipe = self.pipes.pop(descriptor, None)
        if pipe is None:
            return
        if pipe.producer is not None:
            pipe.producer.stopProducing()
        self.protocol.childConnectionLost(descriptor)
        if not self.pipes and self.status is not None:
            self.protocol.processEnded(self.status)

    def signalProcess(self, number: int) -> None:
        if self.status is not None:
            raise ProcessExitedAlready()
        self.signals.append(number)
        if number == signal.SIGKILL or not self._ignores:
            self.exit(number=number)


class FakeGrip:
    """A grip on a fake child: signals reach it alone."""

    def __init__(self, process: FakeProcess) -> None:
        self._process = process
        self.reports: list[bytes] = []

    def hear(self, report: bytes) -> None:
        self.reports.append(report)

    def terminate(self) -> None:
        self._signal(signal.SIGTERM)

    def kill(self) -> None:
        self._signal(signal.SIGKILL)

    def sweep(self) -> None:
        self._signal(signal.SIGKILL)

    def clear_up(self) -> None:
        """A fake leaves nothing."""

    def _signal(self, number: int) -> None:
        try:
            self._process.signalProcess(number)
        except ProcessExitedAlready:
            pass


class FakeProcesses(Clock):
    """A reactor with a clock and children, and nothing else. `refuses`: an OSError for the next start."""

    def __init__(self) -> None:
        super().__init__()
        self.spawned: list[FakeProcess] = []
        self.refuses: OSError | None = None

    def spawnProcess(self, protocol: Any, executable: bytes, argv: list[bytes], env: dict, childFDs: dict) -> FakeProcess:
        if self.refuses:
            raise self.refuses
        process = FakeProcess(self, protocol, argv, childFDs, pid=1000 + len(self.spawned))
        self.spawned.append(process)
        protocol.makeConnection(process)
        if argv[-1].startswith(b"["):
            process.follow([tuple(step) for step in json.loads(argv[-1])])
        return process

    def grip(self, pid: int) -> FakeGrip:
        return FakeGrip(self.spawned[pid - 1000])

    def turn(self, turns: int = 20) -> None:
        """Let what is due now happen, and what comes of it."""
        for _ in range(turns):
            self.advance(0)
