"""The audit says who did what to what, when and from where; nothing changes a line, and nothing secret stands in one."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path
from typing import Any

import pytest
import pytest_twisted

from marx.certificates import new_key, signing_request
from marx.server.audit_records import DropAuditLines, NewAuditLine
from marx.server.auditing import SAID
from marx.server.permits import PERMITS
from marx.server.records import StoreError
from marx.tls import client_context_factory
from marx.wire import admin, blobs, enrol, hello, tasker
from tests.server.guarded_room import LAB, GuardedRoom
from tests.server.room import Played, PlayedTasker

#: Calls of people that change nothing of anybody's, or only go on with what a line is there for already.
NOT_SAID = {
    hello.Greet, hello.Beat, hello.SayGoodbye, blobs.AskBlobs, blobs.PutBlob, tasker.AddItems, tasker.PutInput, tasker.ListTasks, tasker.ShowTask,
    tasker.StopWatching, tasker.ListWorkers, tasker.WhoAmI,
}  # fmt: skip


@pytest_twisted.async_yield_fixture
async def room(tmp_path: Path) -> Any:
    from twisted.internet import reactor

    room = GuardedRoom(tmp_path, reactor)
    await room.begin()
    yield room
    await room.end()


async def lines(room: GuardedRoom, user: str | None = None, since_utc: float = 0.0) -> list[tuple[str, ...]]:
    found = await room.store.audit_lines(user, since_utc, 0, 1000)
    return [(line.who, line.role, line.did, line.subject, line.detail) for line in found]


def test_every_call_of_a_person_is_said_or_known_to_be_none_of_it() -> None:
    of_people = {command for command, permit in PERMITS.items() if "tasker" in permit.roles}
    assert of_people == (set(SAID) & of_people) | NOT_SAID
    assert {admin.MakeCode, admin.Revoke, admin.DrainWorker, enrol.Enrol} <= set(SAID)
    assert not set(SAID) & {command for command, permit in PERMITS.items() if permit.roles == {"worker"}}


@pytest_twisted.ensureDeferred
async def test_what_people_did_stands_there_with_where_from_and_was_durable_when_it_was_answered(room: GuardedRoom) -> None:
    ada, root = await room.tasker("ada"), PlayedTasker(room.reactor)
    await (await room.dial(root, await room.certificate("tasker", "root", operator=True))).greet()
    task = await ada.submit(1)
    assert await lines(room) == [("ada", "tasker", "submitted", task, "map /home/ada/p.py")]
    await ada.watch(task)
    await ada.watch(task, results="", output=True)
    await root.watch(task[:-1], live=False)
    await root.ask(tasker.HoldTask, task=task)
    again = (await ada.ask(tasker.RerunTask, task=task))["task"]
    await root.ask(tasker.CancelTask, task=task)
    assert (await lines(room))[1:] == [
        ("ada", "tasker", "fetched", task, ""),
        ("root", "tasker", "fetched", task, ""),
        ("root", "tasker", "held", task, ""),
        ("ada", "tasker", "submitted", again, f"rerun of {task}"),
        ("root", "tasker", "cancelled", task, ""),
    ]
    assert [line[2] for line in await lines(room, user="root")] == ["fetched", "held", "cancelled"]
    [first, *_] = await room.store.audit_lines(None, 0.0, 0, 1)
    assert first.place.startswith("127.0.0.1:") and abs(first.at_utc - 1000.0 - room.reactor.seconds()) < 100
    assert await lines(room, since_utc=first.at_utc + 1e6) == []


@pytest_twisted.ensureDeferred
async def test_what_was_refused_is_no_line(room: GuardedRoom) -> None:
    bob = await room.tasker("bob")
    with pytest.raises(Exception):
        await bob.ask(tasker.CancelTask, task="nothing")
    assert await lines(room) == []


@pytest_twisted.ensureDeferred
async def test_who_joined_stands_there_with_the_codes_label_and_never_with_its_secret(room: GuardedRoom) -> None:
    code = await room.enrolment.make_code("tasker", "ada", 1, 60.0)
    stranger = await room.dial(Played(room.reactor), client_context_factory(LAB.certificate))
    request = signing_request(new_key())
    await stranger.ask(enrol.Enrol, oldest=1, newest=1, role="tasker", secret=code.secret, request=request, hint="desk")
    stranger.transport.abortConnection()  # the server would wait ten seconds for it
    [record] = room.identity.codes()
    assert await lines(room) == [("ada", "tasker", "joined", "ada", f"with code {record.label}")]
    assert code.secret not in room.stored()


@pytest_twisted.ensureDeferred
async def test_no_line_changes_and_only_the_oldest_go(room: GuardedRoom) -> None:
    for second in range(4):
        await room.store.write(NewAuditLine(float(second), "ada", "tasker", "here", "submitted", f"task{second}"))
    with sqlite3.connect(room.folder / "marx.sqlite") as database:
        for harm in ("UPDATE audit SET who = 'bob'", "DELETE FROM audit WHERE at_utc = 2", "REPLACE INTO audit SELECT * FROM audit LIMIT 1 OFFSET 1"):
            with pytest.raises(sqlite3.DatabaseError, match="of the audit"):
                database.execute("PRAGMA recursive_triggers = ON")
                database.execute(harm)
    await room.store.write(DropAuditLines(2.0))
    assert [line[3] for line in await lines(room)] == ["task2", "task3"]
    await room.store.write(NewAuditLine(9.0, "ada", "tasker", "here", "submitted", "task9"))
    assert [line.row for line in await room.store.audit_lines(None, 0.0, 0, 10)] == [3, 4, 5]


@pytest_twisted.ensureDeferred
async def test_a_line_that_cannot_be_stored_is_logged_and_what_was_done_stays_done(room: GuardedRoom, logged_failures: Any) -> None:
    with sqlite3.connect(room.folder / "marx.sqlite") as database:
        database.execute("CREATE TRIGGER no_more BEFORE INSERT ON audit BEGIN SELECT RAISE(ABORT, 'no more'); END")
    ada = await room.tasker("ada")
    task = await ada.submit(1)
    assert (await ada.ask(tasker.ShowTask, task=task))["shown"]["state"] == "queued"
    [said] = logged_failures.flush()
    assert "not in the audit" in said and "no more" in said and task in said and not isinstance(said, StoreError)


def test_a_line_for_programs_is_plain_json() -> None:
    from marx.server.audit_records import AuditLine

    line = AuditLine(1, 2.5, "ada", "tasker", "10.0.0.7:4711", "submitted", "abcdefgh", "")
    assert json.loads(json.dumps(line.as_json()))["place"] == "10.0.0.7:4711"
