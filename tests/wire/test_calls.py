"""What every call promises: surprises cost neither the connection nor the caller's patience."""

from __future__ import annotations

import pytest
from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.protocols.amp import Command, Integer
from twisted.test.iosim import connectedServerAndClient

from marx.wire.arguments import Bulk
from marx.wire.calls import (
    SWEEP_SECONDS,
    BadRequest,
    GuardedLink,
    InternalError,
    MarxCommand,
    NotPermitted,
    TooLarge,
    Unavailable,
    WrongVersion,
)


class Double(MarxCommand):
    arguments = [(b"number", Integer())]
    response = [(b"doubled", Integer())]


class DoubleLater(MarxCommand):
    arguments = [(b"number", Integer())]
    response = [(b"doubled", Integer())]


class Hang(MarxCommand):
    response = []


class Forbidden(MarxCommand):
    response = []


class Unknown(MarxCommand):
    response = []


class Note(MarxCommand):
    response = []
    requiresAnswer = False


class Load(MarxCommand):
    arguments = [(b"payload", Bulk())]
    response = [(b"payload", Bulk())]


class Server(GuardedLink):
    def admit(self, command: type[Command], arguments: dict) -> dict:
        if command is Forbidden:
            raise NotPermitted("not yours")
        return arguments

    @Double.responder
    def on_double(self, number: int) -> dict:
        if number < 0:
            raise BadRequest("negative")
        return {"doubled": 2 * number // (number != 13)}

    @DoubleLater.responder
    async def on_double_later(self, number: int) -> dict:
        return self.on_double(number)

    @Hang.responder
    def on_hang(self) -> Deferred:
        return Deferred()

    @Forbidden.responder
    def on_forbidden(self) -> None:
        raise AssertionError("must not be reached")

    @Note.responder
    def on_note(self) -> None:
        raise ZeroDivisionError

    @Load.responder
    def on_load(self, payload: bytes) -> dict:
        return {"payload": payload}


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def joined(clock):
    return connectedServerAndClient(lambda: Server(clock), lambda: GuardedLink(clock))


def outcome(joined, command, **arguments):
    client, _, pump = joined
    results: list = []
    client.ask(command, **arguments).addBoth(results.append)
    pump.flush()
    assert results, "the call was not answered"
    return results[0] if isinstance(results[0], dict) else results[0].value


@pytest.mark.parametrize("command", [Double, DoubleLater])
def test_plain_and_async_responders_answer(joined, command) -> None:
    assert outcome(joined, command, number=21) == {"doubled": 42}


@pytest.mark.parametrize("command", [Double, DoubleLater])
def test_a_refusal_keeps_its_sentence_and_the_connection(joined, command) -> None:
    refused = outcome(joined, command, number=-1)
    assert isinstance(refused, BadRequest) and str(refused) == "negative"
    assert outcome(joined, command, number=1) == {"doubled": 2}


@pytest.mark.parametrize("command", [Double, DoubleLater])
def test_a_bug_in_a_responder_is_logged_and_keeps_the_connection(joined, command, logged_failures) -> None:
    failed = outcome(joined, command, number=13)
    assert isinstance(failed, InternalError) and "ZeroDivision" not in str(failed)
    assert outcome(joined, command, number=1) == {"doubled": 2}
    assert [type(error) for error in logged_failures.flush(ZeroDivisionError)] == [ZeroDivisionError]


def test_a_bug_keeps_the_connection_where_no_answer_is_expected(joined, logged_failures) -> None:
    client, _, pump = joined
    client.tell(Note)
    pump.flush()
    assert outcome(joined, Double, number=1) == {"doubled": 2}
    assert [type(error) for error in logged_failures.flush()] == [ZeroDivisionError]


def test_what_is_not_admitted_does_not_reach_its_responder(joined) -> None:
    assert isinstance(outcome(joined, Forbidden), NotPermitted)


def test_an_unknown_command_is_said_to_be_of_another_version(joined) -> None:
    assert isinstance(outcome(joined, Unknown), WrongVersion)
    assert outcome(joined, Double, number=1) == {"doubled": 2}


def test_bulk_travels_up_to_its_limit_and_is_refused_above(joined) -> None:
    payload = bytes(range(256)) * 4096
    assert outcome(joined, Load, payload=payload) == {"payload": payload}
    assert isinstance(outcome(joined, Load, payload=b"x" * (3 << 20)), TooLarge)
    assert outcome(joined, Load, payload=b"") == {"payload": b""}


def test_a_call_without_an_answer_closes_the_link_after_its_time(joined, clock) -> None:
    client, server, pump = joined
    results: list = []
    client.ask(Hang, within_seconds=20.0).addErrback(lambda failure: results.append(failure.value))
    pump.flush()
    clock.advance(SWEEP_SECONDS)
    pump.flush()
    assert not results and client.up
    clock.pump([SWEEP_SECONDS] * 4)
    pump.flush()
    assert isinstance(results[0], Unavailable) and not client.up


def test_a_closed_link_answers_at_once(joined, clock) -> None:
    client, server, pump = joined
    server.transport.loseConnection()
    pump.flush()
    results: list = []
    client.ask(Double, number=1).addErrback(lambda failure: results.append(failure.value))
    assert isinstance(results[0], Unavailable)
    assert clock.getDelayedCalls() == [], "nothing may go on after both ends are closed"


def test_telling_a_lost_link_is_no_error(joined) -> None:
    client, server, pump = joined
    server.transport.loseConnection()
    pump.flush()
    client.tell(Hang)
