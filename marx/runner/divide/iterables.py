"""What a portion takes its items from: it is taken ahead of the items, so taking must neither do anything nor see what items do."""

from __future__ import absolute_import

from marx.runner.compat import IS_2
from marx.runner.divide import syntax
from marx.runner.divide.roots import name_of
from marx.runner.divide.scopes import owner_of
from marx.runner.divide.syntax import kind

ITERABLE = ("iterable",)

#: Make a list, or what is as good as one, of whatever they are given.
_CONTAINERS = frozenset(["list", "tuple", "set", "frozenset", "dict", "sorted", "range", "xrange"])
#: Go through what they are given, and do nothing else.
_VIEWS = frozenset(["enumerate", "zip", "reversed", "iter", "itertools.izip", "itertools.product", "itertools.combinations", "itertools.permutations"])
_VIEWS = _VIEWS | frozenset(["itertools.combinations_with_replacement", "itertools.chain"])
_METHODS = frozenset(["items", "keys", "values", "iteritems", "iterkeys", "itervalues"])
_LITERALS = frozenset(["List", "Tuple", "Set", "Dict", "ListComp", "SetComp", "DictComp", "JoinedStr"])


_LAZY = frozenset(["map", "filter", "itertools.imap", "itertools.ifilter", "itertools.starmap"])


def lazily_from(node, scope, targets):
    """What an iterable is called that computes its elements one by one, as they are asked for; None for others."""
    if kind(node) == "GeneratorExp":
        return "a generator"
    names = targets.names(node.func, scope) or frozenset() if kind(node) == "Call" else frozenset()
    lazy = sorted(name for name in names & _LAZY if not IS_2 or "." in name)
    return "`%s`" % lazy[0] if lazy else None


def containers_of(node, scope, targets):
    """The roots whose values must be containers so that the items of an iterable may be taken ahead; `ITERABLE` for its own value."""
    if kind(node) in _LITERALS or syntax.constant(node) is not syntax.MISSING:
        return []
    if kind(node) != "Call":
        return [ITERABLE]
    names = targets.names(node.func, scope) or frozenset()
    if names and names <= _CONTAINERS:
        return []
    if names and names <= _VIEWS and not node.keywords and not syntax.has_more_arguments(node):
        return [root for each in node.args for root in _given(each, scope, targets)]
    is_view = not names and kind(node.func) == "Attribute" and node.func.attr in _METHODS and not node.args
    return _given(node.func.value, scope, targets) if is_view else [ITERABLE]


def _given(node, scope, targets):
    """The same of what is gone through by something else: only names can be looked at when it runs."""
    if kind(node) == "Name":
        owner = owner_of(scope, node.id)
        return [name_of(owner, node.id)] if owner is not None else [ITERABLE]
    return containers_of(node, scope, targets)
