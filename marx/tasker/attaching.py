"""
Watching a task that is there already, as if it had been started here: ``attach``; and starting one again: ``rerun``.
"""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager
from secrets import token_hex
from typing import Any

from marx.tasker.artifacts import bring_home
from marx.tasker.exits import INTERRUPTED, OK, Interrupted
from marx.tasker.printed import printed_by_run
from marx.tasker.request import View
from marx.tasker.running import end_run
from marx.tasker.screen import Screen, wants_live_line
from marx.tasker.session import Session, session
from marx.tasker.surroundings import Surroundings
from marx.tasker.watching import CancellingWatch, InterruptingWatch, Watching, exit_code_of, sentence_of, watch_map, watch_run
from marx.wire.tasker import RerunTask, ShowTask


def session_for(view: View, around: Surroundings, server: str | None) -> AbstractAsyncContextManager[Session]:
    """A session with that login's server, shown as ``view`` says."""
    live = wants_live_line(view.progress, view.quiet, around.streams, around.environ) and not view.detach
    return session(around, around.reach.login(server), Screen(around.streams, around.reactor, live, view.quiet))


async def attach(session: Session, task: str, view: View, artifacts: str | None) -> int:
    """``tasker attach``: what ``run`` or ``map`` shows, from the start. Ctrl-C only stops watching."""
    shown = await _show(session, task)
    watching = _watch(session, shown, view)
    try:
        ended = await watching.run(watching.only_stop)
    except Interrupted:
        await session.screen.say(f"task {shown['id']} goes on; see it again with: tasker attach {shown['id']}")
        return INTERRUPTED
    code = exit_code_of(ended)
    await _end(session, ended, code, origin_of(shown), artifacts)
    return code


async def rerun(session: Session, task: str, view: View, artifacts: str | None) -> int:
    """``tasker rerun``: the same again under a new id, shown as ``run`` or ``map`` shows it; with ``--detach`` the id alone."""
    before = session.around.wall()
    again = (await session.connection.ask_until_answered(RerunTask, task=task, key=token_hex(16)))["task"]
    if view.detach:
        await session.screen.write_results(f"{again}\n".encode())
        return OK
    await session.screen.say(f"task {again} is {task} again")
    shown = await _show(session, again)
    watching = _watch(session, shown, view)
    watch = InterruptingWatch if shown["kind"] == "run" else CancellingWatch
    ended, code = await watch(session, watching).run()
    if ended is not None:
        # What the first run brought home is older than this one, and no change of the person's to be kept.
        await _end(session, ended, code, {**origin_of(shown), "utc": before}, artifacts)
    return code


def origin_of(shown: dict[str, Any]) -> dict[str, Any]:
    """Where a task was started, as it said itself."""
    return (shown.get("terms") or {}).get("submitted_from") or {}


async def _show(session: Session, task: str) -> dict[str, Any]:
    return (await session.connection.ask_until_answered(ShowTask, task=task))["shown"]


def _watch(session: Session, shown: dict[str, Any], view: View) -> Watching:
    if shown["kind"] == "run":
        return watch_run(session, shown["id"], printed_by_run(view.log_format))
    return watch_map(session, shown["id"], view, session.screen.write_results)


async def _end(session: Session, ended: dict[str, Any], code: int, origin: dict[str, Any], artifacts: str | None) -> None:
    if ended["kind"] == "run":
        await end_run(session, ended, code, origin, artifacts)
        return
    await bring_home(session, ended["id"], origin, artifacts)
    if sentence_of(ended):
        await session.screen.say(sentence_of(ended))
