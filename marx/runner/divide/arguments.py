"""What a call gives to the parameters of the function that it calls."""

from __future__ import absolute_import

from marx.runner.divide import roots, syntax
from marx.runner.divide.index import is_literal
from marx.runner.divide.roots import NONE


class Arguments(object):
    """
    Of one call. ``nodes``: expressions by position, None where there is none. ``found``: the roots of each. ``names``: {keyword: (node, roots)}.

    ``rest``: roots of what ``*args`` and ``**kwargs`` may bring, None where there is neither. ``scope``: where the call stands.
    """

    def __init__(self, nodes, found, names=(), rest=None, scope=None):
        self.scope = scope
        self.nodes = list(nodes)
        self.found = list(found)
        self.names = dict(names)
        self.rest = rest

    def all(self):
        """Roots of everything that is given."""
        together = set(self.rest or ())
        for each in self.found + [found for _, found in self.names.values()]:
            together.update(each)
        return frozenset(together)

    def after(self, found, node=None):
        """The same with another argument in front."""
        return Arguments([node] + self.nodes, [found] + self.found, self.names, self.rest, self.scope)

    def without(self, count):
        """The same without the first ones."""
        return Arguments(self.nodes[count:], self.found[count:], self.names, self.rest, self.scope)


def unknown_arguments(found):
    """Arguments of which nobody knows how many there are: each may be any of ``found``."""
    return Arguments([], [], (), frozenset(found))


class Binding(object):
    """Which argument each parameter of ``scope`` gets; ``frame`` is where it is called."""

    def __init__(self, scope, arguments, frame):
        self._scope = scope
        self._arguments = arguments
        self._frame = frame
        positional, by_keyword = syntax.parameters(scope.node)
        self._parameters = positional + by_keyword
        self._positional = len(positional)

    def roots(self, place):
        """The roots of a parameter's value."""
        arguments = self._arguments
        if arguments.rest is not None:
            everything = arguments.all()
            return everything.union(self._default(place))
        if place >= len(self._parameters):
            return self._collected()
        given = self._given(place)
        return self._default(place) if given is None else given[1]

    def node(self, place):
        """The expression that a parameter's value comes from, and its scope; (None, None) where nobody knows."""
        if self._arguments.rest is not None or place >= len(self._parameters):
            return None, None
        given = self._given(place)
        if given is None:
            return self._parameters[place][1], self._scope.parent
        return given[0], self._arguments.scope

    def _given(self, place):
        arguments, (name, _) = self._arguments, self._parameters[place]
        if place < self._positional and place < len(arguments.found):
            return arguments.nodes[place], arguments.found[place]
        return arguments.names.get(name)

    def _default(self, place):
        name, default = self._parameters[place] if place < len(self._parameters) else (None, None)
        if default is None or is_literal(default):
            return NONE
        return frozenset([roots.default_of(self._scope, name)])

    def _collected(self):
        """What ``*args`` or ``**kwargs`` hold: a new container."""
        known = set(name for name, _ in self._parameters)
        more = self._arguments.found[self._positional :]
        more = more + [found for name, (_, found) in self._arguments.names.items() if name not in known]
        held = frozenset(root for found in more for root in found)
        return self._frame.contain(held)


def places(scope):
    """(name, roots of its value as the function itself sees it) for each name that is a parameter."""
    positional, by_keyword = syntax.parameters(scope.node)
    known = positional + by_keyword
    for place, (name, _) in enumerate(known):
        if name is not None:
            yield name, frozenset([roots.parameter(place)])
    arguments = scope.node.args
    for place, each in enumerate([arguments.vararg, arguments.kwarg]):
        if each is not None:
            yield getattr(each, "arg", each), frozenset([roots.parameter(len(known) + place)])
    for place, one in enumerate(arguments.args):
        if syntax.kind(one) == "Tuple":
            for each in syntax.walk(one):
                if syntax.kind(each) == "Name":
                    yield each.id, frozenset([roots.inside(roots.parameter(place))])
