"""
What one runner says on its pipes, made into calls to its slot: results, output and ends of the chunks that it was given, in their order.

Frames are checked in :mod:`marx.worker.messages` and against :mod:`marx.worker.assignments`; for what cannot be true the runner is killed,
and nothing that it says counts any more.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Callable, Protocol, Sequence

from twisted.logger import Logger

from marx.wire.packs import STDERR, STDOUT, Segment
from marx.worker import messages, program_messages
from marx.worker.assignments import Assignments, Chunk, Over
from marx.worker.output import Closed, OutputReader, Piece, Stray, Tokens, Written
from marx.worker.pipe import FrameError, FrameReader
from marx.worker.program_orders import Record

log = Logger()

#: Bytes that are kept of what a runner prints outside of any chunk; its end says why it could not be loaded.
STRAY_BYTES = 4_000


@dataclass(frozen=True, slots=True)
class Gone:
    """
    How a runner ended. ``fault``: what made this side kill it, or why it did not even start; "" where it ended by itself or was told to.
    ``cause``: the limit that it died of, of which the fault then tells; "" if none.

    ``at_work``: the chunk that it was at, with so many items ``unreported``; ``waiting``: the others that it had and did not end.
    ``stray``: the last that it printed outside of chunks.
    """

    exit_code: int | None
    signal: int | None
    fault: str
    at_work: Chunk | None
    unreported: int
    waiting: list[Chunk]
    stray: bytes
    cause: str = ""


class RunnerListener(Protocol):
    """Who wants to know what a runner does: its slot."""

    def loaded(self, loaded: messages.Loaded) -> None:
        """The program is there: chunks may be given."""

    def load_failed(self, failed: messages.LoadFailed) -> None:
        """The program could not be loaded; the runner is about to exit."""

    def noted(self, text: str) -> None:
        """A sentence for the task's log."""

    def begun(self, chunk: Chunk) -> None:
        """A chunk is at work."""

    def results(self, chunk: Chunk, results: messages.Results) -> None:
        """Items have results; what they printed has come before."""

    def given_back(self, chunk: Chunk) -> None:
        """A chunk at work was shortened to this, when that was asked for."""

    def value_part(self, chunk: Chunk, part: messages.ValuePart) -> None:
        """A part of a long result."""

    def artifact_part(self, chunk: Chunk, part: messages.ArtifactPart) -> None:
        """A part of a file."""

    def asked(self, chunk: Chunk, asked: program_messages.Asked) -> None:
        """A main program opens a portion, sends what it needs, or gives it up; what it printed and changed before has come before."""

    def output(self, chunk: Chunk, segments: Sequence[Segment]) -> None:
        """Items printed something."""

    def ended(self, chunk: Chunk, ended: messages.Ended) -> None:
        """A chunk is over, and all of its output has come."""

    def gone(self, gone: Gone) -> None:
        """The process is gone and its pipes are closed; nothing comes after this."""

    def stuck(self) -> None:
        """The process does not die. ``gone`` may still come."""


class Speaker(Protocol):
    """The process that speaks."""

    def has_loaded(self, said: messages.Loaded | messages.LoadFailed) -> None:
        """It has its program, or says why not."""

    def has_ended_all(self) -> None:
        """The last chunk that it had is over."""

    def empty_pipe(self, descriptor: int) -> bool:
        """Read what a pipe holds; whether that was all."""

    def kill(self, fault: str) -> None:
        """It said what cannot be true."""


