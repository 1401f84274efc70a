"""
What one worker has been sent, and what it must be sent before it is granted more.

Item packs go before the grants that need them, on the same link, so order alone makes a grant complete. The server decides what a worker
keeps: it drops the packs least recently needed beyond a limit.
"""

from __future__ import annotations

from collections import OrderedDict
from typing import Sequence

from twisted.internet.defer import Deferred, ensureDeferred, succeed
from twisted.logger import Logger
from twisted.python.failure import Failure

from marx.core.model import Lease
from marx.server.items import PACK_BYTES, ItemShelf, Key
from marx.wire.calls import GuardedLink
from marx.wire.packs import ItemPack
from marx.wire.worker import CarryItems, DropItems, GrantChunks

log = Logger()

#: Bytes of item packs that are left with one worker: some dozens of full packs, so that neighbouring chunks share theirs.
CARRIED_BYTES = 8_000_000


class Carrier:
    """Sends grants over ``link``, each behind the packs that it needs."""

    def __init__(self, link: GuardedLink, shelf: ItemShelf) -> None:
        self._link = link
        self._shelf = shelf
        self._carried: OrderedDict[Key, int] = OrderedDict()
        self._size = 0
        self._behind: Deferred[None] = succeed(None)

    def grant(self, leases: Sequence[Lease]) -> None:
        """Send these, now if all their packs are at hand; else when they were read, and later grants behind them."""
        missing = [key for lease in leases for key in self._needed(lease) if key not in self._carried]
        packs = {key: self._shelf.at_hand(*key) for key in missing}
        if self._behind.called and None not in packs.values():
            self._send(leases, packs)
            return
        self._behind.addCallback(lambda _: ensureDeferred(self._fetch_and_send(leases)))
        self._behind.addErrback(self._broke)

    def forget(self, task: str) -> None:
        """The worker was told to forget this task, packs included."""
        for key in [key for key in self._carried if key[0] == task]:
            self._size -= self._carried.pop(key)

    def _needed(self, lease: Lease) -> list[Key]:
        return [(lease.task, lease.portion, first) for first in self._shelf.firsts(lease.task, lease.portion, lease.first, lease.count)]

    async def _fetch_and_send(self, leases: Sequence[Lease]) -> None:
        needed = [key for lease in leases for key in self._needed(lease) if key not in self._carried]
        self._send(leases, {key: await self._shelf.fetch(*key) for key in needed})

    def _send(self, leases: Sequence[Lease], packs: dict[Key, ItemPack]) -> None:
        for (task, portion, first), pack in packs.items():
            self._carry(task, portion, pack)
        needed = {key for lease in leases for key in self._needed(lease)}
        for key in needed:
            self._carried.move_to_end(key)
        self._drop_old(keep=len(needed))
        grants = [[lease.fence, lease.task, lease.portion, lease.first, lease.count, lease.slot, lease.attempt] for lease in leases]
        copies = [lease.fence for lease in leases if lease.is_copy]
        self._link.tell(GrantChunks, grants=grants, copies=copies or None)

    def _carry(self, task: str, portion: int, pack: ItemPack) -> None:
        self._link.tell(
            CarryItems,
            task=task,
            portion=portion,
            first=pack.first,
            count=pack.count,
            codec=pack.codec,
            args=list(pack.args),
            payload=pack.payload,
            blob=pack.blob,
        )
        self._carried[task, portion, pack.first] = size = len(pack.payload) + PACK_BYTES
        self._size += size

    def _drop_old(self, keep: int) -> None:
        dropped = []
        while self._size > CARRIED_BYTES and len(self._carried) > keep:
            key, size = self._carried.popitem(last=False)
            self._size -= size
            dropped.append(list(key))
        if dropped:
            self._link.tell(DropItems, packs=dropped)

    def _broke(self, failure: Failure) -> None:
        """Items could not be read: the worker would wait for ever, so it is dropped, and its leases run out."""
        log.failure("carrying items failed", failure)
        self._link.hang_up()
