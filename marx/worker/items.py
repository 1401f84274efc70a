"""
The item packs that the server has left with this worker.

A pack stays until the server drops it and no chunk that is held touches it. The server carries packs before the grants that need them, so
what a grant names is here; after the connection was lost it carries them anew, and what nobody holds may go.
"""

from __future__ import annotations

from bisect import bisect_right, insort
from typing import Callable, Iterable

from marx.wire.packs import ItemPack
from marx.worker.assignments import Chunk

Key = tuple[str, int, int]


class MissingItems(Exception):
    """A chunk's items were never sent; the text is one sentence."""


class Items:
    """``removed`` is called with the task, portion and first item of each pack that goes, for those who gave it to runners."""

    def __init__(self, removed: Callable[[str, int, int], None]) -> None:
        self._removed = removed
        self._packs: dict[Key, ItemPack] = {}
        self._firsts: dict[tuple[str, int], list[int]] = {}
        self._holds: dict[Key, int] = {}
        self._held: dict[int, list[Key]] = {}
        self._dropped: set[Key] = set()

    def carry(self, task: str, portion: int, pack: ItemPack) -> None:
        """The server sent a pack."""
        key = (task, portion, pack.first)
        if key not in self._packs:
            insort(self._firsts.setdefault((task, portion), []), pack.first)
        self._packs[key] = pack
        self._dropped.discard(key)

    def needed(self, chunk: Chunk) -> list[ItemPack]:
        """The packs that hold the items of a chunk, in order. Raises :class:`MissingItems`."""
        firsts = self._firsts.get((chunk.task, chunk.portion), [])
        at, packs, reached = bisect_right(firsts, chunk.first) - 1, [], chunk.first
        while reached < chunk.stop:
            pack = self._packs[chunk.task, chunk.portion, firsts[at]] if 0 <= at < len(firsts) else None
            if pack is None or not pack.first <= reached < pack.first + pack.count:
                raise MissingItems(f"item {reached} of portion {chunk.portion} was not sent to this worker")
            packs.append(pack)
            reached = pack.first + pack.count
            at += 1
        return packs

    def hold(self, chunk: Chunk) -> list[ItemPack]:
        """A chunk was granted: the packs that it needs stay. Raises :class:`MissingItems`."""
        packs = self.needed(chunk)
        keys = self._held[chunk.fence] = [(chunk.task, chunk.portion, pack.first) for pack in packs]
        for key in keys:
            self._holds[key] = self._holds.get(key, 0) + 1
        return packs

    def release(self, chunk: Chunk) -> None:
        """A chunk is over, and was held if it has items."""
        for key in self._held.pop(chunk.fence, ()):
            self._holds[key] -= 1
            if not self._holds[key]:
                del self._holds[key]
                if key in self._dropped:
                    self._remove(key)

    def drop(self, keys: Iterable[Key]) -> None:
        """The server counts on these packs no more."""
        for key in keys:
            if key in self._holds:
                self._dropped.add(key)
            elif key in self._packs:
                self._remove(key)

    def drop_all(self) -> None:
        """The connection was lost: the server will carry anew what later grants need."""
        self.drop(list(self._packs))

    def forget(self, task: str) -> None:
        """Nothing of this task will be granted any more."""
        self.drop([key for key in self._packs if key[0] == task])

    def _remove(self, key: Key) -> None:
        task, portion, first = key
        del self._packs[key]
        self._dropped.discard(key)
        firsts = self._firsts[task, portion]
        firsts.remove(first)
        if not firsts:
            del self._firsts[task, portion]
        self._removed(task, portion, first)
