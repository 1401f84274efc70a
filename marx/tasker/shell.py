"""
``tasker shell``: Twisted's coloured manhole on the person's terminal, with the tasker's commands as functions.

Each function returns at once with a Deferred; the prompt shows its result when it comes, and stays usable meanwhile.
"""

from __future__ import annotations

import json
import linecache
import os
import tempfile
import termios
import tty
from typing import Any, Callable, Coroutine, Iterable

from twisted.conch.insults.insults import ServerProtocol
from twisted.conch.manhole import ColoredManhole, ManholeInterpreter
from twisted.internet.defer import Deferred
from twisted.internet.stdio import StandardIO
from twisted.internet.task import deferLater
from twisted.python.failure import Failure

import marx
from marx.tasker.exits import OK, USAGE, Trouble
from marx.tasker.items import items_of_values
from marx.tasker.mapping import prepare, submit_and_watch
from marx.tasker.printed import LineJoiner, plain
from marx.tasker.request import MapRequest, RunRequest, Terms, View
from marx.tasker.running import prepare as prepare_run
from marx.tasker.running import submit_and_follow
from marx.tasker.session import Session
from marx.tasker.show import render, task_page, task_table, worker_table
from marx.tasker.typed import NotCarried, source_of
from marx.tasker.watching import watch_run
from marx.wire.tasker import CancelTask, ListTasks, ListWorkers, ShowTask

WELCOME = f"""Marx {marx.__version__}. map(function_or_"file.py:function", items) and run("file.py", arguments...) use the lab; tasks(), task(ID),
logs(ID), cancel(ID), workers().
Functions typed here can be mapped: plain ones made with def, and what they name of numbers, texts, modules and each other. Ctrl-D leaves.
"""


class Shown:
    """Text that the prompt shows as it is, such as a table."""

    def __init__(self, text: str) -> None:
        self._text = text.rstrip("\n")

    def __repr__(self) -> str:
        return self._text


class Failed(Exception):
    """What an awaited call ended with; its text is one sentence."""


class PromptScreen:
    """The part of :class:`marx.tasker.screen.Screen` that a watch uses, above the prompt."""

    is_live = False

    def __init__(self, write: Callable[[str], None]) -> None:
        self._write = write

    async def write_output(self, content: bytes) -> None:
        """What items print."""
        self._write(content.decode("utf-8", "backslashreplace"))

    async def write_streams(self, pieces: Iterable[tuple[int, bytes]]) -> None:
        """What a program prints; the prompt's terminal is both of its streams."""
        await self.write_output(b"".join(content for _, content in pieces))

    async def say(self, sentence: str) -> None:
        """One sentence of our own."""
        self._write(f"tasker: {sentence}\n")

    complain = say

    def show_line(self, line: bytes) -> None:
        """There is no live line beside a prompt."""

    async def end_line(self) -> None:
        """There is none to end."""


