"""The functions of a running program: which can be reached from values, what their closures and defaults hold, what the source says of them."""

from __future__ import absolute_import

import os
import sys
import types
from collections import namedtuple

from marx.runner.carry.own import is_own_name
from marx.runner.found import arriving

#: What `divide.finding` looks at of a code object.
_Code = namedtuple("_Code", "co_filename co_firstlineno co_name")
#: Functions that are looked at from one site.
_MOST = 1000

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


def why_changed(kind):
    """Why instances of a class, or of one of its bases, may do something else than the source shows; None if they may not."""
    if not _classes:
        _classes.update(_the_finder().known_classes())
    paths = dict((names.get("__name__"), path) for path, names in modules_by_path().items())
    for base in getattr(kind, "__mro__", (kind,)):
        if base in (object, tuple) or _is_record(base) or base.__module__ == BaseException.__module__:
            continue
        known = _classes.get((paths.get(base.__module__), getattr(base, "__qualname__", base.__name__)))
        if known is None:
            return "what class `%s` does is not shown by the program's source" % base.__name__
        lines = dict((name, line) for name, value in vars(base).items() for line in _lines(value))
        if lines != dict((name, known.get(name)) for name in lines):
            return "class `%s` was changed" % base.__name__
    return None


def _is_record(kind):
    """Whether it is what namedtuple has made."""
    return kind.__bases__ == (tuple,) and hasattr(kind, "_fields")


def _lines(value):
    """The first line of a method's code."""
    inner = getattr(value, "fget", None) or getattr(value, "__func__", value)
    if hasattr(inner, "__code__"):
        yield inner.__code__.co_firstlineno


def _the_finder():
    if not _finder:
        from marx.runner.divide.finding import Finder
        from marx.runner.divide.modules import Program
        from marx.runner.divide.resolving import Resolver

        program = Program(*arriving.plan["program"])
        _finder.append(Finder(program, Resolver(program)))
    return _finder[0]


class Functions(object):
    """All that can be reached from ``values`` through closures, methods and containers that hold few things."""

    def __init__(self, values):
        self._found = {}
        waiting = list(values)
        while waiting and len(self._found) < _MOST:
            something = waiting.pop()
            something = getattr(something, "__func__", something)
            if type(something) is types.FunctionType and id(something) not in self._found:
                self._found[id(something)] = something
                waiting.extend(content for _, content in _closed(something))
                waiting.extend(something.__defaults__ or ())
                waiting.extend([getattr(something, "__wrapped__", None)])
            elif isinstance(something, type) and is_own_name(something.__module__):
                waiting.extend(value for value in vars(something).values() if not isinstance(value, type))
            elif is_own_name(getattr(type(something), "__module__", None)):
                waiting.append(type(something))

    def enclosed(self, name):
        """What a name holds in the closures that have it."""
        return [content for each in self._found.values() for other, content in _closed(each) if other == name]

    def defaults(self, path, function, name):
        """The default values of a parameter, of every function that is called so and stands in this file."""
        found = []
        for each in self._found.values():
            code = each.__code__
            if code.co_name == function and place_of(code) == path:
                names = code.co_varnames[: code.co_argcount]
                values = each.__defaults__ or ()
                by_name = dict(zip(names[len(names) - len(values) :], values))
                by_name.update(getattr(each, "__kwdefaults__", None) or {})
                found += [by_name[name]] if name in by_name else []
        return found


def _closed(function):
    """(name, content) of each cell of a function's closure that is filled."""
    for name, cell in zip(function.__code__.co_freevars, function.__closure__ or ()):
        try:
            yield name, cell.cell_contents
        except ValueError:
            continue
