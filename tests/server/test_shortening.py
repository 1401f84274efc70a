"""The rest of a chunk at work goes to an idle slot, over real links."""

from __future__ import annotations

import pytest_twisted

from marx.wire.reports import RestReport
from tests.server.test_straight_line import ended, printed, results


@pytest_twisted.ensureDeferred
async def test_what_a_worker_has_not_begun_goes_to_one_that_is_idle(room) -> None:
    ada, slow = await room.tasker(), await room.worker()
    task = await ada.submit(*range(3))
    (probe,) = (await slow.until(lambda: slow.grants))[:1]
    report, payload = results(probe, 0, 0)
    await slow.report(report, ended(probe), payload=payload)
    await slow.until(lambda: len(slow.grants) == 2)
    chunk = slow.grants[1]
    assert chunk[3:5] == [1, 2]
    other = await room.worker("lab-2")
    await slow.until(lambda: slow.shortened)
    assert slow.shortened == [[chunk[0], 2]]
    assert await slow.report(RestReport(chunk[0], task, 0, 2)) == [""]
    (rest,) = await other.until(lambda: other.grants)
    assert rest[3:5] == [2, 1]
    for worker, grant, item in ((other, rest, 2), (slow, chunk, 1)):
        report, payload = results(grant, item, item)
        assert await worker.report(report, ended(grant), payload=payload) == ["", ""]
    watch = await ada.watch(task, live=False)
    await ada.until_complete(watch)
    assert printed(ada.results[watch]) == [{"index": item, "value": item} for item in range(3)]
