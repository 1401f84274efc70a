"""Running items: many between two looks at the clock where they are fast, one where they are slow."""

from __future__ import absolute_import

from itertools import chain, islice

from marx.runner.board import AT_WORK, HURRY, NOBODY
from marx.runner.compat import elapsed, monotonic
from marx.runner.failures import present_failure

#: How long a batch should take. A result waits at most for the items behind it in its batch.
BATCH_SECONDS = 0.002
#: From so much time for an item on, each one is a batch of its own, so that its bytes can be marked from outside Python, too.
SLOW_SECONDS = 0.0005
#: More at once gains nothing, and would make long frames.
LARGEST_BATCH = 16384
#: Items may become slower: a batch is at most so many times larger than the one before, and what is known of slow ones is forgotten
#: as slowly.
GROWTH = 2


class Pace(object):
    """How many items the next batch has. ``is_slow``: whether they take so long that each is shown as it begins."""

    def __init__(self):
        self.size = 1
        self.is_slow = False
        self._each = 0.0

    def took(self, count, seconds):
        """A batch is over."""
        self._each = each = max(seconds / count, self._each / GROWTH)
        self.is_slow = each > SLOW_SECONDS
        fitting = int(BATCH_SECONDS / each) if each > BATCH_SECONDS / LARGEST_BATCH else LARGEST_BATCH
        self.size = 1 if self.is_slow else max(1, min(fitting, self.size * GROWTH, LARGEST_BATCH))


class Batches(object):
    """The items of one chunk, one after the other.

    ``values``: an iterator of them, the first of which is the item ``first``. ``board`` is shared with the runner: what it says at
    `AT_WORK` and `HURRY`. ``seed_item`` is called before each item, if it is not None. ``came_back`` is called with what an item raised,
    first of all. ``was_hurried``: whether the runner was in a hurry in the last batch or just before it.
    """

    def __init__(self, function, values, first, board, came_back):
        self._function = function
        self._values = values
        self.next = first
        self._board = board
        self.seed_item = None
        self.was_hurried = False
        self._came_back = came_back

    def run(self, size, outcomes):
        """Append the outcomes of up to ``size`` items to a list, values and a `Failure` for each that raised. Seconds that it took.

        It ends early, perhaps with none, when the runner is in a hurry. One that was seen by no batch counts for this one: the runner
        takes its time until it hears something, so it would not ask again while a slow item keeps those before it.
        """
        began_at = monotonic()
        begun = len(outcomes)
        self.was_hurried = False
        if self._answer_hurry():
            size = 1
        while True:
            try:
                self._run_until_one_raises(begun + size - len(outcomes), self.next + len(outcomes) - begun, outcomes.append)
                break
            except BaseException as error:
                self._came_back(error)
                outcomes.append(present_failure())
            if self._board[HURRY]:
                break
        self._board[AT_WORK] = NOBODY
        self._answer_hurry()
        self.next += len(outcomes) - begun
        return elapsed(began_at)

    def _answer_hurry(self):
        """Whether the runner was in a hurry until now: what is done next answers it."""
        is_hurried = bool(self._board[HURRY])
        if is_hurried:
            self._board[HURRY] = 0
            self.was_hurried = True
        return is_hurried

    def _run_until_one_raises(self, size, first, append):
        """One that cannot be decoded raises, too. Nothing else stands in these loops: what is in them costs each item its time.

        An item is claimed on the board, and then it is seen whether there is a hurry: so whoever is in one, waits a moment and reads
        the board, knows that what was not claimed by then is not begun, see `shortening`.
        """
        function, board, seed_item = self._function, self._board, self.seed_item
        at_work, hurry = AT_WORK, HURRY
        values = enumerate(islice(self._values, size), first)
        if seed_item is None:
            for board[at_work], value in values:
                if board[hurry]:
                    self._values = chain((value,), self._values)
                    return
                append(function(value))
            return
        for board[at_work], value in values:
            if board[hurry]:
                self._values = chain((value,), self._values)
                return
            seed_item(board[at_work])
            append(function(value))
