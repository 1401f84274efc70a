"""`multiprocessing.Pool`: the library's own class with its threads, caches and results; its queues and processes are ours.

A pool is ours if the program itself makes it (not a process that it forked), with one of the library's own contexts, and if no class below
`Pool` overrides anything private. Then `_setup_queues` makes queues that lead to `pool_under`, and `Process` what only looks like processes.
Which call of the program a task belongs to is seen when the library queues it, in the program's thread.
"""

from __future__ import absolute_import

import functools

from marx.runner import portal
from marx.runner.standins import inplace
from marx.runner.standins.callsite import call_of, frame_at, outermost
from marx.runner.standins.pool_under import InLab, InPlace

#: Into so many items at most a map without a chunksize is cut, so that the lab can cut it as it likes.
FINEST = 10000


def patch(module):
    """Change the class of `multiprocessing.pool`, in its place."""
    known = module.Pool
    known.__init__ = _new_init(module, vars(known)["__init__"])
    known._setup_queues = _new_setup_queues(vars(known)["_setup_queues"])
    if "_get_sentinels" in vars(known):
        known._get_sentinels = _new_get_sentinels(vars(known)["_get_sentinels"])
    mapping = "_map_async" if hasattr(known, "_map_async") else "map_async"
    setattr(known, mapping, _new_mapping(vars(known)[mapping]))


def _new_init(module, original):
    place = original.__code__.co_filename

    @functools.wraps(original)
    def __init__(self, processes=None, *args, **kwargs):
        under = _under(self, module, kwargs.get("context", args[3] if len(args) > 3 else None), processes)
        if under is None:
            return original(self, processes, *args, **kwargs)
        self._marx = under
        self.Process = under.process
        original(self, under.slots if processes is None else processes, *args, **kwargs)
        self._taskqueue = _Announcing(self._taskqueue, under, place)

    return __init__


def _new_setup_queues(original):
    @functools.wraps(original)
    def _setup_queues(self):
        under = vars(self).get("_marx")
        if under is None:
            return original(self)
        under.context = getattr(self, "_ctx", None)
        self._inqueue, self._outqueue = under.inqueue, under.results
        self._quick_put, self._quick_get = under.put, under.results.get

    return _setup_queues


def _new_get_sentinels(original):
    @functools.wraps(original)
    def _get_sentinels(self):
        return original(self) if vars(self).get("_marx") is None else [self._change_notifier._reader]

    return _get_sentinels


def _new_mapping(original):
    """A map that cuts finely where the program named no chunksize. Versions differ in what stands before that."""
    between = original.__code__.co_varnames.index("chunksize") - 3

    @functools.wraps(original)
    def mapping(self, func, iterable, *args, **kwargs):
        named = args[between] if len(args) > between else kwargs.get("chunksize")
        if named is None and vars(self).get("_marx") is not None:
            iterable = iterable if hasattr(iterable, "__len__") else list(iterable)
            finest = -(-len(iterable) // FINEST)
            if len(args) > between:
                args = args[:between] + (finest,) + args[between + 1 :]
            else:
                kwargs["chunksize"] = finest
        return original(self, func, iterable, *args, **kwargs)

    return mapping


def _under(pool, module, context, count):
    """What stands under a pool; None for a real one."""
    if overrides(type(pool), module.Pool) or not is_known(context):
        return None
    if inplace.is_inside():
        return InPlace(module)
    current = portal.current()
    return None if current is None else InLab(module, current, count)


def overrides(kind, known):
    """Whether a class changes more than what the library documents: ``kind`` is a subclass of ``known``, or that."""
    for inner in kind.__mro__[: kind.__mro__.index(known)]:
        for name in vars(inner):
            if name == "Process" or (name.startswith("_") and not name.endswith("__") and hasattr(known, name)):
                return True
    return False


def is_known(context):
    """Whether it is None or one of the library's own contexts."""
    return context is None or type(context).__module__ == "multiprocessing.context"


class _Announcing(object):
    """The queue of a pool's tasks, as the program's calls see it. They come as (an iterable of tasks, something)."""

    def __init__(self, queue, under, place):
        self._queue = queue
        self._under = under
        self._place = place

    def put(self, work):
        """Find out which call it is, and pass it on."""
        if work is not None:
            frame = outermost(frame_at(1), self._place) or frame_at(1)
            method = frame.f_code.co_name
            call = call_of(frame_at(1), "Pool." + method, frame.f_locals.get("func"))
            work = (self._under.announced(work[0], call, method.startswith("apply")), work[1])
        self._queue.put(work)

    def __getattr__(self, name):
        return getattr(self._queue, name)
