"""
The commands that look at tasks and steer them; ``map`` is in ``mapping``, ``shell`` in ``shell``.

Each takes an open session and returns the exit code.
"""

from __future__ import annotations

import os
import re
from collections import deque
from typing import Any, Sequence

from marx.tasker import show
from marx.tasker.artifacts import bring_home, list_artifacts
from marx.tasker.exits import FAILED, INTERRUPTED, NOT_TAKEN, OK, PIPE_CLOSED, Interrupted, Trouble
from marx.tasker.follow import Following, OutputPack, ResultPack, Wants
from marx.tasker.printed import FORMATS, LineJoiner
from marx.tasker.request import View
from marx.tasker.results import ResultsWriter
from marx.tasker.session import Session
from marx.tasker.transfer import fetch_blob
from marx.tasker.watching import Watching, exit_code_of, sentence_of
from marx.wire.tasker import CancelTask, ListTasks, ListWorkers, ShowTask, WhoAmI

#: Tasks asked for in one call.
TASKS_AT_ONCE = 100
#: Bytes of output asked for when so many lines are wanted: longer lines than this on average show fewer of them.
LINE_BYTES = 1_000
_LINE = re.compile(rb"[^\n]*\n|[^\n]+")
#: Columns where the output is no terminal: programs' eyes have no edge.
WIDE = 200


async def show_list(session: Session, limit: int, everyone: bool, json: bool) -> int:
    """``tasker list``"""
    tasks: list[dict[str, Any]] = []
    before: int | None = None
    while len(tasks) < limit:
        page = await session.connection.ask(ListTasks, limit=min(TASKS_AT_ONCE, limit - len(tasks)), before=before, everyone=everyone)
        tasks += page["tasks"]
        before = page["before"]
        if before is None:
            break
    return await _print(session, tasks if json else show.task_table(tasks, session.around.wall()), json)


async def show_task(session: Session, task: str, json: bool) -> int:
    """``tasker show``"""
    shown = (await session.connection.ask(ShowTask, task=task))["shown"]
    return await _print(session, shown if json else show.task_page(shown, session.around.wall()), json)


async def show_workers(session: Session, json: bool) -> int:
    """``tasker workers``"""
    workers = (await session.connection.ask(ListWorkers))["workers"]
    return await _print(session, workers if json else show.worker_table(workers), json)


async def show_identity(session: Session, json: bool) -> int:
    """``tasker whoami``"""
    me = (await session.connection.ask(WhoAmI))["me"]
    text = show.as_json(me) if json else show.identity_lines(me)
    await session.screen.write_results(text.encode())
    return OK


async def show_artifacts(session: Session, task: str, artifacts: str | None, json: bool) -> int:
    """``tasker artifacts``: the list, or the files themselves into a folder."""
    if artifacts is not None:
        shown = (await session.connection.ask(ShowTask, task=task))["shown"]
        await bring_home(session, shown["id"], _origin(shown), artifacts)
        return OK
    entries = [entry async for entry in list_artifacts(session.connection, task)]
    return await _print(session, entries if json else show.artifact_table(entries), json)


async def print_results(session: Session, task: str) -> int:
    """``tasker results``: the lines that ``map`` printed or would print, as far as they are there in order."""
    sink = _ResultsSink(session, task)
    following = Following(session.connection, task, Wants(results="ordered", live=False), sink)
    ended = await _interruptible(session, following)
    return ended if isinstance(ended, int) else FAILED if ended["failed"] else OK


async def print_logs(session: Session, task: str, follow: bool, tail: int | None, log_format: str) -> int:
    """``tasker logs``: what items printed, both streams, on standard output."""
    sink = _LogsSink(session, LineJoiner(FORMATS[log_format]), tail)
    bytes_wanted = None if tail is None else max(1, tail) * LINE_BYTES
    following = Following(session.connection, task, Wants(output=True, live=follow and tail is None, tail_bytes=bytes_wanted), sink)
    ended = await _interruptible(session, following)
    await sink.finish_tail()
    if follow and tail is not None and not isinstance(ended, int):
        wants = Wants(output=True, after_output=following.output_row)
        ended = await _interruptible(session, Following(session.connection, task, wants, sink))
    await sink.finish()
    return ended if isinstance(ended, int) else OK


