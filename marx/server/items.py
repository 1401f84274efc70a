"""
Item packs on their way to the workers: a bounded window of memory over the store.

What was just submitted is still here when it is granted; what was pushed out is read back. Where the packs of a portion begin is kept
whole, at 8 bytes a pack. The server never opens a pack.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left, bisect_right
from collections import OrderedDict
from typing import Iterable

from marx.server.store import Store
from marx.wire.packs import ItemPack

#: Bytes that a pack counts beside its payload.
PACK_BYTES = 200

Key = tuple[str, int, int]


class ItemShelf:
    """``limit``: bytes of packs held in memory at the most, all tasks together."""

    def __init__(self, store: Store, limit: int) -> None:
        self._store = store
        self._limit = limit
        self._size = 0
        self._packs: OrderedDict[Key, ItemPack] = OrderedDict()
        self._firsts: dict[tuple[str, int], array[int]] = {}

    def put(self, task: str, portion: int, pack: ItemPack) -> None:
        """The next pack of a portion, in order."""
        firsts = self._firsts.setdefault((task, portion), array("Q"))
        if not firsts or firsts[-1] < pack.first:
            firsts.append(pack.first)
        self._keep((task, portion, pack.first), pack)

    def restore(self, task: str, portion: int, firsts: Iterable[int]) -> None:
        """Where the packs of a portion begin, from the store, after a restart."""
        self._firsts[task, portion] = array("Q", firsts)

    def forget(self, task: str) -> None:
        """Nothing more of this task will be granted."""
        for portion in [key[1] for key in self._firsts if key[0] == task]:
            for first in self._firsts.pop((task, portion)):
                self._discard((task, portion, first))

    def firsts(self, task: str, portion: int, first: int, count: int) -> list[int]:
        """Where the packs begin that hold items ``first`` to ``first + count``."""
        firsts = self._firsts[task, portion]
        return firsts[bisect_right(firsts, first) - 1 : bisect_left(firsts, first + count)].tolist()

    def at_hand(self, task: str, portion: int, first: int) -> ItemPack | None:
        """The pack that begins at ``first`` if it is in memory."""
        key = (task, portion, first)
        if key in self._packs:
            self._packs.move_to_end(key)
        return self._packs.get(key)

    async def fetch(self, task: str, portion: int, first: int) -> ItemPack:
        """The pack that begins at ``first``, read from the store if need be."""
        pack = self.at_hand(task, portion, first)
        if pack is None:
            pack = await self._store.item_pack(task, portion, first)
            self._keep((task, portion, first), pack)
        return pack

    def _keep(self, key: Key, pack: ItemPack) -> None:
        self._discard(key)
        self._packs[key] = pack
        self._size += len(pack.payload) + PACK_BYTES
        while self._size > self._limit and len(self._packs) > 1:
            self._discard(next(iter(self._packs)))

    def _discard(self, key: Key) -> None:
        pack = self._packs.pop(key, None)
        if pack is not None:
            self._size -= len(pack.payload) + PACK_BYTES