class Commands:
    """The functions of the prompt. ``write``: shows text above it; ``namespace``: where typed functions look names up."""

    def __init__(self, session: Session, write: Callable[[str], None], namespace: dict[str, Any], folder: str) -> None:
        self._session = Session(session.around, PromptScreen(write), session.connection)  # type: ignore[arg-type]
        self._namespace = namespace
        self._folder = folder
        self._programs = 0

    def map(self, function: Any, items: Iterable[Any], **terms: Any) -> Deferred[list[Any]]:
        """
        Call ``function`` (typed here, or "file.py:function") with each item; fires with the list of values, errors as dictionaries.

        ``terms``: name, max_slots, python, retries, labels, workers, chunk_items, as options of ``tasker map``.
        """
        return self._later(self._map(function, items, Terms(**terms)))

    def run(self, program: str, *arguments: str, **terms: Any) -> Deferred[int]:
        """
        Run a program as ``tasker run`` does, its output above the prompt and its standard input empty; fires with its exit code.

        ``terms``: name, max_slots, python, retries, labels, workers, as options of ``tasker run``.
        """
        return self._later(self._run(RunRequest(program, arguments=arguments, stdin=os.devnull, terms=Terms(**terms))))

    def tasks(self, limit: int = 20) -> Deferred[Shown]:
        """Your tasks, newest first."""
        return self._later(self._tasks(limit))

    def task(self, task: str) -> Deferred[Shown]:
        """Everything about one task."""
        return self._later(self._task(task))

    def logs(self, task: str) -> Deferred[None]:
        """Show what a task's items printed; goes on until it ends."""
        return self._later(self._logs(task))

    def cancel(self, task: str) -> Deferred[str]:
        """Stop a task."""
        return self._later(self._cancel(task))

    def workers(self) -> Deferred[Shown]:
        """The machines that lend slots."""
        return self._later(self._workers())

    def names(self) -> dict[str, Any]:
        """What the prompt starts with."""
        return {name: getattr(self, name) for name in ("map", "run", "tasks", "task", "logs", "cancel", "workers")}

    async def _map(self, function: Any, items: Iterable[Any], terms: Terms) -> list[Any]:
        target = function if isinstance(function, str) else self._program_of(function)
        prepared = await prepare(MapRequest(target, terms=terms), self._session.around, items_of_values(items))
        lines: list[bytes] = []

        async def keep(content: bytes) -> None:
            lines.append(content)

        await submit_and_watch(self._session, prepared, View(), keep)
        return [_value_of(json.loads(line)) for line in b"".join(lines).splitlines()]

    async def _run(self, request: RunRequest) -> int:
        return await submit_and_follow(self._session, prepare_run(request, self._session.around), LineJoiner(plain))

    def _program_of(self, function: Any) -> str:
        try:
            source = source_of(function, self._namespace)
        except NotCarried as error:
            raise Trouble(f"this function cannot be sent: {error}", USAGE) from error
        self._programs += 1
        path = os.path.join(self._folder, f"typed_{self._programs}.py")
        with open(path, "w", encoding="utf-8") as file:
            file.write(source)
        return f"{path}:{function.__name__}"

    async def _tasks(self, limit: int) -> Shown:
        page = await self._session.connection.ask(ListTasks, limit=limit)
        return self._shown(task_table(page["tasks"], self._session.around.wall()))

    async def _task(self, task: str) -> Shown:
        shown = (await self._session.connection.ask(ShowTask, task=task))["shown"]
        return self._shown(task_page(shown, self._session.around.wall()))

    async def _workers(self) -> Shown:
        return self._shown(worker_table((await self._session.connection.ask(ListWorkers))["workers"]))

    async def _cancel(self, task: str) -> str:
        answer = await self._session.connection.ask(CancelTask, task=task)
        return f"{answer['state']}; {answer['processes']} processes ended"

    async def _logs(self, task: str) -> None:
        await watch_run(self._session, task, LineJoiner(plain)).run(lambda: None)

    @staticmethod
    def _shown(table: Any) -> Shown:
        return Shown("\n" + render(table, 100, colour=False))

    def _later(self, call: Coroutine[Any, Any, Any]) -> Deferred[Any]:
        """Begin after the prompt has shown the Deferred, so that even what fails at once is shown as its result."""
        begun = deferLater(self._session.around.reactor, 0, lambda: None)
        begun.addCallback(lambda _: Deferred.fromCoroutine(call))
        return begun.addErrback(_as_sentence)


def _as_sentence(failure: Failure) -> None:
    raise Failed(str(failure.value))


def _value_of(entry: dict[str, Any]) -> Any:
    """The value itself where there is one; else what stands in its place."""
    return entry["value"] if "value" in entry else {name: part for name, part in entry.items() if name != "index"}


class RememberingInterpreter(ManholeInterpreter):
    """Keeps each input under a name of its own, so that ``inspect`` finds the source of what was typed."""

    _inputs = 0

    def runsource(self, source: str, filename: str = "<input>", symbol: str = "single") -> bool:
        self._inputs += 1
        filename = f"<input {self._inputs}>"
        linecache.cache[filename] = (len(source), None, source.splitlines(keepends=True), filename)
        return super().runsource(source, filename, symbol)


class TaskerManhole(ColoredManhole):
    """The prompt. ``ended`` fires when the person leaves."""

    def __init__(self, session: Session, folder: str, ended: Deferred[None]) -> None:
        self._session = session
        self._folder = folder
        self._ended = ended
        super().__init__({"__name__": "__console__", "__doc__": None})

    def connectionMade(self) -> None:
        super().connectionMade()
        self.interpreter = RememberingInterpreter(self, self.namespace)
        commands = Commands(self._session, self._write_above, self.interpreter.locals, self._folder)
        self.interpreter.locals.update(commands.names())

    def initializeScreen(self) -> None:
        """Leave what stands on the terminal where it is."""
        self.setInsertMode()
        for line in WELCOME.splitlines():
            self.terminal.write(line.encode())
            self.terminal.nextLine()
        self.terminal.write(self.ps[self.pn])

    def connectionLost(self, reason: Failure) -> None:
        if not self._ended.called:
            self._ended.callback(None)

    def _write_above(self, text: str) -> None:
        self.addOutput(text, True)


async def run_shell(session: Session) -> int:
    """Show the prompt until the person leaves. Raises Trouble where there is no terminal."""
    streams = session.around.streams
    if not (streams.stdin.isatty() and streams.stdout.isatty()):
        raise Trouble("tasker shell needs a terminal; scripts use the other commands, or import marx", USAGE)
    descriptor = streams.stdin.fileno()
    before = termios.tcgetattr(descriptor)
    ended: Deferred[None] = Deferred()
    tty.setraw(descriptor)
    try:
        with tempfile.TemporaryDirectory(prefix="marx-shell-") as folder:
            StandardIO(ServerProtocol(TaskerManhole, session, folder, ended), reactor=session.around.reactor)
            await ended
    finally:
        termios.tcsetattr(descriptor, termios.TCSADRAIN, before)
        os.write(streams.stdout.fileno(), b"\r\n")
    return OK
