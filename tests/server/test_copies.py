"""An item that is at work on two workers at once: its result, its output and its files are delivered once."""

from __future__ import annotations

from typing import Any

import pytest
import pytest_twisted

from marx.config import Leases, ServerConfig
from marx.wire import tasker
from marx.wire.packs import STDOUT, Segment, pack_output, unpack_output
from marx.wire.reports import ArtifactReport, OutputReport
from tests.server.test_straight_line import ended, printed, results


async def copied(room: Any) -> tuple[Any, str, Any, Any]:
    """A tasker, its task, and two workers, both at its last item."""
    room.config = ServerConfig(leases=Leases(copy_times=1, copy_least_seconds=0.1))
    await room.restart()
    ada, slow, other = await room.tasker(), await room.worker(), None
    task = await ada.submit(*range(4), chunk_items=1)
    for done in range(3):
        grant = (await slow.until(lambda done=done: slow.grants[done : done + 1]))[0]
        report, payload = results(grant, done, done)
        await slow.report(report, ended(grant), payload=payload)
    await slow.until(lambda: len(slow.grants) == 4)
    other = await room.worker("lab-2")
    await other.until(lambda: other.copies)
    assert other.copies == [other.grants[0][0]] and other.grants[0][3:5] == slow.grants[3][3:5]
    return ada, task, slow, other


def said(grant: list[Any], text: bytes, offset: int = 0) -> tuple[OutputReport, bytes]:
    pack = pack_output([Segment(3, STDOUT, offset, text)], 3)
    return OutputReport(grant[0], grant[1], 0, 3, 3, 5.0, len(pack)), pack


def made(grant: list[Any], path: str) -> ArtifactReport:
    return ArtifactReport(grant[0], grant[1], 0, 3, 0, path, 0o100644, 0, 5.0, None, True, None)


async def delivered(ada: Any, task: str) -> tuple[list[Any], bytes, list[str]]:
    """Results, output and files of a task that is done."""
    watch = await ada.watch(task, live=False)
    await ada.until_complete(watch)
    text = b"".join(segment.content for carried in ada.output[watch] for segment in unpack_output(carried["payload"], carried["first"]))
    files = (await ada.ask(tasker.ListArtifacts, task=task))["artifacts"]
    return printed(ada.results[watch]), text, [entry["path"] for entry in files]


@pytest.mark.parametrize("winner", [0, 1])
@pytest_twisted.ensureDeferred
async def test_whichever_copy_is_first_everything_of_its_item_comes_once(room, winner) -> None:
    ada, task, slow, other = await copied(room)
    copies = [(slow, slow.grants[3]), (other, other.grants[0])]
    for worker, grant in copies:
        line, pack = said(grant, b"one\n")
        await worker.report(line, payload=pack)
    (first, of_first), (second, of_second) = copies[winner], copies[1 - winner]
    report, payload = results(of_first, 3, "mine")
    rest, pack = said(of_first, b"two\n", 4)
    await first.report(rest, made(of_first, "mine"), report, payload=pack + payload)
    await second.until(lambda: second.revoked == [of_second[0]] or task in second.forgotten)
    late, late_payload = results(of_second, 3, "theirs")
    other_rest, other_pack = said(of_second, b"2\n", 4)
    verdicts = await second.report(other_rest, made(of_second, "theirs"), late, payload=other_pack + late_payload)
    assert verdicts[-1] == "known"
    lines, text, files = await delivered(ada, task)
    assert lines[3] == {"index": 3, "value": "mine"} and len(lines) == 4
    assert (text, files) == (b"one\ntwo\n", ["mine"])


@pytest_twisted.ensureDeferred
async def test_two_workers_that_print_the_same_at_the_same_moment_print_it_once(room) -> None:
    ada, task, slow, other = await copied(room)
    both = []
    for worker, grant in ((slow, slow.grants[3]), (other, other.grants[0])):
        line, pack = said(grant, b"one\n")
        both.append(worker.report(line, payload=pack))
    started = [pytest_twisted.ensureDeferred(lambda coroutine=coroutine: coroutine) for coroutine in both]
    for report in started:
        await report()
    report, payload = results(other.grants[0], 3, "mine")
    await other.report(report, payload=payload)
    assert (await delivered(ada, task))[1] == b"one\n"
