"""Looking through values: whether a copy of one is as good as itself, which changeable objects it holds, whether two are alike.

An allow-list: what is not known here does not travel for a portion that nobody has asked for.
"""

from __future__ import absolute_import

import sys
import types

from marx.runner.carry.own import is_own_name
from marx.runner.compat import IS_2, TEXT
from marx.runner.found.creator import is_created
from marx.runner.found.dataclass import written
from marx.runner.found.versions import is_new_estimator

_LONG = type(sys.maxsize + 1)
#: What counts places.
WHOLE = frozenset([int, _LONG])
NUMBERS = frozenset([int, float, complex, bool, _LONG])
ATOMS = NUMBERS | frozenset([type(None), bytes, str, TEXT, type(Ellipsis), type(NotImplemented)])
_RANGE = type(range(0)) if not IS_2 else xrange  # noqa: F821  novm
_SEQUENCES = frozenset([list, tuple])
_SETS = frozenset([set, frozenset])
_HASHED = _SETS | frozenset([dict] if IS_2 else [])
_OLD = types.InstanceType if IS_2 else None  # novm

#: Methods by which an instance says itself what it is made of, or notices that it goes.
_HOOKS = "__reduce__ __reduce_ex__ __getstate__ __setstate__ __getnewargs__ __getnewargs_ex__ __getinitargs__ __copyreg__ __del__".split()


class Strange(Exception):
    """A value holds something that is not known to be as good when it is copied: what, in words."""


class Looked(object):
    """What was found in a value. ``changeable``: ids of all that can be changed; ``ordered``: the sets, and in 2.7 the dictionaries.

    ``classes``: of the program, and of estimators, of which there are instances.
    """

    def __init__(self):
        self.classes = set()
        self.changeable = set()
        self.ordered = []
        self._held = []
        self._seen = set()

    def add(self, value):
        """Look through one value. Raises `Strange`."""
        waiting = [value]
        while waiting:
            something = waiting.pop()
            kind = type(something)
            if kind in ATOMS or kind is _RANGE or id(something) in self._seen:
                continue
            self._seen.add(id(something))
            self._held.append(something)  # so that no other object gets its id
            waiting.extend(self._inside(something, kind))
        return self

    def _inside(self, something, kind):
        """What is in there, and has to be looked through as well."""
        if kind in _SEQUENCES:
            if kind is list:
                self.changeable.add(id(something))
            return () if ATOMS.issuperset(map(type, something)) else something
        if kind in _SETS:
            if kind is set:
                self.changeable.add(id(something))
            self.ordered.append(something)
            return tuple(something)
        if kind is dict:
            self.changeable.add(id(something))
            if IS_2:
                self.ordered.append(something)
            return list(something) + list(something.values())
        if kind is bytearray:
            self.changeable.add(id(something))
            return ()
        if kind.__module__ == "numpy":
            return self._inside_array(something, kind)
        return self._inside_instance(something, kind)

    def _inside_array(self, something, kind):
        if kind.__name__ != "ndarray":
            if hasattr(kind, "dtype") and not hasattr(something, "__len__"):
                return ()
            raise Strange("a numpy.%s" % kind.__name__)
        if something.dtype.hasobject:
            raise Strange("an array of objects")
        while something is not None:
            if type(something) is not kind:
                raise Strange("a window onto memory of something else")
            self.changeable.add(id(something))
            self._held.append(something)
            something = something.base
        return ()

    def _inside_instance(self, something, kind):
        self.classes.add(something.__class__ if kind is _OLD else kind)
        problem = why_not_copied(something)
        if problem:
            raise Strange(problem)
        self.changeable.add(id(something))
        return ([tuple(something)] if isinstance(something, (list, tuple)) else []) + list(getattr(something, "__dict__", {}).values())


def why_not_copied(something):
    """Why an instance of a class cannot be taken for its copy; None if it can."""
    kind = something.__class__ if _OLD is not None and type(something) is _OLD else type(something)
    named = "`%s` of module %s" % (kind.__name__, kind.__module__)
    if not is_own_name(kind.__module__):
        return None if is_new_estimator(something) or is_created(kind) else "an object of class %s" % named
    if _OLD is not None and type(something) is _OLD:
        hooks = [name for name in _HOOKS + ["__getattr__"] if hasattr(kind, name)]
        return "an object of class %s, which has %s" % (named, hooks[0]) if hooks else None
    is_record = issubclass(kind, tuple) and hasattr(kind, "_fields")
    for base in kind.__mro__:
        if base is object or base is tuple and is_record:
            continue
        if not is_own_name(base.__module__) or type(base) is not type:
            return "an object of class %s, which comes from `%s`" % (named, base.__name__)
        hooks = [name for name in _HOOKS + ["__slots__", "__getattribute__", "__setattr__", "__new__"] if name in vars(base)]
        hooks = [name for name in hooks if name not in written(base)]  # one that cannot be changed is copied all the same
        if hooks and not (is_record and set(hooks) <= {"__getnewargs__", "__slots__", "__new__", "__getstate__"}):
            return "an object of class %s, which has %s" % (named, hooks[0])
    return None


def looked(value):
    """A `Looked` of one value. Raises `Strange`."""
    return Looked().add(value)


def is_alike(one, other):
    """Whether nothing tells two values apart but that they are two; what `looked` takes."""
    waiting, seen = [(one, other)], set()
    while waiting:
        left, right = waiting.pop()
        if left is right or (id(left), id(right)) in seen:
            continue
        seen.add((id(left), id(right)))
        kind = type(left)
        if kind is not type(right):
            return False
        if kind in ATOMS or kind is _RANGE or kind is bytearray:
            if repr(left) != repr(right):
                return False
            continue
        inside = _pairs(left, right, kind)
        if inside is None:
            return False
        waiting.extend(inside)
    return True


def _pairs(left, right, kind):
    """What must be alike within; None if it cannot be."""
    if kind.__module__ == "numpy":
        return [(left.dtype.str, right.dtype.str), (left.shape, right.shape), (left.tobytes(), right.tobytes())]
    if kind in (list, tuple, set, frozenset, dict) or isinstance(left, tuple):
        if len(left) != len(right) or kind in _HASHED and sys.getsizeof(left) != sys.getsizeof(right):
            return None  # of another size, a set would go on in another order when something is added
        pairs = list(zip(left, right))
        if kind is dict:
            pairs += [(left[key], right[other]) for key, other in zip(left, right)]
        return pairs
    if _OLD is not None and kind is _OLD and left.__class__ is not right.__class__:
        return None
    inside = [(list(left), list(right))] if isinstance(left, list) else []
    return inside + [(getattr(left, "__dict__", None), getattr(right, "__dict__", None))]
