"""Functions and their closure cells: what they are made of, and making them again.

Here as in `classes`: a *skeleton* is plain, so that it can be read before anything else; *pieces* are (name, value), the state that
is put into what was found or made, and taken again from it to be compared.
"""

from __future__ import absolute_import

import types

from marx.runner.carry.errors import Denied
from marx.runner.carry.originals import original
from marx.runner.carry.table import CELL, SPACE, found_at, name_of
from marx.runner.compat import IS_2

ATTRIBUTES = "names of attributes"
CONTENT = "content"

_WITH_DEFAULTS = ("__defaults__", "__kwdefaults__")


def skeleton(function, table):
    """Plain values, for `make`: module, where it stands there, name, code, the namespace's number, the cells' numbers, dotted name."""
    if type(function) is not types.FunctionType:
        raise Denied("a function of a special kind")
    cells = [table.add(CELL, cell) for cell in function.__closure__ or ()]
    return (
        function.__module__,
        table.hints.get(id(function)) or name_of(function),
        function.__name__,
        original(function.__code__),
        table.add(SPACE, function.__globals__),
        cells,
        name_of(function),
    )


def pieces(function):
    """Its state: defaults, attributes."""
    for name in _WITH_DEFAULTS:
        if getattr(function, name, None):
            yield name, getattr(function, name)
    yield ATTRIBUTES, ",".join(sorted(vars(function)))
    for name, value in sorted(vars(function).items()):
        yield "." + name, value


def piece(function, name):
    """One of them, as it is now. Raises KeyError, AttributeError."""
    if name == ATTRIBUTES:
        return ",".join(sorted(vars(function)))
    return vars(function)[name[1:]] if name.startswith(".") else getattr(function, name)


def give(function, name, value):
    """Make one of them what it was."""
    if name == ATTRIBUTES:
        for other in set(vars(function)) - set(value.split(",")):
            delattr(function, other)
    else:
        setattr(function, name.lstrip("."), value)


def candidate(made, objects, used):
    """The function that the program's source has made again, with the same code; None if there is none."""
    module, path, _, code, space, cells, _ = made
    found = found_at(module, path)
    if type(found) is not types.FunctionType or id(found) in used or not same_code(found.__code__, code):
        return None
    owned = list(found.__closure__ or ())
    if objects[space] is not None and objects[space] is not found.__globals__:
        return None
    if any(objects[number] is not None and objects[number] is not cell for number, cell in zip(cells, owned)):
        return None
    return found


def make(made, namespace, cells):
    """A function of this skeleton, without its state."""
    module, _, name, code, _, _, qualified = made
    function = types.FunctionType(code, namespace, name, None, tuple(cells) or None)
    function.__module__ = module
    if not IS_2:
        function.__qualname__ = qualified
    return function


def same_code(one, other):
    """Whether two code objects do the same, and stand in the same place of the source."""
    if any(getattr(one, name) != getattr(other, name) for name in _OF_CODE) or len(one.co_consts) != len(other.co_consts):
        return False
    return all(_same_constant(*pair) for pair in zip(one.co_consts, other.co_consts))


_WORDS = "argcount posonlyargcount kwonlyargcount nlocals flags code names varnames freevars cellvars name firstlineno filename"
_OF_CODE = ["co_" + word for word in _WORDS.split() if hasattr(skeleton.__code__, "co_" + word)]


def _same_constant(one, other):
    if isinstance(one, types.CodeType) and isinstance(other, types.CodeType):
        return same_code(one, other)
    if type(one) is not type(other):
        return False
    if isinstance(one, tuple):
        return len(one) == len(other) and all(_same_constant(*pair) for pair in zip(one, other))
    return one == other if isinstance(one, frozenset) else repr(one) == repr(other)


# Cells


def is_empty(cell):
    """Whether nothing was put into it yet."""
    try:
        cell.cell_contents
    except ValueError:
        return True
    return False


def new_cell():
    """An empty one."""
    if False:
        content = None
    return (lambda: content).__closure__[0]


def fill(cell, value):
    """Put something into it."""
    try:
        cell.cell_contents = value
    except (AttributeError, TypeError):
        types.FunctionType(_filling_code(), {}, "fill", None, (cell,))(value)


def _filling_code():
    """Code that stores its argument in a cell that it is given: until 3.7 nothing else can."""

    def inner(value):
        lambda: content
        content = value

    code = inner.__code__
    counts = [code.co_argcount] + ([] if IS_2 else [code.co_kwonlyargcount])
    sizes = [code.co_nlocals, code.co_stacksize, code.co_flags & ~_NO_FREE, code.co_code, code.co_consts, code.co_names]
    place = [code.co_varnames, code.co_filename, code.co_name, code.co_firstlineno, code.co_lnotab]
    return types.CodeType(*(counts + sizes + place + [code.co_cellvars, ()]))


#: CO_NOFREE and CO_NESTED.
_NO_FREE = 0x40 | 0x10
