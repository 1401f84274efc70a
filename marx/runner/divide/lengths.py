"""Whether statements may take long, as far as their source shows: what cannot need not be asked each time whether it does.

Straight lines of arithmetic cannot. What goes through something, calls itself, or calls a library or what nobody knows, may.
"""

from __future__ import absolute_import

from marx.runner.divide import pure, syntax
from marx.runner.divide.syntax import kind
from marx.runner.divide.targets import bare

#: Python's own that look at one or two objects.
_QUICK = frozenset(
    "abs bool callable chr divmod float getattr hasattr hash id int isinstance issubclass iter len long next object ord pow range repr round"
    " setattr slice str super type unichr unicode xrange print".split()
)
#: Those that go through an argument if it is the only one.
_COMPARING = frozenset(["max", "min"])
#: Those that go through their argument, if there is one.
_MAKING = frozenset(["bytes", "dict", "frozenset", "list", "set", "tuple"])
_QUICK_LIBRARIES = ("math.", "cmath.", "operator.")
#: Methods of Python's types that go through what they hold or are given.
_LONG_METHODS = frozenset(
    "count decode difference encode extend find findall finditer format fullmatch index intersection join match replace reverse rfind rindex"
    " search sort split splitlines sub subn translate union update all any argmax argmin argsort clip cumprod cumsum dot max mean min prod round"
    " std sum trace var".split()
)
_GOING = frozenset(["For", "AsyncFor", "While", "comprehension", "Starred", "With", "Exec"])
_OPERATORS = frozenset(["AugAssign", "BinOp", "BoolOp", "Compare", "Subscript", "UnaryOp"])


class Lengths(object):
    """Of one program; ``summaries``: its `Summaries`."""

    def __init__(self, summaries):
        self._summaries = summaries
        self._known = {}
        self._are_operators_long = False
        self._are_operators_long = self._is_with_arrays() or any(map(self._of, summaries.index.reading + summaries.index.storing))

    def _is_with_arrays(self):
        """Whether what operators are given may be arrays."""
        scopes = self._summaries.index.scopes.values()
        return any(imported.module and imported.module.split(".")[0] == "numpy" for scope in scopes for imported in scope.imports)

    def may_be_long(self, nodes, scope):
        """Whether statements or expressions may take long."""
        return any(self._is_long(node, scope) for part in nodes for node in syntax.evaluated(part))

    def may_be_called_long(self, function, scope):
        """Whether a call of what an expression stands for may take long."""
        targets = self._summaries.targets.of(function, scope)
        return not targets or any(self._is_long_target(target, None) for target in targets)

    def _is_long(self, node, scope):
        name = kind(node)
        return name in _GOING or name in _OPERATORS and self._are_operators_long or name == "Call" and self._is_long_call(node, scope)

    def _is_long_call(self, node, scope):
        targets = self._summaries.targets.of(node.func, scope)
        if targets:
            return any(self._is_long_target(target, node) for target in targets)
        if kind(node.func) != "Attribute":
            return True
        name = node.func.attr
        own = self._summaries.index.methods.get(name, ())
        return (not own and name not in pure.METHODS) or name in _LONG_METHODS or any(self._of(each) for each in own)

    def _is_long_target(self, target, node):
        target = bare(target)
        if target.kind in ("function", "bound"):
            return self._of(target.what)
        if target.kind == "class":
            methods = [binding for each in self._summaries.family(target.what) for name in ("__init__", "__new__") for binding in each.bindings.get(name, ())]
            return any(binding.kind != "function" or self._of(binding.value) for binding in methods)
        if target.kind == "record":
            return False
        if target.kind != "library":
            return True
        count = len(node.args) if node is not None else 1
        if target.what in _COMPARING:
            return count == 1
        is_class = target.what.rpartition(".")[2][:1].isupper()  # to make an estimator takes no time, to fit it does
        return not (is_class or target.what in _QUICK or target.what in _MAKING and not count or target.what.startswith(_QUICK_LIBRARIES))

    def _of(self, function):
        """The same of a call of a function, by its scope. One that comes back to itself may."""
        if function not in self._known:
            self._known[function] = True
            body = function.node.body
            self._known[function] = self.may_be_long(body if isinstance(body, list) else [body], function)
        return self._known[function]
