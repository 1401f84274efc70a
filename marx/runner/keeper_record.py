"""Replay: what an earlier attempt at the program asked for, held against what it asks for now.

A portion that is in the record is not reported again, and its items are not sent again: they are cut into packs as the record has
them, and each pack's digest is compared. What the lab has answered meanwhile, results and files, waits until the items that it
answers are verified, since a program that goes another way this time must not see any of it.
"""

from __future__ import absolute_import

import heapq
import itertools
import json
from collections import deque

from marx.runner.keeper_packs import Pack

#: A pack in the record was sent at once. A program that takes longer over its items waits for something else than before.
STALL_SECONDS = 5.0

#: What of a call makes it the same one.
CALL = ("file", "line", "kind", "function")
#: What a portion that is opened for the second time, under a new number, has in its call: its number among the program's openings.
ORDER = "order"


class Recorded(object):
    """A portion as the server has it, by the frames H. ``number``: the server's. ``order``: the how many-th the program opened, from 1."""

    def __init__(self, header):
        call = header["call"] if isinstance(header["call"], dict) else json.loads(header["call"])
        self.number = header["portion"]
        self.place = header["place"]
        self.order = call.get(ORDER, self.number)
        self.call = call
        self.packs = [tuple(pack) for pack in header["packs"]]
        self.is_final = bool(header["final"])

    def add(self, header):
        """Another frame of the same portion, whose packs did not fit into one."""
        self.packs += [tuple(pack) for pack in header["packs"]]
        self.is_final = self.is_final or bool(header["final"])


class Record(object):
    """All of them. ``held``: by the server's number, what waits for portions that were not opened yet."""

    def __init__(self, shelf):
        self.held = {}
        self._shelf = shelf
        self._by_number = {}
        self._by_order = {}

    def take(self, header):
        """H. Raises LookupError, TypeError, ValueError for what is none."""
        known = self._by_number.get(header["portion"])
        if known is not None:
            known.add(header)
            return
        recorded = Recorded(header)
        self._by_number[recorded.number] = recorded
        self.held[recorded.number] = Held(self._shelf)
        before = self._by_order.get(recorded.order)
        if before is None or before.number < recorded.number:
            self._by_order[recorded.order] = recorded

    @property
    def last_number(self):
        """The highest number that a portion has, 0 if there is none."""
        return max(self._by_number or [0])

    def match(self, order, call, place):
        """The portion that the program asked for as its ``order``-th; None if it asks for something else now, or never came so far."""
        recorded = self._by_order.get(order)
        if recorded is None or recorded.place != place:
            return None
        return recorded if all(recorded.call.get(name) == call.get(name) for name in CALL) else None

    def forget_from(self, order):
        """The numbers of the portions from the ``order``-th on, which are not matched any more."""
        numbers = []
        for later in sorted(self._by_order):
            if later >= order:
                number = self._by_order.pop(later).number
                numbers.append(number)
                held = self.held.pop(number, None)
                if held is not None:
                    held.drop()
        return numbers


class Replay(object):
    """One portion: the packs that are awaited, and the items ``gathered`` that came, as pickles. ``differs``: these are not those."""

    def __init__(self, recorded):
        self.differs = False
        self.is_over = False
        self.gathered = []
        self._awaited = deque(pack for pack in recorded.packs if pack[1])
        self._is_final = recorded.is_final

    def gather(self, pickles, is_over):
        """The program sent items; ``is_over``: the last of them."""
        self.gathered += pickles
        self.is_over = self.is_over or is_over

    @property
    def is_through(self):
        """Every pack is verified."""
        return not self._awaited and not self.differs

    @property
    def goes_on(self):
        """So it is, and what comes now is new to the server."""
        return self.is_through and not self._is_final

    @property
    def is_certain(self):
        """No difference can come any more."""
        return self.is_through and (self.is_over or not self._is_final)

    def verified(self):
        """The next pack that is as before, None if there is none yet."""
        if not self._awaited:
            self.differs = self._is_final and bool(self.gathered)
            return None
        first, count, digest = self._awaited[0]
        if len(self.gathered) < count:
            self.differs = self.is_over
            return None
        pack = Pack(first, self.gathered[:count])
        self.differs = pack.digest != digest
        if self.differs:
            return None
        del self.gathered[:count]
        self._awaited.popleft()
        return pack


class Held(object):
    """What the lab has answered, until the items are verified."""

    def __init__(self, shelf):
        self.refusal = None
        self._shelf = shelf
        self._frames = []
        self._numbers = itertools.count()
        self._without_item = []

    def keep(self, stop, kind, header, payload):
        """A frame that answers items before ``stop``; None for a file of which nobody knows: it goes with the results behind it."""
        entry = kind, header, self._shelf.put(payload)
        if stop is None:
            self._without_item.append(entry)
            return
        for waiting in self._without_item + [entry]:
            heapq.heappush(self._frames, (stop, next(self._numbers), waiting))
        self._without_item = []

    def release(self, verified):
        """(kind, header, payload) of those that answer no item from ``verified`` on, in the order of items."""
        while self._frames and self._frames[0][0] <= verified:
            kind, header, place = heapq.heappop(self._frames)[2]
            yield kind, header, self._shelf.take(place)

    def release_all(self):
        """The same for everything."""
        for entry in [frame[2] for frame in sorted(self._frames)] + self._without_item:
            yield entry[0], entry[1], self._shelf.take(entry[2])
        self._frames, self._without_item = [], []

    def drop(self):
        """Forget everything."""
        for _ in self.release_all():
            pass
