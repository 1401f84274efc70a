"""Loops of which only some statements of each turn, that follow each other, can be computed elsewhere: its *head*, mostly the first ones. What that
gives to the rest is handed over turn by turn.

A head asks of its own statements what a portion asks of an item, and of the rest of the turn only that no name goes from there to a head.
The rest may change objects that heads read: where the source does not show that it changes nothing but what it names, that is looked at
before each head, see `found.handing`.
"""

from __future__ import absolute_import

from collections import namedtuple

from marx.runner.divide import roots, syntax
from marx.runner.divide.frame import Hopeless
from marx.runner.divide.outcome import conditions_of
from marx.runner.divide.roots import ITEM, name_of
from marx.runner.divide.syntax import kind
from marx.runner.divide.turns import Turn, bound_in, continues, leaving, suspends, targets_in
from marx.runner.divide.walking import Walking

#: ``start``, ``stop``: the statements of the loop's body that are its head. ``names``: those that it binds and that the rest uses, in a fixed
#: order. ``why``: what keeps the rest, as a sentence. ``skips``: whether it may go on with the next turn. ``rest``: a `Rest`, None where it may
#: do anything.
Head = namedtuple("Head", "start stop names why skips rest")

#: ``changes``: roots of the names whose objects the rest of a turn changes, and of no others, where its ``conditions`` hold.
Rest = namedtuple("Rest", "changes conditions")


def heads_of(site, inner_names, is_used_elsewhere):
    """
    {(first statement, the one behind the last): the names that it gives} of all heads that a loop may have, as far as names tell.

    ``inner_names``: see `Turn`. ``is_used_elsewhere(name)``: whether a name may be read behind the loop.
    """
    body, found = site.node.body, {}
    if suspends(body):
        return found
    names = bound_in([site.node.target] + body)
    for start in range(len(body)):
        first = targets_in(site.node.target) - bound_in(body[:start])
        for stop in range(start + 1, len(body) + 1):
            head = body[start:stop]
            if leaving(head[-1:]) is not None or kind(head[-1]) in ("FunctionDef", "ClassDef", "Import", "ImportFrom"):
                break
            turn = Turn(head, names, first, inner_names)
            if turn.carried is not None:
                break
            used = _read_in(body[:start] + body[stop:])
            given = sorted(name for name in bound_in(head) if name in used or is_used_elsewhere(name))
            if turn.end is not None and turn.end.issuperset(given):
                found[start, stop] = tuple(given)
        if continues(body[start : start + 1]):
            break  # not every turn would come to a later one
    return found


def _read_in(statements):
    """Names that statements may read, or delete, at any depth."""
    return frozenset(each.id for statement in statements for each in syntax.walk(statement) if kind(each) == "Name")


class HeadItem(Walking):
    """
    The head of one turn: the first statements of the body that may take long and do nothing that must not happen elsewhere.

    ``place``: of the first statement and the one behind the last, None where there are none.
    """

    def __init__(self, summaries, site, heads, lengths):
        self._site = site
        self._are_long = [lengths.may_be_long([statement], site.scope) for statement in site.node.body]
        self._heads = dict((place, names) for place, names in heads.items() if any(self._are_long[slice(*place)]))
        self.place = self._longest(0, len(site.node.body))
        self.binds = bound_in([site.node.target] + site.node.body)
        Walking.__init__(self, summaries, site.scope, None, self.binds)

    def _longest(self, start, stop):
        """That begins soonest at ``start`` or behind it, and ends soonest at ``stop`` or before."""
        fitting = [place for place in self._heads if place[0] >= start and place[1] <= stop]
        return self._trimmed(min(fitting, key=lambda place: (place[0], -place[1]))) if fitting else None

    def _trimmed(self, place):
        """Without what takes no time at its ends: what that reads need not stay as it is. No more is handed over for that than what is printed."""
        start, stop = place
        while not self._are_long[start] and (start + 1, stop) in self._heads:
            start += 1
        while not self._are_long[stop - 1] and (start, stop - 1) in self._heads:
            is_free = set(self._heads[start, stop - 1]) <= set(self._heads[start, stop])
            if not is_free and kind(self._site.node.body[stop - 1]) not in ("Expr", "Print"):
                break
            stop -= 1
        return start, stop

    @property
    def names(self):
        """Those that are handed over."""
        return self._heads[self.place] if self.place else ()

    def step(self):
        """Walk it once, if there is one."""
        if not self.place:
            return
        node, scope = self._site.node, self.scope
        self.take(node.target, node.iter, frozenset([ITEM]), scope)
        self.do_all(node.body[slice(*self.place)], scope)
        for name in self.names:
            self.outcome.results.update(self.variable(scope, name))

    def effect(self, kind_of_effect, root, line, where=None):
        """The head ends before the statement that does it, or begins behind it. Raises `Hopeless`: what was found of more statements is forgotten."""
        body, start = self._site.node.body, self.place[0]
        place = max([start] + [place for place in range(*self.place) if body[place].lineno <= line])
        behind = place + 1
        while place > start and body[place - 1].lineno == body[place].lineno:
            place -= 1
        before = [stop for first, stop in self._heads if first == start and stop <= place]
        self.place = self._trimmed((start, max(before))) if before else self._longest(max(behind, start + 1), len(body))
        Walking.__init__(self, self.analysis, self._site.scope, None, self.binds)
        if self.place:
            self.analysis.add(self)
        raise Hopeless()

    def head(self, why, rest):
        """The `Head` that was found."""
        statements = self._site.node.body[slice(*self.place)]
        return Head(self.place[0], self.place[1], self.names, why, continues(statements), rest)


class WholeTurn(Walking):
    """All of a turn, to see what it changes. ``changes``: roots of names, None where it may do anything else."""

    def __init__(self, summaries, site, inner_names):
        self._node = site.node
        self.changes = set()
        names = bound_in([site.node.target] + site.node.body)
        first = targets_in(site.node.target)
        self._carried = [name for name in sorted(names) if Turn(site.node.body, frozenset([name]), first, inner_names).carried]
        Walking.__init__(self, summaries, site.scope, None, names)

    def step(self):
        """Walk it once: names that go from turn to turn begin with what they mean outside."""
        for name in self._carried:
            self.bind(self.scope, name, frozenset([name_of(self.scope, name)]))
        self.take(self._node.target, self._node.iter, frozenset([ITEM]), self.scope)
        self.do_all(self._node.body, self.scope)

    def effect(self, kind_of_effect, root, line, where=None):
        """What is done by a function that is called counts as anything: all of it is not known. Raises `Hopeless`."""
        if self.changes is None or kind_of_effect != "changes" or where is not None or root[0] not in ("global", "enclosing"):
            self.changes = None
            raise Hopeless()
        self.changes.add(root)

    def rest(self):
        """The `Rest` that was found, or None."""
        if self.changes is None:
            return None
        # It is done in its place, so it compares the objects that are there.
        told = dict(((what, roots.told(root)), line) for (what, root), line in self.outcome.conditions.items() if what != "alike")
        return Rest(tuple(sorted(self.changes)), tuple(conditions_of(told, self.outcome.calls)))
