"""The wall clock of a server jumps by years, forth and back, while it works: nothing is lost, late or done again, and limits count on."""

from __future__ import annotations

from typing import Any

import pytest
import pytest_twisted

from marx.wire import tasker
from tests.server.test_straight_line import ended, printed, results, run_all

YEARS = 10 * 365 * 86400.0
JUMPS = pytest.mark.parametrize("jump", [YEARS, -YEARS], ids=["forth", "back"])


@JUMPS
@pytest_twisted.ensureDeferred
async def test_a_jump_ends_no_lease_and_no_time_limit(room: Any, jump: float) -> None:
    ada, lab = await room.tasker(), await room.worker()
    task = await ada.submit(*range(10), timeout=3600.0)
    waiting = await ada.submit("a", start_within=3600.0, python="2.7")
    watch = await ada.watch(task)
    grant = (await lab.until(lambda: lab.grants))[0]
    room.wall_offset += jump
    report, payload = results(grant, grant[3], *(item * item for item in range(grant[3], grant[3] + grant[4])))
    assert await lab.report(report, ended(grant), payload=payload) == ["", ""]
    lab.grants.remove(grant)
    room.wall_offset -= 2 * jump
    await run_all(lab, task)
    await ada.until_complete(watch)
    assert printed(ada.results[watch]) == [{"index": item, "value": item * item} for item in range(10)]
    states = {each["id"]: each["state"] for each in (await ada.ask(tasker.ListTasks, limit=10))["tasks"]}
    assert states == {task: "done", waiting: "queued"} and not lab.revoked


@JUMPS
@pytest_twisted.ensureDeferred
async def test_a_jump_between_two_starts_takes_nothing_off_what_tasks_may_take(room: Any, jump: float) -> None:
    ada, lab = await room.tasker(), await room.worker()
    task = await ada.submit("a", timeout=3600.0)
    waiting = await ada.submit("a", start_within=3600.0, python="2.7")
    await lab.until(lambda: lab.grants)
    room.wall_offset += jump
    await room.restart()
    ada, lab = await room.tasker(), await room.worker(boot="boot-2")
    later = await ada.submit("b")
    for each in (task, later):
        await run_all(lab, each)
    states = {each["id"]: each["state"] for each in (await ada.ask(tasker.ListTasks, limit=10))["tasks"]}
    assert states == {task: "done", later: "done", waiting: "queued"}


@pytest_twisted.ensureDeferred
async def test_the_oldest_task_stays_the_first_whatever_the_clock_says(room: Any) -> None:
    ada = await room.tasker()
    first = await ada.submit("a")
    room.wall_offset -= YEARS
    second = await ada.submit("b")
    lab = await room.worker()
    grant = (await lab.until(lambda: lab.grants))[0]
    assert grant[1] == first
    assert [each["id"] for each in (await ada.ask(tasker.ListTasks, limit=10))["tasks"]] == [second, first], "newest first"
