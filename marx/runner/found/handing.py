"""The heads of a loop, computed elsewhere, taken over turn by turn.

The rest of a turn runs in its place and may do anything. So nothing is taken over before it was looked whether the item, what heads read and
all that was settled about it are what they were when the items were sent; where they are not, the program computes on by itself.
"""

from __future__ import absolute_import

import sys
from collections import namedtuple

from marx.runner.compat import elapsed, monotonic
from marx.runner.found.division import is_within_line
from marx.runner.found.looking import ATOMS, is_alike
from marx.runner.found.worth import is_still_worth_it

#: As large a share of the time of a head in place the look before it is taken over may take: all looks are taken here, one after the other.
LARGEST_LOOK = 0.25


#: ``items``: those whose heads are computed elsewhere; ``records``: their pickles, of ``numbering``, a `Numbering`; ``reads``: of the
#: `divide.heads.Head`, () where there is none.
Sent = namedtuple("Sent", "items records numbering reads")


class Handing(object):
    """
    The heads of a loop at work elsewhere.

    ``portion``: their outcomes, behind that of one that was computed in place and gave ``values``; ``sent``: a `Sent`. ``is_unchanged()``:
    whether what they read is what it was; None where that is sure. ``seconds``: what a head takes in place, None where it is divided whatever
    that is. ``problem(text, is_wrong)`` is told why no more is taken over, and whether the proof was wrong.
    """

    def __init__(self, portion, sent, values, is_unchanged, seconds, problem):
        self.values = None
        self._portion = portion
        self._sent = sent
        self._rehearsed = sent.numbering.dumps(values)
        self._is_unchanged = is_unchanged
        self._seconds = seconds
        self._problem = problem
        self._next = 0

    def takes(self, item, read=()):
        """Whether the head of this item's turn is taken over; then ``values`` are what it gives, None if it goes on with the next turn.

        ``read``: the values of the names that ``reads`` of a `divide.heads.Head` are: something may have bound them again.

        The last is computed in place, by the program's own code.
        """
        place, self._next = self._next, self._next + 1
        if self._portion is None:
            return False
        if place >= len(self._sent.items) - 1:
            return self._stop(None)
        began_at = monotonic()
        if not self._is_read(item, read) or not self._is_as_sent(place, item):
            return self._stop("the rest of a turn changes what later ones begin with", is_wrong=False)
        looking = elapsed(began_at)
        if place == 0 and not self._is_rehearsed(looking):
            return False
        outcome = self._portion.outcome(place + 1)
        if outcome is None or outcome[0] != "done":
            reason = None if outcome is None or outcome[1].startswith("it raises") else outcome[1]
            return self._stop(reason, is_wrong=reason is not None and reason.startswith("it changes"))
        if is_within_line(outcome[2]):
            return self._stop("what was printed before ends with a comma", is_wrong=False)
        for text in outcome[2]:
            sys.stdout.write(text)
        self.values = outcome[1]
        return True

    def _is_read(self, item, values):
        """Whether names of the loop's target still stand for the item and its parts."""
        for (_, place), value in zip(self._sent.reads, values):
            has_place = place is None or type(item) in (tuple, list) and place < len(item)
            if not has_place or not _is_same(value, item if place is None else item[place]):
                return False
        return True

    def _is_as_sent(self, place, item):
        """Whether an item is the one that was sent, and everything else as it was then."""
        sent = self._sent.items[place]
        is_it = _is_same(item, sent) or type(item) is type(sent) is tuple and len(item) == len(sent) and all(map(_is_same, item, sent))
        if self._is_unchanged is None:
            return is_it
        return is_it and (type(item) in ATOMS or self._sent.numbering.dumps(item) == self._sent.records[place]) and self._is_unchanged()

    def _is_rehearsed(self, looking):
        outcome = self._portion.outcome(0)
        if outcome is None or outcome[0] != "done":
            return self._stop(outcome and outcome[1] or self._portion.refusal or "it has no outcome", is_wrong=False)
        try:
            is_sure = is_alike(self._sent.numbering.loads(self._rehearsed), outcome[1])
        except Exception:  # what cannot be compared is not the same
            is_sure = False
        if not is_sure:
            return self._stop("what was computed in place came out differently elsewhere")
        if self._seconds is None:
            return True
        if looking > LARGEST_LOOK * self._seconds:
            return self._stop("to look before each turn whether anything has changed takes too long", is_wrong=False)
        if not is_still_worth_it(self._seconds, outcome[3] + looking, self._portion.taking_seconds, self._portion.slots):
            return self._stop("what its items give takes longer to bring here than to compute", is_wrong=False)
        return True

    def _stop(self, problem, is_wrong=True):
        """Nothing more is taken over."""
        self.end()
        if problem:
            self._problem(problem, is_wrong)
        return False

    def end(self):
        """The loop is left."""
        portion, self._portion = self._portion, None
        if portion is not None:
            portion.drop()


def _is_same(one, other):
    """Whether it is the same object, or a number or text like it: a range makes its numbers anew."""
    return one is other or type(one) is type(other) and type(one) in ATOMS and repr(one) == repr(other)
