"""
Watching one task to its end in front of a person, and the exit code that it gives.
"""

from __future__ import annotations

from contextlib import contextmanager
from signal import SIGINT
from typing import Any, Awaitable, Callable, Iterator, Mapping

from twisted.internet.defer import Deferred

from marx.tasker.exits import FAILED, FAULT, INTERRUPTED, NOT_TAKEN, OK, PIPE_CLOSED, TIMED_OUT, UNREACHABLE, Interrupted, Trouble
from marx.tasker.follow import Following, Wants
from marx.tasker.printed import FORMATS, LineJoiner, OutputWriter, Piece, Printed
from marx.tasker.request import View
from marx.tasker.results import ResultsWriter
from marx.tasker.screen import Screen
from marx.tasker.session import Session
from marx.tasker.streams import Outlet
from marx.tasker.transfer import fetch_blob
from marx.tasker.view import TaskView
from marx.wire.tasker import CancelTask, InterruptTask

#: How the core begins its reason where nothing took a task in time, and where it ran, or was silent, for too long.
ENDED_BY_TIME = {
    "nothing took": NOT_TAKEN,
    "its time limit": TIMED_OUT,
    "its main program did not survive: it printed nothing": TIMED_OUT,
}


def exit_code_of(task: Mapping[str, Any]) -> int:
    """
    What a plain run would have ended with: a program's own code; of a map 0, or 1 where any item failed.

    75 where nothing took the task in time, 124 where its time was over, 70 where a run failed for a reason that is not its program's, else 1.
    """
    is_run = task.get("kind") == "run"
    if task["state"] == "done":
        return int(task["exit"]) if is_run else FAILED if task["failed"] else OK
    for begin, code in ENDED_BY_TIME.items():
        if task["state"] == "failed" and str(task.get("reason") or "").startswith(begin):
            return code
    return FAULT if is_run and task["state"] == "failed" else FAILED


def sentence_of(task: Mapping[str, Any]) -> str:
    """What a person must know of how a task ended; empty where there is nothing to be said."""
    if task["state"] == "done":
        return f"{task['failed']:,} of {task['total']:,} items failed" if task["failed"] and task.get("kind") != "run" else ""
    reason = task.get("reason")
    return f"task {task['id']} {'failed' if task['state'] == 'failed' else 'was ' + task['state']}" + (f": {reason}" if reason else "")


def watch_map(session: Session, task: str, view: View, write: Callable[[bytes], Awaitable[None]]) -> Watching:
    """Show a map: its result lines through ``write``, what its items print on standard error."""

    async def write_output(pieces: list[Piece]) -> None:
        await session.screen.write_output(b"".join(content for _, content in pieces))

    results = ResultsWriter(write, lambda digest: fetch_blob(session.connection, task, digest))
    output = OutputWriter(LineJoiner(FORMATS[view.log_format]), write_output)
    wants = Wants(results="unordered" if view.unordered else "ordered", output=True)
    return Watching(session, task, TaskView(session.screen, session.around, results, output), wants)


def watch_run(session: Session, task: str, printed: Printed) -> Watching:
    """Show what a task prints, each stream where a plain run has it."""
    output = OutputWriter(printed, session.screen.write_streams)
    return Watching(session, task, TaskView(session.screen, session.around, None, output), Wants(output=True))


class Watching:
    """Shows a task in ``view`` until it ends or Ctrl-C."""

    def __init__(self, session: Session, task: str, view: TaskView, wants: Wants) -> None:
        self._session = session
        self.task = task
        self._view = view
        self.following = Following(session.connection, task, wants, view)

    async def run(self, interrupted: Callable[[], None]) -> dict[str, Any]:
        """Watch to the end; the task as it is then. Raises Trouble, :class:`Interrupted`, BrokenPipeError where nobody reads."""
        interrupts = self._session.around.interrupts
        interrupts.subscribe(interrupted)
        try:
            return await self.following.run()
        finally:
            interrupts.unsubscribe(interrupted)
            await self._view.finish()

    def only_stop(self) -> None:
        """What Ctrl-C does at ``attach``: the task goes on."""
        self.following.stop(Interrupted())


