"""What a loop collects in an item: kept as operations, for the program to do in order."""

from __future__ import absolute_import

import sys
from collections import defaultdict

from marx.runner.compat import TEXT
from marx.runner.divide.found import FILLING
from marx.runner.found.looking import NUMBERS, WHOLE, Looked, Strange

#: Of what is summed up exactly: nothing of the program's runs when these are added or compared.
SCALARS = NUMBERS | frozenset([str, bytes, TEXT])
#: For `Ellipsis` in a key, which 2.7 does not pickle.
ALL_BETWEEN = "..."
#: Bytes of a number in an array, by numpy's letter for its kind: up to so many it becomes one of Python's and comes back as it was.
_EXACT_BYTES = {"b": 1, "i": 8, "u": 8, "f": 8, "c": 16}


class Unrecorded(Exception):
    """The loop does something with what it collects in that cannot be done afterwards."""


def recorder(kind, record):
    """What stands for a thing of a ``kind`` that `kind_of` gave. ``record(how, arguments)`` keeps each operation."""
    if isinstance(kind, tuple):
        return _FILLED[kind[0]](kind[1:], record)
    return Recorder(kind, record)


class Recorder(object):
    """Stands for what a loop collects in: a list, set, dictionary, number or text. ``record(how, arguments)`` keeps each operation.

    What would raise there at once raises here: the item is then computed in place. What comes one by one to a container is kept as if it
    came at once, which is less to pickle and to do.
    """

    def __init__(self, kind, record):
        self._kind = kind
        self._record = record
        self._together = None

    def append(self, value):
        """Of a list."""
        self._only("list")
        self._many("extend").append(value)

    def extend(self, values):
        """Of a list."""
        self._only("list")
        self._many("extend").extend(list(values))

    def add(self, value):
        """Of a set."""
        self._only("set")
        hash(value)
        self._many("update").append(value)

    def update(self, values):
        """Of a set or a dictionary."""
        if self._kind == "dict":
            values = list(dict(values).items())
        else:
            self._only("set")
            values = list(values)
            for value in values:
                hash(value)
        self._many("update").extend(values)

    def __setitem__(self, key, value):
        self._only("dict")
        hash(key)
        self._many("update").append((key, value))

    def __iadd__(self, value):
        if self._kind == "list":
            self.extend(value)
        else:
            self._scalar("iadd", value)
        return self

    def max(self, value):
        """In place of ``name = max(name, value)``."""
        self._scalar("max", value)

    def min(self, value):
        """The same for the least."""
        self._scalar("min", value)

    def _many(self, how):
        if self._together is None:
            self._together = []
            self._record(how, (self._together,))
        return self._together

    def _scalar(self, how, value):
        self._only("scalar")
        if type(value) not in SCALARS:
            raise Unrecorded("it sums up a %s" % type(value).__name__)
        self._record(how, (value,))

    def _only(self, kind):
        if self._kind != kind:
            raise Unrecorded("it collects in a %s" % self._kind)


class Places(object):
    """Stands for a list of which only the places that it has are filled. ``kind``: their number."""

    def __init__(self, kind, record):
        (self._count,) = kind
        self._record = record

    def __setitem__(self, place, value):
        if type(place) not in WHOLE:
            raise Unrecorded("it fills a list at a %s" % type(place).__name__)
        if not -self._count <= place < self._count:
            raise IndexError("list assignment index out of range")
        self._record("setitem", (place, value))


class Rows(object):
    """Stands for a list of lists of which only the places that they have are filled. ``kind``: how many places each has."""

    def __init__(self, kind, record):
        (self._counts,) = kind
        self._record = record

    def __getitem__(self, row):
        if type(row) not in WHOLE:
            raise Unrecorded("it fills a row of a list at a %s" % type(row).__name__)
        return Places((self._counts[row],), lambda how, arguments: self._record("setinner", (row,) + arguments))


class Groups(object):
    """Stands for a dictionary of lists that are appended to, and made where there is none yet."""

    def __init__(self, _, record):
        self._record = record
        self._together = None

    def setdefault(self, key, new):
        """The list under a key."""
        return self[key]

    def __getitem__(self, key):
        hash(key)
        return _Group(self, key)

    def put(self, key, value):
        """Behind the others under a key."""
        if self._together is None:
            self._together = []
            self._record("group", (self._together,))
        self._together.append((key, value))


class Buckets(Groups):
    """Stands for a list of lists that are appended to. ``kind``: their number."""

    def __init__(self, kind, record):
        Groups.__init__(self, kind, record)
        (self._count,) = kind

    def __getitem__(self, place):
        if type(place) not in WHOLE:
            raise Unrecorded("it appends to a row of a list at a %s" % type(place).__name__)
        return _Group(self, range(self._count)[place])


class _Group(object):
    def __init__(self, groups, key):
        self._groups = groups
        self._key = key

    def append(self, value):
        """Of a list."""
        self._groups.put(self._key, value)


