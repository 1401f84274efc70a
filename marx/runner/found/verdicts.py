"""What is known of a site while the program runs, and when it is asked again where it stayed."""

from __future__ import absolute_import

#: After so many verdicts "in place" each further one is asked for after twice as many calls as the one before.
PATIENCE = 3


class Site(object):
    """``is_forced``: it is divided where it may be, worth it or not. ``sums``: the names that it sums up in.

    ``stays``: for good. ``waits``: so many calls more it stays without being asked.
    """

    __slots__ = ("number", "is_forced", "kind", "sums", "packed", "stays", "waits", "verdicts")

    def __init__(self, number, forced, kind, sums, packed, pragma):
        self.number = number
        self.is_forced = forced or pragma == "divide"
        self.kind = kind
        self.sums = sums
        self.packed = packed
        self.stays = False
        self.waits = self.verdicts = 0

    def is_asked(self):
        """Whether this call may be divided; to be called once for each."""
        if self.waits and not self.stays:
            self.waits -= 1
            return False
        return not self.stays

    def stay_once(self):
        """It was not worth it, this time."""
        self.verdicts += 1
        if self.verdicts > PATIENCE:
            self.waits = 1 << min(self.verdicts - PATIENCE, 20)
