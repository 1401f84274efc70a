"""Whether functions may come back to themselves, so that how deep calls may go can show in what they do."""

from __future__ import absolute_import

from marx.runner.divide.targets import bare

_SHOWN = frozenset(["function", "bound"])


class Returning(object):
    """Of one program; ``summaries``: its `Summaries`."""

    def __init__(self, summaries):
        self._targets = summaries.targets
        self._index = summaries.index
        self._known = {}

    def may_return(self, function, scope):
        """Whether a call of what an expression stands for may, through whatever it calls; also where that does not show."""
        return any(each is None or self._may(each, ()) for each in self._called(function, scope))

    def _may(self, function, above):
        """``function``: a scope; ``above``: those that have called it."""
        if function in above:
            return True
        if function not in self._known:
            found = [each for inner in function.below() for call in inner.calls for each in self._called(call.node.func, call.scope)]
            found += self._index.reading + self._index.storing + [each for several in self._index.properties.values() for each in several]
            self._known[function] = any(each is None or self._may(each, above + (function,)) for each in found)
        return self._known[function]

    def _called(self, node, scope):
        """Scopes of functions that may run when an expression is called; None stands for what does not show."""
        targets = self._targets.of(node, scope)
        if targets is None:
            return self._index.methods.get(getattr(node, "attr", None), ()) if hasattr(node, "attr") else [None]
        found = []
        for target in map(bare, targets):
            if target.kind in _SHOWN:
                found.append(target.what)
            elif target.kind == "class":
                found += [each.value for name in ("__init__", "__new__") for each in target.what.bindings.get(name, ()) if each.kind == "function"]
            elif target.kind not in ("library", "record"):
                found.append(None)
        return found
