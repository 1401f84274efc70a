"""Forgetting tasks, over real links and a real store: gone at once, cleared bit by bit, and never half shown."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from typing import Any

import pytest
import pytest_twisted
from twisted.internet.defer import fail

from marx.server.forgetting import REMEMBERED_SECONDS, SETTLED_SECONDS, Forgetting
from marx.server.records import StoreFailed
from marx.server.store_keeping import KEPT
from marx.wire import blobs, tasker
from marx.wire.calls import BadRequest, NotFound
from tests.server.test_straight_line import ended, results, run_all


async def ended_task(room: Any, ada: Any, lab: Any, **spec: Any) -> str:
    """A map of ten items that has ended."""
    task = await ada.submit(*range(10), **spec)
    await run_all(lab, task)
    await ada.until_complete(await ada.watch(task))
    return task


def rows_left(room: Any, task: str) -> int:
    with closing(sqlite3.connect(room.folder / "marx.sqlite")) as database:
        return sum(database.execute(f"SELECT count(*) FROM {table} WHERE task = ?", (task,)).fetchone()[0] for table in KEPT)


def later(room: Any, seconds: float) -> Forgetting:
    """What forgets, so many seconds later."""
    return Forgetting(room.store, room.parts.directory, lambda: 1000.0 + room.reactor.seconds() + seconds)


@pytest_twisted.ensureDeferred
async def test_a_forgotten_task_is_gone_and_who_asks_is_told_when_and_by_whom(room) -> None:
    ada, lab = await room.tasker(), await room.worker()
    task = await ended_task(room, ada, lab, name="fit")
    await ada.ask(tasker.ForgetEndedTask, task=task[:6])
    assert (await ada.ask(tasker.ListTasks, limit=9))["tasks"] == []
    for command in (tasker.ShowTask, tasker.ForgetEndedTask, tasker.RerunTask):
        with pytest.raises(NotFound, match=rf"task {task} \(fit\) was forgotten by ada, at [0-9 :-]* UTC: nothing of it is kept"):
            await ada.ask(command, task=task)
    with pytest.raises(NotFound, match="was forgotten"):
        await ada.watch(task)


@pytest_twisted.ensureDeferred
async def test_a_task_that_has_not_ended_is_refused_with_what_to_do(room) -> None:
    ada = await room.tasker()
    task = await ada.submit(1, 2, 3)
    with pytest.raises(BadRequest, match=f"{task} has not ended: end it with tasker cancel {task}"):
        await ada.ask(tasker.ForgetEndedTask, task=task)
    assert (await ada.ask(tasker.ShowTask, task=task))["shown"]["state"] == "queued"


@pytest_twisted.ensureDeferred
async def test_only_its_user_and_operators_can_forget_a_task_or_hear_of_it(room) -> None:
    ada, ben, lab = await room.tasker(), await room.tasker("ben"), await room.worker()
    task = await ended_task(room, ada, lab)
    with pytest.raises(NotFound, match="there is no task"):
        await ben.ask(tasker.ForgetEndedTask, task=task)
    room.operators.add("root")
    root = await room.tasker("root")
    await root.ask(tasker.ForgetEndedTask, task=task)
    with pytest.raises(NotFound, match="was forgotten by root"):
        await ada.ask(tasker.ShowTask, task=task)
    with pytest.raises(NotFound, match="there is no task"):
        await ben.ask(tasker.ShowTask, task=task)


@pytest_twisted.ensureDeferred
async def test_all_rows_of_a_forgotten_task_go_and_those_of_others_stay(room) -> None:
    ada, lab = await room.tasker(), await room.worker()
    gone, kept = await ended_task(room, ada, lab), await ended_task(room, ada, lab)
    before = rows_left(room, kept)
    await ada.ask(tasker.ForgetEndedTask, task=gone)
    await later(room, SETTLED_SECONDS + 1).clear_rest()
    assert (rows_left(room, gone), rows_left(room, kept)) == (0, before)


@pytest_twisted.ensureDeferred
async def test_what_a_stop_left_of_a_forgotten_task_is_cleared_later(room) -> None:
    ada, lab = await room.tasker(), await room.worker()
    task = await ended_task(room, ada, lab)
    forgotten = ada.ask(tasker.ForgetEndedTask, task=task)
    room.store.rows_to_clear = lambda task: fail(StoreFailed("the store is closed"))  # the server is stopped before the first step
    await forgotten
    await room.restart()
    assert rows_left(room, task) > 0
    await later(room, 0).clear_rest()
    assert rows_left(room, task) > 0
    await later(room, SETTLED_SECONDS + 1).clear_rest()
    assert rows_left(room, task) == 0 and await room.store.uncleared(1e12) == []


@pytest_twisted.ensureDeferred
async def test_after_a_year_nobody_remembers_that_it_was_there(room) -> None:
    ada, lab = await room.tasker(), await room.worker()
    task = await ended_task(room, ada, lab)
    await ada.ask(tasker.ForgetEndedTask, task=task)
    await later(room, REMEMBERED_SECONDS + 1).clear_rest()
    with pytest.raises(NotFound, match="there is no task"):
        await ada.ask(tasker.ShowTask, task=task)


@pytest_twisted.ensureDeferred
async def test_who_watches_a_task_while_it_is_forgotten_is_not_told_that_this_was_all(room) -> None:
    ada, lab = await room.tasker(), await room.worker()
    task = await ended_task(room, ada, lab)
    read = room.store.results_in_order
    other = await room.tasker()

    async def forgetful(*asked: Any) -> Any:
        await other.ask(tasker.ForgetEndedTask, task=task)
        room.store.results_in_order = read
        return []

    room.store.results_in_order = lambda *asked: pytest_twisted.ensureDeferred(forgetful)(*asked)
    watch = await ada.watch(task)
    await ada.until(lambda: not ada.up)
    assert not any(complete for _, complete in ada.changes[watch])


@pytest_twisted.ensureDeferred
async def test_a_task_that_is_forgotten_while_it_is_run_again_leaves_no_half_of_itself(room) -> None:
    ada, lab = await room.tasker(), await room.worker()
    task = await ended_task(room, ada, lab)
    read = room.store.item_firsts
    other = await room.tasker()

    async def forgetful(*asked: Any) -> Any:
        firsts = await read(*asked)
        await other.ask(tasker.ForgetEndedTask, task=task)
        while await room.store.rows_to_clear(task):
            pass
        return firsts

    room.store.item_firsts = lambda *asked: pytest_twisted.ensureDeferred(forgetful)(*asked)
    with pytest.raises(NotFound, match=f"task {task} was forgotten while it was copied"):
        await ada.ask(tasker.RerunTask, task=task)
    [left] = (await ada.ask(tasker.ListTasks, limit=9))["tasks"]
    assert left["state"] == "cancelled"


@pytest_twisted.ensureDeferred
async def test_files_of_a_forgotten_task_are_nobodys(room) -> None:
    ada, lab = await room.tasker(), await room.worker()
    digest = await ada.put_blob(b"data")
    manifest = await ada.put_blob(b'[[0, "d.bin", 33188, 4, "%s", 0.0]]' % digest.encode())
    task = await ended_task(room, ada, lab, manifest=manifest)
    assert {digest, manifest} <= await room.store.blobs_used()
    await ada.ask(tasker.ForgetEndedTask, task=task)
    assert await room.store.blobs_used() == frozenset()
    with pytest.raises(NotFound):
        await ada.ask(blobs.GetBlob, digest=digest, offset=0, task=task)


@pytest_twisted.ensureDeferred
async def test_a_file_that_a_worker_need_not_send_again_is_its_tasks_before_it_is_reported(room) -> None:
    ada, lab = await room.tasker(), await room.worker()
    one, two = await ada.submit(1), await ada.submit(2)
    await lab.until(lambda: lab.grants)
    digest = await lab.put_blob(b"result", task=lab.grants[0][1])
    await lab.report(*ends_of(lab), payload=b"1")
    await lab.until(lambda: len(lab.grants) > 1)
    assert {grant[1] for grant in lab.grants} == {one, two}
    other = lab.grants[1][1]
    assert not await room.store.blob_used_by(digest, other)
    assert (await lab.ask(blobs.AskBlobs, digests=[digest, "00" * 32], task=other))["missing"] == ["00" * 32]
    assert await room.store.blob_used_by(digest, other) and not await room.store.blob_used_by("00" * 32, other)


def ends_of(lab: Any) -> list[Any]:
    """Reports that end the first grant."""
    report, _ = results(lab.grants[0], 0, 1)
    return [report, ended(lab.grants[0])]
