"""Which items: a set of integers kept as its runs, so that ten million of them cost two numbers.

Every range is half-open, ``(first, stop)``; an empty or backward one holds nothing.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from typing import Iterable, Iterator

from marx.core.model import Range


class RangeSet:
    """A set of items that is changed in place; equal sets have equal runs.

    Operations cost O(log runs + runs touched), besides moving a list's tail, which is a memmove.
    ``len`` is the number of items, iteration goes over the runs in order.
    """

    __slots__ = ("_starts", "_stops", "_size")

    def __init__(self, ranges: Iterable[Range] = ()) -> None:
        self._starts: list[int] = []
        self._stops: list[int] = []
        self._size = 0
        for first, stop in ranges:
            self.add(first, stop)

    def __len__(self) -> int:
        return self._size

    def __bool__(self) -> bool:
        return self._size > 0

    def __iter__(self) -> Iterator[Range]:
        return zip(self._starts, self._stops)

    def __contains__(self, item: int) -> bool:
        at = bisect_right(self._starts, item) - 1
        return at >= 0 and item < self._stops[at]

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, RangeSet):
            return NotImplemented
        return self._starts == other._starts and self._stops == other._stops

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"RangeSet({list(self)})"

    def add(self, first: int, stop: int) -> None:
        """Put in ``first .. stop``; runs that touch become one."""
        if stop <= first:
            return
        low = bisect_left(self._stops, first)
        high = bisect_right(self._starts, stop)
        if low < high:
            self._size -= sum(self._stops[low:high]) - sum(self._starts[low:high])
            first = min(first, self._starts[low])
            stop = max(stop, self._stops[high - 1])
        self._starts[low:high] = [first]
        self._stops[low:high] = [stop]
        self._size += stop - first

    def remove(self, first: int, stop: int) -> int:
        """Take out whatever of ``first .. stop`` is in; how many items that was."""
        low, high = self._touched(first, stop)
        if low >= high:
            return 0
        size = self._size
        self._size -= sum(self._stops[low:high]) - sum(self._starts[low:high])
        before, after = self._starts[low], self._stops[high - 1]
        starts, stops = [], []
        if before < first:
            starts.append(before)
            stops.append(first)
        if stop < after:
            starts.append(stop)
            stops.append(after)
        self._starts[low:high] = starts
        self._stops[low:high] = stops
        self._size += sum(stops) - sum(starts)
        return size - self._size

    def intersect(self, first: int, stop: int) -> list[Range]:
        """The runs of this set within ``first .. stop``."""
        low, high = self._touched(first, stop)
        return [
            (max(first, self._starts[at]), min(stop, self._stops[at])) for at in range(low, high)
        ]

    def complement(self, first: int, stop: int) -> list[Range]:
        """The runs of ``first .. stop`` that are not in this set."""
        missing = []
        for start, end in self.intersect(first, stop):
            if first < start:
                missing.append((first, start))
            first = end
        if first < stop:
            missing.append((first, stop))
        return missing

    def covers(self, first: int, stop: int) -> bool:
        """Whether all of ``first .. stop`` is in; true for an empty range."""
        if stop <= first:
            return True
        at = bisect_right(self._starts, first) - 1
        return at >= 0 and stop <= self._stops[at]

    def first_run(self, outside: RangeSet | None = None) -> Range | None:
        """The first run, or the first part of one that has nothing of ``outside``."""
        if not outside:
            return (self._starts[0], self._stops[0]) if self._size else None
        for first, stop in self:
            free = outside.complement(first, stop)
            if free:
                return free[0]
        return None

    def _touched(self, first: int, stop: int) -> tuple[int, int]:
        """The slice of runs that share an item with ``first .. stop``."""
        if stop <= first:
            return 0, 0
        return bisect_right(self._stops, first), bisect_left(self._starts, stop)
