"""A worker's side of a runner, as plain as can be.

What the runner says is read by the worker's own parts (pipe, messages, assignments, output), which refuse what a worker would refuse.
"""

from __future__ import annotations

import itertools
import json
import os
import select
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from marx.wire.packs import ItemPack, entry_of
from marx.worker.assignments import Assignments, Chunk
from marx.worker.messages import ArtifactPart, Begun, Ended, GivenBack, Loaded, LoadFailed, Message, Note, Results, ValuePart, read
from marx.worker.orders import QUIT_FRAME, TaskOrder, cancel_frame, chunk_frames, drop_frame, pack_frames, shorten_frame, task_frame
from marx.worker.output import OutputReader, Piece, Stray, Tokens, Written
from marx.worker.pipe import FrameReader
from tests.pythons import UserPython
from tests.runner.spawning import PATIENCE_SECONDS, RunnerProcess, Setting


class Silence(Exception):
    """The runner said nothing for too long, or ended."""


@dataclass
class Outcome:
    """What was said of one chunk. ``results``: one for each reported item, with "value", "repr" or "error"."""

    ended: Ended
    messages: list[Message]
    results: list[dict[str, Any]] = field(default_factory=list)

    @property
    def values(self) -> list[Any]:
        """The items' values; fails if one has none."""
        return [result["value"] for result in self.results]

    @property
    def failed(self) -> list[int]:
        """The indices of those that failed, as the runner named them."""
        return [index for message in self.messages for index in getattr(message, "failed", ())]

    @property
    def notes(self) -> list[str]:
        """What the task's log gets."""
        return [message.text for message in self.messages if type(message) is Note]

    @property
    def artifacts(self) -> list[ArtifactPart]:
        """Parts of files, in their order."""
        return [message for message in self.messages if type(message) is ArtifactPart]

    @property
    def files(self) -> dict[str, bytes | None]:
        """Path and content of each file that came, None for one that was deleted; a later one counts."""
        found: dict[str, bytes | None] = {}
        for part in self.artifacts:
            before = found.get(part.path) if part.offset else b""
            found[part.path] = None if part.deleted else (before or b"") + part.part
        return found


