"""The prompt, on a terminal in memory."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import pytest_twisted
from twisted.conch.insults.insults import ServerProtocol
from twisted.internet.defer import Deferred
from twisted.internet.testing import StringTransport

from marx.tasker.link import Connection
from marx.tasker.screen import Screen
from marx.tasker.session import Session
from marx.tasker.shell import Failed, TaskerManhole
from tests.fakes.server_link import FakeServer
from tests.tasker.conftest import Person, until

_CONTROLS = re.compile(r"\x1b(\[[0-9;?]*[a-zA-Z]|E)")


class Prompt:
    """What a person types at and sees."""

    def __init__(self, session: Session, folder: Path) -> None:
        self.ended: Deferred[None] = Deferred()
        self._transport = StringTransport()
        self._terminal = ServerProtocol(TaskerManhole, session, str(folder), self.ended)
        self._terminal.makeConnection(self._transport)

    def type(self, *lines: str) -> None:
        for line in lines:
            self._terminal.dataReceived(line.encode() + b"\r")

    def press(self, key: bytes) -> None:
        self._terminal.dataReceived(key)

    @property
    def seen(self) -> str:
        return _CONTROLS.sub("", self._transport.value().decode()).replace("\r\n", "\n")

    def leave(self) -> None:
        self._terminal.connectionLost(None)


@pytest.fixture
def prompt(person: Person, server: FakeServer, tmp_path: Path) -> Iterator[Any]:
    """A prompt once its connection is open: `await prompt()`."""
    (tmp_path / "typed").mkdir()
    made: list[tuple[Prompt, Connection]] = []

    async def make() -> Prompt:
        connection = Connection(server.connect, server.reactor)
        await connection.open()
        around = person.around
        made.append((Prompt(Session(around, Screen(around.streams, around.reactor), connection), tmp_path / "typed"), connection))
        return made[0][0]

    yield make
    for prompt, connection in made:
        prompt.leave()
        server.cut()


@pytest_twisted.ensureDeferred
async def test_a_function_typed_here_is_mapped_and_its_values_come_when_they_are_there(prompt: Any, server: FakeServer) -> None:
    at = await prompt()
    server.function = lambda item: item * item
    at.type("import math", "def f(x):", "    return math.pow(x, 2)", "", "map(f, [1, 2, 3])")
    await until(server, lambda: "called back" in at.seen)
    assert "<Deferred #0>" in at.seen and "Deferred #0 called back: [1, 4, 9]" in at.seen
    program = next(content for content in server.blobs.values() if b"math.pow" in content)
    assert program.decode() == "import math\n\ndef f(x):\n    return math.pow(x, 2)\n"


@pytest_twisted.ensureDeferred
async def test_the_prompt_stays_usable_while_a_call_waits_and_shows_what_items_print(prompt: Any, server: FakeServer) -> None:
    at = await prompt()
    server.held = True
    at.type("map('prog.py:f', [1])", "'still ' + 'here'")
    await until(server, lambda: server.tasks and server.task.final)
    assert "'still here'" in at.seen
    server.say(server.task, 0, b"printed there\n")
    await until(server, lambda: "printed there" in at.seen)
    server.finish(server.task)
    await until(server, lambda: "called back: [1]" in at.seen)


@pytest_twisted.ensureDeferred
async def test_a_program_is_run_and_its_exit_code_comes_when_it_is_there(prompt: Any, server: FakeServer) -> None:
    at = await prompt()
    server.held = True
    at.type("run('prog.py', '--fast', name='quick')")
    await until(server, lambda: server.tasks and any(link.watches for link in server.links))
    spec = server.task.spec
    assert (spec["kind"], spec["argv"], spec["name"], spec["stdin"]) == ("run", ["prog.py", "--fast"], "quick", None)
    server.say(server.task, 0, b"printed there\n")
    await until(server, lambda: "printed there" in at.seen)
    server.exit(server.task, 3)
    await until(server, lambda: "called back: 3" in at.seen)


@pytest_twisted.ensureDeferred
async def test_tables_and_cancelling(prompt: Any, server: FakeServer) -> None:
    at = await prompt()
    server.held = True
    server.workers = [{"name": "lab7", "state": "ready", "busy": 0, "slots": 4, "pythons": ["3.11.7"], "sandbox": "bwrap", "labels": {}}]
    at.type("map('prog.py:f', [1])")
    await until(server, lambda: server.tasks and server.task.final)
    at.type("tasks()", "workers()", "task('task0')", "cancel('task0')")
    await until(server, lambda: "'cancelled; 0 processes ended'" in at.seen)
    assert all(words in at.seen for words in ("TASK      NAME       KIND", "prog.py:f  map", "lab7    ready", "items      0 of 1 done"))


@pytest.mark.parametrize(
    ("line", "sentence"),
    [
        ("map(lambda x: x, [1])", "this function cannot be sent: <lambda> is not a function made with def"),
        ("map('nix.py:f', [1])", "nix.py: no such file"),
        ("task('nix')", "there is no task"),
    ],
)
@pytest_twisted.ensureDeferred
async def test_what_fails_is_one_sentence(prompt: Any, server: FakeServer, logged_failures: Any, line: str, sentence: str) -> None:
    at = await prompt()
    at.type(line)
    await until(server, lambda: "failed:" in at.seen)
    assert sentence in at.seen and "Traceback" not in at.seen
    at.type("'nothing holds the last result any more'")
    assert [str(error).startswith(sentence) for error in logged_failures.flush(Failed)] == [True]


@pytest_twisted.ensureDeferred
async def test_ctrl_d_leaves(prompt: Any, server: FakeServer) -> None:
    at = await prompt()
    at.press(b"\x04")
    at.leave()
    await at.ended
