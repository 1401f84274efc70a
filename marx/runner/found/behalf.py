"""What becomes of a map of a library's: decided as a site of the program is, on the function that it is called with."""

from __future__ import absolute_import

import functools

from marx.runner.divide.found import Condition, Found
from marx.runner.divide.roots import FUNCTION, ITEM
from marx.runner.found.conditions import Settling
from marx.runner.found.deciding import Deciding, Stays, tried
from marx.runner.found.depth import asked, more, used
from marx.runner.found.functions import summary_of
from marx.runner.found.mapping import bare_of, filtered, name_of
from marx.runner.found.sites import Around, Place

#: A root: what a function is bound to, by a method or a partial.
BOUND = ("bound",)


def handing(mapping, values, seconds):
    """A `Handing` for a `Mapping`, the last item of which gave ``values``; None where it stays."""

    def divide(found, portal):
        return _Deciding(mapping, found, mapping.frame, mapping.ahead(), portal).handing(values, seconds)

    return tried(divide, mapping, seconds, _found(mapping))


def _found(mapping):
    path, line, _, _ = mapping.site.number
    function = bare_of(mapping.function)[0]
    summary = summary_of(function)
    name = name_of(function) if summary is None else ""
    conditions = [Condition(*each) for each in (_of_library(name, line) if name else _of_program(line))]
    about = dict.fromkeys(Found._fields, ())
    about.update(kind=mapping.site.kind, module=Place(path, "", []), line=line, node=None, scope=Around("function", None))
    about.update(function=getattr(function, "__qualname__", function.__name__), reason=None, conditions=tuple(conditions), pragma=None, head=None)
    about.update(reads=summary.reads if summary is not None else (), draws=False, doubt="")
    return Found(**about)


def _of_program(line):
    return [("function", FUNCTION, line, frozenset([ITEM, BOUND])), ("known", BOUND, line, frozenset())]


def _of_library(name, line):
    return [("library", ("library", name), line, frozenset())] + [("arrays", root, line, frozenset()) for root in (ITEM, BOUND)]


class _Settling(Settling):
    """Of what a library maps: it knows the function and what that is bound to."""

    def __init__(self, mapping, found, frame, items):
        self._bare, given, named = bare_of(mapping.function)
        self._bound = list(given) + list(named.values())
        self._is_spread = mapping.is_spread
        Settling.__init__(self, found, frame, items)

    def values(self, root):
        """See `Settling`. Any of what is taken at once may be what an argument is."""
        if root == FUNCTION:
            return [self._bare]
        if root == BOUND:
            return self._bound
        values = Settling.values(self, root)
        return [each for value in values for each in value] if root == ITEM and self._is_spread else values


class _Deciding(Deciding):
    def _ask_conditions(self):
        if self._sampling.is_spread and not all(type(item) in (list, tuple) for item in self._items):
            raise Stays("what it goes over holds no tuples")
        Deciding._ask_conditions(self)

    def _settling(self, items):
        return _Settling(self._sampling, self._found, self._frame, items)

    def _work(self):
        function, given, named = bare_of(self._sampling.function)
        return functools.partial(one, function, given, named, self._sampling.is_spread)

    def _again(self, work):
        return self._work()

    def _depth(self):
        item = ((),) if self._sampling.is_spread else (None,)
        called = functools.partial(one, asked, (), {}, self._sampling.is_spread)(*item)[0] - asked(*item)
        return used(self._frame) - _calls_of_c() + more(self._found.kind, False) + 1 - called

    def _is_calm(self):
        return self._sampling.is_at_once


def _calls_of_c():
    """How many calls that are no frames lie between who consumes a `Mapping` and what looks at its items in place."""
    seen = []
    for _ in map(next, [filtered(functools.partial(_note, seen), [None])]):
        break
    _note(seen, None)
    return seen[0] - seen[1]


def _note(seen, _):
    seen.append(used())
    return True


def one(function, given, named, is_spread, item):
    """In a runner: what an item gives."""
    return [function(*(given + (tuple(item) if is_spread else (item,))), **named)]
