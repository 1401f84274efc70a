"""The numbered objects on the other side: found where the program's source has made them again, else made from their skeletons."""

from __future__ import absolute_import

import importlib
import sys
import types

from marx.runner.carry import classes, functions, rebuilding
from marx.runner.carry.errors import Denied, NotRestored
from marx.runner.carry.table import CELL, CLASS, CONTAINER, FUNCTION, MODULE, NAMED, SPACE, Table


class Building(object):
    """``table``: with every object of ``skeletons`` in it, after `build`."""

    def __init__(self, skeletons):
        self.table = Table()
        self.table.expect([skeleton[0] for skeleton in skeletons])
        self._skeletons = [skeleton[1:] for skeleton in skeletons]
        self._used = set()

    def build(self):
        """Find or make everything. Raises `NotRestored`."""
        for kind in (CONTAINER, MODULE, SPACE, NAMED, CLASS, FUNCTION, CELL):
            for number, known in enumerate(self.table.kinds):
                if known == kind:
                    self.object(number)

    def object(self, number):
        """The object of a number, and what it is made of first."""
        if self.table.objects[number] is None:
            kind, made = self.table.kinds[number], self._skeletons[number]
            try:
                found = _BUILDERS[kind](self, *made) if kind != CLASS and kind != FUNCTION else _BUILDERS[kind](self, made)
            except Denied as error:
                raise NotRestored(error.what)
            if self.table.objects[number] is None and found is not None:
                self._put(number, found)
        return self.table.objects[number]

    def _put(self, number, found):
        self._used.add(id(found))
        self.table.put(number, found)

    def _module(self, name):
        try:
            return importlib.import_module(name)
        except Exception as error:
            raise NotRestored("module %s cannot be imported here: %s" % (name, error))

    def _named(self, module, path):
        found = self._module(module)
        for name in path.split("."):
            if not hasattr(found, name):
                raise NotRestored("there is no %s in module %s here" % (path, module))
            found = getattr(found, name)
        return found

    def _space(self, name):
        """The names of a module; None for another namespace, which a function that is found brings along."""
        return vars(self._module(name)) if name else None

    def _cell(self):
        return functions.new_cell()

    def _container(self, kind, way, sequence):
        return rebuilding.made(rebuilding.KINDS[kind], way, sequence)

    def _class(self, made):
        meta, bases = self.object(made[3]), [self.object(base) for base in made[4]]
        found = classes.candidate(made, self.table.objects, self._used)
        return found if found is not None else classes.make(made, meta, bases)

    def _function(self, made):
        found = functions.candidate(made, self.table.objects, self._used)
        space, cells = made[4], made[5]
        if found is not None:
            for number, cell in zip(cells, found.__closure__ or ()):
                self._put(number, cell)
            if self.table.objects[space] is None:
                self._put(space, found.__globals__)
            return found
        if self.table.objects[space] is None:
            self._put(space, {"__builtins__": __builtins__, "__name__": made[0]})
        return functions.make(made, self.table.objects[space], [self.object(cell) for cell in cells])


_BUILDERS = {
    MODULE: Building._module,
    NAMED: Building._named,
    SPACE: Building._space,
    CLASS: Building._class,
    FUNCTION: Building._function,
    CELL: Building._cell,
    CONTAINER: Building._container,
}


#: The modules that were ``__main__``: Python 2 empties a module's names when nothing holds it any more.
_kept = []


def empty_main():
    """A new module ``__main__``, in place of the one that is there."""
    _kept.append(sys.modules.get("__main__"))
    module = types.ModuleType("__main__")
    module.__builtins__ = __builtins__
    sys.modules["__main__"] = module
    return module
