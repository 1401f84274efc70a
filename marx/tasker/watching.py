"""
Watching one task to its end in front of a person, and the exit code that it gives.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import Any, Awaitable, Callable, Iterator, Mapping

from twisted.internet.defer import Deferred

from marx.tasker.exits import FAILED, INTERRUPTED, NOT_TAKEN, OK, PIPE_CLOSED, Interrupted
from marx.tasker.follow import Following, Wants
from marx.tasker.printed import FORMATS, LineJoiner
from marx.tasker.request import View
from marx.tasker.results import ResultsWriter
from marx.tasker.screen import Screen
from marx.tasker.session import Session
from marx.tasker.streams import Outlet
from marx.tasker.transfer import fetch_blob
from marx.tasker.view import TaskView
from marx.wire.tasker import CancelTask

#: How the core begins its reason where nothing took a task in time.
NOT_TAKEN_REASON = "nothing took"


def exit_code_of(task: Mapping[str, Any]) -> int:
    """What a plain loop would have ended with: 0, or 1 where any item failed; 75 where nothing took the task in time."""
    if task["state"] == "done":
        return FAILED if task["failed"] else OK
    if task["state"] == "failed" and str(task.get("reason") or "").startswith(NOT_TAKEN_REASON):
        return NOT_TAKEN
    return FAILED


def sentence_of(task: Mapping[str, Any]) -> str:
    """What a person must know of how a task ended; empty where there is nothing to be said."""
    if task["state"] == "done":
        return f"{task['failed']:,} of {task['total']:,} items failed" if task["failed"] else ""
    reason = task.get("reason")
    return f"task {task['id']} {'failed' if task['state'] == 'failed' else 'was ' + task['state']}" + (f": {reason}" if reason else "")


class Watching:
    """
    Shows a task as ``view`` says, until it ends or Ctrl-C.

    ``outlet``: where result lines are written; None: results are not wanted.
    """

    def __init__(self, session: Session, task: str, view: View, outlet: Callable[[bytes], Awaitable[None]] | None) -> None:
        self._session = session
        self.task = task
        connection = session.connection
        results = ResultsWriter(outlet, lambda digest: fetch_blob(connection, task, digest)) if outlet else None
        self._view = TaskView(session.screen, session.around, results, LineJoiner(FORMATS[view.log_format]))
        order = "unordered" if view.unordered else "ordered"
        self.following = Following(connection, task, Wants(results=order if outlet else "", output=True), self._view)

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


class CancellingWatch:
    """Ctrl-C, and a reader that left, at ``map``: the task is cancelled. A second Ctrl-C does not wait for that."""

    def __init__(self, session: Session, watching: Watching) -> None:
        self._session = session
        self._task = watching.task
        self._watching = watching
        self._asked = False

    async def run(self) -> tuple[dict[str, Any] | None, int]:
        """The task at its end (None: not seen) and the exit code."""
        try:
            task = await self._watching.run(self._interrupted)
        except Interrupted:
            return None, INTERRUPTED
        except BrokenPipeError:
            await self.cancel()
            return None, PIPE_CLOSED
        except GivenUp as given_up:
            await self.cancel()
            raise given_up.why from given_up
        return task, INTERRUPTED if self._asked else exit_code_of(task)

    async def cancel(self) -> None:
        """Stop the task where the server is there; else say that it goes on."""
        if not self._session.connection.is_up:
            await self._session.screen.complain(f"the server is away; task {self._task} still runs (tasker cancel {self._task})")
            return
        answer = await self._session.connection.ask(CancelTask, task=self._task)
        if answer["unreachable"]:
            workers = ", ".join(answer["unreachable"])
            await self._session.screen.complain(f"task {self._task} may still run on {workers}, which could not be reached")

    def _interrupted(self) -> None:
        if self._asked or not self._session.connection.is_up:
            away = not self._session.connection.is_up
            Deferred.fromCoroutine(self._leave(away)).addErrback(lambda _: None)
            return
        self._asked = True
        Deferred.fromCoroutine(self.cancel()).addErrback(lambda failure: self._watching.following.stop(failure.value))

    async def _leave(self, away: bool) -> None:
        if away:
            await self.cancel()
        else:
            await self._session.screen.complain(f"task {self._task} may not have stopped yet")
        self._watching.following.stop(Interrupted())


@contextmanager
def results_outlet(screen: Screen, path: str | None, reactor: Any) -> Iterator[Callable[[bytes], Awaitable[None]]]:
    """How to write results: to standard output, or to the file at ``path``. Raises OSError."""
    if path is None:
        yield screen.write_results
        return
    with open(path, "wb") as file:
        yield Outlet(file, reactor).write
