"""What exchanged code calls: whether a site is computed in place, and what to do where it is not.

All of these are in builtins while the program runs. In place each gives back what it was given, so that a site that is not divided costs
a few calls and nothing else.
"""

from __future__ import absolute_import

import sys

EACH, REST, OPEN, JOIN, CHAIN, DUE, SUMMED = tuple("__marx_%s__" % word for word in "each rest open join chain due summed".split())

builtins = sys.modules.get("builtins") or sys.modules["__builtin__"]


def install():
    """Give the program's code what it calls."""
    for name, function in CALLED.items():
        setattr(builtins, name, function)


def each(number, iterable):
    """What the first copy of a site goes over."""
    return iterable


def rest(number):
    """What the second one does."""
    return ()


def opened(number, first):
    """``first``: what the first copy has made."""
    return first


def joined(number, first, more):
    """What a site is as a whole."""
    return first


def chained(number, first, more):
    """The same for iterators."""
    return first


def summed(number, name, value):
    """What a name means now, which meant ``value``."""
    return value


CALLED = {EACH: each, REST: rest, OPEN: opened, JOIN: joined, CHAIN: chained, DUE: False, SUMMED: summed}
