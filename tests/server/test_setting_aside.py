"""A worker on which everything fails while others succeed, over real links: set aside for all to see, tested, back."""

from __future__ import annotations

from typing import Any

import pytest_twisted

from marx.wire import tasker
from tests.server.test_straight_line import ended, results


async def troubled(room: Any, trouble: str) -> tuple[Any, Any, str]:
    """A person, a worker on which every chunk died, and its task, whose items go well on another one."""
    ada, good = await room.tasker(), await room.worker("lab-1")
    task = await ada.submit(*range(100), chunk_items=1, retries=9)
    for done in range(30):
        grant = (await good.until(lambda done=done: good.grants[done : done + 1]))[0]
        report, payload = results(grant, grant[3], done)
        await good.report(report, ended(grant), payload=payload)
    bad = await room.worker("lab-2")
    bad.trouble = trouble
    for done in range(3):
        grant = (await bad.until(lambda done=done: bad.grants[done : done + 1]))[0]
        await bad.report(ended(grant, "died", item=grant[3], reason="it was killed by signal 9"))
    await bad.until(lambda: bad.tests)
    return ada, bad, task


async def shown(ada: Any) -> dict[str, Any]:
    workers = (await ada.ask(tasker.ListWorkers))["workers"]
    return next(worker for worker in workers if worker["name"] == "lab-2")


@pytest_twisted.ensureDeferred
async def test_a_worker_that_finds_something_wrong_with_itself_stays_aside_and_says_what(room) -> None:
    ada, bad, _ = await troubled(room, "Python 3.11.7: No space left on device")
    while (said := await shown(ada))["reason"].startswith("3 chunks"):
        assert said["state"] == "set aside"
    assert said["state"] == "set aside" and said["aside_seconds"] >= 0
    assert said["reason"] == "its test of itself failed: Python 3.11.7: No space left on device"
    assert bad.tests == 1


@pytest_twisted.ensureDeferred
async def test_a_worker_that_finds_nothing_is_ready_again_and_gets_other_tasks(room) -> None:
    ada, bad, task = await troubled(room, "")
    while (await shown(ada))["state"] != "ready":
        assert (await shown(ada))["reason"]
    for grant in bad.grants[3:]:
        await bad.report(ended(grant, "cancelled"))
    other = await ada.submit(1, priority=1)
    (grant,) = await bad.until(lambda: [grant for grant in bad.grants[3:] if grant[1] == other])
    assert grant[1] == other
