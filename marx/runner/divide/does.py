"""What a function or a method of a library does, as `pure` and `sciences` note it."""

from __future__ import absolute_import

from collections import namedtuple

#: ``gives``: "value" (a number, text or None), "new" (an object that nobody else knows), "copy" (a deep one), "holds" (a new one, which holds
#: what the arguments are and hold), "elements" (a new one of what the arguments hold), "sum" (of those), "part" (an argument, or something within
#: one), "itself" (the object of a method). ``calls``: the places of functions that it calls with parts of the rest.
#: ``changes``: the places of what it changes; -1 is the object of a method. ``most``: arguments that may be given by position: what stands
#: behind them is changed (numpy's ``out``), or allows to; None: any.
Does = namedtuple("Does", "gives calls changes most")

SELF = -1

#: Beginnings of the names of functions of which a map is looked into that is consumed one by one: they count numbers, and are named as they are called.
COUNTING = ("deap.",)


def note(table, module, gives, names, calls=(), changes=(), most=None):
    """Note what functions of a module do; "" is Python itself."""
    before = module + "." if module else ""
    for name in names.split():
        table[before + name] = Does(gives, calls, changes, most)
