"""
``tasker map``: from what was typed to the last result.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Any, Awaitable, Callable

from twisted.internet.defer import Deferred

from marx.tasker.artifacts import bring_home
from marx.tasker.exits import NO_FILE, OK, USAGE, Trouble
from marx.tasker.items import Items, items_of_csv, items_of_glob, items_of_json_lines, items_of_range, items_of_strings
from marx.tasker.preparing import Prepared, prepare_task, say_what_stays, screen_for, server_for, submit
from marx.tasker.request import ItemChoice, MapRequest, View, map_terms
from marx.tasker.screen import Screen
from marx.tasker.session import Session
from marx.tasker.streams import Inlet
from marx.tasker.submit import ReadAhead, TaskEnded, add_items, add_range
from marx.tasker.surroundings import Surroundings
from marx.tasker.target import find_target
from marx.tasker.watching import CancellingWatch, GivenUp, results_outlet, sentence_of, watch_map


@dataclass(frozen=True, slots=True)
class PreparedMap(Prepared):
    """A map that is ready to be submitted, its first items read."""

    items: Items
    ahead: ReadAhead


async def run_map(request: MapRequest, around: Surroundings) -> int:
    """The whole command; its exit code. Raises Trouble."""
    prepared = await prepare(request, around)
    view = request.view
    screen = screen_for(request, around)
    await say_what_stays(prepared.bundle, screen)
    output = view.output and os.path.join(around.place.folder, view.output)
    with results_outlet(screen, output, around.reactor) as write:
        async with server_for(request, prepared, around, screen) as opened:
            if view.detach:
                await screen.write_results(f"{await _submit_all(opened, prepared)}\n".encode())
                return OK
            return await submit_and_watch(opened, prepared, view, write, request.artifacts)


async def prepare(request: MapRequest, around: Surroundings, items: Items | None = None) -> PreparedMap:
    """Look at the program, its files and the first items (those of ``request`` unless given). Nothing is sent. Raises Trouble."""
    target = find_target(request.target, request.is_module, around.place.folder)
    items = items or open_items(request.items, around)
    ahead = await ReadAhead(items.codec, items.packs).fill()
    task = prepare_task(request, target, request.items.strings, around)
    task.spec.update(map_terms(target, request.terms), codec=items.codec, args=list(items.args), total=items.total)
    return PreparedMap(task.spec, task.manifest, task.bundle, task.secrets, items, ahead)


def open_items(choice: ItemChoice, around: Surroundings) -> Items:
    """The source that was chosen. Raises Trouble where several were, or none, or there is no such file."""
    chosen = [name for name in ("strings", "lines", "range", "csv", "glob") if getattr(choice, name)]
    if len(chosen) > 1:
        raise Trouble("give items as arguments or by one of --items, --range, --csv and --glob, not by several", USAGE)
    if choice.lines == "-":
        return items_of_json_lines("standard input", Inlet(around.streams.stdin, around.reactor))
    if choice.lines:
        return items_of_json_lines(choice.lines, Inlet(open(_file(choice.lines, around), "rb"), around.reactor))
    if choice.range:
        return items_of_range(choice.range)
    if choice.csv:
        return items_of_csv(_file(choice.csv, around))
    if choice.glob:
        return items_of_glob(choice.glob, around.place.folder)
    return items_of_strings(choice.strings)


def _file(name: str, around: Surroundings) -> str:
    path = os.path.join(around.place.folder, name)
    if not os.path.exists(path) or os.path.isdir(path):
        raise Trouble(f"{name}: {'a folder' if os.path.isdir(path) else 'no such file'}", NO_FILE)
    return path


async def submit_and_watch(
    opened: Session, prepared: PreparedMap, view: View, write: Callable[[bytes], Awaitable[None]], artifacts: str | None = None
) -> int:
    """Submit, show until the end, bring the files home; the exit code. ``write`` takes the result lines."""
    watching = watch_map(opened, await submit(opened, prepared), view, write)
    adding = Deferred.fromCoroutine(_add(opened, watching.task, prepared))
    adding.addErrback(lambda failure: None if failure.check(TaskEnded) else watching.following.stop(GivenUp(failure.value)))
    try:
        ended, code = await CancellingWatch(opened, watching).run()
    finally:
        adding.cancel()
    if ended is not None:
        await bring_home(opened, ended["id"], prepared.spec["submitted_from"], artifacts)
        await _say_how_it_ended(opened.screen, ended)
    return code


async def _submit_all(opened: Session, prepared: PreparedMap) -> str:
    """Submit with all items; the task's id, once everything is durable."""
    task = await submit(opened, prepared)
    try:
        await _add(opened, task, prepared)
    except TaskEnded:
        pass  # it is the task's id that was asked for; list and show say how it ended
    return task


async def _add(opened: Session, task: str, prepared: PreparedMap) -> None:
    if prepared.items.codec == "range":
        await add_range(opened.connection, task, prepared.items)
    else:
        await add_items(opened.connection, task, prepared.ahead)


async def _say_how_it_ended(screen: Screen, ended: dict[str, Any]) -> None:
    sentence = sentence_of(ended)
    if sentence and ended["state"] == "done":
        await screen.say(sentence)
    elif sentence:
        await screen.complain(sentence)
