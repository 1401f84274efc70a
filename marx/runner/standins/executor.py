"""`concurrent.futures.ProcessPoolExecutor`: the library's own class and futures; what it does with calls is ours.

Which executors are ours is decided as for pools (`pool`). The library's ``__init__`` runs as ever, so that all its attributes are there, but its
processes are never started: ``submit`` and ``shutdown`` lead to `executor_calls`.
"""

from __future__ import absolute_import

import functools
import multiprocessing

from marx.runner import portal
from marx.runner.standins import inplace
from marx.runner.standins.callsite import call_of, frame_at
from marx.runner.standins.executor_calls import CallsInLab, CallsInPlace, broken_error
from marx.runner.standins.pool import is_known, overrides
from marx.runner.standins.workplaces import Recipe


def patch(module):
    """Change the class of `concurrent.futures.process`, in its place."""
    known = module.ProcessPoolExecutor
    known.__init__ = _new_init(module, vars(known)["__init__"])
    known.submit = _new_submit(module, vars(known)["submit"])
    known.map = _new_map(known.map)
    known.shutdown = _new_shutdown(vars(known)["shutdown"])


def _new_init(module, original):
    @functools.wraps(original)
    def __init__(self, max_workers=None, *args, **kwargs):
        calls = _calls(self, module, kwargs.get("mp_context", args[0] if args else None))
        if calls is None:
            return original(self, max_workers, *args, **kwargs)
        count = multiprocessing.cpu_count() if max_workers is None else max_workers
        original(self, calls.slots if max_workers is None else max_workers, *args, **kwargs)
        calls.serve(self, _recipe(self, module, count), _is_forked(self))
        self._marx = calls

    return __init__


def _new_submit(module, original):
    @functools.wraps(original)
    def submit(*args, **kwargs):
        calls = vars(args[0]).get("_marx") if args else None
        if calls is None:
            return original(*args, **kwargs)
        self, function = _two(args, kwargs)
        with self._shutdown_lock:
            _check(self, module)
            number = self._queue_count
            self._queue_count += 1
            work = module._WorkItem(module._base.Future(), function, args[2:], kwargs)
            calls.take(number, work, frame_at(1))
        calls.go_on()
        return work.future

    return submit


def _new_map(original):
    @functools.wraps(original)
    def map(self, fn, *iterables, **kwargs):
        calls = vars(self).get("_marx")
        if calls is None:
            return original(self, fn, *iterables, **kwargs)
        with calls.mapping(call_of(frame_at(1), "ProcessPoolExecutor.map", fn)):
            return original(self, fn, *iterables, **kwargs)

    return map


def _new_shutdown(original):
    @functools.wraps(original)
    def shutdown(self, wait=True, **kwargs):
        calls = vars(self).get("_marx")
        if calls is not None:
            with self._shutdown_lock:
                self._shutdown_thread = True
            calls.shut(wait, kwargs.get("cancel_futures", False))
        return original(self, wait, **kwargs)

    return shutdown


def _two(args, kwargs):
    """Itself and the function, which older versions take by name, too."""
    return args[:2] if len(args) > 1 else (args[0], kwargs.pop("fn"))


def _check(executor, module):
    if getattr(executor, "_broken", False):
        raise broken_error(module)(executor._broken)
    if executor._shutdown_thread:
        raise RuntimeError("cannot schedule new futures after shutdown")
    if getattr(module, "_global_shutdown", False):
        raise RuntimeError("cannot schedule new futures after interpreter shutdown")


def _calls(executor, module, context):
    """What serves an executor; None for a real one."""
    if overrides(type(executor), module.ProcessPoolExecutor) or not is_known(context):
        return None
    if inplace.is_inside():
        return CallsInPlace()
    current = portal.current()
    return None if current is None else CallsInLab(current, module)


def _is_forked(executor):
    context = getattr(executor, "_mp_context", multiprocessing)
    return not hasattr(context, "get_start_method") or context.get_start_method() == "fork"


def _recipe(executor, module, count):
    """How the library would start its processes."""
    context = getattr(executor, "_mp_context", multiprocessing)
    names = ("_initializer", "_initargs", "_max_tasks_per_child")
    more = tuple(getattr(executor, name) for name in names if hasattr(executor, name))
    return Recipe("executor", context.Process, count, module._process_worker, more)
