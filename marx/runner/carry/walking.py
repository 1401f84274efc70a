"""What functions read of their program, followed to its end: names of modules, closures, defaults, classes, values."""

from __future__ import absolute_import

import sys
import types
from collections import OrderedDict

from marx.runner.carry import classes, functions, rebuilding
from marx.runner.carry.denied import check
from marx.runner.carry.errors import CannotCarry, Denied
from marx.runner.carry.originals import original
from marx.runner.carry.own import is_own, is_own_name
from marx.runner.carry.pickles import Nowhere, new_pickler
from marx.runner.carry.reads import reads_of
from marx.runner.carry.reducing import is_reduced
from marx.runner.carry.table import CELL, CLASS, CONTAINER, FUNCTION, MODULE, NAMED, SPACE, Table, name_of


class Walk(object):
    """Follows everything from what `start` is given.

    ``table``: the objects found; ``skeletons``: theirs, by number; ``pieces``: {(number, name): the ordered containers in it};
    ``absent``: (number, name) that must not be there; ``left``: (number, name) of what only the source can make, with its class's name.
    ``sources``: what `sources.Sources` knows of the program.
    """

    def __init__(self, sources):
        self.table = Table()
        self.skeletons = []
        self.pieces = OrderedDict()
        self.absent = []
        self.left = []
        self._sources = sources
        self._readers = {}
        self._seen = set()
        self._reader = None

    def start(self, something, said):
        """Follow what a value holds. ``said`` names it in the reason of the `CannotCarry` that this raises. Its ordered containers."""
        try:
            ordered = self._probe(something)
        except Exception as error:
            raise CannotCarry("%s %s" % (said, _is_what(something, error)), getattr(error, "hint", ""))
        self.finish()
        return ordered

    def need(self, module, name):
        """A name of a module that items name. Raises `CannotCarry` if it is not there."""
        space = vars(sys.modules[module]) if module in sys.modules else {}
        if name not in space:
            said = "`%s`, which an item names, was not there yet when the pool was made" % name
            raise CannotCarry(said, "define it before the pool is made")
        self._need(space, (name,), None)
        self.finish()

    def finish(self):
        """Look into everything that was found and not yet looked into."""
        while len(self.skeletons) < len(self.table.objects):
            number = len(self.skeletons)
            self.skeletons.append(None)
            something, kind = self.table.objects[number], self.table.kinds[number]
            self._reader = self._readers.get(number)
            self.skeletons[number] = (kind,) + self._looked_into(number, something, kind)

    def _looked_into(self, number, something, kind):
        try:
            return _LOOKS[kind](self, number, something)
        except Denied as error:
            raise CannotCarry("%s%s cannot travel: %s" % (self._line(number), self.described(number), error.what), error.hint)

    def described(self, number):
        """How a reason names an object."""
        something, kind = self.table.objects[number], self.table.kinds[number]
        if kind in (FUNCTION, CLASS):
            return "`%s`" % name_of(something)
        return "what `%s` holds" % self._reader if kind in (CELL, CONTAINER) else repr(something)[:60]

    # One of each kind

    def _module(self, number, module):
        if sys.modules.get(module.__name__) is not module or not _is_importable(module):
            raise Denied("module `%s`, which the program has made" % module.__name__)
        return (module.__name__,)

    def _named(self, number, something):
        return self.table.path_of(something)

    def _space(self, number, space):
        name = space.get("__name__")
        return (name if vars(sys.modules.get(name, types)) is space else None,)

    def _cell(self, number, cell):
        if not functions.is_empty(cell):
            self._try(number, functions.CONTENT, cell.cell_contents)
        return ()

    def _container(self, number, container):
        self._try(number, functions.CONTENT, rebuilding.content(container))
        return (type(container).__name__,) + self.table.recipes[number]

    def _function(self, number, function):
        made = functions.skeleton(function, self.table)
        self._reader = function.__name__
        self._claim(made[5])
        space = function.__globals__
        if is_own_name(space.get("__name__")) or not _is_of_module(space):
            self._follow(original(function.__code__), space)
        for name, value in functions.pieces(function):
            self._try(number, name, value)
        return made

    def _class(self, number, kind):
        made = classes.skeleton(kind, self.table)
        self._reader = kind.__name__
        for name, value in classes.pieces(kind):
            if isinstance(value, types.FunctionType):
                self.table.hints.setdefault(id(value), "%s.%s" % (made[1], name[1:]))
            self._try(number, name, value)
        if made[5] == classes.BY_SOURCE and not self._sources.make(made[0], made[1]):
            raise Denied("its source, which alone can make it, does not run again", "define it at the top of the module")
        return made

    def _claim(self, numbers):
        for number in numbers:
            self._readers.setdefault(number, self._reader)

    # Names that code reads

    def _follow(self, code, space):
        reads = reads_of(code)
        for chain in sorted(reads.chains):
            self._need(space, chain, self._reader)
        for name in sorted(reads.imports):
            self._follow_import(name, space, reads.attributes)
        if reads.is_blind:
            self._need_everything(space)

    def _follow_import(self, name, space, attributes):
        for full in (name, "%s.%s" % (space.get("__package__"), name)):
            module = sys.modules.get(full)
            if is_own(module):
                names = vars(module)
                for attribute in sorted(attributes & set(names)):
                    self._need(names, (attribute,), self._reader)

    def _need_everything(self, space):
        for name in sorted(space):
            if not name.startswith("__"):
                self._need(space, (name,), self._reader)

    def _need(self, space, chain, reader):
        """A name in a namespace, and the attributes that are taken of it where it is a module of the program's."""
        if (id(space), chain) in self._seen:
            return
        self._seen.add((id(space), chain))
        number, name = self.table.add(SPACE, space), chain[0]
        if name not in space:
            self.absent.append((number, name))
            return
        value = space[name]
        if (number, "." + name) not in self.pieces:
            self._try(number, "." + name, value, reader)
        if isinstance(value, types.ModuleType) and is_own(value):
            if len(chain) > 1 and chain[1] != "__dict__":
                self._need(vars(value), chain[1:], reader)
            else:
                self._need_everything(vars(value))

    # Values

    def _try(self, number, name, value, reader=None):
        """Take a piece along if it pickles; else leave it to the source, or refuse."""
        if (number, name) in self.pieces:
            return
        found = len(self.table.objects)
        try:
            self.pieces[number, name] = self._probe(value)
            for other in range(found, len(self.table.objects)):
                self._readers.setdefault(other, self._reader)
        except Exception as error:
            self._refuse_or_leave(number, name, value, reader, error)

    def _probe(self, value):
        """The ordered containers in it, each (container, order)."""
        self.table.begin()
        new_pickler(Nowhere(), self.table.number_of).dump(value)
        return self.table.ordered

    def _refuse_or_leave(self, number, name, value, reader, error):
        kind, owner = self.table.kinds[number], self.table.objects[number]
        if kind == SPACE and self._sources.may_leave(owner, name[1:], value, error):
            self.left.append((number, name[1:], type(value).__name__))
        elif kind != CLASS or isinstance(error, Denied) or not self._sources.may_leave_attribute(owner, name[1:]):
            raise CannotCarry(self._reason(number, name, value, reader, error), getattr(error, "hint", ""))

    def _reason(self, number, name, value, reader, error):
        read = ", which `%s` reads," % reader if reader and self.table.kinds[number] == SPACE else ""
        return "%s%s %s" % (self.named(number, name), read, _is_what(value, error))

    def named(self, number, name):
        """How a reason names a piece: "line 12: `log`"."""
        kind = self.table.kinds[number]
        if kind == SPACE:
            return "%s`%s`" % (self._sources.place_of_name(self.table.objects[number], name[1:]), name[1:])
        if kind in (CELL, CONTAINER):
            return self.described(number)
        return "%s`%s` of %s" % (self._line(number), name.lstrip("."), self.described(number))

    def _line(self, number):
        something = self.table.objects[number]
        if self.table.kinds[number] == FUNCTION:
            return "line %d: " % something.__code__.co_firstlineno
        return self._sources.place_of_class(something) if self.table.kinds[number] == CLASS else ""


_LOOKS = {
    MODULE: Walk._module,
    NAMED: Walk._named,
    SPACE: Walk._space,
    CELL: Walk._cell,
    CONTAINER: Walk._container,
    FUNCTION: Walk._function,
    CLASS: Walk._class,
}


def _is_importable(module):
    return getattr(module, "__file__", None) is not None or getattr(module, "__spec__", None) is not None or _is_builtin(module)


def _is_builtin(module):
    return module.__name__ in sys.builtin_module_names or module.__name__ == "__main__"


def _is_of_module(space):
    return vars(sys.modules.get(space.get("__name__"), types)) is space


def _is_what(value, error):
    """The end of a sentence: "is an open file", "holds a lock that is held", "cannot be pickled: ..."."""
    if not isinstance(error, Denied):
        return "cannot be pickled: %s" % (str(error).split("\n")[0] or type(error).__name__)
    return "%s %s" % ("is" if _is_denied(value) else "holds", error.what)


def _is_denied(value):
    """Whether it is the value itself that must not travel."""
    if isinstance(value, types.ModuleType) or is_reduced(value):
        return True
    try:
        check(value)
    except Denied:
        return True
    return False
