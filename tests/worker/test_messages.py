"""What a runner says is looked at field by field before anything is made of it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from marx.wire.packs import ItemPack
from marx.worker.messages import ArtifactPart, Begun, Ended, Loaded, LoadFailed, Note, Results, ValuePart, read
from marx.worker.orders import PART_BYTES, chunk_frames, drop_frame, pack_frames, pack_frames_of_file
from marx.worker.pipe import Frame, FrameError, FrameReader

RESULTS = {"chunk": 1 << 40, "portion": 0, "first": 5, "count": 2, "codec": "entries", "failed": [6], "seconds": 0.25}
VALUE = {"chunk": 1, "portion": 0, "item": 5, "offset": 10, "total": 14, "last": True, "codec": "values", "failed": [], "seconds": 1}
ARTIFACT = {"chunk": 1, "portion": 0, "item": None, "path": [0, "a/\udce4.txt"], "mode": 33188, "size": 3, "mtime": 1.5}
ARTIFACT = {**ARTIFACT, "deleted": False, "link": None, "offset": 0, "last": True}
ENDED = {"chunk": 1, "outcome": "died", "exit": None, "signal": 9, "item": 7, "done": 2, "cpu_seconds": 1, "wall_seconds": 2, "max_rss_kb": 3}
ERROR = {"type": "ImportError", "message": "no", "traceback": "Traceback"}


@pytest.mark.parametrize(
    ("kind", "header", "payload", "message"),
    [
        ("L", {"fork": True, "why": None, "python": "3.11.7", "seconds": 0.1, "new": 1}, b"", Loaded(True, "", "3.11.7", 0.1)),
        ("F", {"what": "function", "error": ERROR}, b"", LoadFailed("function", "ImportError", "no", "Traceback")),
        ("B", {"chunk": 7}, b"", Begun(7)),
        ("R", RESULTS, b"1\n2", Results(1 << 40, 0, 5, 2, "entries", (6,), 0.25, b"1\n2")),
        ("V", VALUE, b"tail", ValuePart(1, 0, 5, 10, 14, True, "values", (), 1.0, b"tail")),
        (
            "V",
            {"chunk": 1, "portion": 0, "item": 5, "offset": 0, "total": 14, "last": False},
            b"head",
            ValuePart(1, 0, 5, 0, 14, False, "", (), 0.0, b"head"),
        ),
        ("A", ARTIFACT, b"abc", ArtifactPart(1, 0, None, 0, "a/\udce4.txt", 0o644, 3, 1.5, False, None, 0, True, b"abc")),
        (
            "A",
            {**ARTIFACT, "mode": 0o750, "folder": True},
            b"",
            ArtifactPart(1, 0, None, 0, "a/\udce4.txt", 0o40750, 3, 1.5, False, None, 0, True, b""),
        ),
        ("Z", ENDED, b"", Ended(1, "died", None, 9, 7, 2, 1.0, 2.0, 3)),
        ("N", {"text": "a sentence"}, b"", Note("a sentence")),
    ],
)
def test_each_message_is_read_as_its_value(kind: str, header: dict[str, Any], payload: bytes, message: Any) -> None:
    assert read(Frame(kind, header, payload)) == message


@pytest.mark.parametrize(
    ("kind", "header", "wrong"),
    [
        ("R", RESULTS, {"first": -1}),
        ("R", RESULTS, {"count": 1 << 63}),
        ("R", RESULTS, {"seconds": float("nan")}),
        ("R", RESULTS, {"seconds": float("inf")}),
        ("R", RESULTS, {"failed": ["6"]}),
        ("R", RESULTS, {"failed": None}),
        ("R", RESULTS, {"codec": 1}),
        ("R", RESULTS, {"chunk": True}),
        ("B", {}, {}),
        ("V", VALUE, {"total": None}),
        ("A", ARTIFACT, {"path": "a"}),
        ("A", ARTIFACT, {"path": [0]}),
        ("A", ARTIFACT, {"path": ["0", "a"]}),
        ("A", ARTIFACT, {"link": 5}),
        ("Z", ENDED, {"outcome": "refused"}),
        ("Z", ENDED, {"max_rss_kb": -1}),
        ("F", {"what": "program"}, {"error": "text"}),
        ("N", {}, {"text": 5}),
        ("?", {}, {}),
    ],
)
def test_a_field_that_makes_no_sense_refuses_the_frame(kind: str, header: dict[str, Any], wrong: dict[str, Any]) -> None:
    with pytest.raises(FrameError):
        read(Frame(kind, {**header, **wrong}, b""))


def test_a_traceback_without_end_is_cut_and_not_refused() -> None:
    message = read(Frame("F", {"what": "program", "error": {**ERROR, "traceback": "x" * 1_000_000}}))
    assert isinstance(message, LoadFailed) and len(message.traceback) == 20_000


def frames_of(content: bytes) -> list[Frame]:
    return FrameReader().feed(content)


def test_a_chunk_is_followed_by_its_secret_in_a_frame_of_its_own() -> None:
    chunk, end = frames_of(chunk_frames(9, 0, 3, 4, "a" * 16, "b" * 16))
    assert (chunk.kind, chunk.header) == ("C", {"chunk": 9, "portion": 0, "first": 3, "count": 4, "mark": "a" * 16})
    assert (end.kind, end.header) == ("E", {"chunk": 9, "secret": "b" * 16})


def test_a_pack_travels_whole_where_it_fits_and_in_parts_where_not() -> None:
    [small] = frames_of(pack_frames(0, ItemPack(5, 2, "json", b"1\n2")))
    assert (small.header["first"], small.payload, "offset" in small.header) == (5, b"1\n2", False)
    payload = bytes(range(256)) * 5000
    parts = frames_of(pack_frames(0, ItemPack(5, 1, "json", payload)))
    assert [part.header["offset"] for part in parts] == [0, PART_BYTES]
    assert all(part.header["total"] == len(payload) for part in parts)
    assert b"".join(part.payload for part in parts) == payload


def test_a_pack_of_a_file_is_the_same_frames(tmp_path: Path) -> None:
    payload = bytes(range(256)) * 5000
    (tmp_path / "blob").write_bytes(payload)
    pack = ItemPack(5, 1, "json", payload)
    from_file = b"".join(pack_frames_of_file(3, ItemPack(5, 1, "json", blob="d"), tmp_path / "blob"))
    assert from_file == pack_frames(3, pack)


def test_a_pack_is_dropped_by_its_first_item() -> None:
    [frame] = frames_of(drop_frame(1, 70))
    assert (frame.kind, frame.header) == ("D", {"portion": 1, "first": 70})
