"""Finding the function: the program's file loaded as ``__mp_main__``, or a module imported.

As `multiprocessing` has it: the module has two names, ``__mp_main__`` and ``__main__``, and what stands behind
``if __name__ == "__main__"`` does not run.
"""

from __future__ import absolute_import

import importlib
import io
import os
import sys
import types

from marx.runner.compat import native_path
from marx.runner.failures import present_failure

NAME = "__mp_main__"

#: The module that was ``__main__``: Python 2 empties a module's names when nothing holds it any more.
_kept = []

_MISSING = object()


class NotLoaded(Exception):
    """``what`` is at fault, "program", "function" or "state". To be raised while the exception is taken care of that says why."""

    def __init__(self, what):
        Exception.__init__(self, what)
        self.what = what
        self.failure = present_failure()


def surround(order):
    """Make what the program sees of its place: folder, arguments, the first entry of sys.path. Raises `NotLoaded`."""
    try:
        os.chdir(native_path(order["cwd"]))
    except OSError:
        raise NotLoaded("program")
    program = native_path(order["program"] or "")
    sys.argv = [native_path(word) for word in order["argv"]] or [program]
    sys.path.insert(0, os.path.dirname(program) if program else os.getcwd())
    # What Python would write beside the program's modules is no file that the program made.
    sys.dont_write_bytecode = True


def load(order):
    """The function of a task's order. Raises `NotLoaded`."""
    try:
        module = _program(native_path(order["program"])) if order["program"] else importlib.import_module(str(order["module"]))
    except BaseException:
        raise NotLoaded("program")
    try:
        return _attribute(module, str(order["function"]))
    except Exception:
        raise NotLoaded("function")


def _program(path):
    with io.open(path, "rb") as source:
        text = source.read()
    code = compile(text, path, "exec", 0, True)
    module = types.ModuleType(NAME)
    module.__file__ = path
    module.__builtins__ = __builtins__
    _kept.append(sys.modules.get("__main__"))
    sys.modules[NAME] = sys.modules["__main__"] = module
    exec(code, module.__dict__)
    return sys.modules[NAME]


def sources(folder):
    """The texts of the modules below a folder that are loaded."""
    paths = [getattr(module, "__file__", None) for module in list(sys.modules.values())]
    for path in paths:
        if isinstance(path, str) and os.path.abspath(path).startswith(folder + os.sep):
            try:
                with io.open(path[:-1] if path.endswith(".pyc") else path, "rb") as source:
                    yield source.read()
            except (IOError, OSError):
                continue


def _attribute(module, path):
    """A function, or ``Class.method``. Raises AttributeError or TypeError."""
    found = module
    for name in path.split("."):
        found = getattr(found, name, _MISSING)
        if found is _MISSING:
            raise AttributeError("there is no %r in %s" % (path, getattr(module, "__file__", None) or module.__name__))
    if not callable(found):
        raise TypeError("%r is not a function: it is %s" % (path, type(found).__name__))
    return found
