"""Taking back what a child at work has not begun: the rest of a chunk one of whose items takes long."""

from __future__ import absolute_import

from marx.runner.board import AT_WORK, HURRY, LIMIT, NOBODY
from marx.runner.compat import elapsed, monotonic

#: Between two looks at the board. What the child has written is seen long before, and a hurry that it took for an earlier one is renewed.
LOOK_SECONDS = 0.005


class Shortening(object):
    """What the worker wants back of the chunk whose child writes to ``board``."""

    def __init__(self, board):
        self._board = board
        self._looked_at = None

    @property
    def is_wanted(self):
        """Whether something is to be given back, and it is not known yet from which item on."""
        return self._looked_at is not None

    def want(self, stop):
        """The items from ``stop`` on, as far as they have not begun."""
        self._board[LIMIT] = min(stop, self._board[LIMIT])
        self._hurry()

    def settled(self):
        """From which item on nothing has begun nor will; None as long as that is not known.

        The child claims an item, sees whether there is a hurry, and only then begins it. When it was in a batch with the hurry in
        sight, the item that it had claimed is the last one; between two batches it looks at the limit itself.
        """
        if self._looked_at is None or elapsed(self._looked_at) < LOOK_SECONDS:
            return None
        item, in_sight = self._board[AT_WORK], self._board[HURRY]
        if item == NOBODY or not in_sight:
            self._hurry()
            return None
        self._looked_at = None
        return max(self._board[LIMIT], item + 1)

    def may_end_at(self, item):
        """Whether a child that was asked to may have ended before this item."""
        return item >= self._board[LIMIT]

    def _hurry(self):
        self._board[HURRY] = 1
        self._looked_at = monotonic()
