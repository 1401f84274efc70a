"""What runners say of chunks becomes reports: output gathered, long values and files by way of the spool, all of it before the end."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from marx.wire.packs import BLOB_FROM, PACK_AIM, STDERR, STDOUT, Segment, unpack_output
from marx.wire.reports import ArtifactReport, EndReport, ResultsReport
from marx.worker.assignments import Chunk
from marx.worker.messages import ArtifactPart, Ended, Results, ValuePart
from marx.worker.recipes import TaskFile
from marx.worker.reporting import KEPT_BACK, NOTES, OUTPUT_SECONDS
from marx.worker.standing import Standing
from tests.fakes.floors import Floor
from tests.fakes.servers import digest_of

CHUNK = Chunk(9, "a", 0, 10, 5)
CHUNK_BESIDE = Chunk(8, "a", 0, 0, 1, slot=1)


@pytest.fixture
def floor(tmp_path: Path) -> Floor:
    return Floor(tmp_path)


def value_parts(content: bytes, size: int = 250_000) -> list[ValuePart]:
    parts = []
    for offset in range(0, len(content), size):
        part = content[offset : offset + size]
        last = offset + len(part) == len(content)
        parts.append(ValuePart(9, 0, 12, offset, len(content), last, "values" if last else "", (), 0.5, part))
    return parts


def artifact(part: bytes, **more: Any) -> ArtifactPart:
    given: dict[str, Any] = {"item": 12, "root": 1, "path": "out/a.txt", "mode": 0o100640, "size": len(part), "mtime": 5.5}
    return ArtifactPart(**{"chunk": 9, "portion": 0, **given, "deleted": False, "link": None, "offset": 0, "last": True, "part": part, **more})


def test_results_are_passed_on_as_they_are(floor: Floor) -> None:
    floor.reporter.results(CHUNK, Results(9, 0, 10, 2, "entries", (11,), 0.25, b"1\n2"))
    assert floor.sender.sent == [(ResultsReport(9, "a", 0, 10, 2, "entries", (11,), 0.25, 3), b"1\n2", 0)]


def test_output_waits_a_moment_for_more_and_tells_when_it_was_read(floor: Floor) -> None:
    floor.reporter.output(CHUNK, [Segment(12, STDOUT, 0, b"one\n")])
    floor.reporter.output(CHUNK, [Segment(11, STDERR, 7, b"two\n")])
    assert floor.sender.sent == []
    floor.reactor.advance(OUTPUT_SECONDS)
    [(report, payload, _)] = floor.sender.sent
    assert (report.first, report.last, report.at_utc, report.size) == (11, 12, 1000.0, len(payload))
    assert list(unpack_output(payload, 11)) == [Segment(12, STDOUT, 0, b"one\n"), Segment(11, STDERR, 7, b"two\n")]
    floor.reactor.advance(OUTPUT_SECONDS)
    assert len(floor.sender.sent) == 1 and floor.reactor.getDelayedCalls() == []


def test_a_full_pack_does_not_wait(floor: Floor) -> None:
    floor.reporter.output(CHUNK, [Segment(12, STDOUT, 0, bytes(PACK_AIM))])
    assert floor.sender.kinds == ["output"]


def test_output_comes_before_the_results_and_the_end_that_followed_it(floor: Floor) -> None:
    floor.reporter.output(CHUNK, [Segment(10, STDOUT, 0, b"one\n")])
    floor.reporter.results(CHUNK, Results(9, 0, 10, 1, "values", (), 0.1, b"1"))
    floor.reporter.output(CHUNK, [Segment(11, STDOUT, 0, b"two\n")])
    floor.reporter.ended(CHUNK, "died", 11, "killed")
    assert floor.sender.kinds == ["output", "results", "output", "end"]


COPY = Chunk(9, "a", 0, 10, 5, attempt=2, is_copy=True)


def test_what_a_copy_prints_leaves_with_the_result_of_its_item(floor: Floor) -> None:
    floor.reporter.output(COPY, [Segment(10, STDOUT, 0, bytes(PACK_AIM))])
    floor.reporter.output(COPY, [Segment(10, STDOUT, PACK_AIM, b"more\n")])
    floor.reporter.output(CHUNK_BESIDE, [Segment(0, STDOUT, 0, b"of another\n")])
    floor.reactor.advance(OUTPUT_SECONDS)
    assert [report.fence for report, *_ in floor.sender.sent] == [CHUNK_BESIDE.fence]
    floor.reporter.results(COPY, Results(9, 0, 10, 1, "values", (), 0.1, b"1"))
    assert floor.sender.kinds == ["output", "output", "output", "results"]


@pytest.mark.parametrize("outcome, kinds", [("cancelled", ["end"]), ("died", ["output", "end"])])
def test_what_a_copy_has_printed_goes_with_it_when_it_is_not_wanted(floor: Floor, outcome: str, kinds: list[str]) -> None:
    floor.reporter.output(COPY, [Segment(10, STDOUT, 0, b"one\n")])
    floor.reporter.ended(COPY, outcome, None, "")
    assert floor.sender.kinds == kinds


def test_a_copy_that_prints_very_much_is_not_kept_back(floor: Floor) -> None:
    floor.reporter.output(COPY, [Segment(10, STDOUT, 0, bytes(KEPT_BACK))])
    assert floor.sender.kinds == ["output"]


def test_a_value_of_several_parts_is_one_result(floor: Floor) -> None:
    content = bytes(range(256)) * 1500
    for part in value_parts(content):
        floor.reporter.value_part(CHUNK, part)
    assert floor.sender.sent == [(ResultsReport(9, "a", 0, 12, 1, "values", (), 0.5, len(content)), content, 0)]


def test_a_large_value_goes_by_way_of_the_disk_and_is_never_whole_in_memory(floor: Floor) -> None:
    content = bytes(range(256)) * (BLOB_FROM // 256 + 1)
    for part in value_parts(content):
        floor.reporter.value_part(CHUNK, part)
    digest = digest_of(content)
    assert floor.sender.sent == [(ResultsReport(9, "a", 0, 12, 1, "values", (), 0.5, 0, digest), b"", len(content))]
    assert floor.spools.path(digest).read_bytes() == content


def test_a_file_is_reported_with_what_is_known_of_it(floor: Floor) -> None:
    floor.reporter.artifact_part(CHUNK, artifact(b"abc", size=6, last=False))
    floor.reporter.artifact_part(CHUNK, artifact(b"def", size=6, offset=3))
    digest = digest_of(b"abcdef")
    assert floor.sender.sent == [(ArtifactReport(9, "a", 0, 12, 1, "out/a.txt", 0o100640, 6, 5.5, digest, False, None), b"", 6)]
    assert floor.spools.path(digest).read_bytes() == b"abcdef"


@pytest.mark.parametrize("how", [{"deleted": True}, {"link": "../b"}, {"mode": 0o040755}])
def test_what_is_no_file_has_no_content(floor: Floor, how: dict[str, Any]) -> None:
    floor.reporter.artifact_part(CHUNK, artifact(b"", **how))
    [report] = floor.sender.of_kind("artifact")
    assert report.blob is None and report.length == 0


FOLDER = [TaskFile(1, "out/a.txt", 0o640, 4, digest_of(b"line"), None), TaskFile(1, "out", 0o755, 0, None, None)]


@pytest.mark.parametrize(
    ("path", "content", "grown_from"),
    [
        ("out/a.txt", b"line and more", 4),
        ("out/a.txt", b"line", 4),
        ("out/a.txt", b"live and more", None),
        ("out/a.txt", b"li", None),
        ("out/b.txt", b"all new", 0),
        ("out", b"a file now", 0),
    ],
)
def test_of_a_portions_file_it_says_what_of_it_stood_there_before(floor: Floor, path: str, content: bytes, grown_from: int | None) -> None:
    standing = Standing(FOLDER)
    parts = [content[:3], content[3:5], content[5:]]
    for number, part in enumerate(parts):
        floor.reporter.artifact_part(CHUNK, artifact(part, path=path, size=len(content), offset=3 * number, last=number == 2), standing)
    [report] = floor.sender.of_kind("artifact")
    assert report.grown_from == grown_from and report.length == len(content)


def test_what_was_made_in_one_folder_has_one_ground_and_an_order_until_the_folder_is_brought_to_other_files(floor: Floor) -> None:
    first, second = Standing(FOLDER), Standing(FOLDER)
    for fence, standing in ((9, first), (11, first), (12, second)):
        floor.reporter.artifact_part(Chunk(fence, "a", 2, 10, 5), artifact(b"x", chunk=fence, portion=2, path="new"), standing)
    floor.reporter.artifact_part(CHUNK, artifact(b"", deleted=True), first)
    said = [(report.ground, report.turn, report.grown_from) for report in floor.sender.of_kind("artifact")]
    assert said == [(9, 0, 0), (9, 1, 0), (12, 0, 0), (9, 2, None)]


def test_an_empty_file_has_one(floor: Floor) -> None:
    floor.reporter.artifact_part(CHUNK, artifact(b""))
    [report] = floor.sender.of_kind("artifact")
    assert report.blob == digest_of(b"")


def test_the_end_says_what_the_runner_measured_and_throws_away_what_is_half(floor: Floor) -> None:
    floor.reporter.artifact_part(CHUNK, artifact(b"abc", last=False))
    floor.reporter.ended(CHUNK, "died", 12, "killed", Ended(9, "died", None, 9, 12, 2, 0.5, 0.6, 777))
    assert floor.sender.of_kind("end") == [EndReport(9, "a", 0, "died", 12, "killed", None, 9, 0.5, 777)]
    assert list(floor.spools._folder.iterdir()) == []


def test_a_note_is_made_once_for_its_task_and_their_number_is_bounded(floor: Floor) -> None:
    other = Chunk(10, "b", 0, 0, 1)
    for chunk in (CHUNK, CHUNK, other):
        floor.reporter.note(chunk, "the program has threads")
    assert [note.task for note in floor.sender.of_kind("note")] == ["a", "b"]
    for number in range(NOTES * 2):
        floor.reporter.note(CHUNK, f"note {number}")
    assert len(floor.sender.of_kind("note")) == NOTES + 1
    floor.reporter.forget("a")
    floor.reporter.note(CHUNK, "the program has threads")
    assert len(floor.sender.of_kind("note")) == NOTES + 2


def test_what_was_gathered_leaves_when_the_worker_stops(floor: Floor) -> None:
    floor.reporter.output(CHUNK, [Segment(10, STDOUT, 0, b"last\n")])
    floor.reporter.stop()
    floor.reporter.stop()
    assert floor.sender.kinds == ["output"] and floor.reactor.getDelayedCalls() == []