class Driver:
    """One runner. ``place`` is the program's; ``task`` are fields of its first frame, or all of it as ``first``.

    A context manager, or to be closed.
    """

    def __init__(self, python: UserPython, kit: Path, place: Path, function: str = "f", setting: Setting = Setting(), **task: Any) -> None:
        first = task.pop("first", None)
        order = {
            **{"task": "abcdefgh", "kind": "map", "program": str(place), "module": None, "function": function, "cwd": str(place.parent)},
            **{"argv": [], "roots": [], "seed": 1, "limits": {}, "max_value": 64 << 20},
            **task,
        }
        self.process = RunnerProcess(python.path, kit, setting)
        self._frames = FrameReader()
        self._heard: list[Message] = []
        self._dropped: dict[int, Ended] = {}
        self._fences = itertools.count(1)
        self._given: list[Tokens] = []
        self._assignments = Assignments(len(order["roots"]), order["max_value"])
        self.send(task_frame(TaskOrder(**order)) if first is None else first)

    # Saying

    def send(self, content: bytes) -> None:
        """Write bytes to its descriptor 3."""
        while content:
            content = content[os.write(self.process.control, content) :]

    def give_range(self, count: int, first: int = 0, portion: int = 0, args: tuple[int, int] = (0, 1)) -> None:
        """A pack of numbers."""
        self.give_pack(ItemPack(first, count, "range", args=args), portion)

    def give_items(self, items: list[Any], first: int = 0, portion: int = 0) -> None:
        """A pack of any JSON values."""
        self.give_pack(ItemPack(first, len(items), "json", b"\n".join(json.dumps(item).encode() for item in items)), portion)

    def give_pack(self, pack: ItemPack, portion: int = 0) -> None:
        """P."""
        self.send(pack_frames(portion, pack))

    def drop(self, first: int, portion: int = 0) -> None:
        """D."""
        self.send(drop_frame(portion, first))

    def give_chunk(self, first: int, count: int, portion: int = 0) -> int:
        """C and E; the chunk's fence."""
        fence = next(self._fences)
        tokens = Tokens(fence, first, first + count, b"%016x" % fence, secret_of(fence).encode())
        self._given.append(tokens)
        self._assignments.give(Chunk(fence, "abcdefgh", portion, first, count))
        self.send(chunk_frames(fence, portion, first, count, tokens.mark.decode(), tokens.secret.decode()))
        return fence

    def cancel(self, fence: int) -> None:
        """X."""
        self.send(cancel_frame(fence))

    def shorten(self, fence: int, stop: int) -> None:
        """G, of a chunk that was given."""
        self._assignments.want(fence, stop)
        self.send(shorten_frame(fence, stop))

    def quit(self) -> int:
        """Q; the exit code."""
        self.send(QUIT_FRAME)
        return self.process.wait()

    # Hearing

    def hear(self) -> Message:
        """The next message. Raises Silence."""
        while not self._heard:
            self._listen()
        return self._heard.pop(0)

    def hear_until(self, is_enough: Callable[[list[Message]], bool]) -> None:
        """Wait until those that came and were not asked for yet are enough. Raises Silence."""
        while not is_enough(self._heard):
            self._listen()

    def _listen(self) -> None:
        if not select.select([self.process.reports], [], [], PATIENCE_SECONDS)[0]:
            raise Silence("nothing for %s s; stderr: %r" % (PATIENCE_SECONDS, self.process.printed(2)[-2000:]))
        received = os.read(self.process.reports, 1 << 20)
        if not received:
            raise Silence("it ended; stderr: %r" % self.process.printed(2)[-2000:])
        self._heard += [read(frame) for frame in self._frames.feed(received)]

    def loaded(self) -> Loaded:
        """The first message, of a program that could be loaded."""
        message = self.hear()
        assert type(message) is Loaded, message
        return message

    def load_failed(self) -> LoadFailed:
        """The first message, of one that could not; the runner has ended with 3."""
        message = self.hear()
        assert type(message) is LoadFailed, message
        assert self.process.wait() == 3
        return message

    def hear_chunk(self, fence: int) -> Outcome:
        """Everything up to a chunk's end, each message checked as a worker does. Other chunks may be dropped meanwhile."""
        messages: list[Message] = []
        while fence not in self._dropped:
            message = self.hear()
            self._check(message)
            if type(message) is Ended and message.chunk != fence:
                assert message.outcome == "cancelled", message
                self._dropped[message.chunk] = message
                continue
            messages.append(message)
            if type(message) is Ended:
                results = self._results_in(messages)
                assert len(results) == message.done
                return Outcome(message, messages, results)
        return Outcome(self._dropped.pop(fence), [])

    def _results_in(self, messages: list[Message]) -> list[dict[str, Any]]:
        return [entry_of(codec, line) for codec, line in _lines(messages)]

    def _check(self, message: Message) -> None:
        match message:
            case Begun():
                self._assignments.begun(message.chunk)
            case Results():
                self._assignments.results(message)
            case ValuePart():
                self._assignments.value_part(message)
            case ArtifactPart():
                self._assignments.artifact_part(message)
            case GivenBack():
                self._assignments.given_back(message)
            case Ended():
                self._assignments.ended(message)
            case _:
                assert type(message) is Note, message

    def run(self, first: int, count: int, portion: int = 0) -> Outcome:
        """Give a chunk, and hear all of it."""
        return self.hear_chunk(self.give_chunk(first, count, portion))

    def map(self, items: list[Any], portion: int = 0) -> Outcome:
        """Items in one chunk from index 0, their pack dropped afterwards."""
        self.give_items(items, 0, portion)
        outcome = self.run(0, len(items), portion)
        self.drop(0, portion)
        return outcome

    # Output

    def printed(self, fence: int, stream: int = 1) -> dict[int, bytes]:
        """What each item of a chunk that has ended wrote, as the worker attributes it."""
        found: dict[int, bytes] = {}
        for piece in self._pieces(stream):
            for segment in piece.segments if type(piece) is Written and piece.fence == fence else ():
                assert segment.offset == len(found.get(segment.item, b""))
                found[segment.item] = found.get(segment.item, b"") + segment.content
        return found

    def strays(self, stream: int = 1) -> bytes:
        """What belongs to no item."""
        return b"".join(piece.content for piece in self._pieces(stream) if type(piece) is Stray)

    def _pieces(self, stream: int) -> list[Piece]:
        reader = OutputReader(stream)
        for tokens in self._given:
            reader.expect(tokens)
        return [*reader.feed(self.process.printed(stream)), *reader.finish()]

    def close(self) -> None:
        """End its process."""
        self.process.close()

    def __enter__(self) -> Driver:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def secret_of(fence: int) -> str:
    """The secret of the chunk that a driver gives under this fence."""
    return "%016x" % (fence + (1 << 40))


def _lines(messages: list[Message]) -> list[tuple[str, bytes]]:
    """(codec, line) for each result."""
    lines: list[tuple[str, bytes]] = []
    parts: list[bytes] = []
    for message in messages:
        if type(message) is Results:
            lines += [(message.codec, line) for line in message.payload.split(b"\n")]
        if type(message) is ValuePart:
            parts.append(message.part)
            if message.last:
                lines.append((message.codec, b"".join(parts)))
                parts = []
    return lines