class GivenUp(Exception):
    """A task has to be stopped because of ``why``, which is then what the command ends with."""

    def __init__(self, why: BaseException) -> None:
        super().__init__(str(why))
        self.why = why


def away(task: str) -> str:
    """What a person is told who leaves while the server is away."""
    return f"the server is away; task {task} still runs (tasker cancel {task})"


async def cancel_task(session: Session, task: str) -> None:
    """Stop the task. Raises Trouble, with 69 where the server is away."""
    if not session.connection.is_up:
        raise Trouble(away(task), UNREACHABLE)
    answer = await session.connection.ask(CancelTask, task=task)
    if answer["unreachable"]:
        workers = ", ".join(answer["unreachable"])
        await session.screen.complain(f"task {task} may still run on {workers}, which could not be reached")


class CancellingWatch:
    """Ctrl-C, and a reader that left, at ``map``: the task is cancelled. A second Ctrl-C does not wait for that."""

    def __init__(self, session: Session, watching: Watching) -> None:
        self._session = session
        self._watching = watching
        self._task = watching.task
        self._presses = 0

    async def run(self) -> tuple[dict[str, Any] | None, int]:
        """The task at its end (None: not seen) and the exit code."""
        try:
            task = await self._watching.run(self._pressed)
        except Interrupted:
            return None, INTERRUPTED
        except BrokenPipeError:
            await self._give_up()
            return None, PIPE_CLOSED
        except GivenUp as given_up:
            await self._give_up()
            raise given_up.why from given_up
        return task, self._code_of(task)

    def _code_of(self, task: Mapping[str, Any]) -> int:
        return INTERRUPTED if self._presses else exit_code_of(task)

    def _pressed(self) -> None:
        self._presses += 1
        answering = Deferred.fromCoroutine(self._answer_if_there(self._presses))
        answering.addErrback(lambda failure: self._watching.following.stop(failure.value))

    async def _answer_if_there(self, press: int) -> None:
        """Where the server is away nothing can be asked of it, and nobody should wait for it."""
        try:
            if self._session.connection.is_up:
                return await self._answer(press)
        except Trouble as trouble:
            if trouble.code != UNREACHABLE:
                raise
        await self._leave(away(self._task))

    async def _answer(self, press: int) -> None:
        """What this Ctrl-C does, the first being 1. Raises Trouble."""
        await (self._cancel() if press == 1 else self._leave(f"task {self._task} may not have stopped yet"))

    async def _cancel(self) -> None:
        await cancel_task(self._session, self._task)

    async def _give_up(self) -> None:
        """Cancel because nobody wants the task any more; what prevents it is said."""
        try:
            await self._cancel()
        except Trouble as trouble:
            await self._session.screen.complain(trouble.sentence)

    async def _leave(self, sentence: str) -> None:
        if not self._watching.following.is_over:
            await self._session.screen.complain(sentence)
            self._watching.following.stop(Interrupted())


class InterruptingWatch(CancellingWatch):
    """Ctrl-C at ``run``: the first goes to the program, whose exit code counts; the second cancels; a third does not wait for that."""

    async def _answer(self, press: int) -> None:
        if press > 2:
            await self._leave(f"task {self._task} may not have stopped yet")
        elif press == 2 or not await self._interrupt():
            await self._cancel()

    async def _interrupt(self) -> bool:
        """Send the program the signal; False where it does not run."""
        answer = await self._session.connection.ask(InterruptTask, task=self._task, signal=int(SIGINT))
        return bool(answer["delivered"])

    def _code_of(self, task: Mapping[str, Any]) -> int:
        return INTERRUPTED if self._presses and task["state"] == "cancelled" else exit_code_of(task)


@contextmanager
def results_outlet(screen: Screen, path: str | None, reactor: Any) -> Iterator[Callable[[bytes], Awaitable[None]]]:
    """How to write results: to standard output, or to the file at ``path``. Raises OSError."""
    if path is None:
        yield screen.write_results
        return
    with open(path, "wb") as file:
        yield Outlet(file, reactor).write
