"""Every binding and every name of one module, by scope; the order of statements is not kept.

A name stands for all that is ever bound to it: what a pool is called with is found even where it is bound under an ``if``, in a ``try``, by
``global`` from within a function, or after the function that reads it.
"""

from __future__ import absolute_import

from collections import namedtuple

from marx.runner.divide import syntax
from marx.runner.divide.syntax import kind

#: One binding of a name. ``kind``: "import" (value: `Imported`), "function" or "class" (value: their `Scope`), "value" or "context" (value:
#: the expression), "parameter" (value: its default or None), "element" (of the iterated expression), "other". ``scope``: where it is written.
#: ``guarded``: behind the ``__main__`` guard.
Binding = namedtuple("Binding", "kind value line scope guarded")

#: ``name`` of the module ``module`` (None: the module itself), with ``dots`` before it.
Imported = namedtuple("Imported", "dots module name")

Call = namedtuple("Call", "node scope")


class Scope(object):
    """What a module, function, class or comprehension binds and names itself; ``inner`` are the scopes directly in it."""

    def __init__(self, what, node, parent, module, name):
        self.kind = what
        self.node = node
        self.parent = parent
        self.module = module
        self.name = name
        self.line = getattr(node, "lineno", 1)
        self.bindings = {}
        self.elsewhere = {}  # names that `global` or `nonlocal` give to another scope
        self.imports = []  # each `Imported`, star imports with the name "*"
        self.loads, self.attributes, self.calls = [], [], []
        self.stores = []  # (attribute node, value or None)
        self.returns, self.yields, self.inner = [], [], []
        if parent is not None:
            parent.inner.append(self)

    @property
    def qualified(self):
        """The name as Python's ``__qualname__`` has it, also in 2.7."""
        around = self.parent
        while around is not None and around.kind == "comprehension":
            around = around.parent
        if around is None or around.kind == "module":
            return self.name
        return around.qualified + (".<locals>." if around.kind == "function" else ".") + self.name

    @property
    def is_method(self):
        """Whether it is a function that stands directly in a class."""
        return self.kind == "function" and self.parent.kind == "class"

    def bind(self, name, binding):
        """Add a binding of ``name``, to this scope or the one that `global` or `nonlocal` names."""
        owner = self.elsewhere.get(name, self)
        owner.bindings.setdefault(name, []).append(binding)

    def below(self):
        """This scope and all that stand in it."""
        yield self
        for scope in self.inner:
            for each in scope.below():
                yield each


def owner_of(scope, name):
    """The scope whose binding ``name`` means in ``scope``; None for a builtin, and for what a star import may bring."""
    begin = scope
    while scope is not None:
        if name in scope.elsewhere:
            return scope.elsewhere[name]
        if name in scope.bindings and (scope.kind != "class" or scope is begin):
            return scope
        scope = scope.parent
    return None


def scopes_of(module, tree):
    """The module's own `Scope`, which holds all others."""
    top = Scope("module", tree, None, module, module.name)
    builder = _Builder()
    for statement in tree.body:
        builder.is_guarded = syntax.is_main_guard(statement)
        builder.visit(statement, top)
    return top


