"""One item of a portion as a frame: what is done with what one turn takes."""

from __future__ import absolute_import

from marx.runner.compat import IS_2
from marx.runner.divide import roots, syntax
from marx.runner.divide.arguments import Arguments, unknown_arguments
from marx.runner.divide.collecting import given_by
from marx.runner.divide.roots import FUNCTION, ITEM, NONE, RESULT
from marx.runner.divide.syntax import kind
from marx.runner.divide.turns import bound_in
from marx.runner.divide.walking import Walking

_ITEM = frozenset([ITEM])
_SCALAR = frozenset(["iadd", "max", "min"])


def item_of(site, summaries, collecting=None):
    """The frame of an item of a `Site`."""
    if site.kind in ("map", "starmap"):
        return MapItem(summaries, site)
    return LoopItem(summaries, site, collecting) if site.kind == "for" else ComprehensionItem(summaries, site)


class LoopItem(Walking):
    """The body of a loop; statements that collect give results."""

    def __init__(self, summaries, site, collecting):
        node = site.node
        self.binds = bound_in([node.target] + node.body) - collecting.values
        Walking.__init__(self, summaries, site.scope, None, self.binds)
        self._node = node
        self._collecting = collecting

    def step(self):
        """Walk it once."""
        self.take(self._node.target, self._node.iter, _ITEM, self.scope)
        self.do_all(self._node.body, self.scope)

    def do(self, node, scope):
        """One statement, or what it would collect."""
        collect = self._collecting.found.get(id(node))
        if collect is None:
            Walking.do(self, node, scope)
            return
        keys, values = given_by(collect)
        found, line = self.all_of(keys, scope), node.lineno
        given = found | self.all_of(values, scope)
        self.operate(found | (given if collect.how in ("add", "update") else NONE), line, deep=True)
        if collect.how == "fill":
            self.numbers(given, line)
            for maker in self._collecting.makers:
                self.look_up(("library", maker), line)
        self.outcome.results.update(given)
        if collect.how != "append":
            self.meanwhile(line)
        if collect.how in _SCALAR:
            self.outcome.conditions.setdefault(("scalar", RESULT), line)


class ComprehensionItem(Walking):
    """The element of a comprehension, with its conditions and all but the first of its loops."""

    def __init__(self, summaries, site):
        node = site.node
        inner = summaries.index.scopes.get(id(node), site.scope)
        self.binds = bound_in([node] if IS_2 else [one.target for one in node.generators])
        Walking.__init__(self, summaries, inner, None, self.binds if inner is site.scope else None)
        self._site = site

    def step(self):
        """Walk it once."""
        node, scope = self._site.node, self.scope
        first = node.generators[0]
        self.take(first.target, first.iter, _ITEM, scope)
        for test in first.ifs:
            self.operate(self.of(test, scope), test.lineno)
        self.go_through(node.generators[1:], scope, scope)
        parts = [part for part in [getattr(node, name, None) for name in ("elt", "key", "value")] if part is not None]
        self.outcome.results.update(self.all_of(parts, scope))
        if kind(node) in ("SetComp", "DictComp"):
            self.operate(self.of(parts[0], scope), node.lineno, deep=True)
        if kind(node) in ("SetComp", "DictComp") or self._site.taken == "meanwhile":
            self.meanwhile(node.lineno)


class MapItem(Walking):
    """A call of what is mapped."""

    def __init__(self, summaries, site):
        self.binds = frozenset()
        Walking.__init__(self, summaries, site.scope, None, self.binds)
        self._site = site

    def step(self):
        """Walk it once."""
        node = self._site.node
        function, line = node.args[0], node.lineno
        if self._site.kind == "starmap":
            arguments = unknown_arguments([roots.inside(ITEM)])
        else:
            count = len(node.args) - 1
            arguments = Arguments([None] * count, [_ITEM] * count)
        self.outcome.results.update(self._called(function, arguments, line))
        if self._site.taken == "meanwhile":
            self.meanwhile(line)

    def _called(self, function, arguments, line):
        """The function is looked up once, so whatever hangs on it is shared by all items."""
        if self.analysis.targets.of(function, self.scope) is not None:
            return self.call_value(function, self.scope, arguments, line)
        if kind(function) == "Attribute" and syntax.dotted(function) is not None:
            return self.call_value(function, self.scope, arguments, line)
        self.operate(_ITEM, line, deep=True)
        return self.pending(FUNCTION, [_ITEM], line)

