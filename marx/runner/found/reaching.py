"""Which changeable objects values lead to, functions and classes of the program among them: what those read is theirs, too."""

from __future__ import absolute_import

import functools
import types

from marx.runner.carry.own import is_own_name
from marx.runner.found.looking import Looked

_DESCRIPTORS = (types.GetSetDescriptorType, types.MemberDescriptorType)


def reached(values):
    """The ids of all changeable objects. Raises `Strange` for what nobody can look through."""
    data, waiting, seen, held = Looked(), list(values), set(), []
    while waiting:
        value = waiting.pop()
        if id(value) in seen:
            continue
        seen.add(id(value))
        held.append(value)
        inner = _inner_of(value)
        if inner is None:
            data.add(value)
            inner = data.classes
        waiting.extend(inner)
    return data.changeable


def shared(value):
    """The ids of what is changed when ``value`` itself is: with an array all that it is a window onto."""
    found = [value]
    while type(found[-1]).__module__ == "numpy" and getattr(found[-1], "base", None) is not None:
        found.append(found[-1].base)
    return map(id, found)


def _inner_of(value):
    """What something that is defined brings along; None of data."""
    if isinstance(value, types.FunctionType):
        cells = [cell.cell_contents for cell in value.__closure__ or () if _is_filled(cell)]
        return list(value.__defaults__ or ()) + list((getattr(value, "__kwdefaults__", None) or {}).values()) + cells + list(vars(value).values())
    if isinstance(value, functools.partial):
        return [value.func, value.args, value.keywords or {}]
    if isinstance(value, property):
        return [each for each in (value.fget, value.fset, value.fdel) if each is not None]
    if isinstance(value, (staticmethod, classmethod)):
        return [value.__func__]
    if isinstance(value, types.ModuleType) or isinstance(value, _DESCRIPTORS):
        return ()
    if isinstance(value, type) or type(value) is getattr(types, "ClassType", None):
        return _of_class(value)
    if callable(value):
        wrapped = [getattr(value, name, None) for name in ("__self__", "__func__", "__wrapped__")]
        is_own = is_own_name(type(value).__module__)
        return None if is_own else [each for each in wrapped if each is not None]
    return None


def _of_class(kind):
    if not is_own_name(kind.__module__):
        return ()
    own = [value for name, value in vars(kind).items() if callable(value) or not (name.startswith("__") and name.endswith("__"))]
    return own + list(kind.__bases__)


def _is_filled(cell):
    try:
        cell.cell_contents
    except ValueError:
        return False
    return True
