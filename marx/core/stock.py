"""The portions of one task whose items slots run: those with something to do, and what is left of the others.

A program may open a hundred thousand portions. So nothing here looks at all of them: the totals are kept as items move,
the portions with items to grant are a set of ranges, and one that is complete shrinks to a line.
"""

from __future__ import annotations

from typing import Callable, Iterator, NamedTuple

from marx.core.model import PortionCounts, Range
from marx.core.portions import Portion, Totals
from marx.core.retries import Tries
from marx.core.states import PORTION, PortionState, PortionStep, advance

REMEMBERED = 1000
"""Portions that are remembered of a task that has ended: late reports about more of them are answered "not yours"."""


class Past(NamedTuple):
    """What is remembered of a portion that is complete, or that stays at home: all of its known items are done."""

    known: int
    failed: tuple[Range, ...]
    state: PortionState


class Stock:
    """``make_tries``: what is remembered of troubles, for a new portion."""

    def __init__(self, make_tries: Callable[[], Tries]) -> None:
        self.totals = Totals()
        self._make_tries = make_tries
        self._present: dict[int, Portion] = {}
        self._past: dict[int, Past] = {}

    def __len__(self) -> int:
        return len(self._present) + len(self._past)

    def __iter__(self) -> Iterator[Portion]:
        """All portions, in the order in which they were opened as far as they are not complete."""
        yield from self._present.values()
        for number in self._past:
            yield self._recall(number)

    @property
    def complete(self) -> bool:
        """Whether every item there will ever be has a result."""
        return not self._present and bool(self._past)

    @property
    def final(self) -> bool:
        """Whether there are portions, and no items will join them."""
        return len(self) > 0 and not self.totals.growing

    def find(self, number: int) -> Portion | None:
        """The portion of that number; of one that is complete a likeness, changes of which count for nothing."""
        found = self._present.get(number)
        if found is None and number in self._past:
            return self._recall(number)
        return found

    def make(self, number: int) -> Portion:
        """A new portion."""
        made = self._present[number] = Portion(number, self._make_tries(), self.totals)
        return made

    def keep_home(self, number: int) -> None:
        """Remember a new portion, none of whose items will ever come here."""
        self._past[number] = Past(0, (), advance(PORTION, PortionState.OPEN, PortionStep.STAY))

    def shut(self, number: int, step: PortionStep) -> None:
        """Grant nothing of a portion any more. Raises IllegalTransition."""
        past = self._past.get(number)
        if past is None:
            self._present[number].shut(step)
        else:
            self._past[number] = past._replace(state=advance(PORTION, past.state, step))

    def next_run(self, worker: str, now: float) -> tuple[Portion, Range] | None:
        """The first waiting items that this worker may have now, with their portion."""
        front = self.totals.front or self._find_front()
        if front is None:
            return None
        run = front.next_run(worker, now)
        return self._search(worker, now) if run is None else (front, run)

    def again_at(self, worker: str, now: float) -> float:
        """When this worker may have something that waits, if it may have nothing now."""
        ready = (self._present[number] for first, stop in self.totals.ready for number in range(first, stop))
        return min((portion.again_at(worker, now) for portion in ready), default=now)

    def put_away(self) -> None:
        """Let the portions shrink that have become complete."""
        completed = self.totals.completed
        while completed:
            number = completed.pop()
            portion = self._present.pop(number, None)
            if portion is not None:
                self._past[number] = Past(portion.known, tuple(portion.failed), portion.state)

    def forget(self) -> None:
        """The task has ended: remember no more than a moderate number of portions; the totals stay."""
        if len(self) > REMEMBERED:
            self._present.clear()
            self._past.clear()

    def counts(self) -> list[PortionCounts]:
        """How far each portion is, by number."""
        counts = [
            PortionCounts(portion.number, portion.known, portion.final, len(portion.done), len(portion.failed))
            for portion in self._present.values()
        ]
        for number, past in self._past.items():
            failed = sum(stop - first for first, stop in past.failed)
            counts.append(PortionCounts(number, past.known, True, past.known, failed))
        return sorted(counts)

    def _find_front(self) -> Portion | None:
        run = self.totals.ready.first_run()
        if run is not None:
            self.totals.front = self._present[run[0]]
        return self.totals.front

    def _search(self, worker: str, now: float) -> tuple[Portion, Range] | None:
        """As ``next_run``, past portions whose items went wrong on this worker: those are few, and only for a while."""
        for first, stop in self.totals.ready:
            for number in range(first, stop):
                portion = self._present[number]
                run = portion.next_run(worker, now)
                if run is not None:
                    return portion, run
        return None

    def _recall(self, number: int) -> Portion:
        past = self._past[number]
        portion = Portion(number, self._make_tries(), Totals())
        portion.extend(past.known, True)
        portion.accept([(0, past.known)])
        for part in past.failed:
            portion.mark_failed(*part)
        portion.state = past.state
        return portion
