"""What an explicit portion needs at the worker's: the function's module, and the names of modules that it reads, through all that it calls.

Each comes by a rule, as far as the source shows; the values decide when it runs.

"main"         the main file, imported without what its guard hides, then overlaid with its values as they were
"definitions"  the main file's definitions and set-up calls, then its values: for one that does its work when it is imported
"spawn"        the main file, imported again as spawn and forkserver do
"module"       another module of the program, imported
"import"       a name of such a module, as importing binds it
"library"      a library, which must be installed at the worker's
"definition"   a function or class, with the module that it stands in
"value"        a value, as it is when the pool is made
"undecided"    a value that has to show when it runs whether it can be carried
"pickle"       a function that joblib sends by value
"runtime"      what the source does not show: decided when it runs
"""

from __future__ import absolute_import

import os
import sys
from collections import namedtuple

from marx.runner.divide import libraries, syntax
from marx.runner.divide.scopes import owner_of
from marx.runner.divide.syntax import MISSING, kind
from marx.runner.divide.values import External, Made, Own, library_name

#: One thing that travels. ``line``: where it is bound, None for a library.
Need = namedtuple("Need", "name path line rule")

#: Why a portion stays: ``name`` of ``path``, bound at ``line``, is ``noun`` ("an open file").
Bound = namedtuple("Bound", "name path line noun")

_PLAIN_MAKERS = frozenset("dict list set tuple frozenset range xrange int float str bool bytes complex sorted len".split())
_PLAIN = frozenset("List Tuple Set Dict UnaryOp BinOp Compare Starred JoinedStr FormattedValue".split())


class Needs(object):
    """What functions need, gathered one after the other. ``needs``: in the order they were met. ``bound``: what cannot leave."""

    def __init__(self, resolver):
        self._resolver = resolver
        self._seen = set()
        self._met = set()
        self.needs = []
        self.bound = []

    def add_called(self, scope):
        """The function or class that is called for each item, by the name that it has."""
        if scope.parent.kind == "module":
            self._met.add((scope.parent, scope.name))
        if scope.module.name != "__main__":
            self._add_module(scope.module)
        self._add_function(scope)

    def add_initializer(self, node, scope):
        """What each process of the pool begins with."""
        for called in self._resolver.functions(node, scope):
            self.add_called(called)

    def add_argument(self, node, scope):
        """What is given to an initializer by value: only what cannot be is worth a word."""
        for each in syntax.walk(node):
            owner = owner_of(scope, each.id) if kind(each) == "Name" else None
            if owner is not None:
                self._note_bound(each.id, owner, owner.bindings[each.id])

    def add_global(self, path, name):
        """A name of the module at ``path``, as an item reads it."""
        top = next(module.top for module in self._resolver.modules if module.path == path)
        if name in top.bindings:
            self._add_name(top, name)

    def _add_function(self, scope):
        if scope in self._seen:
            return
        self._seen.add(scope)
        for each in scope.below():
            for node in each.loads:
                self._add_load(node, each)
            for node in each.attributes:
                self._add_attribute(node, each)
            for call in each.calls:
                for called in self._resolver.functions(call.node.func, each):
                    self._add_function(called)

    def _add_load(self, node, scope):
        owner = owner_of(scope, node.id)
        if owner is not None and owner.kind == "module":
            self._add_name(owner, node.id)

    def _add_attribute(self, node, scope):
        for value in self._resolver.of(node.value, scope):
            if isinstance(value, Own) and node.attr in value.module.top.bindings:
                self._add_name(value.module.top, node.attr)

    def _add_name(self, top, name):
        if (top, name) in self._met:
            return
        self._met.add((top, name))
        own = [binding for binding in top.bindings[name] if binding.kind != "import"]
        if own:
            self._add_own(top, name, own)
        else:
            self._add_imports(top.bindings[name])

    def _add_imports(self, bindings):
        """What several imports may bring; of those that are tried in turn, the first that comes with this Python is enough."""
        libraries_named = []
        for binding in bindings:
            origin = self._resolver.origin(binding)
            if origin is not None:
                self._add_name(*origin)
            else:
                found = self._resolver.bound_to(binding)
                libraries_named.extend(value.name.split(".")[0] for value in found if isinstance(value, External))
        if not STANDARD.intersection(libraries_named):
            for root in libraries_named:
                self.add_library(root)

    def add_library(self, root):
        """A library by the first part of its name; what comes with every Python is not worth a word."""
        if root not in self._met and root not in STANDARD:
            self._met.add(root)
            self.needs.append(Need(root, None, None, "library"))

    def _add_module(self, module):
        if module not in self._met:
            self._met.add(module)
            self.needs.append(Need(module.name, module.path, 1, "module"))

    def _add_own(self, top, name, bindings):
        if top.name != "__main__":
            self._add_module(top.module)
        label = name if top.name == "__main__" else "%s.%s" % (top.name, name)
        self.needs.append(Need(label, top.module.path, bindings[0].line, self._rule(top, name, bindings)))
        for binding in bindings:
            if binding.kind in ("function", "class"):
                self._add_function(binding.value)
        self._note_bound(label, top, bindings)

    def _rule(self, top, name, bindings):
        if all(binding.kind in ("function", "class") for binding in bindings):
            return "definition"
        if top.name != "__main__" and not self._resolver.is_rebound(top, name):
            return "import"
        is_plain = all(binding.kind == "value" and self._is_plain(binding.value) for binding in bindings)
        return "value" if is_plain else "undecided"

    def _note_bound(self, label, owner, bindings):
        """Whether a name stands for something that cannot leave, and for nothing else. What importing makes anew may be made anew."""
        name, noun = self._homebound(bindings[0]) if len(bindings) == 1 else (None, None)
        is_made_anew = owner.kind == "module" and bindings[0].scope is owner and not bindings[0].guarded
        if noun is not None and (name.startswith("multiprocessing.") or not is_made_anew):
            self.bound.append(Bound(label, owner.module.path, bindings[0].line, noun))

    def _homebound(self, binding):
        """(who makes it, what it is) for what stays in its process or on its machine; (None, None) for all else."""
        if binding.kind not in ("value", "context"):
            return None, None
        if kind(binding.value) == "GeneratorExp":
            return "", "a generator"
        for value in self._resolver.bound_to(binding):
            name = libraries.canonical(library_name(value.of) or "") if isinstance(value, Made) else ""
            if name.startswith("multiprocessing.Manager()."):
                return name, "an object of a manager's process"
            if name in libraries.HOMEBOUND:
                return name, libraries.HOMEBOUND[name]
        return None, None

    def _is_plain(self, node):
        """Whether an expression can only give numbers, texts and collections of them."""
        if syntax.constant(node) is not MISSING:
            return True
        if kind(node) == "Call":
            name = syntax.dotted(node.func)
            return name in _PLAIN_MAKERS and all(self._is_plain(each) for each in node.args)
        return kind(node) in _PLAIN and all(self._is_plain(each) for each in syntax.operands(node))


def _standard_names():
    """The modules that come with this Python, by their files."""
    folder = os.path.dirname(os.__file__)
    found = set(sys.builtin_module_names)
    for place in (folder, os.path.join(folder, "lib-dynload")):
        try:
            found.update(name.split(".")[0] for name in os.listdir(place))
        except OSError:
            continue
    return found


STANDARD = frozenset(_standard_names())
