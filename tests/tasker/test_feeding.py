"""A program's standard input: streamed and kept, ended where ours ends, and a terminal never read out of turn."""

from __future__ import annotations

import hashlib
import io
import os
import pty
import termios
from collections.abc import Iterator
from typing import Any

import pytest
import pytest_twisted
from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.task import Clock, deferLater

from marx.tasker import streams
from marx.tasker.exits import Trouble
from marx.tasker.feeding import PARTS_AT_ONCE, send_input
from marx.tasker.link import Connection
from marx.tasker.streams import FOREGROUND_SECONDS, READ_BYTES, Inlet, Keyboard, is_in_foreground
from tests.fakes.server_link import FakeServer
from tests.fakes.server_tasks import FakeTask
from tests.tasker.conftest import Person, until


@pytest.fixture
def task(server: FakeServer) -> FakeTask:
    """A run that reads a stream."""
    server.held = True
    server.tasks["abc"] = FakeTask("abc", {"kind": "run"})
    return server.task


async def opened(server: FakeServer) -> Connection:
    connection = Connection(server.connect, server.reactor, jitter=lambda: 1.0)
    await connection.open()
    return connection


class Parts:
    """A source that gives its parts one after the other, and what is put into `more`."""

    def __init__(self, *parts: bytes) -> None:
        self.parts = list(parts)
        self.waiting: Deferred[bytes] | None = None

    async def read(self) -> bytes:
        if self.parts:
            return self.parts.pop(0)
        self.waiting = Deferred()
        return await self.waiting


@pytest.mark.parametrize("content", [b"", b"one line\n", os.urandom(3 * READ_BYTES + 1)], ids=["empty", "a line", "much"])
@pytest_twisted.ensureDeferred
async def test_all_of_it_arrives_and_its_end_is_told(server: FakeServer, task: FakeTask, content: bytes) -> None:
    connection = await opened(server)
    await send_input(connection, "abc", Inlet(io.BytesIO(content), server.reactor))
    assert (task.input, task.has_all_input) == (content, True)
    await connection.close()


@pytest_twisted.ensureDeferred
async def test_it_is_sent_as_it_comes(server: FakeServer, task: FakeTask) -> None:
    connection = await opened(server)
    source = Parts(b"first\n")
    sending = Deferred.fromCoroutine(send_input(connection, "abc", source))
    await until(server, lambda: task.input == b"first\n")
    assert not task.has_all_input
    assert source.waiting is not None
    source.waiting.callback(b"")
    await sending
    assert task.has_all_input
    await connection.close()


@pytest_twisted.ensureDeferred
async def test_a_lost_connection_loses_and_repeats_nothing(server: FakeServer, task: FakeTask) -> None:
    connection = await opened(server)
    parts = [b"%d\n" % number for number in range(50)]
    sending = Deferred.fromCoroutine(send_input(connection, "abc", Parts(*parts, b"")))
    await until(server, lambda: task.input)
    server.cut()
    await sending
    assert (task.input, task.has_all_input) == (b"".join(parts), True)
    await connection.close()


@pytest_twisted.ensureDeferred
async def test_before_anybody_types_it_says_that_it_is_there_on_every_new_connection(server: FakeServer, task: FakeTask) -> None:
    connection = await opened(server)
    sending = Deferred.fromCoroutine(send_input(connection, "abc", Parts()))
    sending.addErrback(lambda failure: failure.trap(CancelledError) and None)
    await until(server, lambda: task.feeders == 1)
    server.cut()
    await until(server, lambda: task.feeders == 2)
    assert (task.input, task.has_all_input) == (b"", False)
    sending.cancel()
    await connection.close()


@pytest_twisted.ensureDeferred
async def test_no_more_than_a_few_parts_wait_for_their_answers(server: FakeServer, task: FakeTask) -> None:
    connection = await opened(server)
    source = Parts(*[b"x"] * 100)
    sending = Deferred.fromCoroutine(send_input(connection, "abc", source))
    assert len(source.parts) == 100 - PARTS_AT_ONCE - 1
    sending.addErrback(lambda failure: failure.trap(CancelledError) and None)
    sending.cancel()
    await connection.close()


@pytest_twisted.ensureDeferred
async def test_a_task_that_ended_takes_no_more_and_that_is_no_trouble(server: FakeServer, task: FakeTask) -> None:
    connection = await opened(server)
    task.state = "done"
    await send_input(connection, "abc", Parts(b"late", b""))
    assert task.input == b""
    await connection.close()


@pytest_twisted.ensureDeferred
async def test_input_beyond_the_servers_limit_gives_the_task_up_and_says_so(person: Person, server: FakeServer) -> None:
    server.held, server.input_bytes = True, 10
    person.stdin = io.BytesIO(b"x" * 11)
    assert await person.types("run", "prog.py") == 2
    assert person.err == "tasker: a standard input may have 10 bytes (file_bytes)\n"
    assert server.task.state == "cancelled"


@pytest_twisted.ensureDeferred
async def test_this_commands_input_is_the_programs(person: Person, server: FakeServer) -> None:
    server.held = True
    person.stdin = io.BytesIO(b"1\n2\n")
    ended = person.types("run", "prog.py")
    await until(server, lambda: server.tasks and server.task.has_all_input)
    assert (server.task.spec["stdin"], server.task.input) == ("stream", b"1\n2\n")
    server.exit(server.task, 0)
    assert await ended == 0


