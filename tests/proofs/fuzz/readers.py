"""
What reads bytes of others without a connection: each is given drawn bytes, and may refuse them with its own error and nothing else.
"""

from __future__ import annotations

import json
import os
import struct
from collections.abc import Callable
from dataclasses import dataclass, fields
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from typing import Any

from marx.addresses import Address
from marx.certificates import new_key, requested_key, signing_request
from marx.join_code import JoinCode, JoinError
from marx.server.intake import cut
from marx.server.output import delivered_of, without_delivered
from marx.server.records import OutputRow
from marx.wire.calls import BadRequest
from marx.wire.packs import Segment, entry_of, pack_output, result_lines, unpack_output
from marx.wire.reports import _KINDS, as_list, from_list
from marx.wire.spec import check_spec
from marx.worker import messages
from marx.worker.pipe import FRAME_LIMIT, FrameError, FrameReader, encode
from tests.fakes.floors import Floor
from tests.proofs.fuzz.drawing import altered, damaged, in_parts, json_bytes, noise, number, value


@dataclass(frozen=True)
class Reader:
    """``draw`` makes bytes; ``read`` gives them to what is tried, and raises whatever it should not have raised."""

    name: str
    draw: Callable[[Random], bytes]
    read: Callable[[bytes], None]


def _draw_output(random: Random) -> bytes:
    segments = [Segment(random.randrange(5), random.randrange(4), random.randrange(100), noise(random, 30)) for _ in range(random.randrange(4))]
    packed = pack_output(segments, 0)
    return damaged(random, packed) if random.random() < 0.7 else packed


def _read_output(data: bytes) -> None:
    try:
        segments = list(unpack_output(data, 3))
    except ValueError:
        return
    assert sum(len(segment.content) for segment in segments) <= len(data)
    kept = without_delivered(data, 3, delivered_of([OutputRow(1, 0, 3, 9, "lab", 0.0, data)]))
    assert len(kept) <= len(data)


def _draw_results(random: Random) -> bytes:
    line = b"\n".join(json_bytes(random) for _ in range(random.randrange(4)))
    return bytes([random.randrange(2), random.randrange(5), random.randrange(5)]) + (noise(random) if random.random() < 0.2 else line)


def _read_results(data: bytes) -> None:
    codec, first, count, payload = ("values", "entries")[data[0] % 2], data[1], data[2], data[3:]
    for line in result_lines(codec, payload, 2, 2 + first, count):
        assert len(line) <= len(payload) + 40
    for line in payload.split(b"\n"):
        try:
            entry_of(codec, line)
        except (ValueError, RecursionError):
            pass


#: A header that would be taken, for each kind of frame.
FRAMES: dict[bytes, dict[str, Any]] = {
    b"L": {"fork": True, "why": "", "python": "3.11.7", "seconds": 0.1},
    b"F": {"what": "program", "error": {"type": "E", "message": "m", "traceback": "t"}},
    b"B": {"chunk": 1},
    b"R": {"chunk": 1, "portion": 0, "first": 0, "count": 1, "codec": "values", "failed": [], "seconds": 0.1},
    b"V": {"chunk": 1, "portion": 0, "item": 0, "offset": 0, "total": 2, "last": True, "codec": "values", "failed": [], "seconds": 0.1},
    b"A": {"chunk": 1, "portion": 0, "item": 0, "path": [0, "made"], "mode": 420, "folder": False, "size": 2, "mtime": 1.0, "deleted": False,
           "link": None, "offset": 0, "last": True},
    b"Z": {"chunk": 1, "outcome": "succeeded", "exit": 0, "signal": None, "item": None, "done": 1, "cpu_seconds": 0.1, "wall_seconds": 0.1,
           "max_rss_kb": 1},
    b"N": {"text": "a note"},
    b"K": {"chunk": 1, "state": 1, "offset": 0, "total": 2},
    b"O": {"chunk": 1, "portion": 1, "call": {"file": "p", "line": 1, "kind": "Pool.map", "function": "f", "order": 1}, "place": "lab",
           "reason": "", "python": "3.11", "state": None},
    b"I": {"chunk": 1, "portion": 1, "first": 0, "count": 1, "codec": "pickles", "digest": "0" * 64, "final": True, "offset": 0, "total": 2},
    b"D": {"chunk": 1, "portion": 1},
    b"W": {"chunk": 1, "row": 1, "stands": True},
}  # fmt: skip


