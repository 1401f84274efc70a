"""What must not travel although it may pickle: its copy elsewhere would not be what the program's own processes share or go on with.

Each entry is (how to tell, what it is called, what would free it).
"""

from __future__ import absolute_import

import io
import itertools
import sys
import types

from marx.runner.carry.errors import Denied
from marx.runner.compat import IS_2

_OPEN = "open it inside the function"
_LOCAL = "make it inside the function"
_SHARED = "return results instead of sharing them"

#: Classes by (module, name), so that no module is imported to ask for them; subclasses count.
_NAMED = {
    ("socket", "socket"): ("a socket", _OPEN),
    ("_socket", "socket"): ("a socket", _OPEN),
    ("socket", "_socketobject"): ("a socket", _OPEN),
    ("subprocess", "Popen"): ("a process", _LOCAL),
    ("threading", "Thread"): ("a thread", _LOCAL),
    ("mmap", "mmap"): ("a mapped file", _OPEN),
    ("random", "Random"): ("a random generator", "use the functions of `random`, or make one from a seed inside the function"),
    ("_random", "Random"): ("a random generator", "use the functions of `random`, or make one from a seed inside the function"),
    ("sqlite3", "Connection"): ("a database connection", _OPEN),
    ("concurrent.futures._base", "Executor"): ("an executor", _LOCAL),
    ("concurrent.futures._base", "Future"): ("a future", "give its result to the function"),
    ("weakref", "ReferenceType"): ("a weak reference", ""),
    ("numpy.random.mtrand", "RandomState"): ("a random generator", "use the functions of `numpy.random`"),
    ("numpy.random._mtrand", "RandomState"): ("a random generator", "use the functions of `numpy.random`"),
    ("numpy.random._generator", "Generator"): ("a random generator", "make one from a seed inside the function"),
}

#: Modules whose objects are shared between processes.
_SHARING = ("multiprocessing.", "multiprocess.", "billiard.")
_HARMLESS_OF_SHARING = frozenset(["AuthenticationString"])

_CONTAINERS = ([], (), {}, set(), u"", b"", bytearray(), range(0))
_ITERATORS = tuple(type(iter(container)) for container in _CONTAINERS) + (type(reversed([])), enumerate)
_ITERATORS += tuple(kind for kind in [zip, map, filter] + list(vars(itertools).values()) if isinstance(kind, type))


def check(something):
    """Raises `Denied` for what must not travel."""
    kind = type(something)
    verdict = _verdicts.get(kind)
    if verdict is None:
        verdict = _verdicts[kind] = _judge(kind) or (lambda _: None)
    verdict(something)


_verdicts = {}


def _judge(kind):
    """A function that raises `Denied` for objects of a class; None if it is free."""
    if issubclass(kind, _files()):
        return _check_file
    if issubclass(kind, (types.GeneratorType,) + _ITERATORS):
        what = "a generator" if kind is types.GeneratorType else "an iterator"
        return _denying(what, "each item would take the next: give the function a list")
    for base in kind.__mro__:
        place = (base.__module__, base.__name__)
        if place in _NAMED:
            return _denying(*_NAMED[place])
        if isinstance(base.__module__, str) and base.__module__.startswith(_SHARING) and base.__name__ not in _HARMLESS_OF_SHARING:
            return _denying("a %s of multiprocessing" % base.__name__, _SHARED)
        if base.__name__ == "ContextVar" and base.__module__ in ("_contextvars", "contextvars", "builtins"):
            return _check_context
        if place == ("numpy", "ndarray"):
            return _check_array
        if place == ("_ctypes", "_SimpleCData") or place == ("_ctypes", "Array") or place == ("_ctypes", "Structure"):
            return _check_ctypes
    return None


def _files():
    return (io.IOBase, file) if IS_2 else (io.IOBase,)  # noqa: F821  a builtin of 2.7


def _denying(what, hint):
    def deny(_):
        raise Denied(what, hint)

    return deny


def _check_file(something):
    if type(something) not in (io.BytesIO, io.StringIO):
        raise Denied("an open file" if not getattr(something, "closed", False) else "a file", _OPEN)


def _check_context(variable):
    if variable in sys.modules["contextvars"].copy_context():
        raise Denied("a context variable that is set", "give its value to the function")


def _check_ctypes(something):
    if hasattr(something, "_wrapper"):
        raise Denied("shared memory of multiprocessing", _SHARED)


def _check_array(array):
    """An array may be a window onto memory that processes share."""
    owner = array
    while owner is not None and type(owner).__module__ == "numpy":
        if type(owner).__name__ == "memmap" and getattr(owner, "mode", "r+") not in ("r", "c"):
            raise Denied("an array that is mapped to a file", _SHARED)
        owner = owner.base
    owner = getattr(owner, "obj", owner)
    if hasattr(owner, "_wrapper") or (type(owner).__module__, type(owner).__name__) == ("mmap", "mmap"):
        if type(array).__name__ != "memmap":
            raise Denied("an array in shared memory", _SHARED)
