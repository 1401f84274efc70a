"""
A program's standard input: which it is, and sending it to the server as it comes.
"""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass
from math import inf
from typing import Any

from twisted.internet.defer import CancelledError, Deferred

from marx.tasker.exits import NO_FILE, USAGE, Trouble
from marx.tasker.link import Connection
from marx.tasker.request import RunRequest
from marx.tasker.streams import Inlet, Keyboard, Source, is_null
from marx.tasker.surroundings import Surroundings
from marx.tasker.window import Window
from marx.wire.tasker import PutInput

#: Parts of input under way at once; what comes meanwhile waits in the pipe, so that a slow server gets fewer and larger parts.
PARTS_AT_ONCE = 4


@dataclass(frozen=True, slots=True)
class StandardInput:
    """
    What a program will read. ``spec``: None (nothing), "stream", or the SHA-256 of the file at ``path``.

    ``source``: of a stream, where it comes from.
    """

    spec: str | None = None
    path: str | None = None
    source: Source | None = None


def choose_input(request: RunRequest, around: Surroundings) -> StandardInput:
    """The file that was named; else this command's own input, unless nobody would send it (--detach). Raises Trouble."""
    stdin = around.streams.stdin
    if request.stdin is not None:
        return _whole_file(request.stdin, around.place.folder)
    if request.view.detach or is_null(stdin):
        return StandardInput()
    return StandardInput("stream", source=Keyboard(stdin, around.reactor) if stdin.isatty() else Inlet(stdin, around.reactor))


def _whole_file(name: str, folder: str) -> StandardInput:
    path = os.path.join(folder, name)
    if path == os.devnull:
        return StandardInput()
    if not os.path.exists(path):
        raise Trouble(f"--stdin {name}: no such file", NO_FILE)
    if not os.path.isfile(path):
        raise Trouble(f"--stdin {name}: not a file that can be sent whole; let tasker read it as its own standard input instead", USAGE)
    with open(path, "rb") as file:
        return StandardInput(hashlib.file_digest(file, "sha256").hexdigest(), path)


async def send_input(connection: Connection, task: str, source: Source) -> None:
    """
    Send what ``source`` gives, part by part, and say where it ends; returns when all of it is durable, or the task takes no more.

    A part that a lost connection left unanswered is sent again: the server knows it by its offset. Raises :class:`Trouble`.
    """
    window = Window(PARTS_AT_ONCE)
    offset = 0
    part = None
    standing_by: Deferred[None] = Deferred.fromCoroutine(_stand_by(connection, task))
    standing_by.addErrback(lambda failure: failure.trap(Trouble, CancelledError) and None)
    try:
        while part != b"":
            part = await _read(source)
            await window.wait_for_room()
            window.add(_put(connection, task, offset, part))
            offset += len(part)
        await window.drain()
    except Trouble as trouble:
        if trouble.code != NO_FILE:
            raise
    finally:
        standing_by.cancel()


async def _stand_by(connection: Connection, task: str) -> None:
    """Say on each new connection that we are there: nobody may have typed yet, and the server may be another process."""
    while True:
        link = await connection.link()
        await connection.ask_until_answered(PutInput, task=task, offset=0, part=b"", final=False)
        await link.wait_lost()


async def _read(source: Source) -> bytes:
    """Input that cannot be read (a folder, a terminal that is gone) is at its end, as any program would find it."""
    try:
        return await source.read()
    except OSError:
        return b""


def _put(connection: Connection, task: str, offset: int, part: bytes) -> Deferred[Any]:
    # A program that does not read lets the answer wait for as long as it likes; a lost connection is noticed by its heartbeat.
    asking = connection.ask_until_answered(PutInput, within_seconds=inf, task=task, offset=offset, part=part, final=not part)
    return Deferred.fromCoroutine(asking)
