"""Classes: what they are made of, and making them again where the program's source does not. See `functions` for the words."""

from __future__ import absolute_import

import abc
import collections
import types

from marx.runner.carry.errors import Denied
from marx.runner.carry.functions import ATTRIBUTES
from marx.runner.carry.own import is_own_name
from marx.runner.carry.table import CLASSES, found_at, name_of
from marx.runner.compat import IS_2

#: How a class can be made again. By its source: there is no other way.
PLAIN, OLD, ENUM, NAMEDTUPLE, BY_SOURCE = "plain", "old", "enum", "namedtuple", "by source"
MEMBERS, DEFAULTS = "members", "defaults of fields"

#: What Python and its library put into a class by themselves.
_MACHINERY = frozenset(
    "__dict__ __weakref__ __doc__ __module__ __qualname__ __slots__ __abstractmethods__"
    " __static_attributes__ __firstlineno__"
    " __slotnames__ __type_params__"
    " __annotations__ __annotate__ __annotate_func__ __annotations_cache__ __orig_bases__ __parameters__ __classcell__".split()
)
_METHODS = (types.FunctionType, staticmethod, classmethod, property)
_GETTERS = (types.MemberDescriptorType, types.GetSetDescriptorType)


def skeleton(kind, table):
    """Plain values, for `make`: module, dotted name, name, the metaclass's and the bases' numbers, form, and more for that form."""
    form, more = _form(kind)
    bases = [table.number_at_any_price(base) for base in kind.__bases__]
    return kind.__module__, name_of(kind), kind.__name__, table.number_at_any_price(type(kind)), bases, form, more


def _form(kind):
    if type(kind) is not type and IS_2 and isinstance(kind, types.ClassType):  # novm
        return OLD, (kind.__doc__,)
    if _is_namedtuple(kind):
        return NAMEDTUPLE, tuple(kind._fields)
    if hasattr(kind, "_member_map_"):
        members = [(name, member._value_) for name, member in kind.__members__.items()]
        is_plain = all(type(value) in (int, str) for _, value in members) and not list(_of_enum(kind))
        return (ENUM, members) if is_plain else (BY_SOURCE, ())
    if type(kind) not in (type, abc.ABCMeta) or _is_watched(kind):
        return BY_SOURCE, ()
    slots = vars(kind).get("__slots__")
    return PLAIN, (kind.__doc__, slots if slots is None or isinstance(slots, str) else tuple(slots), _abstract(kind))


def _is_watched(kind):
    """Whether making a class like this runs code of the program."""
    return any("__init_subclass__" in vars(base) and is_own_name(base.__module__) for base in kind.__mro__[1:])


def _abstract(kind):
    return tuple(sorted(vars(kind).get("__abstractmethods__", ())))


def _is_namedtuple(kind):
    return kind.__bases__ == (tuple,) and isinstance(vars(kind).get("_fields"), tuple) and "_make" in vars(kind)


def pieces(kind):
    """Its state, (name, value): methods first, so that they are there when instances of it are made."""
    own = sorted(_attributes(kind))
    for is_method in (True, False):
        for name, value in own:
            if isinstance(value, _METHODS) is is_method:
                yield "." + name, value
    yield ATTRIBUTES, ",".join(name for name, _ in own)
    if hasattr(kind, "_member_map_"):
        yield MEMBERS, piece(kind, MEMBERS)
    if _is_namedtuple(kind) and piece(kind, DEFAULTS):
        yield DEFAULTS, piece(kind, DEFAULTS)


def is_method(kind, name):
    """Whether a piece must be there before instances are made."""
    return name.startswith(".") and isinstance(vars(kind).get(name[1:]), _METHODS)


def piece(kind, name):
    """One of them, as it is now. Raises KeyError, AttributeError."""
    if name == ATTRIBUTES:
        return ",".join(sorted(name for name, _ in _attributes(kind)))
    if name == MEMBERS:
        return [(name, member._value_) for name, member in kind.__members__.items()]
    if name == DEFAULTS:
        return kind.__new__.__defaults__
    return vars(kind)[name[1:]]


def give(kind, name, value):
    """Make one of them what it was; members of an enumeration are made with it."""
    if name == ATTRIBUTES:
        for other in {present for present, _ in _attributes(kind)} - set(value.split(",")):
            delattr(kind, other)
    elif name == DEFAULTS:
        kind.__new__.__defaults__ = value
    elif name != MEMBERS and vars(kind).get(name[1:], _attributes) is not value:
        setter = type.__setattr__ if isinstance(kind, type) else setattr
        setter(kind, name[1:], value)


def _attributes(kind):
    if _is_namedtuple(kind):
        return _of_namedtuple(kind)
    return _of_enum(kind) if hasattr(kind, "_member_map_") else _of_plain(kind)


def _of_plain(kind):
    for name, value in vars(kind).items():
        if name not in _MACHINERY and not name.startswith("_abc_") and not isinstance(value, _GETTERS):
            yield name, value


def _of_enum(kind):
    """What the program has written into it, but for the members."""
    for name, value in _of_plain(kind):
        function = getattr(value, "fget", None) or getattr(value, "__func__", value)
        is_written = isinstance(value, _METHODS) and is_own_name(getattr(function, "__module__", None))
        if is_written and name not in kind.__members__ and name not in ("__new__", "__new_member__", "_generate_next_value_"):
            yield name, value


def _of_namedtuple(kind):
    made = frozenset(vars(collections.namedtuple(kind.__name__, kind._fields)))
    return ((name, value) for name, value in _of_plain(kind) if name not in made and name not in ("_field_types", "_field_defaults"))


def candidate(made, objects, used):
    """The class that the program's source has made again, of the same kind and bases; None if there is none."""
    module, path, name, meta, bases, form, _ = made
    found = found_at(module, path)
    if not isinstance(found, CLASSES) or id(found) in used or found.__name__ != name or type(found) is not objects[meta]:
        return None
    if len(found.__bases__) != len(bases) or any(objects[number] is not base for number, base in zip(bases, found.__bases__)):
        return None
    return found


def make(made, meta, bases):
    """A class of this skeleton, without its state. Raises `Denied` where only its source can make it."""
    module, path, name, _, _, form, more = made
    if form == BY_SOURCE:
        raise Denied("class `%s`, which its source did not make again" % path)
    if form == NAMEDTUPLE:
        kind = collections.namedtuple(name, more)
    elif form == ENUM:
        kind = bases[0](name, more)
    else:
        kind = meta(name, tuple(bases), dict(_first_names(form, module, *more)))
    if not IS_2:
        kind.__qualname__ = path
    kind.__module__ = module
    if form == PLAIN and more[2]:
        kind.__abstractmethods__ = frozenset(more[2])
    return kind


def _first_names(form, module, doc, slots=None, abstract=()):
    yield "__module__", module
    yield "__doc__", doc
    if slots is not None:
        yield "__slots__", slots
