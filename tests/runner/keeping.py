"""A worker's side of a keeper, as plain as can be: frames out, frames in, and what the program printed."""

from __future__ import annotations

import json
import os
import select
import struct
from collections.abc import Callable
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Any

from marx.worker.output import OutputReader, Stray, Tokens, Written
from marx.worker.pipe import FrameReader, encode
from tests.pythons import UserPython
from tests.runner.spawning import PATIENCE_SECONDS, RunnerProcess, Setting

FENCE, MARK, SECRET = 77, "%016x" % 1, "%016x" % 2


class Silence(Exception):
    """The keeper said nothing for too long, or ended."""


@dataclass(frozen=True)
class Said:
    """One frame of the keeper."""

    kind: str
    header: dict[str, Any]
    payload: bytes

    def __getitem__(self, name: str) -> Any:
        return self.header[name]


@dataclass
class Ending:
    """What was said from when the program began. ``frames``: all of it."""

    frames: list[Said] = field(default_factory=list)

    def of(self, *kinds: str) -> list[Said]:
        """The frames of some kinds."""
        return [said for said in self.frames if said.kind in kinds]

    @property
    def outcome(self) -> dict[str, Any]:
        """The program's exit code or signal."""
        [result] = self.of("R")
        return json.loads(result.payload)

    @property
    def notes(self) -> list[str]:
        """For the task's log."""
        return [said["text"] for said in self.of("N")]

    @property
    def files(self) -> dict[str, bytes | None]:
        """What the program changed; None for what it deleted."""
        found: dict[str, bytes | None] = {}
        for part in self.of("A"):
            path = part["path"][1]
            before = found.get(path) if part["offset"] else b""
            found[path] = None if part["deleted"] else (before or b"") + part.payload
        return found


