"""``marx-admin`` on a running server: its Unix socket answers the daemon's own user, with what an operator asks for."""

from __future__ import annotations

import os
import stat
from typing import Any

import pytest
import pytest_twisted
from twisted.internet.defer import maybeDeferred
from twisted.internet.endpoints import UNIXClientEndpoint, connectProtocol

from marx.addresses import Address
from marx.join_code import JoinCode
from marx import owners_socket
from marx.owners_socket import SOCKET_NAME, listen_to_owner
from marx.server.admin import AdminFactory
from marx.server.authority import Authority
from marx.server.backup import Backup
from marx.server.enrolment import Enrolment
from marx.server.identity import Identity
from marx.server.identity_records import IdentityRecords
from marx.wire import admin as wire
from marx.wire.calls import BadRequest, GuardedLink, NotFound, NotPermitted


@pytest_twisted.async_yield_fixture
async def desk(room) -> Any:
    """A connection to a server's admin socket."""
    identity = Identity(IdentityRecords(room.store), lambda: 1000.0)
    await identity.open()
    enrolment = Enrolment(Authority.new(1000.0), identity, lambda: [Address("127.0.0.1", 1848)], lambda: 1000.0)
    path = room.folder / SOCKET_NAME
    path.write_text("left there by a daemon that was killed")
    port = listen_to_owner(room.reactor, room.folder, AdminFactory(identity, enrolment, room.parts, Backup(room.folder, room.store, room.blobs, room.reactor), room.reactor))
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    link = await connectProtocol(UNIXClientEndpoint(room.reactor, str(path)), GuardedLink(room.reactor))
    yield link
    link.transport.loseConnection()
    await maybeDeferred(port.stopListening)


@pytest_twisted.ensureDeferred
async def test_codes_are_made_for_one_role(desk) -> None:
    made = await desk.ask(wire.MakeCode, role="tasker", name="ada", uses=1, seconds=60.0)
    assert JoinCode.parse(made["code"]).role == "tasker"
    made = await desk.ask(wire.MakeCode, role="worker", name=None, uses=5, seconds=60.0)
    assert JoinCode.parse(made["code"]).role == "worker"
    for wrong in ({"role": "tasker", "name": None}, {"role": "king", "name": "ada"}, {"role": "worker", "name": "lab"}):
        with pytest.raises(BadRequest):
            await desk.ask(wire.MakeCode, uses=1, seconds=60.0, **wrong)


@pytest_twisted.ensureDeferred
async def test_workers_are_listed_and_a_story_is_told(desk, room) -> None:
    lab, ada = await room.worker(labels={"room": "7"}), await room.tasker()
    task = await ada.submit(1)
    await lab.until(lambda: lab.grants)
    (listed,) = (await desk.ask(wire.ListPool))["workers"]
    assert (listed["name"], listed["state"], listed["busy"], listed["labels"]) == ("lab-1", "ready", 1, {"room": "7"})
    assert any("lab-1" in line for line in (await desk.ask(wire.TellStory, subject=f"{task}:0"))["lines"])
    with pytest.raises(NotFound):
        await desk.ask(wire.TellStory, subject="zzzz")
    with pytest.raises(BadRequest):
        await desk.ask(wire.TellStory, subject=f"{task}:first")


@pytest_twisted.ensureDeferred
async def test_who_was_never_there_cannot_be_drained_or_revoked(desk) -> None:
    with pytest.raises(NotFound):
        await desk.ask(wire.DrainWorker, worker="lab-9", draining=True)
    with pytest.raises(NotFound):
        await desk.ask(wire.Revoke, kind="worker", name="lab-9")


@pytest_twisted.ensureDeferred
async def test_another_user_is_refused(desk, monkeypatch) -> None:
    monkeypatch.setattr(owners_socket, "caller_uid", lambda transport: 12345)
    with pytest.raises(NotPermitted, match="12345"):
        await desk.ask(wire.ListUsers)


@pytest_twisted.ensureDeferred
async def test_the_audit_is_read_page_by_page_and_says_what_the_owner_did(desk, room, monkeypatch) -> None:
    monkeypatch.setattr("marx.server.admin.AUDIT_PAGE", 2)
    await desk.ask(wire.MakeCode, role="tasker", name="ada", uses=1, seconds=60.0)
    with pytest.raises(NotFound):
        await desk.ask(wire.Revoke, kind="user", name="nobody")
    await desk.ask(wire.Revoke, kind="user", name="ada")
    ada = await room.tasker("ada")
    task = await ada.submit(1)
    first = (await desk.ask(wire.ReadAudit, user=None, since_utc=0.0, after_row=0))["lines"]
    then = (await desk.ask(wire.ReadAudit, user=None, since_utc=0.0, after_row=first[-1]["row"]))["lines"]
    said = [(line["who"], line["role"], line["did"], line["subject"], line["detail"]) for line in first + then]
    owner = f"uid {os.geteuid()}", "owner"
    assert said == [
        (*owner, "made a join code", "ada", "tasker, 1 uses"),
        (*owner, "revoked", "ada", "user, 1 certificates and codes"),
        ("ada", "tasker", "submitted", task, "map /home/ada/p.py"),
    ]
    assert (await desk.ask(wire.ReadAudit, user="ada", since_utc=0.0, after_row=0))["lines"] == then
    assert (await desk.ask(wire.ReadAudit, user=None, since_utc=0.0, after_row=then[-1]["row"]))["lines"] == []
