"""The worker's owner asks over a Unix socket, and nobody else does."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import Any

import pytest
import pytest_twisted
from twisted.internet.endpoints import UNIXClientEndpoint, connectProtocol

from marx import owners_socket
from marx.owners_socket import SOCKET_NAME, listen_to_owner
from marx.wire.admin import DrainWorker, PauseWorker, ResumeWorker, WorkerStatus
from marx.wire.calls import BadRequest, GuardedLink, NotPermitted, WireError, WrongVersion
from marx.worker.owner import OwnerFactory


class RecordingWorker:
    """Remembers what its owner asked for."""

    def __init__(self) -> None:
        self.calls: list[Any] = []

    def status(self) -> dict[str, Any]:
        return {"paused": False, "slots": [{"slot": 0, "state": "idle", "tasks": []}]}

    def pause(self, seconds: float | None) -> None:
        self.calls.append(seconds)

    def resume(self) -> None:
        self.calls.append("resume")


async def asked(folder: Path, *questions: tuple[Any, dict[str, Any]]) -> tuple[RecordingWorker, list[Any]]:
    """Ask one after the other over one connection; answers and errors."""
    from twisted.internet import reactor

    worker = RecordingWorker()
    port = listen_to_owner(reactor, folder, OwnerFactory(worker, reactor))
    link = await connectProtocol(UNIXClientEndpoint(reactor, str(folder / SOCKET_NAME)), GuardedLink(reactor))
    answers: list[Any] = []
    try:
        for command, arguments in questions:
            try:
                answers.append(await link.ask(command, **arguments))
            except WireError as error:
                answers.append(error)
    finally:
        link.transport.loseConnection()
        await port.stopListening()
    return worker, answers


@pytest_twisted.ensureDeferred
async def test_status_pause_and_resume(tmp_path: Path) -> None:
    questions = [(WorkerStatus, {}), (PauseWorker, {"seconds": 60.0}), (PauseWorker, {"seconds": None}), (ResumeWorker, {})]
    worker, answers = await asked(tmp_path, *questions)
    assert answers[0]["status"]["slots"][0]["state"] == "idle"
    assert worker.calls == [60.0, None, "resume"]


@pytest.mark.parametrize("seconds", [0.0, -1.0, float("inf"), float("nan")])
@pytest_twisted.ensureDeferred
async def test_a_pause_that_cannot_be_is_refused(tmp_path: Path, seconds: float) -> None:
    worker, [refused] = await asked(tmp_path, (PauseWorker, {"seconds": seconds}))
    assert isinstance(refused, BadRequest) and worker.calls == []


@pytest_twisted.ensureDeferred
async def test_what_a_server_answers_a_worker_does_not(tmp_path: Path) -> None:
    _, [refused] = await asked(tmp_path, (DrainWorker, {"worker": "x", "draining": True}))
    assert isinstance(refused, WrongVersion)


@pytest_twisted.ensureDeferred
async def test_another_user_is_refused_whatever_the_files_say(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(owners_socket, "caller_uid", lambda transport: os.geteuid() + 1)
    worker, [refused] = await asked(tmp_path, (PauseWorker, {"seconds": None}))
    assert isinstance(refused, NotPermitted) and worker.calls == []


@pytest_twisted.ensureDeferred
async def test_the_socket_is_its_owners_alone_and_one_that_was_left_is_replaced(tmp_path: Path) -> None:
    from twisted.internet import reactor

    (tmp_path / SOCKET_NAME).write_text("left by a kill -9")
    port = listen_to_owner(reactor, tmp_path, OwnerFactory(RecordingWorker(), reactor))
    assert stat.S_IMODE((tmp_path / SOCKET_NAME).stat().st_mode) == 0o600
    await port.stopListening()
