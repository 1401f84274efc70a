"""What `dataclasses.dataclass` has written into a class of the program: shown by no source, but the same wherever the fields are the same.

So another class is made with the same fields, of which nobody knows, and what was written into it is compared.
"""

from __future__ import absolute_import

import sys
import types

_PARAMETERS = ("init", "repr", "eq", "order", "unsafe_hash", "frozen")
_OF_FIELDS = ("default", "default_factory", "init", "repr", "hash", "compare", "metadata", "kw_only")
_OF_CODE = ("co_code", "co_names", "co_varnames", "co_freevars", "co_flags")

_twins = {}
#: {class: (its functions when it was last looked at, what was found)}
_written = {}


def written(kind):
    """The names of the functions in a class that are what `dataclass` writes for its fields."""
    if "__dataclass_fields__" not in vars(kind) or "dataclasses" not in sys.modules:
        return frozenset()
    functions = [pair for pair in vars(kind).items() if type(pair[1]) is types.FunctionType]
    if kind not in _written or _written[kind][0] != functions:
        twin = vars(_twin(kind))
        _written[kind] = functions, frozenset(name for name, value in functions if _is_same(value, twin.get(name)))
    return _written[kind][1]


def made_by_factories(kind):
    """The names of the fields whose values a function makes."""
    fields = getattr(kind, "__dataclass_fields__", {})
    return frozenset(name for name, each in fields.items() if each.default_factory is not sys.modules["dataclasses"].MISSING)


def _twin(kind):
    """A class on nothing with the same fields, those of its bases among them."""
    if kind not in _twins:
        library = sys.modules["dataclasses"]
        fields = library.fields(kind)
        names = {"__annotations__": dict((each.name, object) for each in fields), "__module__": kind.__module__}
        for each in fields:
            given = dict((name, getattr(each, name)) for name in _OF_FIELDS if hasattr(each, name))
            names[each.name] = library.field(**given)
        if hasattr(kind, "__post_init__"):
            names["__post_init__"] = None
        parameters = dict((name, getattr(kind.__dataclass_params__, name)) for name in _PARAMETERS)
        _twins[kind] = library.dataclass(**parameters)(type(kind.__name__, (object,), names))
    return _twins[kind]


def _is_same(one, other):
    """Whether two functions do the same, with those that they hold."""
    if type(other) is not types.FunctionType or not _is_same_code(one.__code__, other.__code__):
        return False
    return all(_is_same(left, right) for left, right in zip(_held(one), _held(other))) and len(_held(one)) == len(_held(other))


def _is_same_code(one, other):
    if any(getattr(one, name) != getattr(other, name) for name in _OF_CODE) or len(one.co_consts) != len(other.co_consts):
        return False
    return all(
        _is_same_code(left, right) if isinstance(left, types.CodeType) and isinstance(right, types.CodeType) else (type(left), left) == (type(right), right)
        for left, right in zip(one.co_consts, other.co_consts)
    )


def _held(function):
    """The functions in its closure, but for factories: those are the program's, and the source shows them."""
    cells = zip(function.__code__.co_freevars, function.__closure__ or ())
    return [cell.cell_contents for name, cell in cells if not name.startswith(("_dflt_", "__dataclass_dflt_")) and type(cell.cell_contents) is types.FunctionType]
