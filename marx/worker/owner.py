"""
For the worker's owner: a Unix socket in the state folder, over which ``marx-admin`` asks for status, pause and resume.

Who may connect: the daemon's own user and root, asked of the kernel for each connection, and nobody else whatever the folder's mode.
"""

from __future__ import annotations

import os
import socket
import struct
from pathlib import Path
from typing import Any, Protocol

from twisted.internet.interfaces import IListeningPort, IReactorTime
from twisted.internet.protocol import Factory
from twisted.protocols.amp import Command

from marx.wire import admin as wire
from marx.wire.calls import BadRequest, GuardedLink, NotPermitted

SOCKET_NAME = "admin.sock"
#: What SO_PEERCRED answers on Linux: process, user and group id (``man 7 unix``).
_CREDENTIALS = struct.Struct("3i")


class Steered(Protocol):
    """What an owner can do with a worker."""

    def status(self) -> dict[str, Any]:
        """What it is and does now."""

    def pause(self, seconds: float | None) -> None:
        """Take nothing new."""

    def resume(self) -> None:
        """End a pause."""


def caller_uid(transport: Any) -> int:
    """The user id of the process at the other end of a Unix socket, as the kernel knows it."""
    raw = transport.getHandle().getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size)
    return _CREDENTIALS.unpack(raw)[1]


class OwnerProtocol(GuardedLink):
    """One connected ``marx-admin``."""

    def __init__(self, worker: Steered, clock: IReactorTime) -> None:
        super().__init__(clock)
        self._worker = worker

    def admit(self, command: type[Command], arguments: dict[str, Any]) -> dict[str, Any]:
        uid = caller_uid(self.transport)
        if uid not in (0, os.geteuid()):
            raise NotPermitted(f"user {uid} does not own this worker")
        return arguments

    @wire.WorkerStatus.responder
    def on_worker_status(self) -> dict[str, Any]:
        return {"status": self._worker.status()}

    @wire.PauseWorker.responder
    def on_pause_worker(self, seconds: float | None) -> None:
        if seconds is not None and not 0 < seconds < float("inf"):
            raise BadRequest(f"a pause of {seconds} seconds cannot be")
        self._worker.pause(seconds)

    @wire.ResumeWorker.responder
    def on_resume_worker(self) -> None:
        self._worker.resume()


class OwnerFactory(Factory):
    """Makes the protocol of each connection."""

    noisy = False

    def __init__(self, worker: Steered, clock: IReactorTime) -> None:
        self._worker = worker
        self._clock = clock

    def buildProtocol(self, address: Any) -> OwnerProtocol:
        """One for one connection."""
        return OwnerProtocol(self._worker, self._clock)


def listen_to_owner(reactor: Any, folder: Path, worker: Steered) -> IListeningPort:
    """Listen in the state ``folder``; a socket that a killed daemon left there is replaced."""
    path = folder / SOCKET_NAME
    path.unlink(missing_ok=True)
    return reactor.listenUNIX(str(path), OwnerFactory(worker, reactor), mode=0o600)
