"""
What every call has in common: the shared errors, the guard around each responder, and asking with a time limit.

AMP hangs up on surprises: a responder that raises an undeclared error, or a caller that forgets an errback, closes the connection. So
every command inherits :class:`MarxCommand`, every responder is wrapped by :func:`guarded` when it is declared, and every call goes through
:meth:`GuardedLink.ask`, which always has an errback and a time limit. It also trusts what it reads: :class:`~marx.wire.boxes.CarefulAmp`,
on which links stand, does not.
"""

from __future__ import annotations

from collections.abc import Container
from functools import wraps
from inspect import iscoroutine
from typing import Any, Callable

from twisted.internet.defer import Deferred, ensureDeferred, fail, maybeDeferred, succeed
from twisted.internet.error import ConnectionDone, ConnectionLost
from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger
from twisted.protocols.amp import Command, TooLong, UnhandledCommand, UnknownRemoteError
from twisted.python.failure import Failure

from marx.wire.boxes import BAD_REQUEST, CarefulAmp

log = Logger()

#: Seconds a peer may take for an ordinary answer; a commit on a busy disk fits several times.
ANSWER_SECONDS = 60.0
#: Seconds between two looks for calls that are overdue; an overdue call is noticed at most this much later.
SWEEP_SECONDS = 5.0
#: What reading an answer raises that lacks something, or holds something else than was agreed.
UNREADABLE = (ValueError, LookupError, TypeError, RecursionError)


class WireError(Exception):
    """A refusal that crosses the wire: its text is one sentence for a person."""


class NotPermitted(WireError):
    """The peer's certificate does not allow this (exit code 77)."""


class NotFound(WireError):
    """What was named does not exist, or is not the peer's to see."""


class BadRequest(WireError):
    """The arguments make no sense; nothing was changed."""


class TooLarge(WireError):
    """A configured limit would be passed; the sentence names it."""


class WrongVersion(WireError):
    """The two sides have no protocol version in common."""


class Unavailable(WireError):
    """Nothing was accepted, for a reason that passes (a full disk, a server that is stopping)."""


class InternalError(WireError):
    """A fault of the other side; its log has the traceback (exit code 70)."""


class MarxCommand(Command):
    """The base of every command: errors that any call may be answered with, and the guard around its responder."""

    errors = {
        NotPermitted: b"NOT_PERMITTED",
        NotFound: b"NOT_FOUND",
        BadRequest: BAD_REQUEST,
        TooLarge: b"TOO_LARGE",
        WrongVersion: b"WRONG_VERSION",
        Unavailable: b"UNAVAILABLE",
        InternalError: b"INTERNAL_ERROR",
    }

    @classmethod
    def responder(cls, method: Callable[..., Any]) -> Callable[..., Any]:
        """Declare ``method`` (plain, returning a Deferred, or ``async``) as what answers this command."""
        Command.responder.__func__(cls, guarded(cls, method))
        return method


def guarded(command: type[Command], method: Callable[..., Any]) -> Callable[..., Any]:
    """
    Wrap a responder: ask the link whether the peer may call this, and turn surprises into :class:`InternalError`.

    Raising anything undeclared would make AMP close the connection, and one bug with one chunk would lose all of a worker's leases.
    """

    @wraps(method)
    def guard(self: GuardedLink, **arguments: Any) -> Deferred[Any]:
        def respond(admitted: dict[str, Any]) -> Any:
            answer = _waited(method(self, **admitted))
            if command not in self.witnessed:
                return answer
            return maybeDeferred(lambda: answer).addCallback(lambda given: self.witness(command, admitted, given or {}))

        answered = maybeDeferred(self.admit, command, arguments)
        answered.addCallback(respond)
        answered.addCallbacks(lambda answer: {} if answer is None else answer, surprise)
        return answered

    def surprise(failure: Failure) -> Any:
        if failure.check(WireError) and command.requiresAnswer:
            return failure
        log.failure("answering {command} failed", failure, command=command.__name__)
        if not command.requiresAnswer:
            return {}
        raise InternalError(f"{command.__name__} failed on the other side, whose log says why")

    return guard


def _waited(answer: Any) -> Any:
    """Let AMP wait for a coroutine as it does for a Deferred."""
    return ensureDeferred(answer) if iscoroutine(answer) else answer


