"""The sources of the program's modules, and what executing them again can be trusted with."""

from __future__ import absolute_import

import io
import os
import sys

from marx.runner.carry.effects import Loudness
from marx.runner.carry.errors import CannotCarry, Denied
from marx.runner.carry.own import MAINS, is_own, own_modules
from marx.runner.carry.patches import patches
from marx.runner.carry.statements import Source
from marx.runner.carry.surroundings import first_environment
from marx.runner.carry.setups import lost_setups
from marx.runner.carry.table import CLASSES, FUNCTION, found_at, name_of

#: Modules whose objects do no harm when they are made anew.
_HARMLESS = frozenset(
    "ctypes _ctypes numba numpy contextvars _contextvars operator threading thread _thread typing types".split()
)


class Sources(object):
    """``main``: the main program's `Source`, None where there is none to be read.

    ``chosen``: the places of its statements to execute, which bind the names ``made``.
    """

    def __init__(self):
        self._known = dict((name, _read(sys.modules.get(name))) for name in ["__main__"] + [name for name, _ in own_modules()])
        self.main = self._known["__main__"]
        loudness = Loudness([source.tree for source in self._known.values() if source])
        for source in self._known.values():
            if source:
                source.loudness = loudness
        self.chosen = self.main.chosen(self._makes_class, _line_at_work()) if self.main else []
        self.made = self.main.makes(self.chosen) if self.main else frozenset()

    def make(self, module, path):
        """Whether executing the source makes what has this dotted name."""
        if module not in MAINS:
            return found_at(module, path) is not None and module in sys.modules
        return str(path).split(".")[0] in self.made

    def may_leave(self, space, name, value, error):
        """Whether what cannot be pickled may be made by the source alone: one statement does it, and another one does no harm."""
        if isinstance(error, Denied) or not str(type(value).__module__).split(".")[0] in _HARMLESS:
            return False
        source = self._source(space.get("__name__"))
        if source is None or self._is_stored(name):
            return False
        chosen = self.chosen if source is self.main else range(len(source.tree.body))
        return source.is_made_once(name, chosen)

    def may_leave_attribute(self, kind, name):
        """The same for an attribute of a class: its body has bound it, or Python itself."""
        source = self._source(kind.__module__)
        if source is None or self._is_stored(name) or not self.make(kind.__module__, name_of(kind)):
            return False
        return name.startswith("__") or source.has_attribute(kind.__name__, name)

    def _is_stored(self, name):
        """Whether the program sets an attribute of this name of anything."""
        return any(source.stores(name) for source in self._known.values() if source)

    def place_of_name(self, space, name):
        """"line 12: ", or "lib.py line 12: "; "" if it cannot be said."""
        source = self._source(space.get("__name__"))
        return self._place(source, source.line_of(name)) if source else ""

    def place_of_class(self, kind):
        """The same for a class."""
        source = self._source(kind.__module__)
        return self._place(source, source.line_of(kind.__name__)) if source else ""

    def refuse_effects_of_imports(self, names):
        """Raises `CannotCarry` if importing one of these modules of the program again does something to the world."""
        for name in names:
            source = self._source(name)
            found = source.world_in() if source else None
            if found:
                raise CannotCarry("%s%s %s when it is imported" % (self._place(source, found[0]), name, found[1]), "put it into a function")

    def refuse_lost_setups(self, table):
        """Raises `CannotCarry` if the program sets something up in a library that items use, where nothing makes it again."""
        functions = set(something.__name__ for kind, something in zip(table.kinds, table.objects) if kind == FUNCTION)
        for source in self._known.values():
            for line, call in lost_setups(source, functions, table.packages) if source else ():
                said = "%s`%s(...)` sets something up in a library that items use" % (self._place(source, line), call)
                raise CannotCarry(said, "do it at the top of the module")

    def patches(self):
        """(place in the source, module, path) for what the program changes in libraries."""
        for source in self._known.values():
            for line, module, path in patches(source) if source else ():
                yield self._place(source, line), module, path

    def _place(self, source, line):
        if line is None:
            return ""
        return "line %d: " % line if source is self.main else "%s line %d: " % (os.path.basename(source.path), line)

    def _source(self, name):
        return self._known.get("__main__" if name in MAINS else name)

    def _makes_class(self, name):
        return isinstance(vars(sys.modules["__main__"]).get(name), CLASSES)


def _line_at_work():
    """Where the main program is, as far as the thread that asks was called from its module; None if it was not."""
    names, frame, found = vars(sys.modules["__main__"]), sys._getframe(), None
    while frame is not None:
        if frame.f_globals is names and frame.f_code.co_name == "<module>":
            found = frame.f_lineno
        frame = frame.f_back
    return found


def _read(module):
    """The `Source` of a module of the program; None where there is none, or none that can be read."""
    if not is_own(module):
        return None
    path = getattr(module, "__file__", None)
    if not isinstance(path, str):
        return None
    path = path[:-1] if path.endswith((".pyc", ".pyo")) else path
    text = _text(module, path)
    try:
        return Source(text, path) if text is not None else None
    except (SyntaxError, ValueError, TypeError, MemoryError, RuntimeError):
        return None


def _text(module, path):
    """Before 3.9 the program's own path is as it was typed, in a folder that it may have left."""
    for place in (path, os.path.join(first_environment().get("PWD", ""), path)):
        try:
            with io.open(place, "rb") as source:
                return source.read()
        except (IOError, OSError):
            continue
    try:
        return module.__loader__.get_data(path)
    except Exception:
        return None