async def attach(session: Session, task: str, view: View, artifacts: str | None) -> int:
    """``tasker attach``: what ``map`` shows, from the start. Ctrl-C only stops watching."""
    shown = (await session.connection.ask(ShowTask, task=task))["shown"]
    watching = Watching(session, shown["id"], view, session.screen.write_results)
    try:
        ended = await watching.run(watching.only_stop)
    except Interrupted:
        await session.screen.say(f"task {shown['id']} goes on; see it again with: tasker attach {shown['id']}")
        return INTERRUPTED
    await bring_home(session, shown["id"], _origin(shown), artifacts)
    if sentence_of(ended):
        await session.screen.say(sentence_of(ended))
    return exit_code_of(ended)


async def wait(session: Session, tasks: Sequence[str]) -> int:
    """``tasker wait``: until all have ended; the largest of their exit codes."""
    codes = []
    for task in tasks:
        ended = await _interruptible(session, Following(session.connection, task, Wants(), _Silent()))
        if isinstance(ended, int):
            return ended
        if sentence_of(ended):
            await session.screen.say(f"{ended['id']}: {sentence_of(ended)}")
        codes.append(exit_code_of(ended))
    return max(codes)


async def cancel(session: Session, task: str) -> int:
    """``tasker cancel``: when its processes are gone."""
    answer = await session.connection.ask(CancelTask, task=task)
    if answer["unreachable"]:
        raise Trouble(f"task {task} may still run on {', '.join(answer['unreachable'])}, which could not be reached", NOT_TAKEN)
    if answer["state"] == "ended":
        await session.screen.say(f"task {task} had ended before")
        return OK
    count = answer["processes"]
    await session.screen.say(f"task {task} is cancelled; {count} process{'' if count == 1 else 'es'} ended")
    return OK


async def _print(session: Session, shown: Any, json: bool) -> int:
    out = session.screen.out
    if json:
        text = show.as_json(shown)
    else:
        width = os.get_terminal_size(out.file.fileno()).columns or WIDE if out.is_terminal else WIDE
        text = show.render(shown, width, colour=out.is_terminal and not session.around.environ.get("NO_COLOR"))
    await session.screen.write_results(text.encode("utf-8", "backslashreplace"))
    return OK


async def _interruptible(session: Session, following: Following) -> dict[str, Any] | int:
    """Watch; an exit code where Ctrl-C or a reader that left ended it."""

    def stop() -> None:
        following.stop(Interrupted())

    session.around.interrupts.subscribe(stop)
    try:
        return await following.run()
    except Interrupted:
        return INTERRUPTED
    except BrokenPipeError:
        return PIPE_CLOSED
    finally:
        session.around.interrupts.unsubscribe(stop)


def _origin(shown: dict[str, Any]) -> dict[str, Any]:
    """Where a task was started, as it said itself."""
    return (shown.get("terms") or {}).get("submitted_from") or {}


class _Silent:
    """A sink for who only waits."""

    async def take_results(self, pack: ResultPack) -> None:
        """Not asked for."""

    async def take_output(self, pack: OutputPack) -> None:
        """Not asked for."""

    def take_change(self, task: dict[str, Any]) -> None:
        """Only the end counts."""


class _ResultsSink(_Silent):
    def __init__(self, session: Session, task: str) -> None:
        self._writer = ResultsWriter(session.screen.write_results, lambda digest: fetch_blob(session.connection, task, digest))

    async def take_results(self, pack: ResultPack) -> None:
        await self._writer.take(pack)


class _LogsSink(_Silent):
    """Prints output; with ``tail`` only the last so many lines, kept back until :meth:`finish_tail`."""

    def __init__(self, session: Session, joiner: LineJoiner, tail: int | None) -> None:
        self._write = session.screen.write_results
        self._joiner = joiner
        self._kept: deque[bytes] | None = None if tail is None else deque(maxlen=tail)

    async def take_output(self, pack: OutputPack) -> None:
        shown = self._joiner.feed(pack)
        if self._kept is not None:
            self._kept.extend(_LINE.findall(shown))
        elif shown:
            await self._write(shown)

    async def finish_tail(self) -> None:
        """Print the last lines; what comes from now on is printed as it comes."""
        kept, self._kept = self._kept, None
        if kept:
            await self._write(b"".join(kept))

    async def finish(self) -> None:
        """Print the lines that never ended."""
        rest = self._joiner.finish()
        if rest:
            await self._write(rest)
