"""What each expression of the program can stand for: names, attributes, parameters and results, followed until nothing new is found."""

from __future__ import absolute_import

from marx.runner.divide import syntax
from marx.runner.divide.attributes import Attributes, decorators_of
from marx.runner.divide.libraries import BUILTINS, canonical
from marx.runner.divide.rounds import NOTHING, Rounds, union
from marx.runner.divide.scopes import owner_of
from marx.runner.divide.syntax import kind
from marx.runner.divide.values import Class, External, Function, Made, Own, library_name

PARTIAL = External("functools.partial")
_CONTEXT_MANAGERS = ("contextmanager", "contextlib.contextmanager")
#: Gives its argument, or what that gives when it is entered.
_CLOSING = External("contextlib.closing")

#: What is looked for behind ``from ... import *`` of a library, where any name could be anything.
_FROM_STARS = frozenset(["multiprocessing.Pool", "concurrent.futures.ProcessPoolExecutor", "joblib.Parallel", "joblib.delayed"])


class Resolver(object):
    """Answers for one `Program`. ``calls``: each `Call` of the program. ``attributes``: `Attributes`. ``modules``: the program's."""

    def __init__(self, program):
        self._program = program
        self._rounds = Rounds()
        self._callers = {}  # Scope of a function -> {id of a call: (Call, how many parameters are given already)}
        self._scopes, self._calls = {}, {}
        self.attributes = Attributes(program, self, self._rounds)
        self.calls = []
        self.modules = program.modules
        for module in program.modules:
            for scope in module.top.below():
                self._take(scope)
        self._rounds.turn(self._ask_all)

    def _take(self, scope):
        self._scopes[id(scope.node)] = scope
        self.calls.extend(scope.calls)
        self._calls.update((id(call.node), call) for call in scope.calls)
        self.attributes.take(scope)

    def of(self, node, scope):
        """The set of values that an expression in ``scope`` can stand for; empty where the source does not show it."""
        rule = getattr(self, "_of_" + kind(node), None)
        return self._rounds.answer(id(node), rule, node, scope) if rule else NOTHING

    def names(self, node, scope):
        """The library names that an expression can stand for, each as it is best known."""
        return frozenset(canonical(name) for name in map(library_name, self.of(node, scope)) if name)

    def functions(self, node, scope):
        """The scopes of the program's own functions and classes that an expression can stand for, of an instance what calling it runs."""
        for value in self.of(node, scope):
            if isinstance(value, (Function, Class)):
                yield value.scope
            elif isinstance(value, Made) and isinstance(value.of, Class):
                for function in self.attributes.of(value, "__call__"):
                    if isinstance(function, Function):
                        yield function.scope

    def named(self, owner, name):
        """What a name that the scope ``owner`` binds can stand for."""
        return self._rounds.answer((owner, name), self._bindings, owner, name)

    def _bindings(self, owner, name):
        return union(
            lambda binding: self._parameter(owner, name, binding) if binding.kind == "parameter" else self.bound_to(binding),
            owner.bindings.get(name, ()),
        )

    def bound_to(self, binding):
        """What one binding, but a parameter's, gives its name."""
        if binding.kind == "import":
            return self._imported(binding.value, binding.scope.module)
        if binding.kind == "function":
            return [Function(binding.value, False)]
        if binding.kind == "class":
            return [Class(binding.value)]
        if binding.kind == "value":
            return self.of(binding.value, binding.scope)
        if binding.kind == "context":
            return union(self._entered, self.of(binding.value, binding.scope))
        if binding.kind == "element" and kind(binding.value) in ("List", "Tuple"):
            return union(lambda each: self.of(each, binding.scope), binding.value.elts)
        return NOTHING

    def origin(self, binding):
        """(the scope of a module of the program, a name in it) that an import brings; None where it brings anything else."""
        dots, name, part = binding.value
        own = self._program.find(dots, name, binding.scope.module) if part is not None else None
        return (own.top, part) if own is not None and part in own.top.bindings else None

    def is_rebound(self, top, name):
        """Whether a module's name is bound more than once, or from outside of the module's own statements."""
        bindings = top.bindings[name]
        return len(bindings) > 1 or bindings[0].scope is not top or self.attributes.is_set(top.module, name)

    def returned(self, scope):
        """What a function of the program can return; of a context manager, what it gives to ``with``."""
        results = list(scope.returns)
        if decorators_of(Function(scope, False)).intersection(_CONTEXT_MANAGERS):
            results += scope.yields
        return union(lambda each: self.of(each, scope), results)

    # Who calls a function with what.

    def _ask_all(self):
        for call in self.calls:
            for value in self.of(call.node.func, call.scope):
                if value == PARTIAL and call.node.args:
                    for target in self.of(call.node.args[0], call.scope):
                        self._note_caller(target, call, -1)
                else:
                    self._note_caller(value, call, 0)
            self.of(call.node, call.scope)

    def _note_caller(self, value, call, given):
        if isinstance(value, Class):
            for function in self.attributes.of_class(value.scope, "__init__"):
                if isinstance(function, Function):
                    self._note_caller(Function(function.scope, True), call, given)
        elif isinstance(value, Function):
            callers = self._callers.setdefault(value.scope, {})
            if id(call.node) not in callers:
                callers[id(call.node)] = (call, given + bool(value.bound))
                self._rounds.has_changed = True

    def _parameter(self, scope, name, binding):
        names = [each for each, _ in syntax.parameters(scope.node)[0]]
        place = names.index(name) if name in names else None
        found = set(self.of(binding.value, scope.parent) if binding.value is not None else ())
        decorators = decorators_of(Function(scope, False))
        if place == 0 and scope.is_method and "staticmethod" not in decorators:
            owner = Class(scope.parent)
            found.add(owner if "classmethod" in decorators else Made(owner, None))
        for call, given in list(self._callers.get(scope, {}).values()):
            value = syntax.argument(call.node, None if place is None or place < given else place - given, name)
            found.update(self.of(value, call.scope) if value is not None else ())
        return found

    # Expressions.

    def _of_Name(self, node, scope):
        owner = owner_of(scope, node.id)
        if owner is None:
            return self._starred(node.id, scope.module) or ([External(canonical(node.id))] if node.id in BUILTINS else NOTHING)
        return self.named(owner, node.id)

    def _of_Attribute(self, node, scope):
        return union(lambda value: self.attributes.of(value, node.attr), self.of(node.value, scope))

    def _of_Call(self, node, scope):
        call = self._calls[id(node)]
        return union(lambda function: self._called(function, call), self.of(node.func, scope))

    def _of_Lambda(self, node, scope):
        return [Function(self._scopes[id(node)], False)]

    def _of_IfExp(self, node, scope):
        return self.of(node.body, scope) | self.of(node.orelse, scope)

    def _of_BoolOp(self, node, scope):
        return union(lambda value: self.of(value, scope), node.values)

    def _of_NamedExpr(self, node, scope):
        return self.of(node.value, scope)

    _of_Await = _of_NamedExpr

    # Imports.

    def _imported(self, imported, importer):
        dots, name, part = imported
        own = self._program.find(dots, name, importer)
        if part is None:
            return [Own(own)] if own else [External(canonical(name))]
        inner = self._program.find(dots, (name + "." if name else "") + part, importer)
        found = (self.attributes.of(Own(own), part) if own else NOTHING) or ([Own(inner)] if inner else NOTHING)
        if found or self._program.is_own(dots, name, importer):
            return found
        return [External(canonical("%s.%s" % (name, part)))]

    def _starred(self, name, module):
        """What the module's star imports may have brought under ``name``."""
        found = set()
        for each in module.top.imports:
            own = self._program.find(each.dots, each.module, module) if each.name == "*" else None
            whole = canonical("%s.%s" % (each.module, name))
            if own is not None and own is not module:
                found.update(self.attributes.of(Own(own), name))
            elif each.name == "*" and whole in _FROM_STARS:
                found.add(External(whole))
        return found

    # Calls.

    def _called(self, function, call):
        return self._rounds.answer((function, call), self._results, function, call)

    def _results(self, function, call):
        if isinstance(function, Function):
            return self.returned(function.scope)
        if isinstance(function, Made) and isinstance(function.of, Class):
            return union(lambda value: self._called(value, call), self.attributes.of_class(function.of.scope, "__call__"))
        if isinstance(function, Made) and function.of == PARTIAL and function.call.node.args:
            first = self.of(function.call.node.args[0], function.call.scope)
            return union(lambda value: self._called(value, call), first)
        if function == External("getattr") and len(call.node.args) > 1:
            return self._got(call)
        if function == _CLOSING and call.node.args:
            return self.of(call.node.args[0], call.scope)
        return [] if isinstance(function, Own) else [Made(function, call)]

    def _got(self, call):
        name = syntax.text_of(call.node.args[1])
        values = self.of(call.node.args[0], call.scope) if name else NOTHING
        return union(lambda value: self.attributes.of(value, name), values)

    def _entered(self, value):
        """What ``with`` binds: most context managers give themselves."""
        if isinstance(value, Made) and isinstance(value.of, Class):
            entering = self.attributes.of_class(value.of.scope, "__enter__")
            return union(lambda each: self._called(each, value.call), entering) or [value]
        return [value]
