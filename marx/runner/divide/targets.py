"""What a call calls, where the source shows all that it can be: other than `resolving`, which says what it can be at least."""

from __future__ import absolute_import

from collections import namedtuple

from marx.runner.divide import pure, syntax
from marx.runner.divide.libraries import BUILTINS, canonical
from marx.runner.divide.registered import registered
from marx.runner.divide.roots import name_of
from marx.runner.divide.scopes import owner_of
from marx.runner.divide.syntax import kind

#: One thing that is called. ``kind``: "function" (what: its `Scope`), "bound" (a class method's), "class" (its `Scope`), "library" (dotted
#: name, of a builtin without a dot), "record" (a class that namedtuple made), "partial" (a list of targets), "registered" (what a toolbox calls,
#: and the root of what it adds to the arguments, None of nothing), "module" (a `Module`), "value" (a root: what it is shows when it runs). ``through``: roots of the names that lead there.
Target = namedtuple("Target", "kind what through")

_MAKERS = frozenset(["operator.itemgetter", "operator.attrgetter", "operator.methodcaller"])


class Targets(object):
    """Of one program."""

    def __init__(self, program, resolver, index):
        self._program = program
        self._resolver = resolver
        self._index = index
        self._known = {}
        self._busy = set()

    def of(self, node, scope):
        """All that an expression can be when it is called, as a list of `Target`; None where it shows in no way."""
        if id(node) not in self._known:
            rule = getattr(self, "_of_" + kind(node), None)
            self._known[id(node)] = rule(node, scope) if rule else None
        return self._known[id(node)]

    def names(self, node, scope):
        """The library's names that an expression stands for, with "()" behind what is called; None if it may be anything else."""
        if kind(node) == "Call":
            names = self.names(node.func, scope)
            return names and frozenset(name + "()" for name in names)
        found = self.of(node, scope)
        if not found or any(target.kind != "library" for target in found):
            return None
        return frozenset(target.what for target in found)

    def is_registered(self, node, scope, name):
        """Whether an expression is what a toolbox calls so where that is the library's ``name``, and nothing else that is known."""
        found = self.of(node, scope) if kind(node) == "Attribute" else None
        return bool(found) and all(target.kind == "registered" and target.what == (_library(name), None) for target in found)

    def of_name(self, owner, name):
        """The same of a name that ``owner`` binds."""
        root = name_of(owner, name)
        if root in self._busy:
            return [Target("value", root, (root,))]
        self._busy.add(root)
        found = []
        for binding in owner.bindings[name]:
            found.extend(self._of_binding(binding, root))
        self._busy.discard(root)
        return [target._replace(through=target.through + (root,)) for target in found]

    def keeps_results(self, function):
        """Whether a decorator keeps results for the next call."""
        decorators = getattr(function.node, "decorator_list", ())
        names = [name for each in decorators for name in self.names(each, function.parent) or ()]
        return any(pure.DECORATORS.get(name) for name in names)

    def is_itself(self, function):
        """Whether the decorators of a function leave what a call of it does."""
        for decorator in getattr(function.node, "decorator_list", ()):
            names = self.names(decorator, function.parent)
            if not names or not all(name in pure.DECORATORS for name in names):
                return False
            if self._index.attributes & frozenset(["cache_info", "cache_clear"]) and any(pure.DECORATORS[name] for name in names):
                return False
        return True

    def _of_binding(self, binding, root):
        if binding.kind == "function":
            is_itself = self.is_itself(binding.value)
            return [Target("function", binding.value, ()) if is_itself else Target("value", root, ())]
        if binding.kind == "class":
            return [Target("class", binding.value, ())]
        if binding.kind == "import":
            return self._imported(binding.value, binding.scope.module) or [Target("value", root, ())]
        if binding.kind == "value" and kind(binding.value) in ("Name", "Lambda", "Attribute", "Call", "IfExp"):
            return self.of(binding.value, binding.scope) or [Target("value", root, ())]
        return [Target("value", root, ())]

    def _of_Name(self, node, scope):
        owner = owner_of(scope, node.id)
        if owner is not None:
            return self.of_name(owner, node.id)
        found = self._starred(node.id, scope.module)
        if node.id in BUILTINS:
            found.append(Target("library", canonical(node.id), (("builtin", scope.module.path, node.id),)))
        return found or None

    def _of_Lambda(self, node, scope):
        return [Target("function", self._index.scopes[id(node)], ())]

    def _of_IfExp(self, node, scope):
        return self._union([self.of(node.body, scope), self.of(node.orelse, scope)])

    def _of_Attribute(self, node, scope):
        return self._registered(node, scope) or self._union([self._member(target, node.attr) for target in self.of(node.value, scope) or [None]])

    def _registered(self, node, scope):
        """Of ``toolbox.name``. Only functions are said to be any: what else a toolbox may call is not looked into."""
        owner = owner_of(scope, node.value.id) if kind(node.value) == "Name" else None
        several = registered(self._resolver, node.value, node.attr, scope) if owner is not None else []
        is_bound, found, shown = any(each.is_bound for each in several), [], set()
        for each in several:
            targets = self.of(each.node, each.scope) if each.node is not None else [Target("library", each.library, ())]
            if not targets or not all(target.kind in ("function", "library") for target in targets):
                return None
            shown.update(defined(target) for target in targets)
            found += targets
        root = ("registered", name_of(owner, node.value.id), tuple(sorted(shown)), is_bound, node.attr) if several else None
        return [Target("registered", (target, root if is_bound else None), (root,)) for target in found]

    def _union(self, several):
        return None if None in several else [target for found in several for target in found]

    def _member(self, target, name):
        if target is None:
            return None
        if target.kind == "library" and not target.what.endswith("()"):
            if any(binding.kind != "import" for root in target.through for binding in self._index.bindings(root)):
                return None  # a value that a library gave: an object like any other
            return [target._replace(what=canonical("%s.%s" % (target.what, name)))]
        if target.kind == "module":
            return self._of_module(target.what, name)
        if target.kind == "class":
            return self._of_class(target, name)
        return None

    def _of_module(self, module, name):
        if name in module.top.bindings and not self._resolver.attributes.is_set(module, name):
            return self.of_name(module.top, name)
        inner = self._program.find(0, "%s.%s" % (module.name, name), module)
        return [Target("module", inner, ())] if inner is not None and name not in module.top.bindings else None

    def _of_class(self, target, name):
        """``C.method``: of the class itself or the first of its bases that has it."""
        if name in self._index.stored or name in self._index.properties:
            return None
        for scope in self._resolver.attributes.family(target.what):
            if name in scope.bindings:
                bindings = scope.bindings[name]
                if any(each.kind != "function" or not self.is_itself(each.value) for each in bindings):
                    return None
                return [Target(_how_bound(each.value), each.value, target.through) for each in bindings]
        return None

    def _of_Call(self, node, scope):
        """What calling something gives to be called: only what is known to make functions and classes."""
        found = self.of(node.func, scope)
        if not found or any(target.kind != "library" for target in found):
            return None
        names = [target.what for target in found]
        if names == ["functools.partial"] and node.args:
            return [Target("partial", (node, scope), found[0].through)]
        if all(name in pure.RECORD_MAKERS for name in names):
            return [Target("record", None, found[0].through)]
        if all(name in _MAKERS for name in names):
            return [Target("library", name + "()", found[0].through) for name in names]
        return None

    # Imports.

    def _imported(self, imported, importer):
        dots, name, part = imported
        own = self._program.find(dots, name, importer)
        if part is None:
            return [Target("module", own, ())] if own else [] if self._program.is_own(dots, name, importer) else [_library(name)]
        if own is not None and part in own.top.bindings:
            return self._of_module(own, part) or []
        inner = self._program.find(dots, (name + "." if name else "") + part, importer)
        if inner is not None:
            return [Target("module", inner, ())]
        return [] if self._program.is_own(dots, name, importer) else [_library("%s.%s" % (name, part))]

    def _starred(self, name, module):
        """What the module's star imports may have brought under ``name``, beside what Python has."""
        found = []
        for each in module.top.imports:
            own = self._program.find(each.dots, each.module, module) if each.name == "*" else None
            whole = canonical("%s.%s" % (each.module, name))
            if own is not None and own is not module and name in own.top.bindings:
                found.extend(self._of_module(own, name) or [Target("value", ("unknown",), ())])
            elif each.name == "*" and own is None and whole in pure.FUNCTIONS:
                found.append(_library(whole))
        return found


def bare(target):
    """What a toolbox calls in the end, of what it calls; any other `Target` itself."""
    return target.what[0] if target.kind == "registered" else target


def defined(target):
    """What a `Target` shows of what is called, see `Finder.definitions_of`."""
    what, meant = target.kind, target.what
    if what in ("function", "bound"):
        return "function", (meant.module.path, first_line(meant), meant.name)
    if what == "class":
        return what, (meant.module.path, meant.qualified)
    return what, (meant,) if what == "library" else ()


def first_line(scope):
    """As code objects have it: with the decorators."""
    return min([scope.line] + [each.lineno for each in getattr(scope.node, "decorator_list", ())])


def _library(name):
    return Target("library", canonical(name), ())


def _how_bound(function):
    decorators = [syntax.dotted(each) for each in getattr(function.node, "decorator_list", ())]
    return "bound" if "classmethod" in decorators else "function"
