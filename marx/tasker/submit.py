"""
Submitting a task: its specification, then its items, pack by pack, each answered when it is durable.
"""

from __future__ import annotations

import hashlib
from collections import deque
from dataclasses import dataclass, field
from typing import Any, AsyncIterator, Awaitable, Mapping

from marx.tasker.items import Items
from marx.tasker.link import Connection, TaskerLink, trouble_of
from marx.tasker.manifest import parts_of_bytes
from marx.tasker.transfer import send_blob
from marx.tasker.window import Window
from marx.wire.blobs import PART_BYTES, AskBlobs
from marx.wire.calls import NotFound, WireError
from marx.wire.packs import BLOB_FROM, ItemPack
from marx.wire.tasker import AddItems, ShowTask, SubmitTask

#: Packs of items under way at once; the server commits those that wait together.
PACKS_AT_ONCE = 16
#: Packs read before anything is submitted, so that a broken line near the beginning costs nothing (about 3 MB).
PACKS_AHEAD = 64


class TaskEnded(Exception):
    """The task takes no more items: it was cancelled or has failed. Whoever watches it knows more."""


@dataclass(slots=True)
class ReadAhead:
    """Item packs of which the first were read already. ``is_whole``: that was all."""

    codec: str
    packs: AsyncIterator[ItemPack]
    read: deque[ItemPack] = field(default_factory=deque)
    is_whole: bool = False

    async def fill(self, limit: int = PACKS_AHEAD) -> ReadAhead:
        """Read up to ``limit`` packs. Raises what reading raises, such as :class:`BrokenLine`."""
        while len(self.read) < limit and not self.is_whole:
            pack = await anext(self.packs, None)
            if pack is None:
                self.is_whole = True
            else:
                self.read.append(pack)
        return self

    async def next(self) -> ItemPack | None:
        """The next pack; None at the end."""
        if not self.read:
            await self.fill(1)
        return self.read.popleft() if self.read else None


async def submit_task(link: TaskerLink, spec: dict[str, Any], key: str, secrets: Mapping[str, str]) -> str:
    """The task's id, when it is durable: a new one, unless it was submitted under this ``key`` before. Raises :class:`WireError`."""
    return (await link.ask(SubmitTask, spec=spec, key=key, secrets=dict(secrets) or None))["task"]


async def add_range(connection: Connection, task: str, items: Items) -> None:
    """All of a range's items, which need no packs. Raises :class:`TaskEnded`, and :class:`Trouble`."""
    sender = ItemsSender(connection, task, "range")
    await sender.send(ItemPack(0, items.total or 0, "range", args=items.args), final=True)
    await sender.finish()


async def add_items(connection: Connection, task: str, ahead: ReadAhead) -> None:
    """Send every pack as it is read, the last marked final. Raises what reading raises, :class:`TaskEnded`, and :class:`Trouble`."""
    sender = ItemsSender(connection, task, ahead.codec)
    pack = await ahead.next()
    while pack is not None:
        following = await ahead.next() if ahead.read or ahead.is_whole else None
        is_last = ahead.is_whole and following is None
        await sender.send(pack, final=is_last)
        pack = following if following is not None or is_last else await ahead.next()
    await sender.finish()


class ItemsSender:
    """Sends packs in order over a window, again from the first that is not durable where a connection was lost."""

    def __init__(self, connection: Connection, task: str, codec: str) -> None:
        self._connection = connection
        self._task = task
        self._codec = codec
        self._unanswered: deque[tuple[ItemPack, bool]] = deque()
        self._link: TaskerLink | None = None
        self._window = Window(PACKS_AT_ONCE)
        self._count = 0
        self._is_final = False

    async def send(self, pack: ItemPack, final: bool) -> None:
        """Send one pack as soon as the window has room for it."""
        if len(pack.payload) >= BLOB_FROM:
            pack = await self._as_blob(pack)
        self._count = pack.first + pack.count
        self._is_final = final
        await self._send_over_any(pack, final)

    async def finish(self) -> None:
        """Say that this was all, where no pack said it, and wait until everything is durable."""
        if not self._is_final:
            await self.send(ItemPack(self._count, 0, self._codec), final=True)
        while self._unanswered:
            await self._settle()

    async def _as_blob(self, pack: ItemPack) -> ItemPack:
        digest = hashlib.sha256(pack.payload).hexdigest()

        def over(link: TaskerLink) -> Awaitable[None]:
            return send_blob(link, digest, parts_of_bytes(pack.payload, PART_BYTES), self._task)

        await self._connection.over_one_link(over)
        return ItemPack(pack.first, pack.count, pack.codec, blob=digest)

    async def _send_over_any(self, pack: ItemPack, final: bool) -> None:
        self._unanswered.append((pack, final))
        try:
            link = await self._current_link()
            await self._window.wait_for_room()
        except WireError as error:
            await self._again(error)
        else:
            self._post(link, pack, final)

    async def _settle(self) -> None:
        try:
            await self._current_link()
            await self._window.drain()
        except WireError as error:
            await self._again(error)

    async def _current_link(self) -> TaskerLink:
        if self._link is None:
            self._link = await self._connection.link()
        return self._link

    async def _again(self, error: WireError) -> None:
        """Over a new connection, what the server does not have of what is unanswered."""
        if isinstance(error, NotFound):
            raise TaskEnded from error
        if self._link is None or self._link.up:
            raise trouble_of(error) or error from error
        shown = (await self._connection.ask_until_answered(ShowTask, task=self._task))["shown"]
        rest = [(pack, final) for pack, final in self._unanswered if pack.first + pack.count > shown["total"] or (final and not shown["final"])]
        self._unanswered = deque(rest)
        # A server that was started anew learns by this that we may name them.
        blobs = [pack.blob for pack, _ in rest if pack.blob is not None]
        if blobs:
            await self._connection.ask_until_answered(AskBlobs, digests=blobs)
        self._link = await self._connection.link()
        self._window = Window(max(PACKS_AT_ONCE, len(rest)))
        for pack, final in rest:
            await self._window.wait_for_room()
            self._post(self._link, pack, final)

    def _post(self, link: TaskerLink, pack: ItemPack, final: bool) -> None:
        answer = link.ask(
            AddItems,
            task=self._task,
            portion=0,
            first=pack.first,
            count=pack.count,
            codec=pack.codec,
            args=list(pack.args),
            payload=None if pack.blob or pack.codec == "range" else pack.payload,
            blob=pack.blob,
            final=final,
        )
        answer.addCallback(self._answered, (pack, final))
        self._window.add(answer)

    def _answered(self, _: Any, sent: tuple[ItemPack, bool]) -> None:
        if sent in self._unanswered:
            self._unanswered.remove(sent)
