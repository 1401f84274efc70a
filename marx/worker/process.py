"""
A runner's process: its start, its pipes, its end. The only place where a process is started.

Its life is the machine in :mod:`marx.worker.life`; what it says on its pipes is :mod:`marx.worker.conversation`'s business.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Callable

from twisted.internet.interfaces import IDelayedCall
from twisted.internet.protocol import ProcessProtocol
from twisted.python.failure import Failure

from marx.wire.packs import STDERR, STDOUT, ItemPack
from marx.worker import messages, orders
from marx.worker.assignments import Assignments, Chunk
from marx.worker.cgroups import Group
from marx.worker.conversation import Conversation, RunnerListener
from marx.worker.feed import Course, Feed
from marx.worker.grip import Grip
from marx.worker.launch import Launch
from marx.worker.life import life_of
from marx.worker.output import Tokens
from marx.worker.program_orders import Record, record_frames
from marx.worker.stopping import Patience, Rung, Stopping
from marx.worker.throttle import OUTPUT_RATE, Throttle

#: Seconds between a runner's exit and the closing of its pipes: what it wrote is in them already and only has to be read.
GRACE_SECONDS = 0.5
#: Bytes that Twisted reads at a time; after a shorter read the pipe was empty.
READ_BYTES = 8192
#: Reads that empty a pipe of 64 kB.
PIPE_READS = 9

#: What a task is told of which a runner was slowed down.
SLOWED = "it prints more than {:,.0f} kB a second and is slowed down to that, as by a slow terminal (output_rate of this worker); nothing is cut"

STDIN, TO_RUNNER, FROM_RUNNER, REPORT = 0, 3, 4, 6


class RunnerProcess(ProcessProtocol):
    """
    ``assignments``: empty, made for the runner's task. ``grip_on``: how processes started in its sandbox are held (``Sandbox.grip``).
    ``output_rate``: bytes a second that it may print.
    ``group``: made for it alone, and removed with it.

    The caller starts it once; after that everything comes by ``listener``, whose ``gone`` is the last.
    """

    def __init__(
        self,
        reactor: Any,
        listener: RunnerListener,
        assignments: Assignments,
        grip_on: Callable[[int], Grip],
        patience: Patience = Patience(),
        output_rate: int = OUTPUT_RATE,
        group: Group = Group(),
    ) -> None:
        self._reactor = reactor
        self._listener = listener
        self._grip_on = grip_on
        self._patience = patience
        self._group = group
        self._conversation = Conversation(self, listener, assignments)
        self._printed = 0
        self._output_rate = output_rate
        self._throttle = Throttle(reactor, output_rate, self._throttled)
        self._was_slowed = False
        self._is_paused = False
        self._exit_code: int | None = None
        self._signal: int | None = None
        self._fault = ""
        self._grace: IDelayedCall | None = None
        self._stopping: Stopping
        self._grip: Grip
        self._order: orders.TaskOrder
        self._state: Path | None = None
        self._has_input = False
        self._feed: Feed
        self._input: Feed
        self._life = life_of(self)

    # What its slot asks for

    def start(self, launch: Launch, order: orders.TaskOrder, state: Path | None = None, has_input: bool = False) -> None:
        """
        Start the process and let it load its program, or the ``state`` in this file, which must stay until it has.

        ``has_input``: its standard input is written by :meth:`give_input`; else it is empty.
        """
        self._state, self._has_input = state, has_input
        self._life.start(launch, order)

    def run_chunk(self, chunk: Chunk, mark: str, secret: str) -> None:
        """Give it a chunk whose packs it has; ``mark`` and ``secret``: 16 hexadecimal digits each, drawn for this chunk."""
        self._life.run_chunk(chunk, Tokens(chunk.fence, chunk.first, chunk.stop, mark.encode(), secret.encode()))

    def keep_pack(self, portion: int, pack: ItemPack, path: Path | None = None) -> None:
        """Send it items for chunks that follow; their payload is the file at ``path``, if not in the pack itself."""
        self._write(orders.pack_frames_of_file(portion, pack, path) if path else orders.pack_frames(portion, pack))

    def remember(self, record: Record) -> None:
        """Before its chunk, tell the keeper of a main program what earlier attempts asked for."""
        self._conversation.remember(record)
        if record:
            self._write(record_frames(record))

    def tell(self, course: Course) -> None:
        """Send it frames that no other method here is for."""
        self._write(course)

    def give_input(self, course: Course) -> None:
        """The next bytes of its standard input, as fast as it reads them; dropped when it reads none any more."""
        if STDIN in self.transport.pipes:
            self._input.put(course)

    def end_input(self) -> None:
        """That was all of its standard input, and it has been taken."""
        self.transport.closeChildFD(STDIN)

    def drop_pack(self, portion: int, first: int) -> None:
        """No chunk that follows needs these items."""
        self._write(orders.drop_frame(portion, first))

    def cancel(self, fence: int, cause: str = "", at_once: bool = False) -> None:
        """Stop one of its chunks; its end follows."""
        self._write(orders.cancel_frame(fence, cause, at_once))

    def shorten(self, fence: int, stop: int) -> None:
        """Have it give back what it has not begun of the chunk at work, from that item on."""
        self._conversation.want(fence, stop)
        self._write(orders.shorten_frame(fence, stop))

    @property
    def pid(self) -> int | None:
        """Of the process that was spawned; None before, and once it has gone."""
        return self.transport.pid if self.transport else None

    @property
    def printed_bytes(self) -> int:
        """What has come of its output so far, unfinished lines as well."""
        return self._printed

    def quit(self) -> None:
        """It has nothing to do and is not needed: ask it to go, and insist."""
        self._life.quit()

    def kill(self, fault: str = "") -> None:
        """End it and all of its processes now; with a ``fault`` nothing that it says counts any more."""
        if fault:
            self._conversation.believe_no_more()
        self._life.kill(fault)

    def take_stray(self) -> bytes:
        """The last of what it printed outside of chunks, since this was asked before."""
        return self._conversation.take_stray()

    def pause(self) -> None:
        """Read neither output nor results until :meth:`resume`; the runner will block when its pipes are full."""
        self._is_paused = True
        self._read_or_not()
        self._say_whether_reading(False)

    def resume(self) -> None:
        """Read again."""
        self._is_paused = False
        self._read_or_not()
        self._say_whether_reading(True)

    # What Twisted calls

    def connectionMade(self) -> None:
        self._grip = self._grip_on(self.transport.pid)
        self._stopping = Stopping(self._reactor, self._grip, self._ask_to_quit, self._listener.stuck, self._patience)
        self._feed = Feed(self.transport.pipes[TO_RUNNER])
        self._input = Feed(self.transport.pipes[STDIN])
        if not self._has_input:
            self.end_input()
        self._write(orders.task_frame(self._order))
        if self._state is not None:
            self._write(orders.state_frames(self._state))

    def childDataReceived(self, descriptor: int, received: bytes) -> None:
        if descriptor == FROM_RUNNER:
            self._conversation.hear(received)
        elif descriptor == REPORT:
            self._grip.hear(received)
        else:
            self._printed += len(received)
            self._conversation.read(descriptor, received)
            self._throttle.printed(len(received))

    def childConnectionLost(self, descriptor: int) -> None:
        """One pipe is closed; what counts is the process's exit."""

    def processExited(self, reason: Failure) -> None:
        self._life.exited(reason)

    def processEnded(self, reason: Failure) -> None:
        self._life.left()

    # What the machine asks for

    def spawn(self, launch: Launch, order: orders.TaskOrder) -> str:
        self._order = order
        launch = self._group.around(launch)
        descriptors = {STDIN: "w", STDOUT: "r", STDERR: "r", TO_RUNNER: "w", FROM_RUNNER: "r", **launch.child_fds}
        try:
            self._reactor.spawnProcess(self, launch.argv[0], launch.argv, launch.env, childFDs=descriptors)
        except OSError as error:
            return f"the runner could not be started: {error}"
        finally:
            launch.close()
        return ""

    def tell_loaded(self, said: messages.Loaded) -> None:
        self._listener.loaded(said)

    def tell_load_failed(self, said: messages.LoadFailed) -> None:
        self._listener.load_failed(said)

    def hand_over(self, chunk: Chunk, tokens: Tokens) -> None:
        self._conversation.give(chunk, tokens)
        marks = tokens.mark.decode(), tokens.secret.decode()
        self._write(orders.chunk_frames(chunk.fence, chunk.portion, chunk.first, chunk.count, *marks))

    def turn_away(self, chunk: Chunk) -> None:
        self._conversation.turn_away(chunk)

    def stop(self, rung: Rung, fault: str) -> None:
        self._fault = self._fault or fault
        self._stopping.begin(rung)

    def wait_for_output(self, reason: Failure) -> None:
        self._exit_code, self._signal = reason.value.exitCode, reason.value.signal
        self._stopping.gone()
        # Even where this side had paused: a pipe holds 64 kB at most, and then it ends.
        self._throttle.end()
        self.resume()
        self._grace = self._reactor.callLater(GRACE_SECONDS, self._life.left)

    def finish(self, fault: str) -> None:
        if self._grace is not None and self._grace.active():
            self._grace.cancel()
        self._throttle.end()
        if self.transport:
            self._feed.stop()
            self._input.stop()
            for descriptor in list(self.transport.pipes):
                self.transport.closeChildFD(descriptor)
        self._group.remove()
        self._conversation.end(self._exit_code, self._signal, self._fault or fault)

    # What the conversation asks for

    def has_loaded(self, said: messages.Loaded | messages.LoadFailed) -> None:
        """It has its program, or says why not."""
        if isinstance(said, messages.Loaded):
            self._life.loaded(said)
        else:
            self._life.load_failed(said)

    def has_ended_all(self) -> None:
        """The last chunk that it had is over."""
        self._life.idle()

    def empty_pipe(self, descriptor: int) -> bool:
        """Whether a pipe is empty now; more than it holds is not read, since somebody may go on writing."""
        pipe = self.transport.pipes.get(descriptor)
        for _ in range(PIPE_READS if pipe is not None else 0):
            before = self._printed
            if pipe.doRead() is not None or self._printed - before < READ_BYTES:
                return True
        return pipe is None

    # Pipes

    def _ask_to_quit(self) -> None:
        self._write(orders.QUIT_FRAME)

    def _say_whether_reading(self, reading: bool) -> None:
        if self.transport:
            self._write(orders.reading_frame(reading))

    def _write(self, course: Course) -> None:
        if TO_RUNNER in self.transport.pipes:
            self._feed.put(course)

    def _throttled(self) -> None:
        self._read_or_not()
        if not self._was_slowed:
            self._was_slowed = True
            self._listener.noted(SLOWED.format(self._output_rate / 1000))

    def _read_or_not(self) -> None:
        """Results wait with the output: each would have what was printed before it read first, and so undo the pause."""
        for pipe in self._pipes_from_runner():
            if self._is_paused or self._throttle.is_shut:
                pipe.stopReading()
            else:
                pipe.startReading()

    def _pipes_from_runner(self) -> list[Any]:
        pipes = self.transport.pipes if self.transport else {}
        return [pipes[descriptor] for descriptor in (STDOUT, STDERR, FROM_RUNNER) if descriptor in pipes]
