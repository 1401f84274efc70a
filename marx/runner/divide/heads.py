"""Loops of which only the beginning of each turn can be computed elsewhere: its *head*. What that gives to the rest is handed over turn by turn.

A head asks of its own statements what a portion asks of an item, and of the rest of the turn only that no name goes from there to a later
head. The rest may change objects that later heads read: where the source does not show that it changes nothing but what it names, that is
looked at before each turn, see `found.handing`.
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

#: ``count``: the statements of the loop's body that are its head. ``names``: those that it binds and that are used behind it, in a fixed order.
#: ``why``: what keeps the rest, as a sentence. ``skips``: whether it may go on with the next turn. ``rest``: a `Rest`, None where it may do
#: anything.
Head = namedtuple("Head", "count names why skips rest")

#: ``changes``: roots of the names whose objects the rest of a turn changes, and of no others, where its ``conditions`` hold.
Rest = namedtuple("Rest", "changes conditions")


def heads_of(site, inner_names, is_used_elsewhere):
    """
    {the number of statements: the names that it gives} of all heads that a loop may have, as far as names tell.

    ``inner_names``: see `Turn`. ``is_used_elsewhere(name)``: whether a name may be read behind the loop.
    """
    body, found = site.node.body, {}
    if suspends(body):
        return found
    names = bound_in([site.node.target] + body)
    for count in range(1, len(body) + 1):
        head = body[:count]
        if leaving(head) is not None or kind(head[-1]) in ("FunctionDef", "ClassDef", "Import", "ImportFrom"):
            break
        turn = Turn(head, names, targets_in(site.node.target), inner_names)
        if turn.carried is not None:
            break
        used = _read_in(body[count:])
        given = sorted(name for name in bound_in(head) if name in used or is_used_elsewhere(name))
        if turn.end is not None and turn.end.issuperset(given):
            found[count] = tuple(given)
    return found


def _read_in(statements):
    """Names that statements may read, or delete, at any depth."""
    return frozenset(each.id for statement in statements for each in syntax.walk(statement) if kind(each) == "Name")


class HeadItem(Walking):
    """The head of one turn: as many of the body's statements as do nothing that must not happen elsewhere. ``count``: so many, 0 for none."""

    def __init__(self, summaries, site, heads, lengths):
        self._site = site
        self._lengths = lengths
        self._heads = heads
        self.count = max(heads)
        self.binds = bound_in([site.node.target] + site.node.body)
        Walking.__init__(self, summaries, site.scope, None, self.binds)

    @property
    def names(self):
        """Those that are handed over."""
        return self._heads.get(self.count, ())

    def step(self):
        """Walk it once."""
        node, scope = self._site.node, self.scope
        self.take(node.target, node.iter, frozenset([ITEM]), scope)
        self.do_all(node.body[: self.count], scope)
        for name in self.names:
            self.outcome.results.update(self.variable(scope, name))

    def effect(self, kind_of_effect, root, line, where=None):
        """The head ends before the statement that does it. Raises `Hopeless`: what was found of more statements is forgotten."""
        body = self._site.node.body
        place = max([0] + [place for place, statement in enumerate(body) if statement.lineno <= line])
        while place and body[place - 1].lineno == body[place].lineno:
            place -= 1
        self.count = max([0] + [count for count in self._heads if count <= min(place, self.count - 1)])
        Walking.__init__(self, self.analysis, self._site.scope, None, self.binds)
        if self.count:
            self.analysis.add(self)
        raise Hopeless()

    def head(self, why, rest):
        """The `Head` that was found; None if there is none that is worth it."""
        statements = self._site.node.body[: self.count]
        if not self._lengths.may_be_long(statements, self._site.scope):
            return None
        return Head(self.count, self.names, why, continues(statements), rest)


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
