"""What the items of a portion weigh in memory, by the packs that they came in."""

from __future__ import annotations

from array import array
from bisect import bisect_left, bisect_right


class Weights:
    """Kept at 16 bytes a pack. Items that weigh nothing, those of a range and those that lie in files, need no pack here."""

    __slots__ = ("_firsts", "_before", "_total")

    def __init__(self) -> None:
        self._firsts = array("Q")
        self._before = array("Q")
        self._total = 0

    def add(self, first: int, weight: int) -> None:
        """A pack of so many bytes begins at item ``first``, behind all others."""
        self._firsts.append(first)
        self._before.append(self._total)
        self._total += weight

    def of(self, first: int, stop: int) -> int:
        """Bytes of all packs that hold items from ``first`` to before ``stop``: a pack is carried whole."""
        return self._weight_before(bisect_left(self._firsts, stop)) - self._weight_before(self._pack_of(first))

    def reach(self, first: int, limit: int) -> int | None:
        """How many items from ``first`` on lie in packs of ``limit`` bytes together, those of the first pack at least; None: all that follow."""
        begin = self._pack_of(first)
        reached = self._weight_before(begin) + limit
        if self._total <= reached:
            return None
        end = max(begin + 1, bisect_right(self._before, reached) - 1)
        return self._firsts[end] - first if end < len(self._firsts) else None

    def _pack_of(self, item: int) -> int:
        return max(0, bisect_right(self._firsts, item) - 1)

    def _weight_before(self, pack: int) -> int:
        return self._before[pack] if pack < len(self._before) else self._total
