"""
``tasker run``: from what was typed to the program's exit.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from twisted.internet.defer import Deferred, succeed

from marx.tasker.artifacts import bring_home
from marx.tasker.exits import INTERRUPTED, OK
from marx.tasker.feeding import StandardInput, choose_input, send_input
from marx.tasker.preparing import Prepared, prepare_task, say_what_stays, screen_for, server_for, submit
from marx.tasker.printed import Printed, printed_by_run
from marx.tasker.request import RunRequest, run_terms
from marx.tasker.session import Session
from marx.tasker.show import printable
from marx.tasker.surroundings import Surroundings
from marx.tasker.target import find_program
from marx.tasker.watching import GivenUp, InterruptingWatch, Watching, sentence_of, watch_run
from marx.wire.tasker import ShowTask


@dataclass(frozen=True, slots=True)
class PreparedRun(Prepared):
    """A run that is ready to be submitted."""

    stdin: StandardInput


async def run_program(request: RunRequest, around: Surroundings) -> int:
    """The whole command; its exit code. Raises Trouble."""
    prepared = prepare(request, around)
    screen = screen_for(request, around)
    await say_what_stays(prepared.bundle, screen)
    async with server_for(request, prepared, around, screen) as opened:
        if request.view.detach:
            await screen.write_results(f"{await submit(opened, prepared)}\n".encode())
            return OK
        return await submit_and_follow(opened, prepared, printed_by_run(request.view.log_format), request.artifacts)


def prepare(request: RunRequest, around: Surroundings) -> PreparedRun:
    """Look at the program, its files and its standard input. Nothing is sent or read of a stream. Raises Trouble."""
    target = find_program(request.target, request.is_module, around.place.folder)
    stdin = choose_input(request, around)
    task = prepare_task(request, target, request.arguments, around)
    task.spec.update(run_terms(request), stdin=stdin.spec)
    manifest = task.manifest
    if stdin.path is not None and stdin.spec is not None:
        manifest = replace(manifest, files={**manifest.files, stdin.spec: stdin.path})
    return PreparedRun(task.spec, manifest, task.bundle, task.secrets, stdin)


async def submit_and_follow(opened: Session, prepared: PreparedRun, printed: Printed, artifacts: str | None = None) -> int:
    """Submit, feed and show until the end, bring the files home; the exit code."""
    watching = watch_run(opened, await submit(opened, prepared), printed)
    feeding = _feed(opened, watching, prepared.stdin)
    try:
        ended, code = await InterruptingWatch(opened, watching).run()
    finally:
        feeding.cancel()
    if ended is not None:
        await end_run(opened, ended, code, prepared.spec["submitted_from"], artifacts)
    return code


def _feed(opened: Session, watching: Watching, stdin: StandardInput) -> Deferred[Any]:
    """Send the standard input for as long as the task is watched; where that fails, the task is given up."""
    if stdin.source is None:
        return succeed(None)
    feeding: Deferred[Any] = Deferred.fromCoroutine(send_input(opened.connection, watching.task, stdin.source))
    return feeding.addErrback(lambda failure: watching.following.stop(GivenUp(failure.value)))


async def end_run(opened: Session, ended: dict[str, Any], code: int, origin: dict[str, Any], artifacts: str | None) -> None:
    """Bring the files home, and say what a person must know of how it went, who did not just stop it by Ctrl-C (``code``)."""
    await bring_home(opened, ended["id"], origin, artifacts)
    shown = (await opened.connection.ask_until_answered(ShowTask, task=ended["id"]))["shown"]
    for note in shown.get("notes") or ():
        await opened.screen.say(printable(note))
    sentence = sentence_of(ended)
    if sentence and code != INTERRUPTED:
        await opened.screen.complain(sentence)