class Cells(object):
    """Stands for an array of numbers that is filled. ``kind``: its dtype as text, its shape, whether it lies in Fortran's order, and whether the source
    proves that nothing but numbers is put there: objects of the program would be asked for theirs.

    An array like it takes what is put there, with whatever numpy makes of that, and what then stands there is kept.
    """

    def __init__(self, kind, record):
        self._dtype, self._shape, self._order, self._is_proved = kind
        self._record = record
        self._cells = None

    def __getitem__(self, row):
        if type(row) not in WHOLE:
            raise Unrecorded("it fills a part of an array at a %s" % type(row).__name__)
        return _Row(self, row)

    def __setitem__(self, key, value):
        key = key if type(key) is tuple else (key,)
        parts = [_part_of(each) for each in key]
        if not self._is_proved:
            _refuse_objects(value)
        if self._cells is None:
            self._cells = sys.modules["numpy"].empty(self._shape, self._dtype, self._order)
        self._cells[key] = value
        stands = self._cells[key]
        self._record("fill", (tuple(parts), stands.copy() if hasattr(stands, "__len__") else stands.item()))


class _Row(object):
    """Stands for a row of an array: a window onto it, so what is put there is put into the array."""

    def __init__(self, cells, row):
        self._cells = cells
        self._row = row

    def __setitem__(self, key, value):
        self._cells[(self._row,) + (key if type(key) is tuple else (key,))] = value


#: By the first part of a kind.
_FILLED = {"places": Places, "rows": Rows, "groups": Groups, "buckets": Buckets, "cells": Cells}


def _part_of(key):
    """A whole number as it is, a slice as a tuple; what else numpy takes as a key is not kept."""
    if type(key) is slice:
        parts = key.start, key.stop, key.step
        if all(part is None or type(part) in WHOLE for part in parts):
            return parts
    elif type(key) in WHOLE:
        return key
    elif key is Ellipsis:
        return ALL_BETWEEN
    raise Unrecorded("it fills an array at a %s" % type(key).__name__)


def _refuse_objects(value):
    try:
        is_plain = not Looked().add(value).classes
    except Strange:
        is_plain = False
    if not is_plain:
        raise Unrecorded("it fills an array with a %s" % type(value).__name__)


def _key_of(parts):
    return tuple(slice(*part) if type(part) is tuple else Ellipsis if part == ALL_BETWEEN else part for part in parts)


#: What a name that a loop collects in must be exactly, and what `Recorder` calls it.
KINDS = dict([(list, "list"), (set, "set"), (dict, "dict")] + [(kind, "scalar") for kind in SCALARS])


def kind_of(value, hows):
    """What `recorder` is to be called with for a value in which a loop collects in these ways; None where nothing can stand for it."""
    if type(value) is list and hows == set(["setitem"]):
        return "places", len(value)
    if hows == set(["setinner"]):
        return ("rows", [len(row) for row in value]) if type(value) is list and all(type(row) is list for row in value) else None
    if hows == set(["group"]):
        if type(value) is list and all(type(row) is list for row in value):
            return "buckets", len(value)
        return ("groups",) if _is_of_lists(value) else None
    if "fill" in hows or hows <= FILLING and "numpy" in sys.modules and type(value) is sys.modules["numpy"].ndarray:
        return _kind_of_array(value, "fill" in hows)
    return KINDS.get(type(value))


def _is_of_lists(value):
    is_plain = type(value) is dict or type(value) is defaultdict and value.default_factory is list
    return is_plain and all(type(each) is list for each in value.values())


def _kind_of_array(value, is_proved):
    numpy = sys.modules.get("numpy")
    if numpy is None or type(value) is not numpy.ndarray or value.base is not None or not value.flags.writeable:
        return None
    dtype = value.dtype
    if dtype.names is not None or dtype.itemsize > _EXACT_BYTES.get(dtype.kind, 0):
        return None
    return "cells", dtype.str, value.shape, "F" if value.flags.f_contiguous and not value.flags.c_contiguous else "C", is_proved


def needs_numpy(kinds):
    """Whether recorders of these kinds do."""
    return any(isinstance(kind, tuple) and kind[0] == "cells" for kind in kinds)


def done_to_objects(how, value, arguments):
    """Do an operation to a list, set, dictionary or array. Nothing that was recorded can fail."""
    if how == "fill":
        value[_key_of(arguments[0])] = arguments[1]
    elif how == "setitem":
        value[arguments[0]] = arguments[1]
    elif how == "group":
        for key, given in arguments[0]:
            (value[key] if type(value) is list else value.setdefault(key, [])).append(given)
    elif how == "setinner":
        value[arguments[0]][arguments[1]] = arguments[2]
    else:
        getattr(value, how)(*arguments)


def is_filled(value, arguments):
    """Whether an array holds, to the last bit, what was put there elsewhere."""
    stands, given = value[_key_of(arguments[0])], sys.modules["numpy"].asarray(arguments[1], value.dtype)
    return stands.shape == given.shape and stands.tobytes() == given.tobytes()


def summed(how, value, arguments):
    """A number or text after an operation. Raises what that raises in place."""
    if how == "iadd":
        value += arguments[0]
        return value
    return (max if how == "max" else min)(value, arguments[0])
