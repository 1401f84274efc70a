"""Statements: what each does. A frame walks those of a function, or of an item, until nothing new is found."""

from __future__ import absolute_import

from marx.runner.divide import pure, roots, syntax
from marx.runner.divide.arguments import Arguments
from marx.runner.divide.expressions import Expressions
from marx.runner.divide.frame import MOST_WALKS, Hopeless
from marx.runner.divide.roots import FLAT, FRESH, INSTANCE, MEMBER, NONE, OWN, PLAIN, RUNNING, TOGETHER
from marx.runner.divide.scopes import owner_of
from marx.runner.divide.syntax import kind


#: Where an exception comes from that was made before.
_HELD = frozenset(["item", "parameter", "global", "enclosing", "default"])


class Walking(Expressions):
    """Adds statements to a frame."""

    def walk(self, step):
        """Repeat ``step`` until it finds nothing new. A function that never settles is not known."""
        if self.outcome.is_hopeless:
            return
        try:
            self._repeat(step)
        except Hopeless:
            return
        if self.is_mixed and FLAT in self.outcome.results:
            self.outcome.results.add(FRESH)

    def _repeat(self, step):
        for _ in range(MOST_WALKS):
            before = self._size()
            step()
            if self._size() == before:
                return
        self.give_up()

    def resolve_doubts(self):
        """Nothing more is found about the objects of which too little was known."""
        for (_, line), (what, root) in sorted(self.doubts.items(), key=repr):
            self.effect(what, root, line)

    def give_up(self):
        """Nobody knows what this does."""
        self.effect("syntax", ("syntax", "endless"), self.scope.line)

    def _size(self):
        names = sum(len(found) for found in self._variables.values())
        return self.outcome.size(), names, len(self._variables), len(self._changed), self.is_mixed

    def do_all(self, statements, scope):
        """Statements, one after the other."""
        for statement in statements:
            self.do(statement, scope)

    def do(self, node, scope):
        """One statement."""
        rule = getattr(self, "do_" + kind(node), None)
        if rule is None:
            self.effect("syntax", ("syntax", kind(node)), node.lineno)
        else:
            rule(node, scope)

    def _nothing(self, node, scope):
        pass

    do_Pass = do_Break = do_Continue = do_Global = do_Nonlocal = _nothing

    def do_Expr(self, node, scope):
        """An expression whose value nobody takes."""
        self.of(node.value, scope)

    def do_Return(self, node, scope):
        """What a function gives."""
        self.outcome.results.update(self.all_of([node.value], scope))

    def do_FunctionDef(self, node, scope):
        """A function of this very call: it is looked into where it is called."""
        self.all_of(self._defaults(node), scope)
        if node.decorator_list and not self.analysis.targets.is_itself(self.index.scopes[id(node)]) or _calls_in(_annotations(node)):
            self.effect("calls", ("name", node.name), node.lineno)
        self.store_name(node.name, scope, RUNNING, node.lineno)

    do_AsyncFunctionDef = do_FunctionDef

    def _defaults(self, node):
        return [each for each in node.args.defaults + getattr(node.args, "kw_defaults", []) if each is not None]

    def do_ClassDef(self, node, scope):
        """A class that only this item has cannot be carried back."""
        self.effect("class", ("name", node.name), node.lineno)

    # Names and objects are set.

    def do_Assign(self, node, scope):
        """``a = b``"""
        found = self.of(node.value, scope)
        for target in node.targets:
            self.assign(target, found, scope, node.value)

    def do_AnnAssign(self, node, scope):
        """``a: int = b``"""
        if _calls_in([node.annotation]):
            self.effect("syntax", ("syntax", "annotation"), node.lineno)
        if node.value is not None:
            self.assign(node.target, self.of(node.value, scope), scope, node.value)

    def do_AugAssign(self, node, scope):
        """``a += b``: changes the object where it can be changed."""
        target, value = node.target, self.of(node.value, scope)
        before = self._before(target, scope)
        more = self.operate(before | value, node.lineno, deep=True)
        self.condition("immutable", before, node.lineno)
        if OWN.intersection(before) - TOGETHER:
            self.hold(self.members(value), MEMBER)  # a list takes in what is added to it
        if not before <= PLAIN:
            more |= self.apply_outcome(self.analysis.storing(self), lambda place: value if place else before, node.lineno)
        self.assign(target, before & OWN | self.combined(node.op, before, value) | more, scope)

    def _before(self, target, scope):
        """What is there before it is added to; `("global", ...)` names are read where they are not the frame's."""
        name = kind(target)
        if name == "Name":
            owner = owner_of(scope, target.id)
            return self.of_variable(target.id, owner, target.lineno) if owner is not None else frozenset([roots.UNKNOWN])
        if name == "Attribute":
            return frozenset(self.of_Attribute(target, scope))
        return frozenset(self.of_Subscript(target, scope))

    def take(self, target, iterable, found, scope):
        """A loop's target is set to an element: what ``enumerate`` counts is a number."""
        counted = kind(iterable) == "Call" and self.analysis.targets.names(iterable.func, scope) == frozenset(["enumerate"])
        if counted and kind(target) == "Tuple" and len(target.elts) == 2 and kind(target.elts[0]) == "Name":
            self.assign(target.elts[0], NONE, scope)
            self.assign(target.elts[1], self.iterated(found, target.lineno), scope)
        else:
            self.assign(target, found, scope)

    def assign(self, target, found, scope, value=None):
        """A target is set to what has the roots ``found``; ``value``: its expression, where there is one."""
        rule = getattr(self, "_assign_" + kind(target))
        rule(target, found, scope, value)

    def _assign_Name(self, target, found, scope, value):
        self.store_name(target.id, scope, found, target.lineno)

    def _assign_Tuple(self, target, found, scope, value):
        parts = value.elts if kind(value) in ("Tuple", "List") and len(value.elts) == len(target.elts) else None
        if parts is not None and not any(kind(each) == "Starred" for each in parts + target.elts):
            for each, part in zip(target.elts, parts):
                self.assign(each, self.of(part, scope), scope, part)
            return
        inner = self.iterated(found, target.lineno)
        for each in target.elts:
            self.assign(each, inner, scope)

    _assign_List = _assign_Tuple

    def _assign_Starred(self, target, found, scope, value):
        self.assign(target.value, self.contain(found), scope)

    def _assign_Attribute(self, target, found, scope, value):
        self.store_attribute(self.of(target.value, scope), target.attr, found, target.lineno)

    def _assign_Subscript(self, target, found, scope, value):
        place = self.of(target.slice, scope)
        self.operate(place, target.lineno, deep=True)
        self.compare(self.of(target.value, scope) | place if place else NONE, target.lineno)
        if kind(target.slice) in ("Slice", "ExtSlice") or self.index.has_slices:
            found = found | self.members(found)  # of what is given, the elements are taken
        self._store(self.of(target.value, scope), found | place, target.lineno)

    def store_attribute(self, found, name, stored, line):
        """``x.name = ...``, by a property where a class of the program has one of this name."""
        for each in self.index.properties.get(name, ()):
            self.apply(each, lambda place: found if place == 0 else stored, line)
        self._store(found, stored, line, name, self.class_attribute(name) if "__set__" in self.index.methods else NONE)

    def _store(self, found, stored, line, name=MEMBER, beside=NONE):
        """An object is changed by a statement: its class's special methods see it, and those of what stands ``beside`` it in the class."""
        self.change(found, line, stored, name)
        self.condition("known", found, line)
        if not found <= PLAIN:
            self.apply_outcome(self.analysis.storing(self), lambda place: stored if place else found | beside, line)

    def do_Delete(self, node, scope):
        """``del x``, ``del x[i]``, ``del x.name``"""
        for target in node.targets:
            if kind(target) in ("Attribute", "Subscript"):
                self.all_of([getattr(target, "slice", None)], scope)
                self._store(self.of(target.value, scope), NONE, target.lineno)
            elif kind(target) == "Name":
                owner = owner_of(scope, target.id)
                if owner is None or not self.is_variable(owner, target.id):
                    self.effect("rebinds", ("name", target.id), node.lineno)
            else:
                self.effect("syntax", ("syntax", "del"), node.lineno)

    # Branches and loops: all of them are walked.

    def do_If(self, node, scope):
        """Both ways."""
        self.operate(self.of(node.test, scope), node.lineno)
        self.do_all(node.body + node.orelse, scope)

    do_While = do_If

    def do_For(self, node, scope):
        """A loop within an item."""
        self.take(node.target, node.iter, self.elements(node.iter, scope), scope)
        self.do_all(node.body + node.orelse, scope)

    def _asynchronous(self, node, scope):
        self.effect("async", ("syntax", "async"), node.lineno)

    do_AsyncFor = do_AsyncWith = _asynchronous

    def do_Try(self, node, scope):
        """In all its forms; what the handlers name is an exception."""
        self.do_all(node.body, scope)
        for handler in getattr(node, "handlers", ()):
            if handler.type is not None:
                self._handled(handler.type, scope)
            name = syntax.handler_name(handler)
            if name is not None:
                self.store_name(name, scope, frozenset([FRESH]) | INSTANCE, handler.lineno)
            self.do_all(handler.body, scope)
        self.do_all(getattr(node, "orelse", []) + getattr(node, "finalbody", []), scope)

    do_TryExcept = do_TryFinally = do_TryStar = do_Try

    def _handled(self, node, scope):
        """``except E``: classes are looked up, of any library."""
        for each in node.elts if kind(node) == "Tuple" else [node]:
            names = self.analysis.targets.names(each, scope)
            if not names:
                self.of(each, scope)

    def do_Raise(self, node, scope):
        """An exception goes to whoever handles it; out of an item it is the program's."""
        parts = [getattr(node, name, None) for name in ("exc", "cause", "type", "inst", "tback")]
        found = self.all_of(parts, scope)
        self.hold(found)
        held = [each for each in found if roots.base(each)[0] in _HELD and not self.index.is_definition(roots.base(each))]
        self.changed(frozenset(held), node.lineno)  # who handles it may change it, and Python notes where it was raised
        self.outcome.raises = self.outcome.raises or bool(found)

    def do_Assert(self, node, scope):
        """``assert``"""
        self.operate(self.of(node.test, scope), node.lineno)
        self.all_of([node.msg], scope)

    def do_With(self, node, scope):
        """A context of the program, or one of `pure`."""
        for context, target in syntax.context_bindings(node):
            entered = self._enter(context, scope)
            if target is not None:
                self.assign(target, entered, scope)
        self.do_all(node.body, scope)

    def _enter(self, context, scope):
        """The roots of what ``with`` binds."""
        targets = self.analysis.targets.of(context.func, scope) if kind(context) == "Call" else None
        found = self.of(context, scope)
        line = context.lineno
        if targets and all(each.kind == "library" and (each.what in pure.CONTEXTS or each.what == "open") for each in targets):
            return found
        is_own = "__enter__" in self.index.methods and "__exit__" in self.index.methods
        if is_own and found and found.isdisjoint(PLAIN | RUNNING) and roots.UNKNOWN not in found:
            entered = self.call_method(found, "__enter__", Arguments([], []), line)
            self.call_method(found, "__exit__", Arguments([None] * 3, [NONE, INSTANCE, NONE]), line)
            return entered | found
        self.effect("with", ("syntax", "with"), line)
        return frozenset([roots.UNKNOWN])

    def do_Import(self, node, scope):
        """A module that does nothing when it is imported, and is imported already."""
        names = [alias.name for alias in node.names] if kind(node) == "Import" else [node.module or ""]
        for name in names:
            if getattr(node, "level", 0) or name.split(".")[0] not in pure.CALM_IMPORTS:
                self.effect("imports", ("library", name), node.lineno)

    do_ImportFrom = do_Import

    # Of one version only.

    def do_Print(self, node, scope):
        """2.7: ``print x`` and ``print >>f, x``."""
        self.show(self.all_of(node.values, scope), node.lineno)
        if not node.nl:
            self.effect("comma", ("syntax", "print"), node.lineno)
        if node.dest is None:
            self.prints_to("sys.stdout", node.lineno)
            return
        names = self.analysis.targets.names(node.dest, scope)
        if names and names <= frozenset(["sys.stdout", "sys.stderr"]):
            self.prints_to(sorted(names)[0], node.lineno)
        else:
            self.all_of([node.dest], scope)
            self.effect("prints", ("library", "print"), node.lineno)

    def do_Exec(self, node, scope):
        """2.7: ``exec text``"""
        self.effect("reflects", ("library", "exec"), node.lineno)


def _annotations(node):
    arguments = node.args
    every = getattr(arguments, "posonlyargs", []) + arguments.args + getattr(arguments, "kwonlyargs", [])
    return [getattr(each, "annotation", None) for each in every] + [getattr(node, "returns", None)]


def _calls_in(nodes):
    """Whether anything is called in these; what annotations name otherwise does nothing."""
    return any(kind(each) == "Call" for node in nodes if node is not None for each in syntax.walk(node))
