"""One item of a pool or executor: loaded, called and answered by the library's own code, so that what comes back is what it sends.

The functions that the library runs in its processes take a queue of calls and a queue of results. Here the one holds a single
call, and the other keeps the pickle of what is put into it.
"""

from __future__ import absolute_import

import os

from marx.runner.compat import IS_2
from marx.runner.standins.pickling import dumps, loads


class Answering(object):
    """Called with an item's pickle; returns (whether it succeeded, pickle of that and the value or exception)."""

    def __init__(self, style):
        self._work = _STYLES[style]()

    def __call__(self, record):
        results = _Results()
        try:
            self._work(_Calls(record), results)
        except BaseException as error:  # ends a process of the library: SystemExit, or what loading the item raises
            results.put_outcome(False, _sendable(error))
        if results.answer is None:
            results.put_outcome(False, RuntimeError("the item cannot be loaded"))
        return results.answer


class _Calls(object):
    """A queue with one call, and nothing after it."""

    def __init__(self, record):
        self._record = record
        self.shape = None

    def get(self, block=True):
        record, self._record = self._record, None
        return None if record is None else self.shape(loads(record))


class _Results(object):
    """A queue of results that keeps the first."""

    def __init__(self):
        self.answer = None
        self.outcome_of = None

    def put(self, result):
        if self.answer is None:
            self.put_outcome(*self.outcome_of(result))

    def put_outcome(self, succeeded, value):
        self.answer = succeeded, dumps((succeeded, value))


def _pool():
    from multiprocessing import pool  # novm

    # 2.7 sends the exception alone.
    more = (True,) if hasattr(pool, "ExceptionWithTraceback") else ()

    def work(calls, results):
        calls.shape = lambda item: (0, 0) + item
        results.outcome_of = lambda result: result[2]
        pool.worker(calls, results, None, (), 1, *more)

    return work


def _executor():
    from concurrent.futures import process  # novm

    # Until 3.6, and in the backport, nothing is said of initializers.
    more = (None, ()) if process._process_worker.__code__.co_argcount > 2 else ()

    def work(calls, results):
        calls.shape = lambda item: process._CallItem(0, *item)
        results.outcome_of = _of_future
        process._process_worker(calls, results, *more)

    return work


def _of_future(result):
    error = result.exception
    return (True, result.result) if error is None else (False, error)


def _joblib():
    return _answer_plainly


def _answer_plainly(calls, results):
    results.outcome_of = lambda result: result
    calls.shape = lambda item: item
    function, args, kwargs = calls.get()
    results.put((True, function(*args, **kwargs)))


_STYLES = {"pool": _pool, "executor": _executor, "joblib": _joblib}


def _sendable(error):
    """An exception with its traceback as the library sends it, or something else that says it where it does not pickle."""
    try:
        from multiprocessing.pool import ExceptionWithTraceback  # novm
    except ImportError:
        wrapped = error
    else:
        wrapped = ExceptionWithTraceback(error, error.__traceback__)
    try:
        loads(dumps(wrapped))
        return wrapped
    except Exception:
        return RuntimeError("%s: %s" % (type(error).__name__, error))


def be_process(loaded):
    """Make this process look like the one of the library that it stands for: its name, its number, that it is nobody's main process."""
    from multiprocessing import process

    current = process.current_process()
    current.name = _name_of(loaded)
    current._identity = (1,)
    if loaded.style == "pool":
        getattr(current, "_config", {})["daemon"] = current._daemonic = True
    if hasattr(process, "_ParentProcess"):
        process._parent_process = process._ParentProcess("MainProcess", os.getppid(), None)


def _name_of(loaded):
    if loaded.style == "joblib":
        return "LokyProcess-1"
    kind = "PoolWorker" if loaded.style == "pool" else "Process"
    return "%s%s-1" % ("" if IS_2 else loaded.method.capitalize(), kind)
