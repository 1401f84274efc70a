"""What stands in a program by name: methods, special methods, properties and class attributes, for objects whose class nobody shows."""

from __future__ import absolute_import

from marx.runner.compat import IS_2
from marx.runner.divide import pure, syntax
from marx.runner.divide.attributes import decorators_of
from marx.runner.divide.roots import place_of
from marx.runner.divide.scopes import owner_of
from marx.runner.divide.syntax import kind
from marx.runner.divide.values import Class, External, Function, Own, library_name

#: Special methods that are called by name where it shows, or only when an object is made.
_CALLED_BY_NAME = frozenset("__init__ __new__ __call__ __enter__ __exit__ __init_subclass__ __class_getitem__ __prepare__ __subclasshook__".split())

#: Those that change their object when a statement does.
_STORING = frozenset(
    "__setattr__ __delattr__ __setitem__ __delitem__ __setslice__ __delslice__ __set__ __delete__ __iadd__ __isub__ __imul__ __imatmul__ __idiv__"
    " __itruediv__ __ifloordiv__ __imod__ __ipow__ __ilshift__ __irshift__ __iand__ __ior__ __ixor__".split()
)

_SLICES = frozenset(["s_", "index_exp"])
_WAYS_TO_MODULES = frozenset(["modules", "__import__", "import_module"])

_PROPERTIES = frozenset(["property", "cached_property", "functools.cached_property", "abc.abstractproperty"])
_PARTS = (".setter", ".deleter", ".getter")
_DATACLASSES = frozenset(["dataclasses.dataclass", "dataclasses.dataclass()"])
_FIELD = "dataclasses.field"


