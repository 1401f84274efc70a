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
from marx.core.states import PORTION, PortionState, PortionStep, advance
from marx.core.weights import Weights


class Totals:
    """What several portions come to, kept by each of them as its items move, so that nobody has to add them up.

    known, waiting, done, failed: items. Of a portion that is not open any more those that wait are not counted, not even
    as known: nobody wants them.  growing: portions that are not final.  ready: the numbers of those with items to grant.
    front: the first of these, or None while nobody has looked for it.
    completed: the numbers of those that became complete, until somebody takes them.  pace: that of the portion that was
    measured last.
    """

    __slots__ = ("known", "waiting", "done", "failed", "growing", "ready", "front", "completed", "pace")

    def __init__(self) -> None:
        self.known = 0
        self.waiting = 0
        self.done = 0
        self.failed = 0
        self.growing = 0
        self.ready = RangeSet()
        self.front: Portion | None = None
        self.completed: list[int] = []
        self.pace = Pace()

    @property
    def leased(self) -> int:
        """How many items are out."""
        return self.known - self.waiting - self.done


class Portion:
    """The items of one portion.

    known: items so far; all of them once ``final``.  waiting, done: as in DESIGN.  failed: those
    of ``done`` whose result is an error.  tries: what went wrong with the others.  weights: of its items.
    """

    __slots__ = (
        "number",
        "known",
        "final",
        "state",
        "waiting",
        "done",
        "failed",
        "tries",
        "pace",
        "weights",
        "_totals",
        "_paces",
        "_elsewhere",
    )

    def __init__(self, number: int, tries: Tries, totals: Totals) -> None:
        self.number = number
        self.known = 0
        self.final = False
        self.state = PortionState.OPEN
        self.waiting = RangeSet()
        self.done = RangeSet()
        self.failed = RangeSet()
        self.tries = tries
        self.pace = Pace()
        self.weights = Weights()
        self._totals = totals
        self._paces: dict[str, Pace] = {}
        self._elsewhere: dict[str, tuple[RangeSet, float]] = {}
        totals.growing += 1

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
        self._totals.known += count
        self._count_waiting(count)
        if final and not self.final:
            self.final = True
            self._totals.growing -= 1
            if self.complete:
                self._totals.completed.append(self.number)

    def shut(self, step: PortionStep) -> None:
        """Grant nothing of it any more; whatever comes of what is out still counts. Raises IllegalTransition."""
        following = advance(PORTION, self.state, step)
        if self.state is PortionState.OPEN:
            totals, waiting = self._totals, len(self.waiting)
            totals.waiting -= waiting
            totals.known -= waiting
            self._count_out()
        self.state = following

    def cut(self, run: Range, count: int) -> Range:
        """Take up to ``count`` waiting items from the beginning of a run of them, for one chunk."""
        first = run[0]
        count = self.tries.company(first, min(count, run[1] - first))
        self.waiting.remove(first, first + count)
        self._count_waiting(-count)
        return first, first + count

    def next_run(self, worker: str, now: float) -> Range | None:
        """The first waiting run that this worker may have now."""
        if worker not in self._elsewhere:
            return self.waiting.first_run()
        avoided, until = self._elsewhere[worker]
        return self.waiting.first_run(avoided if now < until else None)

    def lets(self, worker: str, part: Range, now: float) -> bool:
        """Whether this worker may have these items now."""
        avoided, until = self._elsewhere.get(worker, (RangeSet(), now))
        return now >= until or not avoided.intersect(*part)

    def again_at(self, worker: str, now: float) -> float:
        """From when on this worker may have all of its items."""
        return max(now, self._elsewhere.get(worker, (None, now))[1])

    def claim(self, first: int, stop: int) -> list[Range]:
        """Take what waits of a range that somebody holds already."""
        claimed = self.waiting.intersect(first, stop)
        for part in claimed:
            self.waiting.remove(*part)
            self._count_waiting(part[0] - part[1])
        return claimed

    def give_back(self, ranges: list[Range]) -> None:
        """Let items that were leased wait again."""
        for part in ranges:
            self.waiting.add(*part)
            self._count_waiting(part[1] - part[0])

    def accept(self, ranges: list[Range], failed: Iterable[int] = ()) -> None:
        """Items that were waiting or leased, each once, have a result now; that of the failed ones is an error."""
        totals = self._totals
        for first, stop in ranges:
            self.done.add(first, stop)
            totals.done += stop - first
            waited = self.waiting.remove(first, stop)
            if waited:
                self._count_waiting(-waited)
            self.tries.succeed(first, stop)
        for item in failed:
            self.mark_failed(item, item + 1)
        if self.final and len(self.done) == self.known:
            totals.completed.append(self.number)

    def mark_failed(self, first: int, stop: int) -> None:
        """The results of these items, which were not known as failed, are errors."""
        self.failed.add(first, stop)
        self._totals.failed += stop - first

    def measure(self, worker: str, count: int, seconds: float) -> None:
        """Learn how long items took on a worker."""
        self.pace.measure(count, seconds)
        self._paces.setdefault(worker, Pace()).measure(count, seconds)
        self._totals.pace = self.pace

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

    def _count_waiting(self, more: int) -> None:
        """So many more of its items wait now than before; one that is not open has no such items in its task's eyes."""
        totals = self._totals
        if self.state is not PortionState.OPEN:
            totals.known -= more
            return
        totals.waiting += more
        waiting = len(self.waiting)
        if not waiting:
            self._count_out()
        elif waiting == more:
            totals.ready.add(self.number, self.number + 1)
            if totals.front is not None and self.number < totals.front.number:
                totals.front = self

    def _count_out(self) -> None:
        """It has nothing to grant any more."""
        totals = self._totals
        totals.ready.remove(self.number, self.number + 1)
        if totals.front is self:
            totals.front = None
