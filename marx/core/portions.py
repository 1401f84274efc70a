"""One portion: where each of its items stands, and what is known of their times and troubles.

An item is waiting, done, or else leased: leases are not kept here, they are what is left over.
"""

from __future__ import annotations

from math import inf
from typing import Iterable

from marx.core.chunking import Pace
from marx.core.model import Range
from marx.core.ranges import RangeSet
from marx.core.retries import Tries


class Portion:
    """The items of one portion.

    known: items so far; all of them once ``final``.  waiting, done: as in DESIGN.  failed: those
    of ``done`` whose result is an error.  tries: what went wrong with the others.
    """

    __slots__ = ("number", "known", "final", "waiting", "done", "failed", "tries", "pace", "_paces", "_elsewhere")

    def __init__(self, number: int, tries: Tries) -> None:
        self.number = number
        self.known = 0
        self.final = False
        self.waiting = RangeSet()
        self.done = RangeSet()
        self.failed = RangeSet()
        self.tries = tries
        self.pace = Pace()
        self._paces: dict[str, Pace] = {}
        self._elsewhere: dict[str, tuple[RangeSet, float]] = {}

    @property
    def leased(self) -> int:
        """How many items are out."""
        return self.known - len(self.waiting) - len(self.done)

    @property
    def undone(self) -> int:
        """How many known items have no result."""
        return self.known - len(self.done)

    @property
    def complete(self) -> bool:
        """Whether every item there will ever be has a result."""
        return self.final and len(self.done) == self.known

    def holds(self, first: int, stop: int) -> bool:
        """Whether this is a range of known items; it may be empty."""
        return 0 <= first <= stop <= self.known

    def extend(self, count: int, final: bool) -> None:
        """Let ``count`` more items wait behind the known ones."""
        self.waiting.add(self.known, self.known + count)
        self.known += count
        self.final = self.final or final

    def cut(self, run: Range, count: int) -> Range:
        """Take up to ``count`` waiting items from the beginning of a run of them, for one chunk."""
        first = run[0]
        count = self.tries.company(first, min(count, run[1] - first))
        self.waiting.remove(first, first + count)
        return first, first + count

    def next_run(self, worker: str, now: float) -> Range | None:
        """The first waiting run that this worker may have now."""
        if worker not in self._elsewhere:
            return self.waiting.first_run()
        avoided, until = self._elsewhere[worker]
        return self.waiting.first_run(avoided if now < until else None)

    def claim(self, first: int, stop: int) -> list[Range]:
        """Take what waits of a range that somebody holds already."""
        claimed = self.waiting.intersect(first, stop)
        for part in claimed:
            self.waiting.remove(*part)
        return claimed

    def give_back(self, ranges: list[Range]) -> None:
        """Let items that were leased wait again."""
        for part in ranges:
            self.waiting.add(*part)

    def accept(self, ranges: list[Range], failed: Iterable[int] = ()) -> None:
        """Items that were waiting or leased have a result now; that of the failed ones is an error."""
        for first, stop in ranges:
            self.done.add(first, stop)
            self.waiting.remove(first, stop)
            self.tries.succeed(first, stop)
        for item in failed:
            self.failed.add(item, item + 1)

    def measure(self, worker: str, count: int, seconds: float) -> None:
        """Learn how long items took on a worker."""
        self.pace.measure(count, seconds)
        self._paces.setdefault(worker, Pace()).measure(count, seconds)

    def mean_on(self, worker: str) -> float | None:
        """Seconds of an item on that worker, else anywhere, else None."""
        pace = self._paces.get(worker)
        return self.pace.mean if pace is None else pace.mean

    def avoid(self, worker: str, ranges: list[Range], now: float, until: float) -> None:
        """Keep items that went wrong on a worker from it until then."""
        avoided, before = self._elsewhere.get(worker, (RangeSet(), -inf))
        if before <= now:
            avoided = RangeSet()
        for part in ranges:
            avoided.add(*part)
        self._elsewhere[worker] = (avoided, until)
