"""A loop of which only the head of each turn may be computed elsewhere, see `divide.heads`: sampled, then handed over turn by turn."""

from __future__ import absolute_import

import gc
import itertools

from marx.runner.compat import elapsed, monotonic
from marx.runner.found import calls
from marx.runner.found.draws import Watch
from marx.runner.found.timing import LEAST_SECONDS, Timing, verdict_of

_IN_ORDER = frozenset(type(iter(kind)) for kind in ([], ()))


class Heading(object):
    """
    One going over of a loop. ``item``: of the turn at work. ``division``: a `handing.Handing`, None as long as, or where, all is computed in place.

    Turns are counted apart from heads: one that goes on with the next never comes to the end of its head.
    """

    def __init__(self, site, iterable, frame):
        self.site = site
        self.iterable, self.iterables = iterable, (iterable,)
        self.frame = frame
        self.item = self.first = self.division = None
        self._turns = 0
        self._inner = _gone_through(iterable) if type(iterable) not in calls.CONTAINERS else []
        self._total = calls.number_of(self.iterables)
        self._timing, self._began_at, self._watch = Timing(), 0.0, Watch()
        self._verdict = None

    def items(self):
        """What the loop goes over. Nothing but C stands there once it is known that it stays."""
        return itertools.chain.from_iterable(self._parts())

    def _parts(self):
        iterator, began_at = iter(self.iterable), monotonic()
        try:
            yield self._noted(iterator, lambda: self._verdict is None)
            if self.division is not None:
                yield self._noted(iterator, lambda: True)
            self._end()
            if self._verdict is None and self._turns:  # it has ended before its heads took long
                self.site.stay_once()
            yield iterator
            if self._verdict is False and elapsed(began_at) >= LEAST_SECONDS:
                calls.asked(lambda deciding: deciding.tell_small(self.site), self.site)
        finally:
            self._end()

    def _noted(self, iterator, goes_on):
        for self.item in iterator:
            if self._turns == 0:
                self.first = self.item
            self._turns += 1
            yield self.item
            if not goes_on():
                return

    def _end(self):
        division, self.division, self.frame = self.division, None, None
        calls.end_heading(self)
        if division is not None:
            division.end()

    def takes(self, values):
        """The head of a turn comes: whether it is taken over. ``values``: what it would read of the item by the names of the loop's target."""
        if self.division is not None:
            return self.division.takes(self.item, values)
        if self._verdict is None:
            calls.undecide(self)
            if self._turns == 1 and self.site.is_new():
                self._watch.begin()
            self._began_at = monotonic()
        return False

    def headed(self, values):
        """A head was computed in place, and gave ``values``."""
        if self._verdict is not None:
            return
        calls.undecide(None)
        timing, seconds = self._timing, elapsed(self._began_at)
        self._watch.end()
        if not timing.add(seconds):
            return
        self._verdict = verdict_of(self.site, self._turns, timing.recent, timing.seconds, self._total)
        if self._verdict:
            self.division = calls.asked(lambda deciding: deciding.handing(self, values, timing.recent), self.site)
        if self._verdict is not None and self.division is None:
            self.site.stay_once()

    def drew(self):
        """See `calls.Sampling.drew`: its first head."""
        return self._watch.drew

    def ahead(self):
        """The items that come behind the one at work, without taking them; None where nobody can tell."""
        kind = type(self.iterable)
        if kind in calls.CONTAINERS:
            return list(self.iterable)[self._turns :]
        if kind is enumerate and len(self._inner) == 1:
            return list(enumerate(self._inner[0], self.first[0]))[self._turns :]
        return None

    def containers(self):
        """What it goes over, if that can be changed."""
        return [self.iterable] if type(self.iterable) in calls.CONTAINERS else self._inner


def _gone_through(iterator):
    """The lists and tuples that an iterator over iterators goes through."""
    return [each for inner in gc.get_referents(iterator) if type(inner) in _IN_ORDER for each in gc.get_referents(inner)]
