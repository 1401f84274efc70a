"""The functions of a running program: which can be reached from values, what their closures and defaults hold, what the source says of them."""

from __future__ import absolute_import

import functools
import os
import sys
import types
from collections import namedtuple

from marx.runner.carry.own import is_own_name
from marx.runner.compat import IS_2
from marx.runner.found import arriving, toolbox
from marx.runner.found.creator import is_created
from marx.runner.found.dataclass import made_by_factories, written
from marx.runner.found.looking import ATOMS

#: What `divide.finding` looks at of a code object.
_Code = namedtuple("_Code", "co_filename co_firstlineno co_name")
#: Functions that are looked at from one site.
_MOST = 1000

#: What classes are; of 2.7 the old ones as well.
CLASSES = (type, types.ClassType) if IS_2 else (type,)  # novm

#: What `functools.lru_cache` makes of a function, where there is such a thing.
CACHED = type(functools.lru_cache()(len)) if hasattr(functools, "lru_cache") else None  # novm

#: What Python 3.14 has in classes whose fields have types.
_ANNOTATING = frozenset(["__annotate__", "__annotate_func__"])

_BOUND = frozenset([types.MethodType, staticmethod, classmethod])
#: By what the attributes of their kind are called that hold the function that they wrap.
_WRAPPING = {CACHED: "__wrapped__"}
if hasattr(functools, "cached_property"):
    _WRAPPING[functools.cached_property] = "func"  # novm

#: Stands in the qualified names of what functions make.
_LOCAL = ".<locals>."

_finder = []
_classes = {}


def modules_by_path():
    """{path: names} of the program's own modules."""
    found = {}
    for name, module in list(sys.modules.items()):
        path = getattr(module, "__file__", None)
        if isinstance(path, str) and is_own_name(name):
            found[os.path.abspath(path[:-1] if path.endswith(".pyc") else path)] = vars(module)
    found[arriving.plan["main"]] = vars(sys.modules["__main__"])
    return found


def place_of(code):
    """The absolute path of the file that a code stands in."""
    if arriving.main_code is not None and code.co_filename == arriving.main_code.co_filename:
        return arriving.plan["main"]
    return os.path.abspath(code.co_filename)


def summary_of(function):
    """The `Summary` of a function of the program; None if the source does not show it."""
    if type(function) is not types.FunctionType:
        return None
    code = function.__code__
    return _the_finder().summary_of(_Code(place_of(code), code.co_firstlineno, code.co_name))


def place_in_source(code, name=None):
    """Where roots have the function with a code object, or the one around it that binds ``name``; None if the source does not show it."""
    return _the_finder().place_of(_Code(place_of(code), code.co_firstlineno, code.co_name), name)


def is_definition(value, root):
    """Whether a value is one of those that the source shows a name to stand for, by a definition or an import."""
    if type(value) is types.FunctionType and root[0] == "global" and is_own_name(value.__module__):
        if (place_of(value.__code__), getattr(value.__code__, "co_qualname", None)) == root[1:]:
            return True  # known from 3.11 on without reading the program again
    return is_one_of(value, _the_finder().definitions_of(root))


def is_one_of(value, definitions):
    """The same of ``definitions``, as `Finder.definitions_of` has them."""
    if type(value) is types.FunctionType and is_own_name(value.__module__):
        code = value.__code__
        shown = "function", place_of(code), code.co_firstlineno, code.co_name
    elif issubclass(type(value), CLASSES) and is_own_name(value.__module__):
        shown = ("record",) if _is_record(value) else ("class",) + _place_of_class(value)
    else:
        return any(what == "library" and _in_library(*place) is value for what, place in definitions)
    return (shown[0], shown[1:]) in definitions


def _place_of_class(kind):
    """(path, qualified name) as the source has them. 2.7 does not say in which function a class was made, but there may be one that it can be."""
    module = sys.modules.get(kind.__module__)
    path, name = next((path for path, names in modules_by_path().items() if names is vars(module)), None) if module else None, kind.__name__
    if IS_2 and getattr(module, name, None) is not kind:
        several = [place for place in _shown_classes() if place[0] == path and place[1].endswith(_LOCAL + name)]
        return several[0] if len(several) == 1 else (path, None)
    return path, getattr(kind, "__qualname__", name)


