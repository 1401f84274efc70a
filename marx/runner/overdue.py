"""How long the item at work has been at it, by what the runner sees on the board."""

from __future__ import absolute_import

from marx.runner.board import AT_WORK, NOBODY
from marx.runner.compat import elapsed, monotonic

#: More than this between two looks does not count: the runner itself was stopped, or the machine asleep.
LONGEST_GAP = 1.0


class ItemClock(object):
    """``limit``: seconds that an item may take; None for as many as it wants.

    Time while the worker does not read what is printed (`is_paused`) does not count: a print waits for it.
    """

    def __init__(self, board, limit):
        self.is_paused = False
        self._board = board
        self._limit = limit
        self._item = NOBODY
        self._spent = 0.0
        self._looked_at = monotonic()

    def overdue(self):
        """The item that has taken too long; None if none has. To be asked many times a second."""
        if self._limit is None:
            return None
        passed, self._looked_at = min(elapsed(self._looked_at), LONGEST_GAP), monotonic()
        item = self._board[AT_WORK]
        if item != self._item:
            self._item, self._spent = item, 0.0
        elif item != NOBODY and not self.is_paused:
            self._spent += passed
        return item if item != NOBODY and self._spent > self._limit else None
