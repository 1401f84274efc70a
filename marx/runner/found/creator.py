"""Classes that ``deap.creator.create`` makes at the word of the program: a list, or a fitness, with attributes.

Of deap 1.3 and 1.4 it was read that such a class adds to its base nothing but an ``__init__`` and the attributes that the program names, and that
a `Fitness` keeps nothing but ``wvalues`` and computes what else it is asked for from these and ``weights`` of its class.
"""

from __future__ import absolute_import

import sys

#: Of deap, those that were read.
_VERSIONS = frozenset(["1.3", "1.4"])
#: What a class of theirs has of its own, beside attributes that the program names.
_ADDED = frozenset("__init__ __module__ __doc__ __dict__ __weakref__ __firstlineno__ __static_attributes__ __slotnames__ reduce_args".split())
_PLAIN_CLASSES = frozenset([list, tuple, dict, set])
_PLAIN = frozenset([int, float, complex, bool, type(None), str, bytes, type(u"")])


def is_deap_known():
    """Whether the deap that is imported is one that was read."""
    return getattr(sys.modules.get("deap"), "__version__", None) in _VERSIONS


def is_created(kind):
    """Whether a class is one of these, and instances of it hold what they show."""
    creator, base = sys.modules.get("deap.creator"), sys.modules.get("deap.base")
    if creator is None or base is None or kind.__module__ != creator.__name__ or not is_deap_known():
        return False
    if vars(creator).get(kind.__name__) is not kind or type(kind) not in (type, getattr(creator, "MetaCreator", type)):
        return False
    if kind.__bases__ not in ((list,), (base.Fitness,)) or kind.__init__.__code__.co_filename != creator.create.__code__.co_filename:
        return False
    return all(name in _ADDED or _is_plain(value) for name, value in vars(kind).items())


def _is_plain(value):
    if isinstance(value, type):  # what deap 1.4 leaves on the class, of what each object gets one
        return value in _PLAIN_CLASSES or is_created(value)
    return all(type(each) in _PLAIN for each in (value if type(value) is tuple else (value,)))