def is_local(kind):
    """Whether a class was made by a function."""
    return _LOCAL in (_place_of_class(kind)[1] or "")


#: A function's code, as `inspect.CO_OPTIMIZED` says.
_OPTIMIZED = 1


def values_around(frame):
    """
    The values of a function's own names; a module has none.

    A module's code may have some from 3.12 on, of comprehensions that are at work in it. To ask 3.13.0 for those of others ends the process.
    """
    code = frame.f_code
    if not code.co_flags & _OPTIMIZED:
        return []
    names = frame.f_locals
    return [names[name] for name in code.co_varnames + code.co_cellvars + code.co_freevars if name in names]


def local_classes(several, found, frame):
    """Those that functions have made: of ``several`` classes, of what the frame of a site names, and of the globals that it reads.

    Of ``several`` also those of deap: to read a pickle that names one would make it again, in the program, too.
    """
    spaces = modules_by_path()
    values = values_around(frame)
    values += [spaces[root[1]].get(root[2]) for root in found.reads if root[0] == "global" and root[1] in spaces]
    classes = list(several) + [value for value in values if issubclass(type(value), CLASSES) and is_own_name(value.__module__)]
    unique = dict((id(each), each) for each in classes if is_created(each) or is_local(each))
    return sorted(unique.values(), key=lambda each: (each.__module__, each.__name__))


def is_lonely(kind):
    """Whether an object of a class equals nothing but itself."""
    return not any(name in vars(base) for base in _with_bases(kind) if base is not object for name in ("__eq__", "__cmp__"))


def why_not_alone(kind):
    """Why what the methods of a class do may depend on the call that it was made in; None if it does not."""
    for base in _with_bases(kind):
        for value in vars(base).values() if is_own_name(base.__module__) else ():
            for name, content in [each for inner in _functions_in(value) for each in _closed(inner)]:
                if content is not base and type(content) not in ATOMS:
                    return "class `%s` holds `%s` of the function that it was made in" % (base.__name__, name)
    return None


def _functions_in(value):
    """Those that a class's attribute is, or is made of. What is wrapped in another function of Python is not that method."""
    kind = type(value)
    if kind is property:
        several = [value.fget, value.fset, value.fdel]
    elif kind is staticmethod or kind is classmethod:
        several = [value.__func__]
    elif kind in _WRAPPING:
        several = [getattr(value, _WRAPPING[kind])]
    else:
        several = [value]
    return [each for each in several if type(each) is types.FunctionType]


def _shown_classes():
    if not _classes:
        _classes.update(_the_finder().known_classes())
    return _classes


def _in_library(name):
    """What a library has under a dotted name; None where it has nothing."""
    parts = name.split(".")
    something = sys.modules.get(parts[0]) if parts[1:] else None
    for part in parts[1:]:
        something = getattr(something, part, None)
    return something


def called_in(value):
    """(the function that runs when a value is called, whether it gets the value itself); (None, False) where that cannot be told."""
    if type(value) is types.FunctionType:
        return value, False
    for base in getattr(type(value), "__mro__", ()) if is_own_name(getattr(type(value), "__module__", None)) else ():
        if "__call__" in vars(base):
            function = vars(base)["__call__"]
            return (function, True) if type(function) is types.FunctionType else (None, False)
    return None, False


def why_changed(kind):
    """Why instances of a class, or of one of its bases, may do something else than the source shows; None if they may not."""
    factories = made_by_factories(kind)
    for base in _with_bases(kind):
        if base in (object, tuple) or _is_record(base) or base.__module__ == BaseException.__module__:
            continue
        shown = _shown_classes().get(_place_of_class(base))
        if shown is None:
            return "what class `%s` does is not shown by the program's source" % base.__name__
        generated = written(base) - set(shown.methods) if shown.is_dataclass else ()
        names = [(name, each) for name, value in vars(base).items() for each in _functions_in(value)]
        names = [(name, each.__code__.co_firstlineno) for name, each in names if name not in _ANNOTATING and name not in generated]
        if not set(shown.methods) <= set(dict(names)) or any(line not in shown.methods.get(name, ()) for name, line in names):
            return "class `%s` was changed" % base.__name__
        factories -= shown.factories
    return "what makes the values of class `%s` does not stand in it" % kind.__name__ if factories else None


