"""Expressions: the roots of what each gives, and what evaluating it does."""

from __future__ import absolute_import

from marx.runner.divide import pure, roots, syntax
from marx.runner.divide.arguments import Arguments
from marx.runner.divide.asking import Asking
from marx.runner.divide.index import is_special
from marx.runner.divide.libraries import BUILTINS
from marx.runner.divide.roots import EMPTY, MEMBER, NEW, NONE, PLAIN, RUNNING
from marx.runner.divide.scopes import owner_of
from marx.runner.divide.syntax import kind

#: Operators of Python's own types whose results hold what the operands hold: joined and repeated sequences, sets, dicts.
_KEEPING = frozenset(["Add", "Mult", "BitOr", "BitAnd", "BitXor", "Sub"])

#: What each module has of itself, a text or None unless the program binds it.
_MODULE_NAMES = frozenset(["__name__", "__file__", "__doc__"])
_TEXT_ATTRIBUTES = frozenset(["__name__", "__doc__", "__module__", "__qualname__"])
_SINGLETONS = (None, True, False, Ellipsis)


class Expressions(Asking):
    """Adds expressions to a frame."""

    def of(self, node, scope):
        """The roots of what an expression gives in ``scope``, which is this frame's or one of a comprehension within."""
        if syntax.constant(node) is not syntax.MISSING:
            return NONE
        rule = getattr(self, "of_" + kind(node), None)
        if rule is None:
            self.effect("syntax", ("syntax", kind(node)), getattr(node, "lineno", self.scope.line))
            return frozenset([roots.UNKNOWN])
        return frozenset(rule(node, scope))

    def all_of(self, nodes, scope):
        """The roots of several together; None among the nodes stands for nothing."""
        return frozenset(root for node in nodes if node is not None for root in self.of(node, scope))

    def _contained(self, nodes, scope):
        """The roots of a new container of these."""
        found = self.all_of(nodes, scope)
        return self.contain(found) | (NEW if found else NONE)

    # Literals and containers.

    def of_Ellipsis(self, node, scope):
        """``...``, before it became a constant."""
        return NONE

    def of_List(self, node, scope):
        """A new list."""
        return self._contained(node.elts, scope)

    def of_Tuple(self, node, scope):
        """Nobody can change a tuple of what nobody can change."""
        return self._contained(node.elts, scope) if self.all_of(node.elts, scope) else NONE

    def of_Set(self, node, scope):
        """A new set: its elements are hashed and compared."""
        self.hash(self.all_of(node.elts, scope), node.lineno)
        return self._contained(node.elts, scope)

    def of_Dict(self, node, scope):
        """A new dict, of pairs and of what ``**`` brings."""
        self.hash(self.all_of(node.keys, scope), node.lineno)
        brought = NONE
        for key, value in zip(node.keys, node.values):
            if key is None:
                brought |= self.elements(value, scope)
        return self._contained(node.keys + node.values, scope) | (self.contain(brought) if brought else NONE)

    def of_Starred(self, node, scope):
        """``*xs`` within a list, tuple or call."""
        return self.elements(node.value, scope)

    def of_JoinedStr(self, node, scope):
        """A text with values in it."""
        return self.of_Repr(node, scope, node.values)

    def of_FormattedValue(self, node, scope):
        """One of the values, with its form."""
        return self.of_Repr(node, scope, [node.value, node.format_spec])

    def of_Repr(self, node, scope, parts=None):
        """Objects become a text; in 2.7 by backticks."""
        self.show(self.all_of([node.value] if parts is None else parts, scope), node.lineno)
        return NONE

    def of_Lambda(self, node, scope):
        """A function of this very call."""
        self.all_of(syntax.outer_expressions(node), scope)
        return RUNNING

    # Operators.

    def of_BoolOp(self, node, scope):
        """One of the values, after some were asked whether they are true."""
        found = self.all_of(node.values, scope)
        self.operate(found, node.lineno)
        return found

    def of_IfExp(self, node, scope):
        """Either of two values."""
        self.operate(self.of(node.test, scope), node.lineno)
        return self.of(node.body, scope) | self.of(node.orelse, scope)

    def of_UnaryOp(self, node, scope):
        """``-x``, ``not x``."""
        found = self.of(node.operand, scope)
        more = self.operate(found, node.lineno)
        return NONE if kind(node.op) == "Not" else (EMPTY if found else NONE) | more

    def of_BinOp(self, node, scope):
        """``a + b``."""
        left, right = self.of(node.left, scope), self.of(node.right, scope)
        is_form = kind(node.op) == "Mod" and syntax.text_of(node.left) is not None
        more = self.show(right, node.lineno) if is_form else self.operate(left | right, node.lineno, deep=True)
        if is_form or _gives_number(node.op, node.left) or _gives_number(node.op, node.right):
            return (EMPTY if left or right else NONE) | more
        return self.combined(node.op, left, right) | more

    def combined(self, operator, left, right):
        """What an operator of Python's own types gives."""
        if not left and not right:
            return NONE
        return self.contain(self.members(left | right)) if kind(operator) in _KEEPING else EMPTY

    def of_Compare(self, node, scope):
        """``a < b``; ``a is b`` asks whether two are one, which copies are not."""
        sides = [node.left] + node.comparators
        found = [self.of(side, scope) for side in sides]
        more = NONE
        for place, operator in enumerate(node.ops):
            both = found[place] | found[place + 1]
            if kind(operator) not in ("Is", "IsNot"):
                more |= self.operate(both, node.lineno, deep=True)
                self.compare(both if found[place] and found[place + 1] else NONE, node.lineno)
            elif not any(self._is_single(side, scope) for side in sides[place : place + 2]):
                for root in roots.in_order(both) or [("constant",)]:
                    self.effect("identity", root, node.lineno)
        return more | (EMPTY if any(found) and not all(kind(each) in ("Is", "IsNot") for each in node.ops) else NONE)

    def _is_single(self, node, scope):
        """Whether an expression stands for what there is only one of, here and elsewhere."""
        value = syntax.constant(node)
        if value is not syntax.MISSING:
            return any(value is each for each in _SINGLETONS)
        targets = self.analysis.targets.of(node, scope) or []
        if targets and all(each.kind in ("class", "library") or each.kind == "function" and each.what.parent.kind == "module" for each in targets):
            return True
        return kind(node) == "Attribute" and self.analysis.is_enum(node.value, scope)

    def of_NamedExpr(self, node, scope):
        """``(name := value)``"""
        found = self.of(node.value, scope)
        while scope.kind == "comprehension":
            scope = scope.parent
        self.store_name(node.target.id, scope, found, node.lineno)
        return found

    # Names, attributes and parts.

    def of_Name(self, node, scope):
        """What a name may stand for."""
        owner = owner_of(scope, node.id)
        if owner is not None:
            return self.of_variable(node.id, owner, node.lineno)
        targets = () if node.id in _MODULE_NAMES else self.analysis.targets.of(node, scope) or ()
        if any(target.kind == "library" for target in targets):
            self.look_up(("builtin", scope.module.path, node.id), node.lineno)
            return self.library_value([target.what for target in targets if target.kind == "library"], node.lineno)
        if node.id not in BUILTINS and node.id not in _MODULE_NAMES:
            self.effect("name", ("name", node.id), node.lineno)
            return frozenset([roots.UNKNOWN])
        return NONE

    def of_variable(self, name, owner, line):
        """The roots of a name that ``owner`` binds."""
        if self.is_variable(owner, name):
            return self.variable(owner, name)
        root = roots.name_of(owner, name)
        self.read(root, line)
        if all(binding.kind == "import" for binding in owner.bindings[name]):
            targets = self.analysis.targets.of_name(owner, name)
            is_value = all(binding.value.name is not None for binding in owner.bindings[name])
            if all(target.kind == "library" and not (is_value and self.is_unheard(target.what)) for target in targets):
                return self.library_value([target.what for target in targets], line)
        return frozenset([root])

    def of_Attribute(self, node, scope):
        """``x.name``"""
        targets = self.analysis.targets.of(node, scope) or ()
        if targets and all(target.kind == "library" for target in targets):
            return self.library_value([target.what for target in targets], node.lineno)
        module = self._own_module(node.value, scope)
        if module is not None:
            if node.attr not in module.top.bindings:
                self.effect("name", ("name", "%s.%s" % (module.name, node.attr)), node.lineno)
            root = roots.name_of(module.top, node.attr)
            self.read(root, node.lineno)
            return frozenset([root])
        if node.attr == "__name__" and getattr(node.value, "attr", None) == "__class__" and self.index.keeps_classes():
            self.attribute_hooks(self.of(node.value.value, scope), "__class__", node.lineno)
            return NONE
        return self.attribute_of(self.of(node.value, scope), node.attr, node.lineno)

    def _own_module(self, node, scope):
        targets = self.analysis.targets.of(node, scope) or ()
        return targets[0].what if len(targets) == 1 and targets[0].kind == "module" else None

    def attribute_of(self, found, name, line):
        """The roots of an attribute of what ``found`` may be."""
        if name in _TEXT_ATTRIBUTES:
            return NONE
        if is_special(name) and name != "next" or name.startswith(("func_", "f_", "gi_", "tb_", "im_")):
            self.effect("reflects", ("method", name), line)
            return frozenset([roots.UNKNOWN])
        more = self.attribute_hooks(found, name, line)
        if not found <= PLAIN:
            if not all(self.analysis.targets.is_itself(each) for each in self.index.methods.get(name, ())):
                self.effect("calls", ("method", name), line)
            for each in self.index.properties.get(name, ()):
                more |= self.apply(each, lambda place: found, line)
            more |= self.class_attribute(name)
        return self.attribute(found, name) | more

    def of_Subscript(self, node, scope):
        """``x[i]``, ``x[i:j]``; of what is written as one and is a call of a library's, that."""
        called = [target for target in self.analysis.targets.of(node.value, scope) or () if target.kind == "library" and target.what in pure.SUBSCRIPTED]
        if called:
            return self._call_all(called, Arguments([node.slice], [self.of(node.slice, scope)]), node.lineno)
        found, place = self.of(node.value, scope), self.of(node.slice, scope)
        more = self.operate(found | place, node.lineno, deep=True)
        self.compare(found | place if place else NONE, node.lineno)
        is_slice = kind(node.slice) in ("Slice", "ExtSlice")
        return self.members(found) | more | (EMPTY | self.contain(self.members(found)) if is_slice and found else NONE)

    def of_Slice(self, node, scope):
        """``i:j:k``; before 3.9 also ``i:j, k``."""
        return self.all_of(syntax.children(node), scope)

    of_ExtSlice = of_Slice

    def of_Index(self, node, scope):
        """``i``, before 3.9."""
        return self.of(node.value, scope)

    # Comprehensions and generators.

    def of_ListComp(self, node, scope):
        """What a comprehension makes."""
        inner = self.go_through(node.generators, self.index.scopes.get(id(node), scope), scope)
        return self._contained([node.elt], inner)

    def of_SetComp(self, node, scope):
        """As a list, but its elements are hashed."""
        inner = self.go_through(node.generators, self.index.scopes.get(id(node), scope), scope)
        self.hash(self.of(node.elt, inner), node.lineno)
        return self._contained([node.elt], inner)

    def of_DictComp(self, node, scope):
        """As a set, with values."""
        inner = self.go_through(node.generators, self.index.scopes.get(id(node), scope), scope)
        self.hash(self.of(node.key, inner), node.lineno)
        return self._contained([node.key, node.value], inner)

    def of_GeneratorExp(self, node, scope):
        """As a list, but its elements are made later: within the item, or it cannot be carried back."""
        self.of_ListComp(node, scope)
        return RUNNING

    def go_through(self, generators, inner, outer):
        """The ``for`` and ``if`` of a comprehension; the scope that its element is in."""
        if inner is not outer:
            self.enter(inner)
        for place, one in enumerate(generators):
            if getattr(one, "is_async", False):
                self.effect("async", ("syntax", "async"), one.iter.lineno)
            self.take(one.target, one.iter, self.elements(one.iter, inner if place else outer), inner)
            for test in one.ifs:
                self.operate(self.of(test, inner), test.lineno)
        return inner

    def of_Yield(self, node, scope):
        """The frame's function gives a generator of what it yields; what is sent to it, nobody knows."""
        self.outcome.is_generator = True
        self.hold(self.all_of([node.value], scope), MEMBER)
        self.outcome.results.update(RUNNING)
        return frozenset([roots.UNKNOWN])

    def of_YieldFrom(self, node, scope):
        """The same of all elements."""
        self.outcome.is_generator = True
        self.hold(self.elements(node.value, scope), MEMBER)
        self.outcome.results.update(RUNNING)
        return frozenset([roots.UNKNOWN])

    def of_Await(self, node, scope):
        """Others go on meanwhile."""
        self.effect("async", ("syntax", "await"), node.lineno)
        self.of(node.value, scope)
        return frozenset([roots.UNKNOWN])

    def take(self, target, iterable, found, scope):
        """A loop's target is set to an element: see `walking`."""
        raise NotImplementedError

    def assign(self, target, found, scope, value=None):
        """A target is set to ``found``: see `walking`."""
        raise NotImplementedError

    def store_attribute(self, found, name, stored, line):
        """``x.name = ...``: see `walking`."""
        raise NotImplementedError


def _gives_number(operator, operand):
    """Whether an operator on a number that the source spells gives no sequence: ``i + 1``, ``x * 0.5``, but not ``[0] * 3``."""
    value = syntax.constant(operand)
    if isinstance(value, bool) or not isinstance(value, (int, float, complex)):
        return False
    return kind(operator) != "Mult" or not isinstance(value, int)