class Conversation:
    """``assignments``: empty, made for the runner's task."""

    def __init__(self, speaker: Speaker, listener: RunnerListener, assignments: Assignments) -> None:
        self._speaker = speaker
        self._listener = listener
        self._assignments = assignments
        self._frames = FrameReader()
        self._streams = {stream: OutputReader(stream, assignments.by_line) for stream in (STDOUT, STDERR)}
        self._stray = b""
        self._turned_away: list[Chunk] = []
        self._is_over = False

    def give(self, chunk: Chunk, tokens: Tokens) -> None:
        """It gets a chunk, behind those that it has."""
        self._assignments.give(chunk)
        for stream in self._streams.values():
            stream.expect(tokens)

    def want(self, fence: int, stop: int) -> None:
        """It is asked to give back what it has not begun of a chunk."""
        self._assignments.want(fence, stop)

    def remember(self, record: Record) -> None:
        """It is told what earlier attempts of its program asked for."""
        self._assignments.remember(record)

    def turn_away(self, chunk: Chunk) -> None:
        """A chunk came too late to be given to it."""
        self._turned_away.append(chunk)

    def hear(self, received: bytes) -> None:
        """Frames, cut anywhere."""
        try:
            for frame in self._frames.feed(received) if not self._is_over else ():
                if self._is_over:
                    return
                said = messages.read(frame)
                _HEARD[type(said)](self, said)
        except FrameError as error:
            log.warn("a runner is killed, since it broke the protocol: {error}", error=error)
            self._speaker.kill(f"it broke the protocol: {error}")

    def read(self, stream: int, received: bytes) -> None:
        """Output with its marks, cut anywhere."""
        self._tell(self._streams[stream].feed(received))

    def believe_no_more(self) -> None:
        """Whatever its frames say from now on does not count; what it prints does."""
        self._is_over = True

    def take_stray(self) -> bytes:
        """The last of what it printed outside of chunks, since this was asked before."""
        stray, self._stray = self._stray, b""
        return stray

    def end(self, exit_code: int | None, signal: int | None, fault: str) -> None:
        """Its process is gone and its pipes are closed: tell the rest, and that."""
        for stream in self._streams.values():
            self._tell(stream.finish())
        for over in self._assignments.ending():
            self._listener.ended(*over)
        self._is_over = True
        at_work = self._assignments.at_work
        unreported = self._assignments.unreported(at_work.fence) if at_work else 0
        waiting = [*self._assignments.waiting, *self._turned_away]
        self._listener.gone(Gone(exit_code, signal, fault, at_work, unreported, waiting, self._stray))

    # Messages

    def _loaded(self, said: messages.Loaded | messages.LoadFailed) -> None:
        self._speaker.has_loaded(said)

    def _noted(self, said: messages.Note) -> None:
        self._listener.noted(said.text)

    def _begun(self, said: messages.Begun) -> None:
        self._listener.begun(self._assignments.begun(said.chunk))

    def _results(self, said: messages.Results) -> None:
        chunk = self._assignments.results(said)
        self._read_printed(chunk, said.first + said.count)
        self._listener.results(chunk, said)

    def _given_back(self, said: messages.GivenBack) -> None:
        self._listener.given_back(self._assignments.given_back(said))

    def _value_part(self, said: messages.ValuePart) -> None:
        chunk = self._assignments.value_part(said)
        if said.last:
            self._read_printed(chunk, said.item + 1)
        self._listener.value_part(chunk, said)

    def _artifact_part(self, said: messages.ArtifactPart) -> None:
        self._listener.artifact_part(self._assignments.artifact_part(said), said)

    def _asked(self, said: program_messages.Asked) -> None:
        chunk = self._assignments.asked(said)
        if not isinstance(said, (program_messages.StatePart, program_messages.Placed)):
            self._read_printed(chunk, chunk.stop)
        self._listener.asked(chunk, said)

    def _ended(self, said: messages.Ended) -> None:
        self._finish(self._assignments.ended(said))

    # Output

    def _read_printed(self, chunk: Chunk, stop: int) -> None:
        """
        Read what items printed before their results are told.

        It lies in the pipes already, but the reactor reads descriptors in no order; whoever waits for the last result would miss it.
        """
        for descriptor, stream in self._streams.items():
            is_all = self._speaker.empty_pipe(descriptor)
            self._tell(stream.release(chunk.fence, stop, is_all))

    def _tell(self, pieces: list[Piece]) -> None:
        for piece in pieces:
            if type(piece) is Written:
                self._listener.output(self._assignments.chunk(piece.fence), piece.segments)
            elif type(piece) is Closed:
                self._finish(self._assignments.closed(piece.fence))
            elif type(piece) is Stray:
                self._stray = (self._stray + piece.content)[-STRAY_BYTES:]

    def _finish(self, over: Over | None) -> None:
        if over is None:
            return
        if not self._assignments:
            self._speaker.has_ended_all()
        self._listener.ended(*over)


_HEARD: dict[type, Callable[[Conversation, Any], None]] = {
    messages.Loaded: Conversation._loaded,
    messages.LoadFailed: Conversation._loaded,
    messages.Note: Conversation._noted,
    messages.Begun: Conversation._begun,
    messages.Results: Conversation._results,
    messages.ValuePart: Conversation._value_part,
    messages.GivenBack: Conversation._given_back,
    messages.ArtifactPart: Conversation._artifact_part,
    messages.Ended: Conversation._ended,
    program_messages.StatePart: Conversation._asked,
    program_messages.Opened: Conversation._asked,
    program_messages.ItemsPart: Conversation._asked,
    program_messages.Dropped: Conversation._asked,
    program_messages.Placed: Conversation._asked,
}
