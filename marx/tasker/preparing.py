"""
What ``map`` and ``run`` do alike: find the Python, gather the files, write the specification, reach a server, submit.
"""

from __future__ import annotations

from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from random import SystemRandom
from secrets import token_hex
from typing import Any, AsyncIterator, Mapping, Sequence

from marx.tasker.bundle import WHOLE_BYTES, WHOLE_FILES, Bundle, gather
from marx.tasker.exits import USAGE, Trouble
from marx.tasker.link import TaskerLink
from marx.tasker.manifest import Manifest, make_manifest
from marx.tasker.request import Request, make_spec, read_secrets, secret_files
from marx.tasker.screen import Screen, wants_live_line
from marx.tasker.session import Session, session
from marx.tasker.submit import submit_task
from marx.tasker.surroundings import Surroundings
from marx.tasker.target import Target, local_python, python_wanted, read_source
from marx.tasker.transfer import send_manifest

#: The sandbox level that keeps what INTERFACE promises; a lower one is said.
FULL_SANDBOX = "bwrap"


@dataclass(frozen=True, slots=True)
class Prepared:
    """A task that is ready to be submitted. ``spec`` lacks nothing."""

    spec: dict[str, Any]
    manifest: Manifest
    bundle: Bundle
    secrets: Mapping[str, str] = field(repr=False)


def prepare_task(request: Request, target: Target, arguments: Sequence[str], around: Surroundings) -> Prepared:
    """
    Look at the program and its files; the specification lacks what only its kind has. Nothing is sent. Raises Trouble.

    ``arguments``: strings that may name files.
    """
    if request.view.detach and request.local is not None:
        raise Trouble("--detach needs a server that stays; --local ends with this command", USAGE)
    place = around.place
    python = _python_for(request, target, around)
    bundle = gather(target, place.folder, place.home, arguments, request.files)
    if request.terms.secrets:
        # Before anything is read of the files: a folder that travels whole may hold them.
        bundle = bundle.without(secret_files(request.terms.secrets, place.folder))
    manifest = make_manifest(bundle)
    spec = make_spec(request.terms, target, python, around.environ, SystemRandom().randrange)
    roots = list(bundle.roots)
    spec.update(cwd=place.folder, roots=roots, manifest=manifest.digest)
    left = {"host": place.host, "folder": place.folder, "roots": roots}
    spec["submitted_from"] = {**left, "utc": around.wall(), "manifest": manifest.digest}
    secrets = read_secrets(request.terms.secrets, spec["env"], place.folder)
    spec["secrets"] = sorted(secrets)
    return Prepared(spec, manifest, bundle, secrets)


def _python_for(request: Request, target: Target, around: Surroundings) -> str:
    source = read_source(target.path) if target.path else b""
    wanted = request.terms.python or python_wanted(source)
    return wanted if request.local is None else local_python(wanted, around.environ)


def screen_for(request: Request, around: Surroundings) -> Screen:
    """Where the task is shown."""
    view = request.view
    live = wants_live_line(view.progress, view.quiet, around.streams, around.environ) and not view.detach
    return Screen(around.streams, around.reactor, live, view.quiet)


async def say_what_stays(bundle: Bundle, screen: Screen) -> None:
    """What a person might expect to travel, and does not."""
    for folder in bundle.left:
        limit = f"{WHOLE_FILES:,} files or {WHOLE_BYTES // 1_000_000} MB"
        await screen.say(f"{folder} has more than {limit}: only what the program names goes along, and what --file does")
    for name in bundle.outside:
        await screen.say(f"{name} lies outside of {bundle.roots[0]} and stays at home; --file {name} takes it along")


@asynccontextmanager
async def server_for(request: Request, prepared: Prepared, around: Surroundings, screen: Screen) -> AsyncIterator[Session]:
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


async def submit(opened: Session, prepared: Prepared) -> str:
    """
    Send the files, then the specification; the task's id, when it is durable. Raises Trouble.

    Where the connection is lost all of it begins again, since a server that was started anew does not know who sent which files. By the
    key it knows a task that it had taken already.
    """
    key = token_hex(16)

    async def over(link: TaskerLink) -> str:
        await send_manifest(link, prepared.manifest)
        return await submit_task(link, prepared.spec, key, prepared.secrets)

    return await opened.connection.over_one_link(over)
