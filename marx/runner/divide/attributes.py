"""What the attributes of modules, classes, instances and libraries' objects can be."""

from __future__ import absolute_import

from marx.runner.divide import syntax
from marx.runner.divide.libraries import canonical
from marx.runner.divide.rounds import NOTHING, union
from marx.runner.divide.values import Class, External, Function, Made, Method, Own, library_name

LONGEST_NAME = 120

_PROPERTIES = ("property", "cached_property", "functools.cached_property")


class Attributes(object):
    """``resolver`` says what the expressions are that attributes hang on and are set to."""

    def __init__(self, program, resolver, rounds):
        self._program = program
        self._resolver = resolver
        self._rounds = rounds
        self._stores = {}  # name -> [(target, value or None, scope)]

    def take(self, scope):
        """Remember what is assigned to attributes in a scope."""
        for target, value in scope.stores:
            self._stores.setdefault(target.attr, []).append((target, value, scope))

    def of(self, value, name):
        """What the attribute ``name`` of one value can be."""
        if isinstance(value, External):
            whole = "%s.%s" % (value.name, name)
            return [External(canonical(whole))] if len(whole) < LONGEST_NAME else NOTHING
        if isinstance(value, Own):
            return self._of_module(value.module, name)
        if isinstance(value, Class):
            family = self.family(value.scope)
            return self.of_class(value.scope, name) | self._stored(name, lambda each: isinstance(each, Class) and each.scope in family)
        if isinstance(value, Made) and isinstance(value.of, Class):
            return self._of_instance(value, name)
        if isinstance(value, (Made, Method)) and len(library_name(value) or "") < LONGEST_NAME:
            return [Method(value, name)]
        return NOTHING

    def of_class(self, scope, name):
        """What a name of a class of the program means, that of its bases where it has none."""
        return self._rounds.answer((scope, name, "inherited"), self._inherited, scope, name)

    def _inherited(self, scope, name):
        if name in scope.bindings:
            found = self._resolver.named(scope, name)
            return union(lambda value: self._bound(value) if "classmethod" in decorators_of(value) else [value], found)
        classes = [base.scope for base in self.bases(scope) if isinstance(base, Class) and base.scope is not scope]
        return union(lambda base: self.of_class(base, name), classes)

    def bases(self, scope):
        """What the bases of a class of the program can be."""
        return union(lambda base: self._resolver.of(base, scope.parent), scope.node.bases)

    def family(self, scope):
        """A class of the program with its bases of the program."""
        found, waiting = [], [scope]
        while waiting:
            each = waiting.pop()
            if each not in found:
                found.append(each)
                waiting.extend(base.scope for base in self.bases(each) if isinstance(base, Class))
        return found

    def is_set(self, module, name):
        """Whether anything is assigned to ``name`` of a module as an attribute."""
        stores = self._stores.get(name, ())
        return any(value == Own(module) for target, _, scope in stores for value in self._resolver.of(target.value, scope))

    def _of_module(self, module, name):
        found = self._resolver.named(module.top, name) | self._stored(name, lambda value: value == Own(module))
        if found or module is self._program.main:
            return found
        inner = self._program.find(0, "%s.%s" % (module.name, name), module)
        return [Own(inner)] if inner else NOTHING

    def _of_instance(self, instance, name):
        family = self.family(instance.of.scope)
        stored = self._stored(name, lambda value: _class_of(value) in family)
        found = stored | union(self._bound, self.of_class(instance.of.scope, name))
        if found:
            return found
        libraries = [base for scope in family for base in self.bases(scope) if isinstance(base, External)]
        return [Method(Made(base, instance.call), name) for base in libraries]

    def _stored(self, name, is_meant):
        """What is assigned anywhere to the attribute ``name`` of a value that ``is_meant``."""
        found = set()
        for target, value, scope in self._stores.get(name, ()):
            if value is not None and any(is_meant(each) for each in self._resolver.of(target.value, scope)):
                found.update(self._resolver.of(value, scope))
        return frozenset(found)

    def _bound(self, value):
        """What an instance, or of a class method the class, makes of a name of its class."""
        if not isinstance(value, Function) or not value.scope.is_method:
            return [value]
        decorators = decorators_of(value)
        if decorators.intersection(_PROPERTIES):
            return self._resolver.returned(value.scope)
        return [Function(value.scope, "staticmethod" not in decorators)]


def _class_of(value):
    """The scope of a class of the program, for the class and for what it makes."""
    value = value.of if isinstance(value, Made) else value
    return value.scope if isinstance(value, Class) else None


def decorators_of(value):
    """The names of a function's decorators, as they are written."""
    nodes = getattr(value.scope.node, "decorator_list", ()) if isinstance(value, Function) else ()
    return frozenset(syntax.dotted(each) for each in nodes)
