"""Who is revoked is out at once; what a revoked user's tasks and a revoked worker's chunks come to."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import pytest_twisted

from marx.wire import hello, tasker
from marx.wire.calls import NotPermitted, Unavailable
from marx.wire.reports import EndReport, ResultsReport
from tests.server.guarded_room import GuardedRoom
from tests.server.room import PlayedTasker


@pytest_twisted.async_yield_fixture
async def room(tmp_path: Path) -> Any:
    from twisted.internet import reactor

    room = GuardedRoom(tmp_path, reactor)
    await room.begin()
    yield room
    await room.end()


@pytest_twisted.ensureDeferred
async def test_a_revoked_workers_chunks_are_given_to_another_at_once(room: GuardedRoom) -> None:
    bad, ada = await room.worker("lab-1"), await room.tasker("ada")
    task = await ada.submit(1, 2, chunk_items=2)
    await bad.until(lambda: bad.grants)
    good = await room.worker("lab-2")
    await room.identity.revoke("worker", "lab-1")
    await good.until(lambda: good.grants)
    assert good.grants[0][1:5] == bad.grants[0][1:5] and good.grants[0][0] > bad.grants[0][0]
    await bad.until(lambda: not bad.up)
    assert [worker["name"] for worker in room.parts.status.workers()] == ["lab-2"]
    assert (await ada.ask(tasker.ShowTask, task=task))["shown"]["state"] == "running"


@pytest_twisted.ensureDeferred
async def test_a_revoked_worker_that_is_out_of_reach_is_not_waited_for(room: GuardedRoom) -> None:
    bad, ada = await room.worker("lab-1"), await room.tasker("ada")
    await ada.submit(1)
    await bad.until(lambda: bad.grants)
    bad.transport.abortConnection()
    good = await room.worker("lab-2")
    await bad.until(lambda: "lab-1" not in room.parts.directory.links)
    assert not good.grants
    await room.identity.revoke("worker", "lab-1")
    await good.until(lambda: good.grants)


@pytest_twisted.ensureDeferred
async def test_a_revoked_users_tasks_go_on_and_say_so_and_her_links_are_gone(room: GuardedRoom) -> None:
    lab, ada = await room.worker("lab-1"), await room.tasker("ada")
    root = await room.dial(PlayedTasker(room.reactor), await room.certificate("tasker", "root", operator=True))
    await root.greet()
    task = await ada.submit(1)
    await lab.until(lambda: lab.grants)
    with pytest.raises(Unavailable):
        asked = ada.ask(hello.Beat)
        await room.identity.revoke("user", "ada")
        await ada.until(lambda: not ada.up)
        await asked
        await ada.ask(hello.Beat)
    shown = (await root.ask(tasker.ShowTask, task=task))["shown"]
    assert (shown["state"], shown["notes"]) == (
        "running", ["user ada was revoked: the task goes on, and only an operator sees it and can cancel it"],
    )  # fmt: skip
    [fence, _, _, first, count, *_] = lab.grants[0]
    done = ResultsReport(fence, task, 0, first, count, "values", (), 0.1, 1), EndReport(fence, task, 0, "succeeded", None, "", 0, None, 0.1, 1)
    assert await lab.report(*done, payload=b"1") == ["", ""]
    assert (await root.ask(tasker.ShowTask, task=task))["shown"]["state"] == "done"


@pytest_twisted.ensureDeferred
async def test_a_command_that_was_under_way_when_its_certificate_was_revoked_is_refused(room: GuardedRoom) -> None:
    ada = await room.tasker("ada")
    room.identity._listeners.clear()  # as if the link were not dropped yet
    await room.identity.revoke("user", "ada")
    with pytest.raises(NotPermitted, match="was revoked"):
        await ada.ask(tasker.ListTasks, limit=1)
