"""
Who is connected and has no good certificate: may join, once, and costs little.
"""

from __future__ import annotations

import math
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Callable

from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.internet.task import deferLater
from twisted.logger import Logger
from twisted.protocols.amp import AmpBox, Command, RemoteAmpError
from twisted.python.failure import Failure

import marx
from marx.addresses import place_of
from marx.server.auditing import SAID, Audit, Witness
from marx.server.crowding import WrongCodes
from marx.server.enrolment import CodeUnknown, Enrolment
from marx.wire.calls import GuardedLink, MarxCommand, NotPermitted, Unavailable, WireError, WrongVersion
from marx.wire.enrol import Enrol
from marx.wire.hello import NEWEST_VERSION, OLDEST_VERSION

log = Logger()

#: Seconds in which a stranger must ask, and again in which it must take the answer and go.
STRANGER_SECONDS = 10.0
#: Bytes that it may send; a request to join has about 700.
STRANGER_BYTES = 16_000


#: Seconds until an unknown code is told to be one. Strangers are few at a time, so guesses are few a second, however many guess.
WRONG_SECONDS = 2.0


@dataclass(frozen=True, slots=True)
class Attempts:
    """What is known of the ``network`` from which a stranger comes."""

    wrong_codes: WrongCodes
    network: str


class Stranger(GuardedLink):
    """
    The server's end of such a connection.

    ``enrolment``: None where not even joining is allowed (a revoked certificate). ``refusal``: the sentence that answers every other
    command, so that a person reads why. ``left`` is called when the connection is gone.
    """

    def __init__(
        self, clock: IReactorTime, enrolment: Enrolment | None, refusal: str, left: Callable[[], object], attempts: Attempts, audit: Audit
    ) -> None:
        super().__init__(clock)
        self._attempts = attempts
        self._audit = audit
        self._telling: Deferred[None] | None = None
        self._enrolment = enrolment
        self._refusal = refusal
        self._left = left
        self._place = ""
        self._received_bytes = 0
        self._deadline: IDelayedCall | None = None

    def connectionMade(self) -> None:
        super().connectionMade()
        self._place = place_of(self.transport.getPeer())
        self._set_deadline()

    witnessed = SAID

    def witness(self, command: type[Command], arguments: dict[str, Any], answer: dict[str, Any]) -> Any:
        """Who joined is no stranger any more."""
        return Witness(self._audit, answer["name"], arguments["role"], self._place).saw(command, arguments, answer)

    def dataReceived(self, data: bytes) -> None:
        self._received_bytes += len(data)
        if self._received_bytes > STRANGER_BYTES:
            self._end(f"it sent more than {STRANGER_BYTES} bytes")
            return
        super().dataReceived(data)

    def lost(self, reason: Failure) -> None:
        self._stop_deadline()
        if self._telling is not None:
            self._telling.cancel()
        self._left()

    def locateResponder(self, name: bytes) -> Callable[[AmpBox], Any]:
        """AMP asks this for each command."""
        return super().locateResponder(name) or self._refuse

    def _refuse(self, box: AmpBox) -> Any:
        raise RemoteAmpError(MarxCommand.errors[NotPermitted], self._refusal)

    @Enrol.responder
    async def on_enrol(self, oldest: int, newest: int, role: str, secret: str, request: bytes, hint: str | None) -> dict[str, Any]:
        if self._enrolment is None:
            raise NotPermitted(self._refusal)
        enrolment, self._enrolment = self._enrolment, None
        self._refusal = "a connection may ask to join once"
        self._stop_deadline()  # the commit takes what it takes
        try:
            _check_versions(oldest, newest)
            self._check_attempts()
            certificate, name = await enrolment.enrol(role, secret, request, hint or "")
        except WireError as error:
            log.info("{place} may not join: {why}", place=self._place, why=error)
            if isinstance(error, CodeUnknown):
                await self._remember_and_wait()
            raise
        finally:
            self._set_deadline()
        return {"certificate": certificate, "name": name}

    def _check_attempts(self) -> None:
        seconds = self._attempts.wrong_codes.seconds_to_wait(self._attempts.network, self.clock.seconds())
        if seconds:
            raise Unavailable(f"too many wrong join codes came from here: try again in {math.ceil(seconds)} s")

    async def _remember_and_wait(self) -> None:
        self._attempts.wrong_codes.add(self._attempts.network, self.clock.seconds())
        if self.up:
            self._telling = deferLater(self.clock, WRONG_SECONDS)
            with suppress(CancelledError):
                await self._telling

    def _set_deadline(self) -> None:
        if self.up:
            self._deadline = self.clock.callLater(STRANGER_SECONDS, self._end, f"it was there for {STRANGER_SECONDS:.0f} s without joining")

    def _stop_deadline(self) -> None:
        if self._deadline is not None and self._deadline.active():
            self._deadline.cancel()

    def _end(self, why: str) -> None:
        log.info("{place} is dropped: {why}", place=self._place, why=why)
        self.hang_up()


def _check_versions(oldest: int, newest: int) -> None:
    if newest < OLDEST_VERSION or oldest > NEWEST_VERSION:
        spoken = f"this server (Marx {marx.__version__}) speaks versions {OLDEST_VERSION} to {NEWEST_VERSION} of the protocol"
        raise WrongVersion(f"{spoken}, the joining side {oldest} to {newest}")
