"""One connection to a server for the life of a command, however often it is lost."""

from __future__ import annotations

import pytest
import pytest_twisted
from twisted.internet.defer import Deferred, fail
from twisted.internet.task import Clock, deferLater

from marx.tasker.exits import FAULT, NO_FILE, NOT_PERMITTED, UNREACHABLE, USAGE, Trouble
from marx.tasker.link import BACK_OFF, Connection, trouble_of
from marx.trouble import NotReachable, PeerRefused
from marx.wire import calls
from marx.wire.tasker import ShowTask, WhoAmI
from tests.fakes.server_link import FakeServer
from tests.tasker.conftest import until


@pytest.fixture
def clock() -> Clock:
    return Clock()


def connection_to(server: FakeServer, clock: Clock, notices: list[str]) -> Connection:
    """With links on the reactor and back-off on `clock`."""
    return Connection(server.connect, clock, notices.append, jitter=lambda: 0.0)


async def turn(server: FakeServer) -> None:
    await deferLater(server.reactor, 0.005)


@pytest_twisted.ensureDeferred
async def test_a_first_connection_that_fails_ends_the_command(server: FakeServer, clock: Clock) -> None:
    server.away = True
    with pytest.raises(Trouble) as caught:
        await connection_to(server, clock, []).open()
    assert caught.value.code == UNREACHABLE


@pytest_twisted.ensureDeferred
async def test_a_lost_connection_is_made_anew_with_growing_pauses_and_said_after_a_while(server: FakeServer, clock: Clock) -> None:
    notices: list[str] = []
    connection = connection_to(server, clock, notices)
    await connection.open()
    server.away = True
    server.cut()
    await turn(server)
    asking = Deferred.fromCoroutine(connection.ask_until_answered(WhoAmI))
    pauses = []
    for _ in range(9):
        pauses.append(clock.getDelayedCalls()[-1].getTime() - clock.seconds())
        if clock.seconds() < 3.0:
            assert notices == []
        clock.advance(pauses[-1])
    assert pauses == [0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 30.0, 30.0, 30.0]
    assert len(notices) == 1 and notices[0].startswith("the server is away (no connection")
    server.away = False
    clock.advance(BACK_OFF[1])
    assert (await asking)["me"]["name"] == "ada"
    assert notices[1:] == ["the server is back"]
    await connection.close()
    assert clock.getDelayedCalls() == []


@pytest_twisted.ensureDeferred
async def test_what_was_asked_over_a_lost_connection_is_asked_again_only_where_it_may_be(server: FakeServer, clock: Clock) -> None:
    connection = connection_to(server, clock, [])
    await connection.open()
    once = Deferred.fromCoroutine(connection.ask(WhoAmI))
    again = Deferred.fromCoroutine(connection.ask_until_answered(WhoAmI))
    server.cut()
    with pytest.raises(Trouble) as caught:
        await once
    assert (caught.value.code, str(caught.value)) == (UNREACHABLE, "the connection was lost")
    assert (await again)["me"]["name"] == "ada"
    await connection.close()


@pytest_twisted.ensureDeferred
async def test_closing_ends_what_still_waits_for_a_server(server: FakeServer, clock: Clock) -> None:
    connection = connection_to(server, clock, [])
    await connection.open()
    server.away = True
    server.cut()
    await turn(server)
    waiting = Deferred.fromCoroutine(connection.link())
    await connection.close()
    with pytest.raises(BaseException):
        await waiting
    assert clock.getDelayedCalls() == []


@pytest_twisted.ensureDeferred
async def test_the_server_hears_of_us_while_nothing_else_is_said(server: FakeServer, clock: Clock) -> None:
    connection = connection_to(server, clock, [])
    await connection.open()
    heard = []
    link = server.links[0]
    link.dataReceived = lambda received, take=link.dataReceived: (heard.append(received), take(received))
    clock.advance(15.0)
    await until(server, lambda: any(b"Beat" in box for box in heard))
    await connection.close()


@pytest_twisted.ensureDeferred
async def test_a_refusal_is_not_tried_again(server: FakeServer, clock: Clock) -> None:
    ways = [server.connect]
    connection = Connection(lambda factory: ways[-1](factory), clock)
    await connection.open()
    ways.append(lambda factory: fail(PeerRefused("the server says that this certificate was revoked")))
    server.cut()
    await turn(server)
    with pytest.raises(Trouble) as caught:
        await connection.ask_until_answered(WhoAmI)
    assert caught.value.code == NOT_PERMITTED
    await connection.close()


@pytest_twisted.ensureDeferred
async def test_what_the_server_says_no_to_is_trouble_and_keeps_the_connection(server: FakeServer, clock: Clock) -> None:
    connection = connection_to(server, clock, [])
    await connection.open()
    for ask in (connection.ask, connection.ask_until_answered):
        with pytest.raises(Trouble, match="there is no task 'nix'") as caught:
            await ask(ShowTask, task="nix")
        assert caught.value.code == NO_FILE
    assert connection.is_up
    await connection.close()


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (calls.NotPermitted("x"), NOT_PERMITTED),
        (PeerRefused("x"), NOT_PERMITTED),
        (calls.NotFound("x"), NO_FILE),
        (calls.BadRequest("x"), USAGE),
        (calls.TooLarge("x"), USAGE),
        (calls.WrongVersion("x"), UNREACHABLE),
        (calls.Unavailable("x"), UNREACHABLE),
        (NotReachable("x"), UNREACHABLE),
        (calls.InternalError("x"), FAULT),
        (calls.WireError("x"), FAULT),
    ],
)
def test_each_error_has_its_exit_code(error: Exception, code: int) -> None:
    trouble = trouble_of(error)
    assert trouble is not None and (trouble.code, trouble.sentence) == (code, "x")


def test_an_error_of_our_own_is_no_trouble() -> None:
    assert trouble_of(ValueError("x")) is None
