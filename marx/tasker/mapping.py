"""
``tasker map``: from what was typed to the last result.
"""

from __future__ import annotations

import os
from contextlib import asynccontextmanager
from dataclasses import dataclass
from random import SystemRandom
from typing import Any, AsyncIterator, Awaitable, Callable

from twisted.internet.defer import Deferred

from marx.tasker.artifacts import bring_home
from marx.tasker.bundle import WHOLE_BYTES, WHOLE_FILES, Bundle, gather
from marx.tasker.exits import NO_FILE, OK, USAGE, Trouble
from marx.tasker.items import Items, items_of_csv, items_of_glob, items_of_json_lines, items_of_range, items_of_strings
from marx.tasker.manifest import Manifest, make_manifest
from marx.tasker.request import ItemChoice, MapRequest, View, make_spec
from marx.tasker.screen import Screen, wants_live_line
from marx.tasker.session import Session, session
from marx.tasker.streams import Inlet
from marx.tasker.submit import ReadAhead, TaskEnded, add_items, add_range, submit_task
from marx.tasker.surroundings import Surroundings
from marx.tasker.target import Target, find_target, local_python, python_wanted, read_source
from marx.tasker.transfer import send_manifest
from marx.tasker.watching import CancellingWatch, GivenUp, Watching, results_outlet, sentence_of

#: The sandbox level that keeps what INTERFACE promises; a lower one is said.
FULL_SANDBOX = "bwrap"


@dataclass(frozen=True, slots=True)
class Prepared:
    """A map that is ready to be submitted. ``spec`` lacks nothing."""

    spec: dict[str, Any]
    manifest: Manifest
    items: Items
    ahead: ReadAhead
    bundle: Bundle


async def run_map(request: MapRequest, around: Surroundings) -> int:
    """The whole command; its exit code. Raises Trouble."""
    prepared = await prepare(request, around)
    view = request.view
    live = wants_live_line(view.progress, view.quiet, around.streams, around.environ) and not view.detach
    screen = Screen(around.streams, around.reactor, live, view.quiet)
    await _say_what_stays(prepared.bundle, screen)
    output = view.output and os.path.join(around.place.folder, view.output)
    with results_outlet(screen, output, around.reactor) as write:
        async with _server_for(request, prepared, around, screen) as opened:
            if view.detach:
                await screen.write_results(f"{await _submit_all(opened, prepared)}\n".encode())
                return OK
            return await submit_and_watch(opened, prepared, view, write, request.artifacts)


async def prepare(request: MapRequest, around: Surroundings, items: Items | None = None) -> Prepared:
    """Look at the program, its files and the first items (those of ``request`` unless given). Nothing is sent. Raises Trouble."""
    if request.view.detach and request.local is not None:
        raise Trouble("--detach needs a server that stays; --local ends with this command", USAGE)
    place = around.place
    target = find_target(request.target, request.is_module, place.folder)
    items = items or open_items(request.items, around)
    ahead = await ReadAhead(items.codec, items.packs).fill()
    python = _python_for(request, target, around)
    bundle = gather(target, place.folder, place.home, request.items.strings, request.files)
    manifest = make_manifest(bundle)
    spec = make_spec(request, target, python, around.environ, SystemRandom().randrange)
    roots = list(bundle.roots)
    spec.update(cwd=place.folder, roots=roots, manifest=manifest.digest, codec=items.codec, args=list(items.args), total=items.total)
    spec["submitted_from"] = {"host": place.host, "folder": place.folder, "utc": around.wall(), "roots": roots}
    return Prepared(spec, manifest, items, ahead, bundle)


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


def _python_for(request: MapRequest, target: Target, around: Surroundings) -> str:
    source = read_source(target.path) if target.path else b""
    wanted = request.terms.python or python_wanted(source)
    return wanted if request.local is None else local_python(wanted, around.environ)


async def _say_what_stays(bundle: Bundle, screen: Screen) -> None:
    for folder in bundle.left:
        limit = f"{WHOLE_FILES:,} files or {WHOLE_BYTES // 1_000_000} MB"
        await screen.say(f"{folder} has more than {limit}: only what the program names goes along, and what --file does")


@asynccontextmanager
async def _server_for(request: MapRequest, prepared: Prepared, around: Surroundings, screen: Screen) -> AsyncIterator[Session]:
    """The login's server, or one of our own for ``--local``, whose one worker has the interpreter that was chosen and no other."""
    if request.local is None:
        async with session(around, around.reach.login(request.server), screen) as opened:
            yield opened
        return
    embedded = await around.reach.embed(request.local, prepared.spec["python"], request.terms.sandbox)
    prepared.spec["python"] = ""
    try:
        if embedded.level != FULL_SANDBOX and request.terms.sandbox is None:
            await screen.say(f"the program runs in a {embedded.level} sandbox; bubblewrap (apt install bubblewrap) gives a full one")
        async with session(around, embedded.connect, screen) as opened:
            yield opened
    finally:
        await embedded.stop()


async def submit_and_watch(
    opened: Session, prepared: Prepared, view: View, write: Callable[[bytes], Awaitable[None]], artifacts: str | None = None
) -> int:
    """Submit, show until the end, bring the files home; the exit code. ``write`` takes the result lines."""
    watching = Watching(opened, await _submit(opened, prepared), view, write)
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


async def _submit(opened: Session, prepared: Prepared) -> str:
    await send_manifest(opened.connection, prepared.manifest)
    return await submit_task(opened.connection, prepared.spec)


async def _submit_all(opened: Session, prepared: Prepared) -> str:
    """Submit with all items; the task's id, once everything is durable."""
    task = await _submit(opened, prepared)
    try:
        await _add(opened, task, prepared)
    except TaskEnded:
        pass  # it is the task's id that was asked for; list and show say how it ended
    return task


async def _add(opened: Session, task: str, prepared: Prepared) -> None:
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
