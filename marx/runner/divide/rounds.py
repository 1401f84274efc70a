"""Answers that depend on each other, found by asking again until nothing new comes.

Within one round each question is answered once; one that depends on itself counts with what the round before found. Answers only grow, so
the first round that changes nothing is the last.
"""

from __future__ import absolute_import

NOTHING = frozenset()

#: Answers grow with each round only through chains such as ``x = x.next``, of which nobody asks for more.
MOST_ROUNDS = 8
#: What may be more things than these is unknown.
MOST_VALUES = 24


class Rounds(object):
    """Keeps the answers. A question is anything hashable."""

    def __init__(self):
        self._answers = {}
        self._done, self._busy = set(), set()
        self.has_changed = True

    def turn(self, ask):
        """Call ``ask`` in one round after the other, until one changes nothing."""
        for _ in range(MOST_ROUNDS):
            if not self.has_changed:
                return
            self.has_changed = False
            self._done.clear()
            ask()

    def answer(self, question, rule, *arguments):
        """The set that ``rule(*arguments)`` gives, with what it gave before."""
        before = self._answers.get(question, NOTHING)
        if question in self._done or question in self._busy:
            return before
        self._busy.add(question)
        found = before.union(rule(*arguments))
        self._busy.discard(question)
        self._done.add(question)
        if found == before or len(found) > MOST_VALUES:
            return before
        self._answers[question] = found
        self.has_changed = True
        return found


def union(rule, things):
    """All that ``rule`` gives for each of ``things``."""
    return frozenset(value for thing in things for value in rule(thing))
