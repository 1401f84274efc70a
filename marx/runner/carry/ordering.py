"""Whether sets (and the dictionaries of 2.7) iterate alike after a pickle: two thirds of those that were changed do not."""

from __future__ import absolute_import

from marx.runner.carry.errors import Denied

_HINT = "give the function a list, or sort it"


def check_order(before, after):
    """Raises `Denied` unless containers, in the order in which they were pickled, are still in the same order within."""
    if len(before) != len(after):
        raise Denied("something that is another thing after pickling")
    for one, other in zip(before, after):
        if len(one) > 1 and not _is_alike(one, other):
            raise Denied("a %s whose order would be another one elsewhere" % type(one).__name__, _HINT)


def _is_alike(one, other):
    if len(one) != len(other):
        return False
    return all(_is_fixed(left) and _is_equal(left, right) for left, right in zip(one, other))


def _is_fixed(element):
    """Whether its hash does not depend on where in memory it lies."""
    if isinstance(element, (tuple, frozenset)):
        return all(_is_fixed(inner) for inner in element)
    return getattr(type(element), "__hash__", None) is not object.__hash__


def _is_equal(left, right):
    return left is right or (type(left) is type(right) and bool(left == right))
