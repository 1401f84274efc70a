"""Which failure is tried again, with whom together, and when an item has had enough.

Two different things can go wrong. An item's *code fails* (it raised, or killed its process while
it was seen at work): that is tried again as often as the task asked. An attempt is *lost* (its
worker fell silent or restarted, its process died and nobody saw at which item): nobody may be to
blame, so all of its unfinished items are tried again, up to a bound, in ever smaller company: an
item fails for losses only when it was alone in the chunk that was lost last. So a poison item
is found, and its neighbours are never failed for it.
"""

from __future__ import annotations

from collections import deque

from marx.core.model import Range
from marx.core.ranges import RangeSet

COMPANY = 16
"""How many items may share a chunk for each further loss that they may have."""

MOST_COUNTED = 1000
"""Where a tally ends: an item that is retried for ever must not make it grow for ever."""

EVIDENCE = 200
"""Losses of a portion that are remembered with worker and reason."""


class Tally:
    """How often something happened to each item, as one set for "at least once", "twice", ..."""

    __slots__ = ("_at_least",)

    def __init__(self) -> None:
        self._at_least: list[RangeSet] = []

    def add(self, first: int, stop: int) -> None:
        """Count one more for each of ``first .. stop``, up to ``MOST_COUNTED``."""
        levels = self._at_least
        if not levels or (len(levels) < MOST_COUNTED and levels[-1].intersect(first, stop)):
            levels.append(RangeSet())
        for level in range(len(levels) - 1, 0, -1):
            for part in levels[level - 1].intersect(first, stop):
                levels[level].add(*part)
        levels[0].add(first, stop)

    def forget(self, first: int, stop: int) -> None:
        """Count ``first .. stop`` from nothing again."""
        for level in self._at_least:
            level.remove(first, stop)
        while self._at_least and not self._at_least[-1]:
            self._at_least.pop()

    def most(self, first: int, stop: int) -> int:
        """The largest count among ``first .. stop``."""
        for level in range(len(self._at_least), 0, -1):
            if self._at_least[level - 1].intersect(first, stop):
                return level
        return 0

    def alike(self, first: int, stop: int) -> tuple[int, int]:
        """The count of item ``first``, and how many items from it on, up to ``stop``, have the same."""
        count = self.most(first, first + 1)
        if count:
            stop = self._at_least[count - 1].intersect(first, stop)[0][1]
        more = self._at_least[count].intersect(first, stop) if count < len(self._at_least) else None
        return count, (more[0][0] if more else stop) - first


class Troubles:
    """What went wrong with items of one portion, once something has.

    Failures are counted one by one, since a retried item is soon run again; losses and repetitions as ranges, since a
    chunk of a hundred thousand items is lost at once.
    """

    __slots__ = ("failures", "losses", "repeats", "evidence")

    def __init__(self) -> None:
        self.failures: dict[int, int] = {}
        self.losses = Tally()
        self.repeats = Tally()
        self.evidence: deque[tuple[int, int, str, str]] = deque(maxlen=EVIDENCE)

    def forget(self, first: int, stop: int) -> None:
        """These items have a result."""
        self.losses.forget(first, stop)
        self.repeats.forget(first, stop)
        for item in self._failing(first, stop):
            del self.failures[item]

    def _failing(self, first: int, stop: int) -> list[int]:
        if not self.failures:
            return []
        if stop - first < len(self.failures):
            return [item for item in range(first, stop) if item in self.failures]
        return [item for item in self.failures if first <= item < stop]


class Tries:
    """What went wrong with the unfinished items of one portion, mostly nothing; whatever gets a result is forgotten here.

    retries: further tries of an item whose code failed.  item_losses: lost attempts after which an item fails.
    """

    __slots__ = ("_retries", "_bound", "_troubles")

    def __init__(self, retries: int, item_losses: int) -> None:
        self._retries = retries
        self._bound = item_losses
        self._troubles: Troubles | None = None

    def repeat(self, ranges: list[Range]) -> None:
        """These items may have been run, whoever is to blame that they have to be run again."""
        for part in ranges:
            self._seen().repeats.add(*part)

    def attempt(self, first: int, stop: int) -> int:
        """The number of the next attempt of these items, 1 where none of them can have been run before."""
        return 1 if self._troubles is None else 1 + self._troubles.repeats.most(first, stop)

    def succeed(self, first: int, stop: int) -> None:
        """These items have a result."""
        if self._troubles is not None:
            self._troubles.forget(first, stop)

    def fail(self, item: int) -> bool:
        """Count a failed attempt of the item's code; whether that was its last."""
        failures = self._seen().failures
        count = failures.pop(item, 0) + 1
        if count > self._retries:
            return True
        failures[item] = count
        return False

    def lose(self, ranges: list[Range], worker: str, reason: str) -> int | None:
        """Count a lost attempt of these items; the item that has failed by it, if one has."""
        troubles = self._seen()
        for first, stop in ranges:
            troubles.losses.add(first, stop)
            troubles.evidence.append((first, stop, worker, reason))
        if len(ranges) != 1:
            return None
        first, stop = ranges[0]
        if stop - first == 1 and troubles.losses.most(first, stop) >= self._bound:
            return first
        return None

    def company(self, first: int, count: int) -> int:
        """How many of ``count`` items from ``first`` on may share a chunk, at least 1.

        Only items that were lost equally often travel together: no innocent one with a suspect.
        """
        if self._troubles is None:
            return count
        losses, alike = self._troubles.losses.alike(first, first + count)
        if not losses:
            return alike
        further = max(0, self._bound - 1 - losses)
        return min(alike, COMPANY**further)

    def losses(self, item: int) -> int:
        """How often an item was lost."""
        return self._seen().losses.most(item, item + 1)

    def evidence(self, item: int) -> str:
        """One clause about each remembered loss of an item: where, and what was seen."""
        return "; ".join(
            f"on {worker}: {reason}"
            for first, stop, worker, reason in self._seen().evidence
            if first <= item < stop
        )

    def _seen(self) -> Troubles:
        if self._troubles is None:
            self._troubles = Troubles()
        return self._troubles
