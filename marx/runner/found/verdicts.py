"""What is known of a site while the program runs, and when it is asked again where it stayed."""

from __future__ import absolute_import

import itertools

#: After so many verdicts "in place" each further one is asked for after twice as many calls as the one before.
PATIENCE = 3
#: After so many calls with few items, so many more go by before the next is looked at.
FEWS = 64

_NEXT = "next" if str is bytes else "__next__"


def after(count):
    """What says False as often as that when it is called, and then True: by C alone, since hot loops ask."""
    return getattr(itertools.chain(itertools.repeat(False, count), itertools.repeat(True)), _NEXT)


always, never = after(0), getattr(itertools.repeat(False), _NEXT)


class Site(object):
    """``is_forced``: it is divided where it may be, worth it or not. ``sums``: the names that it sums up in.

    ``asks``: {number: what the program's code calls to hear whether to ask}, None of a site whose code asks in any case.
    ``stays``: for good. ``waits``: so many calls more it stays without being asked.
    """

    __slots__ = ("number", "is_forced", "kind", "sums", "packed", "stays", "waits", "verdicts", "_asks", "_fews", "_is_known")

    def __init__(self, number, forced, kind, sums, packed, pragma, asks=None):
        self.number = number
        self.is_forced = forced or pragma == "divide"
        self.kind = kind
        self.sums = sums
        self.packed = packed
        self.stays = False
        self.waits = self.verdicts = self._fews = 0
        self._asks = asks
        self._is_known = False

    def is_new(self):
        """True when it is called first, and False from then on: what costs more than a hot loop should is looked at once."""
        is_new, self._is_known = not self._is_known, True
        return is_new

    def is_asked(self):
        """Whether this call may be divided; to be called once for each."""
        if self.waits and not self.stays:
            self.waits -= 1
            return False
        return not self.stays

    def has_few(self):
        """It was gone over with so few items that nothing is divided: a program may do that all the time, with the same."""
        self._fews += 1
        if self._fews > FEWS and self._asks is not None and not self.is_forced:
            self._asks[self.number] = after(FEWS)

    def stay_once(self):
        """It was not worth it, this time."""
        self.verdicts += 1
        if self.verdicts > PATIENCE and not self.stays:
            count = 1 << min(self.verdicts - PATIENCE, 20)
            if self._asks is None:
                self.waits = count
            else:
                self._asks[self.number] = after(count)

    def stay(self):
        """It is not asked any more."""
        self.stays = True
        if self._asks is not None:
            self._asks[self.number] = never

    def keep_asking(self):
        """What stays behind of a division must be looked at whenever it is gone over."""
        if self._asks is not None:
            self._asks[self.number] = always
            self._asks = None
