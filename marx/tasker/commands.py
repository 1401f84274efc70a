"""
The commands that look at tasks and workers; those that steer tasks are in ``steering``, those that watch one to its end in ``attaching``.

Each takes an open session and returns the exit code.
"""

from __future__ import annotations

import os
import re
from collections import deque
from typing import Any, Sequence

from marx.tasker import show
from marx.tasker.artifacts import bring_home, list_artifacts
from marx.tasker.attaching import origin_of
from marx.tasker.exits import FAILED, INTERRUPTED, OK, PIPE_CLOSED, Interrupted
from marx.tasker.follow import Following, OutputPack, ResultPack, Wants
from marx.tasker.printed import FORMATS, LineJoiner, OutputWriter, Piece, Printed, printed_by_run
from marx.tasker.results import ResultsWriter
from marx.tasker.session import Session
from marx.tasker.transfer import fetch_blob
from marx.tasker.watching import exit_code_of, sentence_of
from marx.wire.tasker import ListTasks, ListWorkers, ShowTask, WhoAmI

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
        page = await session.connection.ask_until_answered(ListTasks, limit=min(TASKS_AT_ONCE, limit - len(tasks)), before=before, everyone=everyone)
        tasks += page["tasks"]
        before = page["before"]
        if before is None:
            break
    return await _print(session, tasks if json else show.task_table(tasks, session.around.wall()), json)


async def show_task(session: Session, task: str, json: bool) -> int:
    """``tasker show``"""
    shown = await _shown(session, task)
    return await _print(session, shown if json else show.task_page(shown, session.around.wall()), json)


async def show_workers(session: Session, json: bool) -> int:
    """``tasker workers``"""
    workers = (await session.connection.ask_until_answered(ListWorkers))["workers"]
    return await _print(session, workers if json else show.worker_table(workers), json)


async def show_identity(session: Session, json: bool) -> int:
    """``tasker whoami``"""
    me = (await session.connection.ask_until_answered(WhoAmI))["me"]
    text = show.as_json(me) if json else show.identity_lines(me)
    await session.screen.write_results(text.encode())
    return OK


async def show_artifacts(session: Session, task: str, artifacts: str | None, json: bool) -> int:
    """``tasker artifacts``: the list, or the files themselves into a folder."""
    if artifacts is not None:
        shown = await _shown(session, task)
        await bring_home(session, shown["id"], origin_of(shown), artifacts)
        return OK
    entries = [entry async for entry in list_artifacts(session.connection, task)]
    return await _print(session, entries if json else show.artifact_table(entries), json)


async def print_results(session: Session, task: str) -> int:
    """``tasker results``: the lines that ``map`` printed or would print, as far as they are there in order; how a run ended."""
    shown = await _shown(session, task)
    if shown["kind"] == "run":
        artifacts = [entry async for entry in list_artifacts(session.connection, shown["id"])]
        await session.screen.write_results(show.as_json(show.run_results(shown, artifacts)).encode())
        return FAILED if shown["ended_utc"] is not None and exit_code_of(shown) else OK
    sink = _ResultsSink(session, task)
    following = Following(session.connection, task, Wants(results="ordered", live=False), sink)
    ended = await _interruptible(session, following)
    return ended if isinstance(ended, int) else FAILED if ended["failed"] else OK


async def print_logs(session: Session, task: str, follow: bool, tail: int | None, log_format: str) -> int:
    """``tasker logs``: what a task printed, both streams, on standard output."""
    is_run = (await _shown(session, task))["kind"] == "run"
    # The last lines can be counted only where they are whole.
    printed = printed_by_run(log_format) if is_run and tail is None else LineJoiner(FORMATS[log_format])
    sink = _LogsSink(session, printed, tail)
    bytes_wanted = None if tail is None else max(1, tail) * LINE_BYTES
    following = Following(session.connection, task, Wants(output=True, live=follow and tail is None, tail_bytes=bytes_wanted), sink)
    ended = await _interruptible(session, following)
    await sink.finish_tail()
    if follow and tail is not None and not isinstance(ended, int):
        wants = Wants(output=True, after_output=following.output_row)
        ended = await _interruptible(session, Following(session.connection, task, wants, sink))
    await sink.finish()
    return ended if isinstance(ended, int) else OK


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


async def _shown(session: Session, task: str) -> dict[str, Any]:
    return (await session.connection.ask_until_answered(ShowTask, task=task))["shown"]


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

    def __init__(self, session: Session, printed: Printed, tail: int | None) -> None:
        self._screen = session.screen
        self._output = OutputWriter(printed, self._write)
        self._kept: deque[bytes] | None = None if tail is None else deque(maxlen=tail)

    async def take_output(self, pack: OutputPack) -> None:
        await self._output.take(pack)

    async def finish_tail(self) -> None:
        """Print the last lines; what comes from now on is printed as it comes."""
        kept, self._kept = self._kept, None
        if kept:
            await self._screen.write_results(b"".join(kept))

    async def finish(self) -> None:
        """Print the lines that never ended."""
        await self._output.finish()

    async def _write(self, pieces: list[Piece]) -> None:
        shown = b"".join(content for _, content in pieces)
        if self._kept is None:
            await self._screen.write_results(shown)
        else:
            self._kept.extend(_LINE.findall(shown))
