"""How to pickle what pickle itself does not take and a copy does no harm to: locks that nobody holds, loggers, descriptors, caches."""

from __future__ import absolute_import

import functools
import logging
import struct
import sys
import threading
import types
import weakref
from contextlib import contextmanager

from marx.runner.carry.errors import Denied
from marx.runner.compat import IS_2

if IS_2:
    import copy_reg as copyreg  # novm
else:
    import copyreg  # novm


@contextmanager
def registered():
    """Within it, pickling knows these as well; what the program has registered itself goes first."""
    table = copyreg.dispatch_table
    ours = [kind for kind in _REDUCERS if kind not in table]
    table.update((kind, _REDUCERS[kind]) for kind in ours)
    try:
        yield
    finally:
        for kind in ours:
            table.pop(kind, None)


def is_reduced(something):
    """Whether it is of a kind that these know."""
    return type(something) in _REDUCERS


# What pickles name; all of these are called where the state is put up.


def new_lock():
    """A `threading.Lock`."""
    return threading.Lock()


def new_recursive_lock():
    """A `threading.RLock`."""
    return threading.RLock()


def new_local():
    """A `threading.local` in which this thread has nothing."""
    return threading.local()


def bound(function, owner, kind):
    """A method."""
    return types.MethodType(function, owner, kind) if IS_2 else types.MethodType(function, owner)


def cached(function, parameters):
    """What `functools.lru_cache` makes of a function, with nothing in the cache."""
    return functools.lru_cache(**parameters)(function)  # novm


def proxy(mapping):
    """A `types.MappingProxyType`."""
    return types.MappingProxyType(mapping)  # novm


def builtin(name):
    """A constant that 2.7 cannot name."""
    return {"Ellipsis": Ellipsis, "NotImplemented": NotImplemented}[name]


def loaded_library(name):
    """A `ctypes.CDLL`."""
    import ctypes

    return ctypes.CDLL(name)


def new_weak(kind):
    """An empty weak dictionary or set."""
    return kind()


def _lock(lock):
    if lock.locked():
        raise Denied("a lock that is held", "")
    return new_lock, ()


def _recursive_lock(lock):
    if lock._is_owned() or not lock.acquire(False):
        raise Denied("a lock that is held", "")
    lock.release()
    return new_recursive_lock, ()


def _local(local):
    if vars(local):
        raise Denied("what belongs to one thread", "")
    return new_local, ()


def _logger(logger):
    return logging.getLogger, () if logger is logging.root else (logger.name,)


def _method(method):
    owner = method.__self__
    return bound, (method.__func__, owner, getattr(method, "im_class", None))


def _property(one):
    return type(one), (one.fget, one.fset, one.fdel, one.__doc__)


def _wrapped(one):
    return type(one), (one.__func__,)


def _cached(wrapper):
    parameters = getattr(wrapper, "cache_parameters", lambda: _parameters_of(wrapper))()
    return cached, (wrapper.__wrapped__, parameters), dict(vars(wrapper))


def _parameters_of(wrapper):
    """Before 3.9 nothing tells whether types count; hardly anybody asks for that."""
    return {"maxsize": wrapper.cache_info().maxsize}


def _weak(one):
    if len(one):
        raise Denied("weak references", "")
    return new_weak, (type(one),)


def _structure(one):
    form = one.format
    return struct.Struct, (form if isinstance(form, str) else form.decode("ascii"),)


def _library(one):
    return loaded_library, (one._name,)


def _reducers():
    found = {
        type(threading.Lock()): _lock,
        type(threading.RLock()): _recursive_lock,
        threading.local: _local,
        logging.Logger: _logger,
        logging.RootLogger: _logger,
        property: _property,
        staticmethod: _wrapped,
        classmethod: _wrapped,
        types.MethodType: _method,
        struct.Struct: _structure,
        weakref.WeakKeyDictionary: _weak,
        weakref.WeakValueDictionary: _weak,
        weakref.WeakSet: _weak,
    }
    if IS_2:
        found[type(Ellipsis)] = lambda _: (builtin, ("Ellipsis",))
        found[type(NotImplemented)] = lambda _: (builtin, ("NotImplemented",))
    else:
        found[types.MappingProxyType] = lambda one: (proxy, (dict(one),))  # novm
        found[type(functools.lru_cache()(len))] = _cached  # novm
    if "ctypes" in sys.modules:
        found[sys.modules["ctypes"].CDLL] = _library
    return found


_REDUCERS = _reducers()