def _with_bases(kind):
    """A class and all that it stands on."""
    return getattr(kind, "__mro__", None) or [kind] + [each for base in kind.__bases__ for each in _with_bases(base)]


def why_not_told_apart(kind):
    """Why methods of a library's class may be taken for those of the program's classes, which are looked up by name; None if none is."""
    mixed = sorted(name for name in _the_finder().method_names() if hasattr(kind, name))
    return "class `%s` has a method `%s`, as a class of the program has" % (kind.__name__, mixed[0]) if mixed else None


def _is_record(kind):
    """Whether it is what namedtuple has made."""
    return kind.__bases__ == (tuple,) and hasattr(kind, "_fields")


def _the_finder():
    if not _finder:
        from marx.runner.divide.finding import Finder
        from marx.runner.divide.modules import Program
        from marx.runner.divide.resolving import Resolver

        program = Program(*arriving.plan["program"])
        _finder.append(Finder(program, Resolver(program)))
    return _finder[0]


class Functions(object):
    """All that can be reached from ``values`` through closures, methods, toolboxes and containers that hold few things."""

    def __init__(self, values):
        self._found, classes = {}, set()
        waiting = list(values)
        while waiting and len(self._found) < _MOST:
            something = waiting.pop()
            something = something.__func__ if type(something) in _BOUND else something
            if type(something) is types.FunctionType and id(something) not in self._found:
                self._found[id(something)] = something
                waiting.extend(content for _, content in _closed(something))
                waiting.extend(something.__defaults__ or ())
                waiting.extend([getattr(something, "__wrapped__", None)])
            elif issubclass(type(something), CLASSES) and is_own_name(something.__module__) and id(something) not in classes:
                classes.add(id(something))  # an enumeration holds objects of itself
                waiting.extend(value for value in vars(something).values() if not issubclass(type(value), CLASSES))
            elif is_own_name(getattr(type(something), "__module__", None)) and id(type(something)) not in classes:
                waiting.append(type(something))
            else:
                waiting.extend(toolbox.functions_of(something))

    def enclosed(self, root):
        """What a name of an enclosing function holds, in the closures that have it."""
        names = [(each, name, content) for each in self._found.values() for name, content in _closed(each) if name == root[-1]]
        return [content for each, name, content in names if place_in_source(each.__code__, name) == root[1:-1]]

    def defaults(self, root):
        """The default values of a parameter, of each that was made of its function."""
        found, name = [], root[-1]
        for each in self._found.values():
            code = each.__code__
            if code.co_name == root[-2] and place_in_source(code) == root[1:-1]:
                names = code.co_varnames[: code.co_argcount]
                values = each.__defaults__ or ()
                by_name = dict(zip(names[len(names) - len(values) :], values))
                by_name.update(getattr(each, "__kwdefaults__", None) or {})
                found += [by_name[name]] if name in by_name else []
        return found


class Held(object):
    """What one function at hand holds, which others of the same source may not."""

    def __init__(self, function, others):
        self._function = function
        self._others = others
        self._reachable = None

    def values(self, root):
        """The objects that one of its roots means: of a name around it, or of default values. None of them if nobody knows."""
        for name, content in _closed(self._function) if root[0] == "enclosing" else ():
            if name == root[-1] and place_in_source(self._function.__code__, name) == root[1:-1]:
                return [content]
        if self._reachable is None:
            self._reachable = Functions([self._function] + self._others)
        return self._reachable.enclosed(root) if root[0] == "enclosing" else self._reachable.defaults(root)


def _closed(function):
    """(name, content) of each cell of a function's closure that is filled."""
    for name, cell in zip(function.__code__.co_freevars, function.__closure__ or ()):
        try:
            yield name, cell.cell_contents
        except ValueError:
            continue