def draw_frames(random: Random) -> bytes:
    """Frames of a runner, most of them valid but for one thing."""
    said = b""
    for _ in range(random.randrange(1, 4)):
        kind = random.choice(list(FRAMES))
        header = FRAMES[kind] if random.random() < 0.3 else altered(random, FRAMES[kind])
        frame = encode(kind, header if isinstance(header, dict) else {"a": header}, noise(random, 20))
        how = random.random()
        if how < 0.05:
            frame = struct.pack(">IcI", abs(number(random)) % (1 << 32), kind, abs(number(random)) % (1 << 32)) + noise(random)
        said += damaged(random, frame) if how > 0.8 else frame
    return said


def _read_frames(data: bytes) -> None:
    reader, random = FrameReader(), Random(len(data))
    try:
        for part in in_parts(random, data):
            for frame in reader.feed(part):
                messages.read(frame)
            assert len(reader._held) <= FRAME_LIMIT + len(part)
    except FrameError as error:
        assert len(str(error)) < 1000


def _draw_runner(random: Random) -> bytes:
    return bytes([random.randrange(2)]) + draw_frames(random)


def _read_runner(data: bytes) -> None:
    """A worker with two slots and a seat, of which one has a runner that says what was drawn."""
    with TemporaryDirectory(prefix="marx-fuzz-") as folder:
        floor = Floor(Path(folder), count=2, seats=1)
        floor.carry("a")
        floor.carry("b")
        [fence] = [floor.run("a")] if data[0] else floor.grant(0, count=3)
        [other] = floor.grant(5, task="b", slot=1)
        bad, good = floor.runner(0).load(), floor.runner(1).load()
        bad.begin(fence)
        for part in in_parts(Random(len(data)), data[1:]):
            bad.child.say(part)
            floor.reactor.turn()
        good.run(other)
        ends = [ended for ended, _ in floor.sender.ends]
        assert (other, "succeeded") in floor.sender.ends and len(ends) == len(set(ends))
        for report, _, _ in floor.sender.sent:
            assert (report.fence, report.task) in ((fence, "a"), (other, "b")), report
            if report.fence == fence and report.kind == "results":
                assert report.portion == 0 and 0 <= report.first < report.first + report.count <= 3, report


def any_report(random: Random) -> list[Any]:
    """A report's JSON form, with the right types or nearly so."""
    kind = random.choice(list(_KINDS.values()))
    of_type = {"int": number, "float": number, "bool": lambda random: random.random() < 0.5, "str": _text, "tuple[int, ...]": lambda random: [number(random)]}
    of_name = {"task": task_id, "fence": _fence, "portion": _small, "first": _small, "item": _small, "count": lambda _: 1, "size": lambda _: 0}

    def drawn(name: str, annotation: str) -> Any:
        if "None" in annotation and random.random() < 0.5:
            return None
        near = random.random() < 0.7 and of_name.get(name)
        return near(random) if near else of_type[annotation.split(" | ")[0]](random)

    return [kind.kind, *(drawn(f.name, str(f.type)) for f in fields(kind))]


def task_id(random: Random) -> str:
    """Ids that a room gives, to this peer or to another."""
    return f"task{random.randrange(30):04d}"


def _fence(random: Random) -> int:
    return (1 << 32) + random.randrange(40)


def _small(random: Random) -> int:
    return random.choice((0, 0, 0, 1, 2))