@pytest_twisted.ensureDeferred
async def test_a_pipe_is_not_read_any_more_once_the_task_has_ended(person: Person, server: FakeServer) -> None:
    reading, writing = os.pipe()
    with open(reading, "rb", buffering=0) as person.stdin, open(writing, "wb", buffering=0) as writer:
        server.held = True
        ended = person.types("run", "prog.py")
        writer.write(b"early")
        await until(server, lambda: server.tasks and server.task.input == b"early")
        server.exit(server.task, 0)
        assert await ended == 0
        writer.write(b"late")
        await deferLater(server.reactor, 0)
        assert os.read(reading, 10) == b"late"


@pytest.mark.parametrize("argv", [["prog.py"], ["--stdin", os.devnull, "prog.py"]], ids=["redirected", "named"])
@pytest_twisted.ensureDeferred
async def test_the_null_device_is_no_input_at_all(person: Person, server: FakeServer, argv: list[str]) -> None:
    with open(os.devnull, "rb") as person.stdin:
        assert await person.types("run", *argv) == 0
    assert server.task.spec["stdin"] is None


@pytest.mark.parametrize("detach", [[], ["--detach"]], ids=["watched", "detached"])
@pytest_twisted.ensureDeferred
async def test_a_file_travels_whole_and_need_not_be_streamed(person: Person, server: FakeServer, detach: list[str]) -> None:
    (person.folder / "in.txt").write_bytes(b"from a file")
    person.stdin = io.BytesIO(b"not this")
    assert await person.types("run", "--stdin", "in.txt", *detach, "prog.py") == 0
    digest = hashlib.sha256(b"from a file").hexdigest()
    assert (server.task.spec["stdin"], server.blobs[digest], server.task.input) == (digest, b"from a file", b"")
    assert person.stdin.read() == b"not this"


class Broken(io.BytesIO):
    """A source that cannot be read, such as a folder."""

    def read(self, size: int | None = -1) -> bytes:
        raise IsADirectoryError(21, "Is a directory")


@pytest_twisted.ensureDeferred
async def test_input_that_cannot_be_read_is_at_its_end(person: Person, server: FakeServer) -> None:
    server.held = True
    person.stdin = Broken()
    ended = person.types("run", "prog.py")
    await until(server, lambda: server.tasks and server.task.has_all_input)
    server.exit(server.task, 0)
    assert (await ended, server.task.input) == (0, b"")


@pytest_twisted.ensureDeferred
async def test_a_refusal_that_is_not_about_the_end_is_raised(server: FakeServer, task: FakeTask) -> None:
    connection = await opened(server)
    server.input_bytes = 1
    with pytest.raises(Trouble, match="may have 1 bytes"):
        await send_input(connection, "abc", Parts(b"xx", b""))
    await connection.close()


@pytest.fixture
def terminal() -> Iterator[tuple[int, Any]]:
    """The end at which a person types, and the end that a command reads."""
    ours, theirs = pty.openpty()
    quiet = termios.tcgetattr(theirs)
    quiet[3] &= ~termios.ECHO
    termios.tcsetattr(theirs, termios.TCSANOW, quiet)
    with open(theirs, "rb", buffering=0) as reader:
        yield ours, reader
    os.close(ours)


@pytest_twisted.ensureDeferred
async def test_a_terminal_is_read_line_by_line_to_ctrl_d(server: FakeServer, terminal: tuple[int, Any]) -> None:
    ours, reader = terminal
    keyboard = Keyboard(reader, server.reactor)
    for typed, line in ((b"one\n", b"one\n"), (b"t\x7fwo\n", b"wo\n"), (b"\x04", b"")):
        reading = Deferred.fromCoroutine(keyboard.read())
        os.write(ours, typed)
        assert await reading == line


@pytest_twisted.ensureDeferred
async def test_a_terminal_is_left_alone_until_we_are_in_its_foreground(
    terminal: tuple[int, Any], monkeypatch: pytest.MonkeyPatch, server: FakeServer
) -> None:
    ours, reader = terminal
    owner = [os.getpgrp() + 1]
    monkeypatch.setattr(streams.os, "tcgetpgrp", lambda descriptor: owner[0])
    clock = Clock()
    clock.addReader, clock.removeReader = server.reactor.addReader, server.reactor.removeReader
    os.write(ours, b"for the shell\n")
    reading = Deferred.fromCoroutine(Keyboard(reader, clock).read())
    clock.advance(FOREGROUND_SECONDS)
    await deferLater(server.reactor, 0)
    assert not reading.called
    assert os.read(reader.fileno(), 100) == b"for the shell\n"
    owner[0] = os.getpgrp()
    clock.advance(FOREGROUND_SECONDS)
    os.write(ours, b"for us\n")
    assert await reading == b"for us\n"


@pytest_twisted.ensureDeferred
async def test_what_is_typed_after_we_went_into_the_background_is_not_ours(
    terminal: tuple[int, Any], monkeypatch: pytest.MonkeyPatch, server: FakeServer
) -> None:
    ours, reader = terminal
    owner = [os.getpgrp()]
    monkeypatch.setattr(streams.os, "tcgetpgrp", lambda descriptor: owner[0])
    reading = Deferred.fromCoroutine(Keyboard(reader, server.reactor).read())
    reading.addErrback(lambda failure: failure.trap(CancelledError) and None)
    owner[0] += 1
    os.write(ours, b"for the shell\n")
    for _ in range(3):
        await deferLater(server.reactor, 0.001)
    assert not reading.called
    reading.cancel()
    assert os.read(reader.fileno(), 100) == b"for the shell\n"


def test_a_terminal_of_somebody_else_is_read_as_any_other_source(terminal: tuple[int, Any]) -> None:
    assert is_in_foreground(terminal[1].fileno())
