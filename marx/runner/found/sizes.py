"""About how large a value is as a pickle, in bytes, without going through all of it and without running code of the program's."""

from __future__ import absolute_import

import itertools

from marx.runner.compat import TEXT

#: Elements of a container that are looked at, and how many containers deep.
FEW, DEEPEST = 100, 4
#: Bytes of anything small.
SMALL = 16

_TEXTS = frozenset([str, bytes, TEXT, bytearray])
_CONTAINERS = frozenset([list, tuple, set, frozenset])


def size_of(value, deepest=DEEPEST):
    """Of one value. What stands in it more than once counts as often."""
    kind = type(value)
    if kind in _TEXTS:
        return len(value)
    if kind.__module__ == "numpy":
        return getattr(value, "nbytes", SMALL)
    if not deepest:
        return SMALL
    if kind in _CONTAINERS:
        return _size_of_several(value, len(value), deepest)
    if kind is dict:
        return _size_of_several(value.values(), len(value), deepest) + SMALL * len(value)
    try:
        names = object.__getattribute__(value, "__dict__")
    except (AttributeError, TypeError):
        return SMALL
    return size_of(names, deepest - 1) if type(names) is dict else SMALL


def _size_of_several(values, count, deepest):
    sizes = [size_of(each, deepest - 1) for each in itertools.islice(values, FEW)]
    return sum(sizes) * count // (len(sizes) or 1)