class GuardedLink(CarefulAmp):
    """
    One end of an authenticated connection.

    ``clock`` measures the time limits of calls. Subclasses declare responders with ``@SomeCommand.responder`` and may override
    :meth:`admit` and :meth:`lost`.
    """

    known_commands = MarxCommand
    #: Commands of which :meth:`witness` is told.
    witnessed: Container[type[Command]] = frozenset()

    def __init__(self, clock: IReactorTime) -> None:
        super().__init__()
        self.clock = clock
        self.up = False
        self._deadlines: dict[int, tuple[float, str]] = {}
        self._asked = 0
        self._sweep: Any = None

    def admit(self, command: type[Command], arguments: dict[str, Any]) -> Any:
        """
        The arguments to respond with, or a Deferred of them; raises :class:`NotPermitted` if the peer may not make this call.

        The server overrides this with its table of permits, which also completes abbreviated task ids.
        """
        return arguments

    def witness(self, command: type[Command], arguments: dict[str, Any], answer: dict[str, Any]) -> Any:
        """A call in :attr:`witnessed` was done and will be answered by what this gives: ``answer``, or a Deferred of it."""
        return answer

    def lost(self, reason: Failure) -> None:
        """The connection is gone; called once."""

    def connectionMade(self) -> None:
        super().connectionMade()
        self.up = True
        self._sweep = self.clock.callLater(SWEEP_SECONDS, self._sweep_overdue)

    def connectionLost(self, reason: Failure) -> None:
        self.up = False
        if self._sweep is not None and self._sweep.active():
            self._sweep.cancel()
        super().connectionLost(reason)
        self.lost(reason)

    def ask(self, command: type[Command], within_seconds: float = ANSWER_SECONDS, **arguments: Any) -> Deferred[dict[str, Any]]:
        """
        Call the peer and fire with its answer, or fail with a :class:`WireError`.

        A call without an answer ``within_seconds`` closes the link (the peer is stuck, and whatever is behind it would wait for ever); a
        link that is lost fails with :class:`Unavailable`.
        """
        if not self.up:
            return fail(Unavailable("the connection is closed"))
        number = self._asked = self._asked + 1
        try:
            answered = self.callRemote(command, **arguments)
        except TooLong:
            return fail(TooLarge(f"an argument of {command.__name__} is too large to send"))
        if answered is None:
            return succeed({})
        self._deadlines[number] = (self.clock.seconds() + within_seconds, command.__name__)
        answered.addBoth(self._answered, number)
        answered.addErrback(as_wire_error, command.__name__)
        return answered

    def tell(self, command: type[Command], **arguments: Any) -> None:
        """Send a command that has no answer, or whose answer does not matter; a lost link is not an error."""
        self.ask(command, **arguments).addErrback(lambda failure: log.debug("{command}: {why}", command=command.__name__, why=failure.value))

    def hang_up(self) -> None:
        """Close the connection without waiting for what is still unsent."""
        if self.transport is not None:
            self.transport.abortConnection()

    def _answered(self, result: Any, number: int) -> Any:
        del self._deadlines[number]
        return result

    def _sweep_overdue(self) -> None:
        now = self.clock.seconds()
        overdue = [name for deadline, name in self._deadlines.values() if deadline < now]
        if overdue:
            log.warn("no answer to {name} in time: closing the connection to {peer}", name=overdue[0], peer=self.transport.getPeer())
            self.hang_up()
            return
        self._sweep = self.clock.callLater(SWEEP_SECONDS, self._sweep_overdue)


def as_wire_error(failure: Failure, name: str) -> Failure:
    """Turn what AMP and the transport make of trouble into the shared errors."""
    if failure.check(WireError):
        return failure
    if failure.check(UnhandledCommand):
        raise WrongVersion(f"the other side does not know {name}: it is of another version")
    if failure.check(ConnectionDone, ConnectionLost):
        raise Unavailable("the connection was lost")
    if failure.check(UnknownRemoteError):
        raise InternalError(f"{name} failed on the other side: {failure.value}")
    if failure.check(*UNREADABLE):
        raise InternalError(f"{name} was answered with what cannot be read: {failure.getErrorMessage()[:200]}")
    return failure
