"""
The chunks that one runner was given, and whether what it says can be true of them: pure.

The runner's process belongs to a user's program. It may lie about its own task's results, and about nothing else: a message counts only
for a chunk that was given to this very runner, in the order in which chunks run and items are reported. Anything else is a
:class:`~marx.worker.pipe.FrameError`.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, replace

from marx.worker.messages import ArtifactPart, Ended, GivenBack, Results, ValuePart
from marx.worker.pipe import FrameError
from marx.worker.program_messages import Asked
from marx.worker.program_orders import Record
from marx.worker.records import count_of, is_one

#: What results of a map are in; those of a portion that a program opened are in PICKLED.
LEGIBLE = ("values", "entries")
PICKLED = ("pickles", "entries")


@dataclass(frozen=True, slots=True)
class Chunk:
    """Items ``first`` to ``first + count`` as they were granted. ``attempt``: 1 for the first try. ``is_copy``: they are at work elsewhere, too."""

    fence: int
    task: str
    portion: int
    first: int
    count: int
    slot: int = 0
    attempt: int = 1
    is_copy: bool = False

    @property
    def stop(self) -> int:
        """The index after the last item."""
        return self.first + self.count


@dataclass(slots=True)
class Assignment:
    """
    A chunk at a runner. ``next``: its first item without a result; ``open``: the streams on which its end was not seen; ``wanted``: from
    which item on it may be given back, None if nobody has asked.
    """

    chunk: Chunk
    next: int
    begun: bool = False
    open: int = 2
    end: Ended | None = None
    value_size: int = 0
    value_head: bytes = b""
    artifact: ArtifactPart | None = None
    artifact_size: int = 0
    wanted: int | None = None


Over = tuple[Chunk, Ended]


class Assignments:
    """
    ``by_line``: whether what its items print travels in whole lines. ``roots``: how many folders the task has whose changes are artifacts; ``max_value``: bytes of one result; ``codecs``: what results can be in.
    """

    by_line = True

    def __init__(self, roots: int, max_value: int, codecs: tuple[str, ...] = LEGIBLE) -> None:
        self._roots = roots
        self._max_value = max_value
        self._codecs = codecs
        self._waiting: deque[Assignment] = deque()
        self._by_fence: dict[int, Assignment] = {}
        self._has_begun_any = False

    @property
    def at_work(self) -> Chunk | None:
        """
        The one that has begun and not ended. Before any has begun, the first: a runner that dies on it again and again must not be started
        for it for ever.
        """
        first = self._waiting[0] if self._waiting else None
        return first.chunk if first is not None and (first.begun or not self._has_begun_any) else None

    @property
    def waiting(self) -> list[Chunk]:
        """The others that have not ended."""
        at_work = self.at_work
        return [assignment.chunk for assignment in self._waiting if assignment.chunk is not at_work]

    def __len__(self) -> int:
        return len(self._by_fence)

    def give(self, chunk: Chunk) -> None:
        """To be run after those before it."""
        assignment = Assignment(chunk, chunk.first)
        self._waiting.append(assignment)
        self._by_fence[chunk.fence] = assignment

    def remember(self, record: Record) -> None:
        """What earlier attempts of a main program asked for; a runner of chunks has none."""

    def chunk(self, fence: int) -> Chunk:
        """One that has not ended on every pipe."""
        return self._by_fence[fence].chunk

    def unreported(self, fence: int) -> int:
        """How many items of a chunk have no result yet."""
        assignment = self._by_fence[fence]
        return assignment.chunk.stop - assignment.next

    def begun(self, fence: int) -> Chunk:
        """The runner says that it begins with it."""
        assignment = self._first(fence)
        if assignment.begun:
            raise FrameError(f"chunk {fence} began twice")
        assignment.begun = self._has_begun_any = True
        return assignment.chunk

    def results(self, said: Results) -> Chunk:
        """Results came: those of the next items, as many lines as items."""
        assignment = self._at(said.chunk, said.portion)
        chunk = assignment.chunk
        stop = said.first + said.count
        if said.first != assignment.next or not said.first < stop <= chunk.stop:
            raise FrameError(f"results of items {said.first} to {stop} where {assignment.next} to {chunk.stop} are awaited")
        self._check_codec(said.codec, said.failed, said.first, stop)
        if _length(said.codec, said.payload) != said.count:
            raise FrameError(f"{said.count} results that are not as many lines or records")
        assignment.next = stop
        return chunk

    def want(self, fence: int, stop: int) -> None:
        """It is asked to give back what it has not begun of a chunk, from that item on."""
        self._by_fence[fence].wanted = min(stop, self._by_fence[fence].chunk.stop)

    def given_back(self, said: GivenBack) -> Chunk:
        """The rest of a chunk will not be run, as was asked for: it is as long as it was found to be, from now on."""
        assignment = self._first(said.chunk)
        chunk, wanted = assignment.chunk, assignment.wanted
        if not assignment.begun or wanted is None or not max(assignment.next, wanted, chunk.first + 1) <= said.stop < chunk.stop:
            raise FrameError(f"items from {said.stop} on of chunk {said.chunk} are given back, which is at {assignment.next} of {chunk.stop}")
        assignment.chunk = replace(chunk, count=said.stop - chunk.first)
        return assignment.chunk

    def value_part(self, said: ValuePart) -> Chunk:
        """A part of the next item's result came."""
        assignment = self._at(said.chunk, said.portion)
        stop = said.offset + len(said.part)
        if said.item != assignment.next or said.item >= assignment.chunk.stop or said.offset != assignment.value_size:
            raise FrameError(f"a value of item {said.item} at {said.offset} where item {assignment.next} is awaited")
        if said.total > self._max_value or stop > said.total or said.last != (stop == said.total):
            raise FrameError(f"a value of {said.total} bytes ends at {stop}")
        if not said.offset:
            assignment.value_head = said.part[:8]
        if said.last:
            self._check_codec(said.codec, said.failed, said.item, said.item + 1)
            if said.codec == "pickles" and not is_one(assignment.value_head, said.total):
                raise FrameError(f"a value of item {said.item} that is not one record")
        assignment.value_size = 0 if said.last else stop
        assignment.next += said.last
        return assignment.chunk

    def artifact_part(self, said: ArtifactPart) -> Chunk:
        """A part of a file came: one file after the other, each from its beginning."""
        assignment = self._at(said.chunk, said.portion)
        before, chunk = assignment.artifact, assignment.chunk
        if said.offset != assignment.artifact_size or (before and (before.root, before.path) != (said.root, said.path)):
            raise FrameError(f"a file's part at {said.offset} that nothing comes before")
        if said.root >= self._roots or not _stays_below(said.path) or not (said.item is None or chunk.first <= said.item < chunk.stop):
            raise FrameError(f"a file {said.path[:80]!r} below root {said.root} by item {said.item}")
        assignment.artifact = None if said.last else said
        assignment.artifact_size = 0 if said.last else said.offset + len(said.part)
        return chunk

    def asked(self, said: Asked) -> Chunk:
        """A main program opens a portion, or sends items; only its own keeper can say so."""
        raise FrameError("a runner of chunks speaks of portions")

    def ended(self, said: Ended) -> Over | None:
        """The runner says that a chunk is over; which, if nothing more of its output can come."""
        assignment = self._by_fence.get(said.chunk)
        if assignment is None or assignment.end is not None:
            raise FrameError(f"the end of chunk {said.chunk}, which is not at this runner")
        chunk = assignment.chunk
        is_dropped = said.outcome == "cancelled" and not assignment.begun
        if not is_dropped and assignment is not self._waiting[0]:
            raise FrameError(f"the end of chunk {said.chunk} out of turn")
        if said.item is not None and not chunk.first <= said.item < chunk.stop:
            raise FrameError(f"chunk {said.chunk} ended at item {said.item}, which is not in it")
        if said.outcome == "succeeded" and assignment.next != chunk.stop:
            raise FrameError(f"chunk {said.chunk} succeeded without a result of item {assignment.next}")
        self._waiting.remove(assignment)
        assignment.end = said
        return self._over(assignment) if is_dropped or not assignment.open else None

    def closed(self, fence: int) -> Over | None:
        """A stream's end mark of a chunk came; which is over, if nothing else of it can come."""
        assignment = self._by_fence.get(fence)
        if assignment is None:
            return None
        assignment.open -= 1
        return self._over(assignment) if assignment.end is not None and not assignment.open else None

    def ending(self) -> list[Over]:
        """The runner is gone: what it had said the end of, and of whose output something may be missing."""
        return [self._over(assignment) for assignment in list(self._by_fence.values()) if assignment.end is not None]

    def _over(self, assignment: Assignment) -> Over:
        del self._by_fence[assignment.chunk.fence]
        assert assignment.end is not None
        return assignment.chunk, assignment.end

    def _first(self, fence: int) -> Assignment:
        if not self._waiting or self._waiting[0].chunk.fence != fence:
            raise FrameError(f"chunk {fence} is not the one at work")
        return self._waiting[0]

    def _at(self, fence: int, portion: int) -> Assignment:
        assignment = self._first(fence)
        if not assignment.begun or assignment.chunk.portion != portion:
            raise FrameError(f"chunk {fence} did not begin, or is not of portion {portion}")
        return assignment

    def _check_codec(self, codec: str, failed: tuple[int, ...], first: int, stop: int) -> None:
        if codec not in self._codecs or (codec == "values" and failed):
            raise FrameError(f"results of codec {codec[:40]!r}, {len(failed)} of them failed")
        before = first - 1
        for index in failed:
            if not before < index < stop:
                raise FrameError(f"item {index} failed, out of {first} to {stop}")
            before = index


def _length(codec: str, payload: bytes) -> int:
    if codec != "pickles":
        return payload.count(b"\n") + 1
    try:
        return count_of(payload)
    except ValueError as error:
        raise FrameError(f"results that make no sense: {error}") from None


def _stays_below(path: str) -> bool:
    """Whether a relative path from a runner names something below its root."""
    return bool(path) and "\0" not in path and not any(part in ("", ".", "..") for part in path.split("/"))
