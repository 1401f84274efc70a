"""A runner is believed about the chunk that it has, in the order in which chunks run, and about nothing else."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from marx.worker.assignments import PICKLED, Assignments, Chunk
from marx.worker.messages import ArtifactPart, Ended, GivenBack, Results, ValuePart
from marx.worker.pipe import FrameError
from tests.fakes.runners import pack_of

FIRST, SECOND = Chunk(1, "task", 0, 10, 4), Chunk(2, "task", 0, 14, 2)


def results(first: int, count: int, fence: int = 1, **more: Any) -> Results:
    given = {"codec": "values", "failed": (), "payload": b"\n".join([b"1"] * count), "portion": 0, **more}
    return Results(chunk=fence, first=first, count=count, seconds=0.1, **given)


def value(offset: int, part: bytes, total: int = 10, item: int = 10, **more: Any) -> ValuePart:
    last = offset + len(part) == total
    return ValuePart(1, 0, item, offset, total, last, "values" if last else "", more.get("failed", ()), 0.1, part)


def artifact(offset: int, part: bytes, last: bool = False, **more: Any) -> ArtifactPart:
    given: dict[str, Any] = {"item": 10, "root": 0, "path": "out/a.txt", "mode": 0o100644, "size": 6, "mtime": 1.0, **more}
    return ArtifactPart(chunk=1, portion=0, deleted=False, link=None, offset=offset, last=last, part=part, **given)


def ended(fence: int = 1, outcome: str = "succeeded", item: int | None = None) -> Ended:
    return Ended(fence, outcome, 0, None, item, 4, 0.1, 0.1, 100)


@pytest.fixture
def given() -> Assignments:
    assignments = Assignments(roots=1, max_value=100)
    assignments.give(FIRST)
    assignments.give(SECOND)
    return assignments


@pytest.fixture
def begun(given: Assignments) -> Assignments:
    given.begun(1)
    return given


def test_the_rest_of_a_chunk_is_given_back_when_that_was_asked_for(begun: Assignments) -> None:
    begun.want(1, 11)
    shorter = replace(FIRST, count=3)
    assert begun.given_back(GivenBack(1, 13)) == shorter
    assert begun.given_back(GivenBack(1, 12)) == replace(FIRST, count=2)
    assert begun.results(results(10, 2)) == begun.chunk(1) == replace(FIRST, count=2)
    assert begun.unreported(1) == 0 and begun.ended(ended()) is None
    with pytest.raises(FrameError):
        begun.results(results(12, 1))


@pytest.mark.parametrize("wanted, fence, stop", [(None, 1, 12), (12, 1, 11), (10, 1, 10), (10, 1, 14), (10, 2, 15)])
def test_nothing_else_is_given_back(begun: Assignments, wanted: int | None, fence: int, stop: int) -> None:
    if wanted is not None:
        begun.want(1, wanted)
    with pytest.raises(FrameError):
        begun.given_back(GivenBack(fence, stop))


def test_the_straight_line_is_believed(begun: Assignments) -> None:
    assert begun.results(results(10, 3)) == FIRST
    assert begun.results(results(13, 1, codec="entries", failed=(13,))) == FIRST
    assert begun.ended(ended()) is None, "its output may still come"
    assert begun.begun(2) == SECOND, "the next one may begin meanwhile"
    assert begun.closed(1) is None
    assert begun.closed(1) == (FIRST, ended())
    assert len(begun) == 1


def test_the_end_may_come_behind_the_ends_of_its_output(begun: Assignments) -> None:
    begun.results(results(10, 4))
    assert begun.closed(1) is None and begun.closed(1) is None
    assert begun.ended(ended()) == (FIRST, ended())


def test_a_dropped_chunk_prints_nothing_and_is_over_at_once(begun: Assignments) -> None:
    assert begun.ended(ended(2, "cancelled")) == (SECOND, ended(2, "cancelled"))
    assert begun.at_work == FIRST and begun.waiting == []


def test_a_long_value_counts_as_a_result_with_its_last_part(begun: Assignments) -> None:
    begun.value_part(value(0, b"abcdef"))
    assert begun.unreported(1) == 4
    begun.value_part(value(6, b"ghij"))
    assert begun.unreported(1) == 3
    begun.results(results(11, 3))


def test_files_come_one_after_the_other(begun: Assignments) -> None:
    begun.artifact_part(artifact(0, b"abc"))
    begun.artifact_part(artifact(3, b"def", last=True))
    assert begun.artifact_part(artifact(0, b"", last=True, path="b", item=None)) == FIRST


def test_a_runner_that_is_gone_leaves_what_it_had_ended(begun: Assignments) -> None:
    begun.results(results(10, 4))
    begun.ended(ended())
    assert begun.ending() == [(FIRST, ended())]
    assert begun.at_work is None and begun.waiting == [SECOND]


def test_a_runner_that_dies_before_it_began_anything_was_at_its_first_chunk(given: Assignments) -> None:
    assert given.at_work == FIRST and given.waiting == [SECOND] and given.unreported(1) == 4


LIES = {
    "a chunk that waits begins": lambda a: a.begun(2),
    "it begins twice": lambda a: a.begun(1),
    "a stranger's chunk": lambda a: a.results(results(10, 1, fence=99)),
    "a chunk that waits has results": lambda a: a.results(results(14, 1, fence=2)),
    "another portion": lambda a: a.results(results(10, 1, portion=1)),
    "results out of order": lambda a: a.results(results(11, 1)),
    "results of nothing": lambda a: a.results(results(10, 0, payload=b"")),
    "results beyond the chunk": lambda a: a.results(results(10, 5)),
    "fewer lines than items": lambda a: a.results(results(10, 2, payload=b"1")),
    "an unknown codec": lambda a: a.results(results(10, 1, codec="pickle")),
    "values that failed": lambda a: a.results(results(10, 1, failed=(10,))),
    "a failure elsewhere": lambda a: a.results(results(10, 1, codec="entries", failed=(11,))),
    "a failure twice": lambda a: a.results(results(10, 2, codec="entries", failed=(10, 10))),
    "a value too large": lambda a: a.value_part(value(0, b"x", total=101)),
    "a value with a gap": lambda a: a.value_part(value(1, b"x")),
    "a value of a later item": lambda a: a.value_part(value(0, b"x", item=11)),
    "a value that ends early": lambda a: a.value_part(replace(value(0, b"x"), last=True, codec="values")),
    "a file that begins in its middle": lambda a: a.artifact_part(artifact(3, b"x")),
    "a file above its root": lambda a: a.artifact_part(artifact(0, b"x", path="../x")),
    "a file at the root of all": lambda a: a.artifact_part(artifact(0, b"x", path="/etc/passwd")),
    "a file without a name": lambda a: a.artifact_part(artifact(0, b"x", path="a\0b")),
    "a file below no root": lambda a: a.artifact_part(artifact(0, b"x", root=1)),
    "a file of another's item": lambda a: a.artifact_part(artifact(0, b"x", item=14)),
    "success without results": lambda a: a.ended(ended()),
    "the end of a chunk that waits": lambda a: a.ended(ended(2)),
    "the end of a stranger's chunk": lambda a: a.ended(ended(99)),
    "death at another's item": lambda a: a.ended(ended(outcome="died", item=14)),
}


@pytest.mark.parametrize("lie", LIES.values(), ids=LIES.keys())
def test_anything_else_is_a_lie(begun: Assignments, lie: Any) -> None:
    with pytest.raises(FrameError):
        lie(begun)


def test_nothing_comes_before_the_beginning(given: Assignments) -> None:
    with pytest.raises(FrameError):
        given.results(results(10, 1))


def test_nothing_ends_twice(begun: Assignments) -> None:
    begun.results(results(10, 4))
    begun.ended(ended())
    with pytest.raises(FrameError):
        begun.ended(ended())


def test_two_files_do_not_mix(begun: Assignments) -> None:
    begun.artifact_part(artifact(0, b"abc"))
    with pytest.raises(FrameError):
        begun.artifact_part(artifact(3, b"def", path="other"))


class TestPickled:
    @pytest.fixture
    def portion(self) -> Assignments:
        assignments = Assignments(roots=1, max_value=100, codecs=PICKLED)
        assignments.give(FIRST)
        assignments.begun(1)
        return assignments

    def test_results_of_a_portion_are_counted_by_their_lengths(self, portion: Assignments) -> None:
        portion.results(results(10, 2, codec="pickles", failed=(11,), payload=pack_of(b"a\nb", b"")))
        portion.results(results(12, 1, codec="entries", failed=(12,), payload=b"{}"))
        with pytest.raises(FrameError, match="not as many"):
            portion.results(results(13, 1, codec="pickles", payload=pack_of(b"a", b"b")))

    @pytest.mark.parametrize("payload", [b"\0\0", b"\0\0\0\5a", pack_of(b"a") + b"\0"])
    def test_what_is_cut_off_is_not_believed(self, portion: Assignments, payload: bytes) -> None:
        with pytest.raises(FrameError, match="make no sense"):
            portion.results(results(10, 1, codec="pickles", payload=payload))

    def test_a_long_value_is_one_record(self, portion: Assignments) -> None:
        pack = pack_of(b"0123456789")
        portion.value_part(value(0, pack[:9], len(pack)))
        portion.value_part(replace(value(9, pack[9:], len(pack)), codec="pickles"))
        with pytest.raises(FrameError, match="not one record"):
            portion.value_part(replace(value(0, b"\0\0\0\1ab", 6, item=11), codec="pickles"))

    def test_a_maps_results_are_legible_and_a_portions_are_not(self, portion: Assignments, begun: Assignments) -> None:
        with pytest.raises(FrameError, match="codec"):
            begun.results(results(10, 1, codec="pickles", payload=pack_of(b"a")))
        with pytest.raises(FrameError, match="codec"):
            portion.results(results(10, 1))
