"""Ctrl-C at `run`: first the program's, then the task's, then ours."""

from __future__ import annotations

from signal import SIGINT

import pytest_twisted
from twisted.internet.defer import Deferred
from twisted.internet.task import deferLater

from tests.fakes.server_link import FakeServer
from tests.tasker.conftest import Person, until
from tests.tasker.test_run import started


@pytest_twisted.ensureDeferred
async def test_the_first_goes_to_the_program_and_its_exit_code_counts(person: Person, server: FakeServer) -> None:
    ended = await started(person, server)
    person.interrupts.fire()
    await until(server, lambda: server.task.signals)
    assert (server.task.signals, server.task.state, ended.called) == ([SIGINT], "running", False)
    server.say(server.task, 0, b"cleaned up\n")
    server.exit(server.task, 7)
    assert await ended == 7
    assert (person.out, person.err) == ("cleaned up\n", "")


@pytest_twisted.ensureDeferred
async def test_a_program_that_died_of_it_ends_as_a_shell_shows_it(person: Person, server: FakeServer) -> None:
    ended = await started(person, server)
    person.interrupts.fire()
    await until(server, lambda: server.task.signals)
    server.exit(server.task, 130)
    assert await ended == 130


@pytest_twisted.ensureDeferred
async def test_a_program_that_does_not_run_yet_is_cancelled(person: Person, server: FakeServer) -> None:
    server.held = True
    ended = person.types("run", "prog.py")
    await until(server, lambda: server.tasks and any(link.watches for link in server.links))
    person.interrupts.fire()
    assert await ended == 130
    assert (server.task.signals, server.task.state) == ([], "cancelled")


@pytest_twisted.ensureDeferred
async def test_a_program_that_ended_meanwhile_keeps_its_exit_code(person: Person, server: FakeServer) -> None:
    ended = await started(person, server)
    person.interrupts.fire()
    server.exit(server.task, 5)
    assert await ended == 5


@pytest_twisted.ensureDeferred
async def test_the_second_cancels(person: Person, server: FakeServer) -> None:
    ended = await started(person, server)
    person.interrupts.fire()
    person.interrupts.fire()
    assert await ended == 130
    assert (server.task.signals, server.task.state, person.err) == ([SIGINT], "cancelled", "")


@pytest_twisted.ensureDeferred
async def test_the_third_does_not_wait(person: Person, server: FakeServer) -> None:
    ended = await started(person, server)
    server.slow_to_cancel = Deferred()
    for _ in range(3):
        person.interrupts.fire()
    assert await ended == 130
    assert person.err == "tasker: task task0abc may not have stopped yet\n"
    server.slow_to_cancel.callback(None)


@pytest_twisted.ensureDeferred
async def test_while_the_server_is_away_it_says_that_the_task_still_runs(person: Person, server: FakeServer) -> None:
    ended = await started(person, server)
    server.away = True
    server.cut()
    await deferLater(server.reactor, 0.01)
    person.interrupts.fire()
    assert await ended == 130
    assert person.err == "tasker: the server is away; task task0abc still runs (tasker cancel task0abc)\n"
    assert (server.task.signals, server.task.state) == ([], "running")


@pytest_twisted.ensureDeferred
async def test_a_server_that_goes_away_before_it_answers_is_away(person: Person, server: FakeServer) -> None:
    ended = await started(person, server)
    server.away = True
    person.interrupts.fire()
    server.cut()
    assert await ended == 130
    assert "still runs" in person.err


@pytest_twisted.ensureDeferred
async def test_before_anything_was_submitted_it_just_ends(person: Person, server: FakeServer) -> None:
    ended = person.types("run", "prog.py")
    person.interrupts.fire()
    assert await ended == 130
    assert server.tasks == {} and person.err == ""


@pytest_twisted.ensureDeferred
async def test_a_tasker_that_is_stopped_otherwise_leaves_the_task_running(person: Person, server: FakeServer) -> None:
    ended = await started(person, server)
    person.interrupts.otherwise()
    assert await ended == 130
    assert (server.task.signals, server.task.state) == ([], "running")