class KeeperDriver:
    """One keeper, and through it one program. ``words``: what stands behind the interpreter. A context manager, or to be closed."""

    def __init__(self, python: UserPython, kit: Path, place: Path, *words: str, setting: Setting = Setting(), **task: Any) -> None:
        order = {"task": "abcdefgh", "kind": "program", "words": list(words), "cwd": str(place), "roots": [], "divide": "none", "slots": 4}
        self.process = RunnerProcess(python.path, kit, setting)
        self._frames = FrameReader()
        self._heard: list[Said] = []
        self._rest: list[Said] = []
        self._row = 0
        self.send("T", {**order, **task})

    # Saying

    def send(self, kind: str, header: dict[str, Any], payload: bytes = b"") -> None:
        """Write a frame to its descriptor 3; what the keeper says meanwhile is kept."""
        content = memoryview(encode(kind.encode(), header, payload))
        while content:
            _, can_write, _ = select.select([self.process.reports], [self.process.control], [], PATIENCE_SECONDS)
            if can_write:
                content = content[os.write(self.process.control, content[:65536]) :]
            else:
                self._listen()

    def record(self, portion: int, call: dict[str, Any], packs: list[list[Any]], final: bool = True, place: str = "lab") -> None:
        """H: what an earlier attempt asked for. ``packs``: lists of pickles."""
        stretches, first = [], 0
        for pack in packs:
            stretches.append([first, len(pack), sha256(framed(pack)).hexdigest()])
            first += len(pack)
        self.send("H", {"portion": portion, "call": call, "place": place, "final": final, "packs": stretches})

    def begin(self) -> None:
        """C and E: let the program start."""
        self.send("C", {"chunk": FENCE, "portion": 0, "first": 0, "count": 1, "mark": MARK})
        self.send("E", {"chunk": FENCE, "secret": SECRET})

    def give_results(self, portion: int, first: int, values: list[bytes], codec: str = "pickles") -> None:
        """G: results, as the bytes of their pickles or as entries."""
        payload = framed(values) if codec == "pickles" else b"\n".join(values)
        header = {"portion": portion, "first": first, "count": len(values), "codec": codec, "failed": [], "total": len(payload)}
        for offset in range(0, len(payload) or 1, 1 << 20):
            self.send("G", {**header, "offset": offset}, payload[offset : offset + (1 << 20)])

    def give_file(self, path: str, content: bytes = b"", portion: int = 1, item: int | None = 0, source: int = 1, **more: Any) -> None:
        """W: a file that an item made, where none stood before unless ``grown_from`` says otherwise."""
        self._row += 1
        header = {"portion": portion, "item": item, "source": source, "root": 0, "path": path, "mode": 0o644, "mtime": 1e9, "row": self._row}
        header |= {"deleted": False, "link": None, "length": len(content), "grown_from": 0, "turn": None, **more}
        for offset in range(0, len(content) or 1, 1 << 20):
            self.send("W", {**header, "offset": offset}, content[offset : offset + (1 << 20)])

    def interrupt(self, number: int) -> None:
        """J."""
        self.send("J", {"signal": number})

    def cancel(self) -> None:
        """X."""
        self.send("X", {"chunk": FENCE})

    def quit(self) -> int:
        """Q; the keeper's exit code."""
        self.send("Q", {})
        return self.process.wait()

    # Hearing

    def hear(self) -> Said:
        """The next frame. Raises Silence."""
        while not self._heard:
            self._listen()
        said = self._heard.pop(0)
        self._rest.append(said)
        return said

    def hear_one(self, kind: str, **header: Any) -> Said:
        """The next frame of a kind, with these fields. Others are kept for the end."""
        while True:
            said = self.hear()
            if said.kind == kind and all(said[name] == value for name, value in header.items()):
                return said

    def hear_items(self, portion: int) -> tuple[list[bytes], bool]:
        """The pickles in the next pack of a portion, and whether it is the last. Its digest is checked."""
        payload = b""
        while True:
            said = self.hear_one("I", portion=portion)
            assert said["offset"] == len(payload)
            payload += said.payload
            if len(payload) == said["total"]:
                assert said["digest"] == sha256(payload).hexdigest()
                records = split(payload)
                assert len(records) == said["count"]
                return records, said["final"]

    def _listen(self) -> None:
        if not select.select([self.process.reports], [], [], PATIENCE_SECONDS)[0]:
            raise Silence("nothing for %s s; stderr: %r" % (PATIENCE_SECONDS, self.process.printed(2)[-2000:]))
        received = os.read(self.process.reports, 1 << 20)
        if not received:
            raise Silence("it ended; stderr: %r" % self.process.printed(2)[-2000:])
        self._heard += [Said(_kind(frame.kind), frame.header, frame.payload) for frame in self._frames.feed(received)]

    def end(self) -> Ending:
        """Wait for the program's end; everything that was said."""
        self.hear_one("Z")
        return Ending(self._rest)

    def run(self) -> Ending:
        """Let the program start and end."""
        self.begin()
        return self.end()

    def printed(self, stream: int = 1) -> bytes:
        """What the program wrote, between the marks; fails if there is anything outside of them."""
        reader = OutputReader(stream)
        reader.expect(Tokens(FENCE, 0, 1, MARK.encode(), SECRET.encode()))
        pieces = [*reader.feed(self.process.printed(stream)), *reader.finish()]
        assert not [piece for piece in pieces if type(piece) is Stray]
        segments = [segment for piece in pieces if type(piece) is Written for segment in piece.segments]
        assert {segment.item for segment in segments} <= {0}
        return b"".join(segment.content for segment in segments)

    def close(self) -> None:
        """End its process."""
        self.process.close()

    def __enter__(self) -> KeeperDriver:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


Begin = Callable[..., KeeperDriver]


def framed(pickles: list[bytes]) -> bytes:
    """Records as they travel."""
    return b"".join(struct.pack(">I", len(record)) + record for record in pickles)


def split(payload: bytes) -> list[bytes]:
    """The reverse."""
    records = []
    while payload:
        (length,) = struct.unpack_from(">I", payload)
        records.append(payload[4 : 4 + length])
        payload = payload[4 + length :]
    return records


def _kind(kind: str | bytes) -> str:
    return kind.decode() if isinstance(kind, bytes) else kind
