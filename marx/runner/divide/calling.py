"""Calls: of the program's functions, classes and methods. What libraries do is in `asking`."""

from __future__ import absolute_import

from marx.runner.divide import pure, roots, sciences, syntax
from marx.runner.divide.applying import Applying
from marx.runner.divide.arguments import Arguments, Binding, unknown_arguments
from marx.runner.divide.attributes import decorators_of
from marx.runner.divide.roots import INSTANCE, MADE, NONE, PLAIN
from marx.runner.divide.syntax import kind
from marx.runner.divide.targets import Target
from marx.runner.divide.values import Function


class Calling(Applying):
    """Adds calls to a frame."""

    def of_Call(self, node, scope):
        """The roots of what a call gives."""
        self._evaluate(node.func, scope)
        arguments = self.arguments(node, scope)
        special = self.special_call(node, arguments, scope)
        return self.call_value(node.func, scope, arguments, node.lineno) if special is None else special

    def _evaluate(self, function, scope):
        """What stands in the place of a function's name is computed before it is called; names are looked up by who calls."""
        while kind(function) == "Attribute":
            function = function.value
        if kind(function) != "Name" and self._super(function, scope) is None:
            self.of(function, scope)

    def arguments(self, call, scope):
        """The `Arguments` of a call, evaluated."""
        nodes, found, names, rest = [], [], {}, None
        for each in call.args:
            if kind(each) == "Starred":
                rest = (rest or NONE) | self.elements(each.value, scope)
            else:
                nodes.append(each)
                found.append(self.of(each, scope))
        for keyword in call.keywords:
            if keyword.arg is None:
                rest = (rest or NONE) | self.elements(keyword.value, scope)
            else:
                names[keyword.arg] = (keyword.value, self.of(keyword.value, scope))
        for each in (getattr(call, "starargs", None), getattr(call, "kwargs", None)):
            if each is not None:
                rest = (rest or NONE) | self.elements(each, scope)
        return Arguments(nodes, found, names, rest, scope)

    def elements(self, node, scope):
        """The roots of what iterating over an expression gives."""
        return self.iterated(self.of(node, scope), node.lineno)

    def iterated(self, found, line):
        """The elements of what is gone through: of classes of the program, what their iterators give."""
        more = self.operate(found, line)
        return more | self.members(found | more)

    def call_value(self, node, scope, arguments, line):
        """The value of an expression is called; the roots of what it gives."""
        targets = self.analysis.targets.of(node, scope)
        if targets is not None:
            return self._call_all(targets, arguments, line)
        if kind(node) == "Attribute":
            return self._call_method(node, scope, arguments, line)
        found = self.of(node, scope)
        if not found:
            return self._call_flat(arguments, line)
        return frozenset().union(*[self._call(Target("value", root, ()), arguments, line) for root in roots.in_order(found)])

    def _call_flat(self, arguments, line):
        """What has no roots and is called all the same is a function of `pure` that changes nothing, or a text that was taken for one."""
        together = arguments.all()
        return self.operate(together, line, deep=True) | together | self.members(together)

    def call_name(self, owner, name, arguments, line):
        """The value of a variable is called."""
        return self._call_all(self.analysis.targets.of_name(owner, name), arguments, line)

    def _call_all(self, targets, arguments, line):
        found = NONE
        for target in targets:
            for root in target.through:
                self.look_up(root, line)
            found |= self._call(target, arguments, line)
        return found

    def look_up(self, root, line):
        """A name is gone through to what it stands for."""
        if root[0] in ("builtin", "library"):
            self.outcome.conditions.setdefault((root[0], root), line)
        elif root[0] == "registered":
            self._look_up_in_toolbox(root, line)
        elif self.own_name(root) is None:
            self.read(root, line)
            dotted = self.index.imported(root)
            kind_of_condition = ("imported", ("imported", root) + dotted) if dotted else ("definition", root)
            self.outcome.conditions.setdefault(kind_of_condition, line)

    def _look_up_in_toolbox(self, root, line):
        if self.own_name(root[1]) is not None:
            self.effect("calls", root[1], line)
        self.read(root[1], line)
        self.outcome.conditions.setdefault(("registered", root), line)

    def _call(self, target, arguments, line):
        rule = getattr(self, "_call_" + target.kind)
        return rule(target.what, arguments, line)

    def _call_function(self, function, arguments, line):
        if kind(function.node) == "AsyncFunctionDef":
            self.effect("async", roots.name_of(function.parent, function.name), line)
        binding = Binding(function, arguments, self)
        found = self.apply(function, binding.roots, line, binding.node)
        if self.analysis.targets.keeps_results(function):
            found |= frozenset([roots.name_of(function.parent, function.name)]) if found else NONE
        return found

    def _call_bound(self, function, arguments, line):
        owner = function.parent
        return self._call_function(function, arguments.after(frozenset([roots.name_of(owner.parent, owner.name)])), line)

    def _call_class(self, scope, arguments, line):
        """An object is made: its class's special methods see it before anybody else does."""
        self.outcome.reads.setdefault(roots.name_of(scope.parent, scope.name), line)
        made = INSTANCE
        for each in self.analysis.family(scope):
            if each in self.index.strange:
                self.effect("strange", roots.name_of(each.parent, each.name), line)
            for name in ("__init__", "__new__", "__post_init__", "__del__"):
                for binding in each.bindings.get(name, ()):
                    if binding.kind == "function":
                        given = arguments if name in ("__init__", "__new__") else Arguments([], [])
                        found = self._apply_method(binding.value, INSTANCE, given, line)
                        made |= found if name == "__new__" else NONE
            for factories in self.index.factories(each).values():
                for node, inner in factories:
                    self.hold(self.call_value(node, inner, Arguments([], []), line))
        if not self.index.stores_itself(self.analysis.family(scope)):
            self.hold(arguments.all() | self.spread(arguments.all()))
        return made

    def _call_record(self, _, arguments, line):
        return self.contain(arguments.all())

    def _call_partial(self, made, arguments, line):
        node, scope = made
        given = [self.of(each.value if kind(each) == "Starred" else each, scope) for each in node.args[1:]]
        given += [self.of(keyword.value, scope) for keyword in node.keywords]
        # They are made once, wherever that was: what a call changes in them, the next one finds.
        held = frozenset(roots.UNKNOWN if root in roots.OWN else root for root in frozenset().union(*given))
        together = arguments.all() | held
        return self.call_value(node.args[0], scope, unknown_arguments(together), line)

    def _call_registered(self, made, arguments, line):
        target, held = made
        return self._call(target, arguments if held is None else unknown_arguments(arguments.all() | frozenset([held])), line)

    def _call_module(self, module, _, line):
        self.effect("calls", ("global", module.path, module.name), line)
        return NONE

    def _call_value(self, root, arguments, line):
        self.operate(arguments.all(), line, deep=True)
        own = self.own_name(root)
        methods = self._kept_methods(*own) if own is not None else []
        if methods:
            return frozenset().union(*[self._call_method(node, scope, arguments, line) for node, scope in methods])
        several = self.variable(*own) if own is not None else [root]
        if not several:
            return self._call_flat(arguments, line)
        return frozenset().union(*[self._call_object(each, arguments, line) for each in roots.in_order(several)])

    def _call_object(self, root, arguments, line):
        if root == MADE and "__call__" in self.index.methods:
            return self.call_method(INSTANCE, "__call__", arguments, line)
        given = arguments.found + [found for _, found in arguments.names.values()] + [arguments.rest or NONE]
        return self.pending(root, [frozenset(found) for found in given], line)

    def _kept_methods(self, owner, name):
        """(expression, scope) of each method that a variable of this frame stands for: ``push = stack.append``. Empty if it may be more."""
        bindings = owner.bindings.get(name, ())
        if all(each.kind == "value" and kind(each.value) == "Attribute" and each.scope in self._inner.values() for each in bindings):
            return [(each.value, each.scope) for each in bindings]
        return []

    def _call_library(self, name, arguments, line):
        return self.call_library(name, arguments, line)

    # Methods.

    def _call_method(self, node, scope, arguments, line):
        """A method of an object: any of the program's, and of all types that are known, with this name."""
        receiver = self._super(node.value, scope)
        if receiver is not None:
            return self._call_super(node.attr, scope, receiver, arguments, line)
        receiver = self.of(node.value, scope)
        return self.call_method(receiver, node.attr, arguments, line, self._may_be_class(node.value, receiver))

    def call_method(self, receiver, name, arguments, line, may_be_class=False):
        """The method ``name`` of what ``receiver`` may be."""
        is_builtin = receiver <= PLAIN
        own = () if is_builtin else self.index.methods.get(name, ())
        does = pure.METHODS.get(name) if receiver != INSTANCE or not own else None
        if does is None and is_builtin and receiver:
            does = sciences.METHODS.get(name)
        self.doubts.pop((name, line), None)
        if is_builtin and does is None:
            self.doubts[name, line] = ("method", ("method", name))
            return NONE
        if not is_builtin and (name in self.index.stored or name in self.index.class_values) or not own and does is None:
            self.effect("method", ("method", name), line)
            return frozenset([roots.UNKNOWN])
        found = self.attribute_hooks(receiver, name, line)
        is_plain = does is not None and MADE not in receiver and not all(self._is_clean(each) for each in own)
        self.condition("plain" if is_plain else "known", receiver, line)
        if does is not None:
            found |= self.library_method(does, name, receiver, arguments, line)
        for each in () if is_plain else own:
            given = unknown_arguments(arguments.all() | receiver) if may_be_class else arguments
            found |= self._apply_method(each, receiver, given, line)
        return found

    def _is_clean(self, function):
        return self.analysis.outcome_of(function, self).is_clean()

    def _may_be_class(self, node, receiver):
        return getattr(node, "id", None) in ("cls", "klass") or any(self.index.is_definition(root) for root in receiver)

    def _apply_method(self, function, receiver, arguments, line):
        decorators = decorators_of(Function(function, False))
        if not self.analysis.targets.is_itself(function):
            self.effect("calls", ("method", function.name), line)
            return frozenset([roots.UNKNOWN])
        if "staticmethod" not in decorators:
            arguments = arguments.after(receiver)
        return self._call_function(function, arguments, line)

    def _super(self, node, scope):
        """The roots of the object that ``super()`` stands for; None for any other expression."""
        if kind(node) != "Call" or self.analysis.targets.names(node.func, scope) != frozenset(["super"]):
            return None
        if len(node.args) > 1:
            return self.of(node.args[1], scope)
        method = self.method_around(scope)
        names = [name for name, _ in syntax.parameters(method.node)[0]] if method is not None else []
        return self.of_variable(names[0], method, node.lineno) if names else frozenset([roots.UNKNOWN])

    def method_around(self, scope):
        """The method that a scope stands in, None where it stands in none."""
        while scope is not None and not scope.is_method:
            scope = scope.parent
        return scope

    def _call_super(self, name, scope, receiver, arguments, line):
        """Of the classes that the method's class is related to: it is not known which stands next."""
        method = self.method_around(scope)
        own = [each for each in self.index.methods.get(name, ()) if method is None or each.parent in self.analysis.related(method.parent)]
        found = NONE
        for each in own:
            found |= self._apply_method(each, receiver, arguments, line)
        if name in pure.METHODS:
            return found | self.library_method(pure.METHODS[name], name, receiver, arguments, line)
        if name in ("__init__", "__new__") and method is not None and self.index.stores_itself(self.analysis.related(method.parent)):
            return found | (receiver if name == "__new__" else NONE)  # what is left is `object`, which keeps nothing
        if name in ("__init__", "__new__", "__setattr__", "__setitem__", "__delitem__"):
            self.change(receiver, line, arguments.all() | self.spread(arguments.all()), None)
        elif name in ("__enter__", "__exit__", "__len__", "__eq__", "__ne__", "__hash__", "__repr__", "__str__", "__contains__", "__getitem__"):
            found |= self.operate(receiver | arguments.all(), line, deep=True) | self.within(receiver)
        elif not own:
            self.effect("method", ("method", name), line)
        return found | (receiver if name == "__new__" else NONE)
