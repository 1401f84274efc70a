"""
For the worker's owner: what ``marx-admin`` asks of a worker, status, pause and resume.
"""

from __future__ import annotations

from typing import Any, Protocol

from twisted.internet.interfaces import IReactorTime
from twisted.internet.protocol import Factory

from marx.owners_socket import OwnersLink
from marx.wire import admin as wire
from marx.wire.calls import BadRequest

class Steered(Protocol):
    """What an owner can do with a worker."""

    def status(self) -> dict[str, Any]:
        """What it is and does now."""

    def pause(self, seconds: float | None) -> None:
        """Take nothing new."""

    def resume(self) -> None:
        """End a pause."""


class OwnerProtocol(OwnersLink):
    """One connected ``marx-admin``."""

    def __init__(self, worker: Steered, clock: IReactorTime) -> None:
        super().__init__(clock)
        self._worker = worker

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