class Index(object):
    """
    Of one program. ``scopes``: {id of a node: its `Scope`}; ``methods``, ``properties``: {name: [each `Scope`]}; ``class_values``: {name: the
    classes that bind it to something that can be changed}. ``reading``, ``storing``: the special methods. ``strange``: {a class: why its
    behaviour is not what its source shows}. ``stored``: the names of attributes that are set anywhere. ``attributes``: all that are named.
    ``has_slices``: whether `slice` is named, so that any place in a container may be several. ``has_containers``: whether a class of the program stands on another than `object` and its own, whose objects may hold elements.
    """

    def __init__(self, program, resolver):
        self._resolver = resolver
        self.scopes, self._places, self._tops = {}, {}, {}
        self.methods, self.properties, self.class_values = {}, {}, {}
        self.reading, self.storing = [], []
        self.stored = {}
        self.attributes = set()
        self.has_slices = False
        self._main_is_reached = program.main in [program.find(*origin) for origin in _imports(program)]
        classes = []
        for module in program.modules:
            self._tops[module.path] = module.top
            for scope in module.top.below():
                self._take(scope)
                classes += [scope] if scope.kind == "class" else []
        for scope in classes:
            for name, bindings in scope.bindings.items():
                for binding in bindings:
                    self._take_of_class(scope, name, binding)
        bases = [getattr(base, "id", None) for each in classes for base in each.node.bases]
        names = [each.name for each in classes]
        self.has_containers = any(base != "object" and base not in names for base in bases)
        self.strange = dict((each, why) for each, why in [(each, self._why_strange(each)) for each in classes] if why)

    def _take(self, scope):
        self.scopes[id(scope.node)] = scope
        self._places[place_of(scope)] = scope
        self.attributes.update(node.attr for node in scope.attributes)
        self.has_slices |= any(node.id == "slice" for node in scope.loads) or any(node.attr in _SLICES for node in scope.attributes)
        self._main_is_reached |= any(node.attr in _WAYS_TO_MODULES for node in scope.attributes)
        self._main_is_reached |= any(node.id in _WAYS_TO_MODULES for node in scope.loads)
        self._main_is_reached |= any("__main__" in (each.module, each.name) for each in scope.imports)
        for target, value in scope.stores:
            self.stored.setdefault(target.attr, []).append((target, value, scope))

    def _take_of_class(self, scope, name, binding):
        function = binding.value if binding.kind == "function" else self._alias(scope, binding)
        if function is None:
            if not self._is_fixed(name, binding):
                self.class_values.setdefault(name, []).append(scope)
            return
        decorators = decorators_of(Function(function, False))
        is_property = decorators & _PROPERTIES or any(each and each.endswith(_PARTS) for each in decorators)
        (self.properties if is_property else self.methods).setdefault(name, []).append(function)
        if name in _STORING:
            self.storing.append(function)
        elif is_special(name) and name not in _CALLED_BY_NAME:
            self.reading.append(function)

    def _alias(self, scope, binding):
        """The method that ``__str__ = __repr__`` names, None for anything else."""
        name = getattr(binding.value, "id", None) if binding.kind == "value" else None
        bound = scope.bindings.get(name, ())
        return bound[0].value if len(bound) == 1 and bound[0].kind == "function" else None

    def _is_fixed(self, name, binding):
        """Whether a class's attribute is a number or text wherever it is asked for: nothing but ``self.name = ...`` sets it elsewhere."""
        if binding.kind != "value":
            return False
        is_field = self._is_field(binding) and all(is_literal(each.value) for each in binding.value.keywords if each.arg in ("default", None))
        return (is_field or is_literal(binding.value)) and all(_is_of_self(target, scope) for target, _, scope in self.stored.get(name, ()))

    def may_be_asked(self, scope, name):
        """Whether a name of a module may be asked of it from outside, as an attribute."""
        return name in self.attributes and (scope.module.name != "__main__" or self._main_is_reached)

    def keeps_classes(self):
        """Whether ``x.__class__`` is what Python says that it is: no class of the program says anything else."""
        return not any("__class__" in names for names in (self.methods, self.properties, self.class_values, self.stored))

    def stores_itself(self, family):
        """Whether what an object of a class holds is what its own ``__init__`` stores: for classes on nothing but `object`."""
        bases = [getattr(base, "id", None) for each in family for base in each.node.bases]
        names = [each.name for each in family]
        if any(self.is_dataclass(each) for each in family):
            return False
        return any("__init__" in each.bindings for each in family) and all(base == "object" or base in names for base in bases)

    def is_dataclass(self, scope):
        """Whether `dataclass` writes methods into a class."""
        return any(self._names(each, scope) & _DATACLASSES for each in getattr(scope.node, "decorator_list", ()))

    def factories(self, scope):
        """{name of a field: (expression, scope) of each function that makes its value} of a dataclass."""
        found = {}
        for name, bindings in scope.bindings.items() if self.is_dataclass(scope) else ():
            for binding in bindings:
                for keyword in binding.value.keywords if self._is_field(binding) else ():
                    if keyword.arg == "default_factory":
                        found.setdefault(name, []).append((keyword.value, binding.scope))
        return found

    def _is_field(self, binding):
        is_call = binding.kind == "value" and kind(binding.value) == "Call"
        return is_call and _FIELD in self._resolver.names(binding.value.func, binding.scope)

    def owner(self, root):
        """The scope whose name a root stands for; None of other roots."""
        if root[0] == "global":
            return self._tops.get(root[1])
        return self._places.get(root[1:-1]) if root[0] == "enclosing" else None

    def bindings(self, root):
        """The bindings of a name that a root stands for; () of other roots."""
        scope = self.owner(root)
        return scope.bindings.get(root[-1], ()) if scope is not None else ()

    def is_definition(self, root):
        """Whether a root is a name that stands for functions, classes and imports only."""
        bindings = self.bindings(root)
        return bool(bindings) and all(self._defines(binding) for binding in bindings)

    def imported(self, root):
        """The dotted names that a name may stand for which only ``from library import name`` binds, in any number; () for all others."""
        bindings = self.bindings(root)
        if any(binding.kind != "import" or binding.value.name is None for binding in bindings):
            return ()
        if not all(isinstance(each, External) for binding in bindings for each in self._resolver.bound_to(binding)):
            return ()
        return tuple("%s.%s" % (binding.value.module, binding.value.name) for binding in bindings)

    def _defines(self, binding):
        """Whether a binding gives a name to a function, class or module, or to what `pure` knows: no value to be looked at."""
        if binding.kind != "import" or binding.value.name is None:
            return binding.kind in ("function", "class", "import")
        found = self._resolver.bound_to(binding)
        return bool(found) and all(isinstance(each, (Function, Class, Own)) or library_name(each) in pure.FUNCTIONS for each in found)

    def _why_strange(self, scope):
        """What makes a class of the program behave as its source does not show; None for nothing."""
        for base in scope.node.bases:
            if not self._is_calm_base(base, scope):
                return "its base `%s` is not known" % (syntax.dotted(base) or "of an expression")
        for decorator in getattr(scope.node, "decorator_list", ()):
            if not self._names(decorator, scope) & pure.CLASS_DECORATORS:
                return "its decorator is not known"
        for keyword in getattr(scope.node, "keywords", ()):
            if keyword.arg == "metaclass" and not self._names(keyword.value, scope) & pure.CALM_METACLASSES:
                return "its metaclass is not known"
        for binding in scope.bindings.get("__metaclass__", ()):
            if binding.kind != "value" or not self._names(binding.value, scope) & pure.CALM_METACLASSES:
                return "its metaclass is not known"
        for binding in [each for several in scope.bindings.values() for each in several]:
            if binding.kind == "value" and kind(binding.value) == "Call" and not self._is_calm_value(binding):
                return "`%s` in it may be more than a value" % syntax.dotted(binding.value.func)
        for name in sorted(self.stored) if self._is_old(scope) else ():
            if is_special(name):
                return "`%s` may be set in its objects" % name
        for name in scope.bindings:
            if is_special(name) and not all(self._is_shown(scope, binding) for binding in scope.bindings[name]):
                return "its `%s` is not shown" % name
            if name in self.stored and name in self.methods:
                return "its method `%s` is replaced" % name
        return None

    def _is_old(self, scope):
        """Whether Python 2 looks for the special methods of its objects in the objects themselves, first."""
        family = self._resolver.attributes.family(scope) if IS_2 else []
        return IS_2 and all(any(each.name == getattr(base, "id", None) for each in family) for one in family for base in one.node.bases)

    def _is_calm_value(self, binding):
        """Whether what a class's attribute is made by gives plain objects: not `property`, nor a library's that may be like it."""
        names = self._resolver.names(binding.value.func, binding.scope)
        return all(name in pure.FUNCTIONS or name in (_FIELD, "object") for name in names)

    def _is_shown(self, scope, binding):
        return binding.kind == "function" or self._alias(scope, binding) is not None or binding.kind == "value" and is_plain(binding.value)

    def _is_calm_base(self, base, scope):
        if kind(base) == "Subscript":
            base = base.value
        name = getattr(base, "id", None)
        owner = owner_of(scope.parent, name) if name else None
        if owner is not None and any(each.kind == "class" for each in owner.bindings[name]):
            return all(each.kind == "class" for each in owner.bindings[name])
        return bool(self._names(base, scope) & pure.CALM_BASES)

    def _names(self, node, scope):
        return self._resolver.names(node, scope.parent)


