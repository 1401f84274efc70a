"""How large is the next chunk, and how many chunks may queue on a slot.

A chunk costs a fork and, where nothing is queued, a round trip; so it should last much longer
than these (``target_seconds``), while the last chunks should end together on all slots, so no
chunk takes more than its share of what is left. At first nothing is known: one item is a probe.

The wrong choice where items get slower along the portion by orders of magnitude (the early ones
say little about the late ones: fix ``chunk_items``), or where a chunk's set-up costs more than
its items (nothing here knows of set-up; a fixed large ``chunk_items`` is better).
"""

from __future__ import annotations

from math import isfinite
from typing import NamedTuple

from marx.core.model import Policy

MEMORY_SECONDS = 2.0
"""Measured work after which an older measurement counts half: items of one portion may drift."""

QUICKEST = 1e-9
"""Seconds of an item below which no clock tells; keeps quotients finite."""


class Pace:
    """The mean time of an item, newer measurements counting more."""

    __slots__ = ("_items", "_seconds", "measured")

    def __init__(self) -> None:
        self._items = 0.0
        self._seconds = 0.0
        self.measured = 0

    def measure(self, count: int, seconds: float) -> None:
        """Learn that ``count`` items took ``seconds``; nonsense is ignored."""
        if count < 1 or not isfinite(seconds) or seconds < 0:
            return
        kept = MEMORY_SECONDS / (MEMORY_SECONDS + seconds)
        self._items = self._items * kept + count
        self._seconds = self._seconds * kept + seconds
        self.measured += count

    @property
    def mean(self) -> float | None:
        """Seconds of an item, None before the first measurement."""
        if not self.measured:
            return None
        return max(QUICKEST, self._seconds / self._items)


class Prospect(NamedTuple):
    """What is known when a chunk is cut.

    waiting: items that wait in the portion.  slots: slots that could run them, at least 1.
    mean: seconds of an item there, or None.  measured: items of the portion that were timed.
    fixed: the task's ``chunk_items``.  final: no more items will join the portion.
    """

    waiting: int
    slots: int
    mean: float | None
    measured: int
    fixed: int | None
    final: bool


class Chunking:
    """Turns measured item times into sizes, by the numbers of a policy."""

    def __init__(self, policy: Policy) -> None:
        self._policy = policy

    def size(self, prospect: Prospect) -> int:
        """Items for the next chunk, at least 1."""
        if prospect.fixed is not None:
            return max(1, prospect.fixed)
        return max(1, min(self._trusted(prospect), self._wanted(prospect)))

    def seconds(self, prospect: Prospect, size: int) -> float | None:
        """How long a chunk of that size will take, or None when nothing is known."""
        if prospect.mean is None:
            return None
        return size * prospect.mean + self._policy.chunk_overhead

    def may_queue(self, prospect: Prospect, size: int, queued: int, queued_seconds: float) -> bool:
        """Whether a slot at work, with that much queued already, may get such a chunk now.

        Not when nothing is known; when chunks are so long that a round trip does not count; when
        other slots would go short of it. A chunk that is smaller than it should be, because too
        little was measured or because more items are still to come, is only queued to bridge a
        round trip: a better one can be cut after that.
        """
        policy = self._policy
        seconds = self.seconds(prospect, size)
        if seconds is None or seconds > policy.ahead_longest:
            return False
        if queued >= self._most_queued(prospect, size):
            return False
        return queued == 0 or queued_seconds + seconds <= policy.ahead_seconds

    def has_plenty(self, queued: int, queued_seconds: float) -> bool:
        """Whether more than half of what may ever be queued is; then there is no need to look."""
        policy = self._policy
        return queued > 0 and (
            2 * queued_seconds > policy.ahead_seconds or 2 * queued > policy.ahead_chunks
        )

    def runs_low(self, prospect: Prospect, size: int, queued: int) -> bool:
        """Whether no more than half of what may be queued now is, so that grants gather."""
        return queued == 0 or 2 * queued <= self._most_queued(prospect, size)

    def _most_queued(self, prospect: Prospect, size: int) -> int:
        """How many such chunks may wait behind one that runs: a slot's share of what waits."""
        share = min(self._policy.ahead_chunks, prospect.waiting // (size * prospect.slots))
        if prospect.fixed is not None or prospect.mean is None:
            return share
        if not prospect.final and size * prospect.mean < self._policy.least_seconds:
            return 1
        return min(1, share) if self._trusted(prospect) < self._wanted(prospect) else share

    def _trusted(self, prospect: Prospect) -> int:
        """How many items may be risked on what was measured so far."""
        return self._policy.growth * prospect.measured

    def _wanted(self, prospect: Prospect) -> int:
        """How many items make a good chunk if the mean holds."""
        if prospect.mean is None:
            return 1
        fair = prospect.waiting / (2 * prospect.slots)
        least = self._policy.least_seconds / prospect.mean
        aim = self._policy.target_seconds / prospect.mean
        return int(min(aim, max(fair, least), prospect.waiting))
