"""Loops of which only some statements of each turn, that follow each other, can be computed elsewhere: its *head*, mostly the first ones; or where
there are none, an expression in one of them. What that gives to the rest is handed over turn by turn.

A head asks of its own statements what a portion asks of an item, and of the rest of the turn only that no name goes from there to a head.
The rest may change objects that heads read: where the source does not show that it changes nothing but what it names, that is looked at
before each head, see `found.handing`.
"""

from __future__ import absolute_import

import ast
from collections import namedtuple

from marx.runner.divide import pure, roots, syntax
from marx.runner.divide.frame import Hopeless
from marx.runner.divide.outcome import conditions_of
from marx.runner.divide.roots import ITEM, name_of
from marx.runner.divide.scopes import owner_of
from marx.runner.divide.sites import are_work
from marx.runner.divide.syntax import kind
from marx.runner.divide.turns import Turn, bound_in, continues, leaving, suspends, targets_in
from marx.runner.divide.walking import Walking

#: ``start``, ``stop``: the statements of the loop's body that are its head. ``names``: those that it binds and that the rest uses, in a fixed
#: order. ``why``: what keeps the rest, as a sentence. ``skips``: whether it may go on with the next turn. ``rest``: a `Rest`, None where it may
#: do anything. ``expression``: the node of which alone the head consists, None where statements are it. ``reads``: (name, place) of the item, or
#: None, of what the loop's target binds and the head reads, where something of the turn comes before it that could bind it again.
Head = namedtuple("Head", "start stop names why skips rest expression reads")

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
    names, targets = bound_in([site.node.target] + body), targets_in(site.node.target)
    statements = [_Statement(each) for each in body]
    behind = _all_behind([each.reads for each in statements])
    elsewhere = frozenset(name for name in names if is_used_elsewhere(name))
    for start in range(len(body) if _places_of(site.node.target) is not None else 1):
        changed = _union(each.changes for each in statements) - targets | _union(each.changes for each in statements[:start])
        before = _union(each.reads for each in statements[:start])
        turn, bound = Turn((), names, targets - _union(each.binds for each in statements[:start]), inner_names), frozenset()
        for stop, statement in enumerate(statements[start:], start + 1):
            turn.go_on([statement.node])
            if statement.ends_head or turn.carried is not None or not statement.reads.isdisjoint(changed):
                break
            bound |= statement.binds
            given = bound & (before | behind[stop] | elsewhere)
            if turn.end is not None and turn.end.issuperset(given):
                found[start, stop] = tuple(sorted(given))
        if continues(body[start : start + 1]):
            break  # not every turn would come to a later one
    return found


class _Statement(object):
    """Names that one statement of a body ``reads``, ``binds`` and ``changes``; ``ends_head``: whether no head goes on to it."""

    def __init__(self, node):
        self.node = node
        self.reads = _read_in([node])
        self.binds = frozenset(bound_in([node]))
        self.changes = frozenset(_changed_by([node]))
        self.ends_head = leaving([node]) is not None or kind(node) in ("FunctionDef", "ClassDef", "Import", "ImportFrom")


def _union(several):
    return frozenset().union(*several)


def _all_behind(several):
    """For each place, and the end: all in the sets from there on."""
    found = [frozenset()]
    for each in reversed(several):
        found.append(found[-1] | each)
    return found[::-1]


def _places_of(target):
    """{each name that a loop's target binds: the place in the item, None for the item itself}; None where it takes items apart otherwise."""
    if kind(target) == "Name":
        return {target.id: None}
    if kind(target) not in ("Tuple", "List") or any(kind(each) != "Name" for each in target.elts):
        return None
    return dict((each.id, place) for place, each in enumerate(target.elts))


def _read_in(statements):
    """Names that statements may read, or delete, at any depth."""
    return frozenset(each.id for statement in statements for each in syntax.walk(statement) if kind(each) == "Name")


def expressions_of(site, inner_names, lengths, targets):
    """The expressions that each turn computes which may be a head, as far as names tell; each before those within it. ``targets``: `Targets`."""
    body, found = site.node.body, []
    if suspends(body) or _places_of(site.node.target) is None:
        return found
    names = bound_in([site.node.target] + body)
    first = targets_in(site.node.target) - bound_in(body)
    changed = _changed_by(body) - first
    for statement in body:
        for node in _always(statement):
            if not _read_in([node]).isdisjoint(changed):
                continue
            if _is_work(node, site.scope, targets) and lengths.may_be_long([node], site.scope) and not bound_in([node]):
                if Turn([ast.copy_location(ast.Expr(node), node)], names, first, inner_names).carried is None:
                    found.append(node)
        if continues([statement]):
            break
        changed |= _changed_by([statement])
    return found


def _changed_by(statements):
    """Names whose objects each run of these statements changes: what reads them is never what it was a turn before."""
    found = set()
    for statement in statements:
        if kind(statement) in ("For", "With"):
            found |= _changed_by(statement.body)
        targets = getattr(statement, "targets", []) if kind(statement) == "Assign" else [statement.target] if kind(statement) == "AugAssign" else []
        if kind(statement) == "Expr" and kind(statement.value) == "Call" and kind(statement.value.func) == "Attribute":
            called = statement.value.func
            targets = [called] if any(each.changes for each in pure.METHODS.get(called.attr, ())) else []
        found.update(each.value.id for each in targets if kind(each) in ("Attribute", "Subscript") and kind(each.value) == "Name")
    return found