def _imports(program):
    """What is imported anywhere, as `Program.find` is asked for it."""
    for module in program.modules:
        for scope in module.top.below():
            for dots, name, part in scope.imports:
                yield dots, name, module
                if part not in (None, "*"):
                    yield dots, (name + "." if name else "") + part, module


def is_special(name):
    """Whether Python calls a method of this name by itself."""
    return name.startswith("__") and name.endswith("__") or name == "next"


def is_plain(node):
    """Whether an expression is a literal, of any depth."""
    if kind(node) in ("List", "Set", "Tuple"):
        return all(is_plain(each) for each in node.elts)
    if kind(node) == "Dict":
        return all(is_plain(each) for each in node.keys + node.values if each is not None)
    return is_literal(node)


def is_literal(node):
    """Whether an expression is a number, a text, or a tuple of such."""
    if syntax.constant(node) is not syntax.MISSING:
        return True
    if kind(node) == "UnaryOp":
        return is_literal(node.operand)
    return kind(node) == "Tuple" and all(is_literal(each) for each in node.elts)


def _is_of_self(target, scope):
    """Whether ``target`` is an attribute of the first parameter of the method that it stands in."""
    while scope.kind == "comprehension":
        scope = scope.parent
    if not scope.is_method or "classmethod" in decorators_of(Function(scope, False)):
        return False
    names = [name for name, _ in syntax.parameters(scope.node)[0]]
    return kind(target.value) == "Name" and names[:1] == [target.value.id]