class _Builder(object):
    """Walks a tree; each method is for the nodes of one class, in the scope that they stand in."""

    def __init__(self):
        self.is_guarded = False

    def visit(self, node, scope):
        name = kind(node)
        if name in syntax.COMPREHENSIONS:
            self._comprehension(node, scope)
        else:
            getattr(self, "visit_" + name, self._below)(node, scope)

    def _below(self, node, scope):
        for child in syntax.children(node):
            self.visit(child, scope)

    def _all(self, nodes, scope):
        for node in nodes:
            self.visit(node, scope)

    def _bind(self, scope, name, what, value, node):
        if name is not None:
            scope.bind(name, Binding(what, value, getattr(node, "lineno", 1), scope, self.is_guarded))

    # Scopes.

    def visit_FunctionDef(self, node, scope):
        self._all(syntax.outer_expressions(node), scope)
        inner = Scope("function", node, scope, scope.module, node.name)
        self._bind(scope, node.name, "function", inner, node)
        self._function(node, inner)

    visit_AsyncFunctionDef = visit_FunctionDef

    def visit_Lambda(self, node, scope):
        self._all(syntax.outer_expressions(node), scope)
        inner = Scope("function", node, scope, scope.module, "<lambda>")
        self._function(node, inner)
        inner.returns.append(node.body)

    def _function(self, node, inner):
        positional, by_keyword = syntax.parameters(node)
        for name, default in positional + by_keyword:
            self._bind(inner, name, "parameter", default, node)
        for name in syntax.other_parameters(node):
            self._bind(inner, name, "other", None, node)
        self._all(syntax.body(node), inner)

    def visit_ClassDef(self, node, scope):
        self._all(syntax.outer_expressions(node), scope)
        inner = Scope("class", node, scope, scope.module, node.name)
        self._bind(scope, node.name, "class", inner, node)
        self._all(node.body, inner)

    def _comprehension(self, node, scope):
        inner = Scope("comprehension", node, scope, scope.module, "<comprehension>")
        for position, one in enumerate(node.generators):
            self.visit(one.iter, inner if position else scope)
            self._target(one.target, inner, "element", one.iter)
            self._all(one.ifs, inner)
        parts = [getattr(node, name, None) for name in ("elt", "key", "value")]
        self._all([part for part in parts if part is not None], inner)

    # Bindings.

    def visit_Import(self, node, scope):
        for alias in node.names:
            first = alias.name.split(".")[0]
            whole = alias.name if alias.asname else first
            scope.imports.append(Imported(0, alias.name, None))
            self._bind(scope, alias.asname or first, "import", Imported(0, whole, None), node)

    def visit_ImportFrom(self, node, scope):
        for alias in node.names:
            origin = Imported(node.level or 0, node.module or "", alias.name)
            scope.imports.append(origin)
            if alias.name != "*":
                self._bind(scope, alias.asname or alias.name, "import", origin, node)

    def visit_Assign(self, node, scope):
        self.visit(node.value, scope)
        for target in node.targets:
            self._target(target, scope, "value", node.value)

    def visit_AnnAssign(self, node, scope):
        self.visit(node.annotation, scope)
        if node.value is not None:
            self.visit(node.value, scope)
            self._target(node.target, scope, "value", node.value)

    def visit_AugAssign(self, node, scope):
        self.visit(node.value, scope)
        self._target(node.target, scope, "other", None)

    def visit_NamedExpr(self, node, scope):
        self.visit(node.value, scope)
        while scope.kind == "comprehension":
            scope = scope.parent
        self._target(node.target, scope, "value", node.value)

    def visit_For(self, node, scope):
        self.visit(node.iter, scope)
        self._target(node.target, scope, "element", node.iter)
        self._all(node.body + node.orelse, scope)

    visit_AsyncFor = visit_For

    def visit_With(self, node, scope):
        for context, target in syntax.context_bindings(node):
            self.visit(context, scope)
            if target is not None:
                self._target(target, scope, "context", context)
        self._all(node.body, scope)

    visit_AsyncWith = visit_With

    def visit_ExceptHandler(self, node, scope):
        self._bind(scope, syntax.handler_name(node), "other", None, node)
        self._all([node.type] if node.type is not None else [], scope)
        self._all(node.body, scope)

    def visit_Global(self, node, scope):
        top = scope
        while top.parent is not None:
            top = top.parent
        for name in node.names if top is not scope else ():
            scope.elsewhere[name] = top

    def visit_Nonlocal(self, node, scope):
        for name in node.names:
            owner = owner_of(scope.parent, name)
            if owner is not None:
                scope.elsewhere[name] = owner

    def visit_MatchAs(self, node, scope):
        for name in syntax.captured_names(node):
            self._bind(scope, name, "other", None, node)
        self._below(node, scope)

    visit_MatchStar = visit_MatchMapping = visit_MatchAs

    def _target(self, target, scope, what, value):
        name = kind(target)
        if name == "Name":
            self._bind(scope, target.id, what, value, target)
        elif name in ("Tuple", "List"):
            for place, each in enumerate(target.elts):
                self._target(each, scope, *_part(what, value, place, target))
        elif name == "Starred":
            self._target(target.value, scope, "element", value)
        elif name == "Attribute":
            scope.stores.append((target, value if what in ("value", "context") else None))
            self.visit(target.value, scope)
        else:
            self.visit(target, scope)

    # Names.

    def visit_Name(self, node, scope):
        if kind(node.ctx) == "Load":
            scope.loads.append(node)
        else:
            self._bind(scope, node.id, "other", None, node)

    def visit_Attribute(self, node, scope):
        scope.attributes.append(node)
        self.visit(node.value, scope)

    def visit_Call(self, node, scope):
        scope.calls.append(Call(node, scope))
        self._below(node, scope)

    def visit_Return(self, node, scope):
        if node.value is not None:
            scope.returns.append(node.value)
            self.visit(node.value, scope)

    def visit_Yield(self, node, scope):
        if node.value is not None:
            scope.yields.append(node.value)
            self.visit(node.value, scope)


def _part(what, value, place, target):
    """What one of several targets is bound to: ``a, b = c, d`` is taken apart, anything else has elements."""
    if what == "value" and kind(value) in ("Tuple", "List") and len(value.elts) == len(target.elts):
        if not any(kind(each) == "Starred" for each in value.elts + target.elts):
            return "value", value.elts[place]
    return "element", value
