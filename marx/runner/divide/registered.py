"""What a toolbox of deap's has under a name: what the program registers there, ``toolbox.register("evaluate", judged)``.

Of deap 1.3 and 1.4 it was read that ``toolbox.name`` then is a `functools.partial` of the function and of what is registered with it, and that
a new toolbox has `copy.deepcopy` as ``clone`` and `map` as ``map``. Whether it still is so, the values show: see `found.toolbox`.
"""

from __future__ import absolute_import

from collections import namedtuple

from marx.runner.divide import syntax
from marx.runner.divide.syntax import kind
from marx.runner.divide.values import External, Made

#: One function. ``node``, ``scope``: the expression that it stands in; None where deap registers it, as ``library``. ``is_bound``: whether more
#: is registered with it.
Registered = namedtuple("Registered", "node scope is_bound library")

_TOOLBOX = External("deap.base.Toolbox")
_AT_FIRST = {"clone": "copy.deepcopy", "map": "map"}


def registered(resolver, node, name, scope):
    """Each `Registered` that the attribute ``name`` of an expression can be; empty where that is no toolbox, or where nobody shows it."""
    toolboxes = resolver.of(node, scope)
    if not toolboxes or not all(isinstance(value, Made) and value.of == _TOOLBOX for value in toolboxes):
        return []
    found = [Registered(None, None, False, _AT_FIRST[name])] if name in _AT_FIRST else []
    for call in resolver.calls:
        if _tells(call.node, name) and not toolboxes.isdisjoint(resolver.of(call.node.func.value, call.scope)):
            if call.node.func.attr != "register" or len(call.node.args) < 2 or kind(call.node.args[1]) == "Starred":
                return []
            is_bound = len(call.node.args) > 2 or bool(call.node.keywords) or _is_spread(call.node)
            found.append(Registered(call.node.args[1], call.scope, is_bound, None))
    return found


def _tells(call, name):
    """Whether a call says what a toolbox has under a name."""
    is_method = kind(call.func) == "Attribute" and call.func.attr in ("register", "decorate", "unregister")
    return is_method and bool(call.args) and syntax.text_of(call.args[0]) == name


def _is_spread(call):
    """Of 2.7, where ``*args`` and ``**kwargs`` stand apart."""
    return any(getattr(call, each, None) is not None for each in ("starargs", "kwargs"))
