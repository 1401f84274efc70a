"""
Blobs to the server and back, in parts, a window of them at a time; neither end ever holds a whole one.
"""

from __future__ import annotations

from collections import deque
from typing import Any, AsyncIterator, Iterable, Mapping

from twisted.internet.defer import Deferred

from marx.tasker.link import Connection, TaskerLink
from marx.tasker.manifest import Manifest, parts_of, parts_of_bytes
from marx.tasker.window import Window
from marx.wire.blobs import PART_BYTES, WINDOW, AskBlobs, GetBlob, PutBlob

#: Digests asked about in one call.
ASK_AT_ONCE = 1_000

Parts = Iterable[tuple[int, int, bytes]]


async def send_manifest(link: TaskerLink, manifest: Manifest) -> None:
    """Send the list of files, and the files that the server does not have. Raises :class:`WireError`."""
    digests = [manifest.digest, *manifest.files]
    for start in range(0, len(digests), ASK_AT_ONCE):
        answer = await link.ask(AskBlobs, digests=digests[start : start + ASK_AT_ONCE])
        for digest in answer["missing"]:
            parts = parts_of(manifest.files[digest], PART_BYTES) if digest in manifest.files else parts_of_bytes(manifest.text, PART_BYTES)
            await send_blob(link, digest, parts)


async def send_blob(link: TaskerLink, digest: str, parts: Parts, task: str | None = None) -> None:
    """Send one blob, for a ``task`` that is there already; returns when it is durable. Raises :class:`WireError`."""
    window = Window(WINDOW)
    for offset, total, part in parts:
        await window.wait_for_room()
        window.add(link.ask(PutBlob, digest=digest, offset=offset, total=total, part=part, task=task))
    await window.drain()


async def fetch_blob(connection: Connection, task: str, digest: str) -> AsyncIterator[bytes]:
    """The parts of a blob of ``task``, in order, going on where a lost connection left off. Raises :class:`Trouble`."""
    first = await _part(connection, task, digest, 0)
    yield first["part"]
    total: int = first["total"]
    offsets = iter(range(len(first["part"]), total, PART_BYTES)) if total > len(first["part"]) else iter(())
    under_way: deque[Deferred[Mapping[str, Any]]] = deque()
    try:
        while True:
            for offset in offsets:
                under_way.append(Deferred.fromCoroutine(_part(connection, task, digest, offset)))
                if len(under_way) >= WINDOW:
                    break
            if not under_way:
                return
            yield (await under_way.popleft())["part"]
    finally:
        for rest in under_way:
            rest.addErrback(lambda _: None)


def _part(connection: Connection, task: str, digest: str, offset: int) -> Any:
    return connection.ask_until_answered(GetBlob, digest=digest, offset=offset, task=task)
