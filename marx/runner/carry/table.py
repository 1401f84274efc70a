"""Functions, classes, modules, closure cells and objects of libraries: in pickles each is a number of this table."""

from __future__ import absolute_import

import functools
import sys
import types

from marx.runner.carry.denied import check
from marx.runner.carry.errors import Denied
from marx.runner.carry.own import is_own, is_own_name
from marx.runner.carry.rebuilding import MOST, is_kept, recipe_for
from marx.runner.compat import IS_2, TEXT

#: A namespace is the dictionary that functions have as their globals, mostly a module's.
FUNCTION, CLASS, MODULE, CELL, NAMED, SPACE = "function", "class", "module", "cell", "named", "namespace"
#: A set, or a dictionary of 2.7, which pickle would bring into another order.
CONTAINER = "container"

CellType = type((lambda one: lambda: one)(0).__closure__[0])
CLASSES = (type, types.ClassType) if IS_2 else (type,)  # novm

#: What needs no look: pickle takes it, and nothing of the program's can hide in it but what it holds.
_PLAIN = {type(None), bool, int, float, complex, bytes, TEXT, str, list, tuple, bytearray, type(sys.maxsize + 1)}
_ORDERED = (set, frozenset, dict) if IS_2 else (set, frozenset)
if not IS_2:
    _PLAIN.add(dict)
#: These may hold anything of the program's, wherever they stand.
_HOLDING = frozenset([functools.partial])
_CALLABLES = (types.FunctionType,) + CLASSES
#: A container that cannot be made again costs as much time as one of so many elements that can.
FAILED = 1000


class Table(object):
    """``objects``: by number. ``ordered``: the sets (and in 2.7 the dicts) that were pickled, in their turn.

    ``hints``: by id, where a function stands that does not say so itself. ``packages``: the libraries that anything found belongs to.
    ``recipes``: by number, of `rebuilding`, how to make a container again.
    """

    def __init__(self):
        self.objects = []
        self.kinds = []
        self.ordered = []
        self._held = []
        self.hints = {}
        self.packages = set()
        self.recipes = {}
        self._patience = MOST
        self._kept = {}
        self._is_closed = False
        self._numbers = {}
        self._attributes = set()
        self._library = None

    def number_of(self, something):
        """What `pickles.new_pickler` asks for each object. Raises `Denied`."""
        if IS_2:
            self._held.append(something)
        kind = type(something)
        if kind in _PLAIN:
            return None
        if kind in _ORDERED:
            return self._number_of_container(something)
        number = self._numbers.get(id(something))
        if number is None:
            known_as = self._kind(something, kind)
            if known_as is not None:
                return self.add(known_as, something)
        return number

    def close(self):
        """From now on no container gets a number: what is not known is made anew each time that it is looked at."""
        self._is_closed = True

    def _number_of_container(self, something):
        if id(something) in self._attributes:
            return None
        number = self._numbers.get(id(something))
        if number is not None and self.kinds[number] == CONTAINER:
            return number
        if not self._is_closed and id(something) not in self._kept:
            # Held, so that no other object gets its id.
            self._kept[id(something)] = something
            recipe = None if is_kept(something) else self._recipe_for(something)
            if recipe is not None:
                number = self.add(CONTAINER, something)
                self.recipes[number] = recipe
                return number
        self.ordered.append(something)
        return None

    def _recipe_for(self, container):
        """None when all together have taken too long: thousands of them are data, and wait for nothing."""
        if len(container) > self._patience:
            return None
        recipe = recipe_for(container)
        self._patience -= len(container) + (0 if recipe is not None else FAILED)
        return recipe

    def begin(self):
        """Before something is pickled: a new list for `ordered`, and nothing held.

        2.7 writes down what may be repeated only for objects that somebody holds: so that a pickle does not depend on that, we do.
        """
        self.ordered = []
        self._held = []

    def add(self, kind, something):
        """Its number, a new one if need be."""
        number = self._numbers.get(id(something))
        if number is None:
            number = self._numbers[id(something)] = len(self.objects)
            self.objects.append(something)
            self.kinds.append(kind)
        return number

    def expect(self, kinds):
        """On the other side: the kinds of the objects that `put` will bring."""
        self.kinds = kinds
        self.objects = [None] * len(kinds)
        self.close()

    def put(self, number, something):
        """On the other side: this is the object of that number."""
        self.objects[number] = something
        self._numbers[id(something)] = number

    def number_at_any_price(self, something):
        """The same for what a skeleton needs, a base class for instance, which would otherwise be pickled by its name."""
        number = self.number_of(something)
        if number is None:
            number = self.add(NAMED, something)
        return number

    def path_of(self, something):
        """(module, name) under which a library has an object. Raises `Denied`."""
        found = self._in_library(something) or place_of(something)
        if found is None:
            raise Denied("%r, which no module has under its name" % (something,))
        return found

    def _kind(self, something, kind):
        if isinstance(something, types.ModuleType):
            self._note(something.__name__)
            return MODULE
        if kind is CellType:
            return CELL
        if isinstance(something, _CALLABLES):
            return self._kind_of_callable(something)
        self._note(kind.__module__)
        if self._in_library(something) is not None:
            return NAMED
        check(something)
        if isinstance(something, _ORDERED):
            self.ordered.append(something)
        if IS_2 and hasattr(something, "__dict__"):
            self._attributes.add(id(something.__dict__))
        return None

    def _kind_of_callable(self, something):
        self._note(something.__module__)
        if not is_own_name(something.__module__):
            if place_of(something) is not None:
                return None
            if self._in_library(something) is not None:
                return NAMED
        return FUNCTION if isinstance(something, types.FunctionType) else CLASS

    def _note(self, module):
        if isinstance(module, str):
            self.packages.add(module.split(".")[0])

    def _in_library(self, something):
        if self._library is None:
            self._library = _index()
        return self._library.get(id(something))


def place_of(something):
    """(module, name) of a function or class that stands where it says that it does; None for others."""
    module, name = getattr(something, "__module__", None), name_of(something)
    return (module, name) if isinstance(module, str) and found_at(module, name) is something else None


def name_of(something):
    """With the names of what it is in, as far as the version tells."""
    return getattr(something, "__qualname__", None) or getattr(something, "__name__", None)


_NOTHING = object()


def found_at(module, name):
    """What stands at a dotted name of an imported module; something that is nothing else if there is none."""
    found = sys.modules.get(module, _NOTHING)
    for part in name.split(".") if isinstance(name, str) else [""]:
        try:
            found = vars(found)[part]
        except Exception:
            return _NOTHING
    return found


def _index():
    """Objects that modules of libraries have among their names, such as sentinels: those are no copies on the other side."""
    found, owned = {}, _Owned()
    for name, module in sorted(item for item in sys.modules.items() if isinstance(item[1], types.ModuleType)):
        if is_own(module) or (name + ".").startswith("marx."):
            continue
        for attribute, value in list(vars(module).items()):
            if _is_librarys(value, owned):
                found.setdefault(id(value), (name, attribute))
    return found


class _Owned(dict):
    """{the name of a module: whether it is the program's own}, of one moment: there are thousands of values in few modules."""

    def __missing__(self, name):
        self[name] = found = is_own_name(name)
        return found


def _is_librarys(value, owned):
    kind = type(value)
    if kind in _PLAIN or kind in _ORDERED or kind in _HOLDING:
        return False
    if owned[getattr(type(getattr(value, "__self__", None)), "__module__", None)]:
        return False  # a method of an object of the program's
    return not owned[getattr(value if isinstance(value, _CALLABLES) else kind, "__module__", None)]