#: What gives an iterator, which cannot be carried back, or is as quick as what it is given.
_ITERATORS = frozenset("enumerate filter iter map range reversed xrange zip dict list set tuple open print".split())
_VALUES = ("value", "values", "test", "iter")
_SIMPLE = frozenset(["Expr", "Assign", "AugAssign", "AnnAssign", "Return", "Print", "If", "For", "Assert"])


def _is_work(node, scope, targets):
    if kind(node) == "Call":
        names = targets.names(node.func, scope)
        return not names or not all(name in _ITERATORS or name.startswith("itertools.") for name in names)
    return kind(node) in ("ListComp", "SetComp", "DictComp")


def _always(node):
    """What is computed in any case when a statement is reached, or an expression: from the outside in."""
    if kind(node) in _SIMPLE:
        parts = [getattr(node, name, None) for name in _VALUES]
        below = [each for part in parts if part is not None for each in (part if isinstance(part, list) else [part])]
    elif not isinstance(node, (ast.expr, ast.keyword)):
        return
    else:
        yield node
        below = _operands(node)
    for child in below:
        for each in _always(child):
            yield each


def _operands(node):
    """The parts of an expression that are computed whatever the others come to."""
    name = kind(node)
    if name == "Lambda" or name in syntax.COMPREHENSIONS:
        return []
    if name == "IfExp":
        return [node.test]
    if name == "BoolOp":
        return node.values[:1]
    if name == "Compare":
        return [node.left] + node.comparators[:1]
    return list(syntax.children(node))


def _may_be_long(statement, scope, lengths, index):
    """Whether it does what a site does that is asked about: by operators alone, also on arrays, no time goes by."""
    return are_work([statement], scope, index) and lengths.may_be_long([statement], scope)


class HeadItem(Walking):
    """
    The head of one turn: the first statements of the body that may take long and do nothing that must not happen elsewhere.

    ``place``: of the first statement and the one behind the last, None where there are none; then ``expression`` may be there.
    """

    def __init__(self, summaries, site, heads, expressions, lengths):
        self._site = site
        self._are_long = [_may_be_long(statement, site.scope, lengths, summaries.index) for statement in site.node.body]
        self._heads = dict((place, names) for place, names in heads.items() if any(self._are_long[slice(*place)]))
        self._expressions = iter(expressions)
        self.place = self._longest(0, len(site.node.body))
        self.expression = next(self._expressions, None) if self.place is None else None
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
    def is_there(self):
        """Whether anything is left of it."""
        return self.place is not None or self.expression is not None

    @property
    def names(self):
        """Those that are handed over."""
        return self._heads[self.place] if self.place else ()

    def step(self):
        """Walk it once, if there is one."""
        if not self.is_there:
            return
        node, scope = self._site.node, self.scope
        self.take(node.target, node.iter, frozenset([ITEM]), scope)
        if self.expression is not None:
            self.outcome.results.update(self.of(self.expression, scope))
            return
        self.do_all(node.body[slice(*self.place)], scope)
        for name in self.names:
            self.outcome.results.update(self.variable(scope, name))

    def effect(self, kind_of_effect, root, line, where=None):
        """The head ends before the statement that does it, or begins behind it. Raises `Hopeless`: what was found of more statements is forgotten."""
        self.place = self.place and self._place_without(line)
        if self.place is None:
            self.expression = next(self._expressions, None)
        Walking.__init__(self, self.analysis, self._site.scope, None, self.binds)
        if self.is_there:
            self.analysis.add(self)
        raise Hopeless()

    def _place_without(self, line):
        """The next best one without the statement on a line."""
        body, start = self._site.node.body, self.place[0]
        place = max([start] + [place for place in range(*self.place) if body[place].lineno <= line])
        behind = place + 1
        while place > start and body[place - 1].lineno == body[place].lineno:
            place -= 1
        before = [stop for first, stop in self._heads if first == start and stop <= place]
        return self._trimmed((start, max(before))) if before else self._longest(max(behind, start + 1), len(body))

    def reads_what_changes(self):
        """Whether a function that it calls reads what each turn changes."""
        names = _changed_by(self._site.node.body) - targets_in(self._site.node.target)
        owners = [(owner_of(self.scope, name), name) for name in names]
        return any(owner is not None and name_of(owner, name) in self.outcome.reads for owner, name in owners)

    def head(self, why, rest):
        """The `Head` that was found."""
        if self.expression is not None:
            return Head(0, 0, (), why, False, rest, self.expression, self._reads([self.expression]))
        statements = self._site.node.body[slice(*self.place)]
        reads = self._reads(statements) if self.place[0] else ()
        return Head(self.place[0], self.place[1], self.names, why, continues(statements), rest, None, reads)

    def _reads(self, nodes):
        read = _read_in(nodes)
        return tuple(sorted((name, place) for name, place in _places_of(self._site.node.target).items() if name in read))


class WholeTurn(Walking):
    """All of a turn, to see what it changes. ``changes``: roots of names, None where it may do anything else."""

    def __init__(self, summaries, site, inner_names):
        self._node = site.node
        self.changes = set()
        names = bound_in([site.node.target] + site.node.body)
        first = targets_in(site.node.target)
        self._carried = sorted(Turn(site.node.body, names, first, inner_names).all_carried)
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
