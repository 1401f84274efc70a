"""Who may call what: the table is complete, and nothing outside it is answered."""

from __future__ import annotations

import pytest

from marx.server.permits import PERMITS, permit_for
from marx.server.tasker_link import TaskerProtocol
from marx.server.worker_link import WorkerProtocol
from marx.wire import admin, blobs, enrol, hello, tasker, worker
from marx.wire.calls import MarxCommand, NotPermitted


def commands_of(module) -> set[type[MarxCommand]]:
    return {
        value
        for value in vars(module).values()
        if isinstance(value, type) and issubclass(value, MarxCommand) and value is not MarxCommand and value.__module__ == module.__name__
    }


#: What the server sends and never answers; everything else of these modules needs a permit.
SENT_BY_THE_SERVER = {
    worker.CarryItems,
    worker.DropItems,
    worker.GrantChunks,
    worker.RevokeChunks,
    worker.ShortenChunks,
    worker.TestYourself,
    worker.ForgetTask,
    worker.CarryChange,
    worker.CarryReturns,
    worker.RefusePortion,
    worker.SignalProgram,
    tasker.CarryResults,
    tasker.CarryOutput,
    tasker.TaskChanged,
}


def test_every_command_that_a_peer_may_send_stands_in_the_table() -> None:
    spoken = commands_of(hello) | commands_of(enrol) - {enrol.Enrol} | commands_of(blobs) | commands_of(tasker) | commands_of(worker)
    assert set(PERMITS) == spoken - SENT_BY_THE_SERVER


@pytest.mark.parametrize("command", sorted(commands_of(tasker) - SENT_BY_THE_SERVER, key=lambda c: c.__name__))
def test_workers_may_not_call_what_is_for_taskers(command) -> None:
    with pytest.raises(NotPermitted):
        permit_for(command, "worker", greeted=True)


@pytest.mark.parametrize("command", sorted(commands_of(worker) - SENT_BY_THE_SERVER, key=lambda c: c.__name__))
def test_taskers_may_not_call_what_is_for_workers(command) -> None:
    with pytest.raises(NotPermitted):
        permit_for(command, "tasker", greeted=True)


@pytest.mark.parametrize("command", sorted(PERMITS, key=lambda c: c.__name__))
def test_a_command_that_names_a_task_asks_whose_it_is(command) -> None:
    assert PERMITS[command].task == (b"task" in dict(command.arguments))


@pytest.mark.parametrize("command", sorted(commands_of(admin) | SENT_BY_THE_SERVER, key=lambda c: c.__name__))
@pytest.mark.parametrize("role", ["tasker", "worker", "server", ""])
def test_what_is_not_in_the_table_is_refused(command, role) -> None:
    with pytest.raises(NotPermitted):
        permit_for(command, role, greeted=True)


@pytest.mark.parametrize(("role", "link"), [("tasker", TaskerProtocol), ("worker", WorkerProtocol)])
def test_what_is_permitted_is_answered_and_nothing_else_is(role, link) -> None:
    answered = {command for command, _ in link._commandDispatch.values() if issubclass(command, MarxCommand)}
    assert answered == {command for command, permit in PERMITS.items() if role in permit.roles}


def test_nothing_comes_before_the_greeting() -> None:
    for command in PERMITS:
        if command is not hello.Greet:
            with pytest.raises(NotPermitted):
                permit_for(command, next(iter(PERMITS[command].roles)), greeted=False)
    assert permit_for(hello.Greet, "worker", greeted=False)