def _text(random: Random) -> str:
    return str(value(random, 9))


def _draw_reports(random: Random) -> bytes:
    reports: Any = [any_report(random) for _ in range(random.randrange(3))]
    return json.dumps(altered(random, reports) if random.random() < 0.5 else reports).encode()


def _read_reports(data: bytes) -> None:
    raw = json.loads(data)
    try:
        pairs = cut(raw, b"some payload")
    except BadRequest as error:
        assert len(str(error)) < 1000
        return
    assert [from_list(as_list(report)) for report, _ in pairs] == [report for report, _ in pairs]


def _draw_code(random: Random) -> bytes:
    code = JoinCode.new(random.choice(("worker", "tasker")), random.random() < 0.5, [Address("lab.example.org", 1848)], random.randbytes(32)).format()
    parts = code.split("/")
    if random.random() < 0.5:
        parts[random.randrange(len(parts))] = random.choice((str(value(random, 9)), "", noise(random, 30).decode("latin-1"), "a,b,c", "x" * 5000))
    changed = "/".join(parts)
    if random.random() < 0.5:  # with a checksum that holds, so that it is read to the end
        import zlib

        body = "".join(changed.rpartition("/")[0].split()).lower()
        changed = f"{body}/{zlib.crc32(body.encode('utf-8', 'surrogatepass')):08x}"
    return damaged(random, changed.encode("utf-8", "surrogatepass")) if random.random() < 0.3 else changed.encode("utf-8", "surrogatepass")


def _read_code(data: bytes) -> None:
    try:
        code = JoinCode.parse(data.decode("utf-8", "surrogateescape"))
    except JoinError as error:
        assert len(str(error)) < 8000
        return
    assert JoinCode.parse(code.format()) == code


_REQUEST = signing_request(new_key())


def _draw_request(random: Random) -> bytes:
    if random.random() < 0.5:
        return damaged(random, _REQUEST)
    import base64

    body = base64.b64decode(b"".join(_REQUEST.splitlines()[1:-1]))
    wrapped = base64.encodebytes(damaged(random, body))
    return b"-----BEGIN CERTIFICATE REQUEST-----\n" + wrapped + b"-----END CERTIFICATE REQUEST-----\n"


def _read_request(data: bytes) -> None:
    try:
        requested_key(data)
    except ValueError:
        pass


_SPEC = {
    "kind": "map", "program": "/home/ada/p.py", "function": "f", "cwd": "/home/ada", "roots": ["/home/ada"], "seed": 1, "hash_seed": 1, "codec": "json",
    "argv": ["p.py"], "env": {"LANG": "C"}, "labels": {"a": "b"}, "workers": ["lab-1"], "retries": 1, "start_within": 1.5, "manifest": "0" * 64, "name": "n",
}  # fmt: skip


def _draw_spec(random: Random) -> bytes:
    return json.dumps(altered(random, altered(random, _SPEC))).encode()


def _read_spec(data: bytes) -> None:
    assert all(isinstance(sentence, str) for sentence in check_spec(json.loads(data)))


READERS = (
    Reader("output packs", _draw_output, _read_output),
    Reader("result packs", _draw_results, _read_results),
    Reader("runner's frames", draw_frames, _read_frames),
    Reader("a worker's slots", _draw_runner, _read_runner),
    Reader("reports", _draw_reports, _read_reports),
    Reader("join codes", _draw_code, _read_code),
    Reader("certificate requests", _draw_request, _read_request),
    Reader("specifications", _draw_spec, _read_spec),
)
"""Each draws its own inputs: the larger part valid but for one thing, since noise is refused at the first byte."""

#: Bytes that memory may grow over a run: what the allocator does not give back, and nothing that inputs could leave.
GROWTH_BYTES = 64 << 20


def own_memory() -> int:
    """Bytes of this process that are in memory now."""
    with open("/proc/self/statm") as statm:
        return int(statm.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
