"""The calls that one executor was given, until each of their futures has what it waits for."""

from __future__ import absolute_import

import atexit
import contextlib
import os
import threading
import weakref
from collections import deque

from marx.runner.compat import get_ident
from marx.runner.failures import shown
from marx.runner.standins import inplace
from marx.runner.standins.arrivals import Arrivals, Died, opened
from marx.runner.standins.callsite import call_of, said
from marx.runner.standins.ground import Ground
from marx.runner.standins.origins import Forked, Spawned
from marx.runner.standins.pickling import dumps
from marx.runner.standins.portions import Item
from marx.runner.threads import Seen

#: What the library says.
BROKEN = "A child process terminated abruptly, the process pool is not usable anymore"
BROKEN_MEANWHILE = "A process in the process pool was terminated abruptly while the future was running or pending."

#: Those with calls that have no outcome yet: a program does not end before; one that it forks does.
_unfinished = set()
_pid = os.getpid()


class CallsInLab(object):
    """Gives calls to the lab, and their outcomes to the futures, in a thread of its own as the library does.

    As many futures are *running* as the library would have said: one more than there are workers.
    """

    def __init__(self, current, module):
        self.slots = current.slots
        self._portal = current
        self._module = module
        self._arrivals = Arrivals()
        self._ground = Ground(current, self._arrivals.put)
        self._changed = threading.Condition(threading.RLock())
        self._pending = self._recipe = self._is_forked = self._thread = None
        self._shared = None
        self._mapping = {}
        self._queued = deque()
        self._running = set()
        self._is_shut = self._is_over = False

    def serve(self, executor, recipe, is_forked):
        """The executor is there now, and how it would start its processes."""
        self._recipe = recipe
        self._is_forked = is_forked
        self._most = executor._max_workers + self._module.EXTRA_QUEUED_CALLS
        self._pending = executor._pending_work_items
        self._executor = weakref.ref(executor, lambda _: self.shut(False, False))

    # The program's threads

    @contextlib.contextmanager
    def mapping(self, call):
        """What this thread submits meanwhile is one portion."""
        feed = self._ground.feed()
        self._mapping[get_ident()] = (feed, call)
        try:
            yield
        finally:
            del self._mapping[get_ident()]
            feed.end()

    def take(self, number, work, frame):
        """A call: one of the library's work items. Under the executor's lock."""
        self._begin()
        feed, call = self._mapping.get(get_ident()) or self._single(work, frame)
        with self._changed:
            _unfinished.add(self)
            self._pending[number] = work
            self._queued.append(number)
        try:
            record = dumps((work.fn, work.args, work.kwargs))
        except Exception as error:
            self._ground.explain(error, call, work.fn, work.args, work.kwargs)
            self._arrivals.put([((number, call), ("here", (False, error)))])
        else:
            feed.put(Item((number, call), record, _mapped(work.fn), call))

    def go_on(self):
        """Let futures run whose turn it is."""
        with self._changed:
            while self._queued and len(self._running) < self._most:
                number = self._queued.popleft()
                if number in self._pending and self._runs(number):
                    self._running.add(number)

    def shut(self, wait, cancels):
        """There will be no more calls."""
        with self._changed:
            self._is_shut = True
            waiting = [self._pending[number] for number in self._queued if number in self._pending] if cancels else []
        for work in waiting:
            work.future.cancel()
        self.go_on()
        self._end_if_done()
        if wait and threading.current_thread() is not self._thread:
            self.wait_until_done()
            if self._thread is not None:
                self._thread.join()

    def wait_until_done(self):
        """Until every call has its outcome."""
        with self._changed:
            while self._pending or self._running:
                self._changed.wait(3600)  # without a time 2.7 would not hear of signals

    def _begin(self):
        if self._ground.origin is None:
            self._ground.origin = (Forked if self._is_forked else Spawned)(self._portal, self._recipe)
            self._thread = Seen(self._collect, _name_of_thread(self._module))
            self._thread.start()

    def _single(self, work, frame):
        if self._shared is None:
            self._shared = self._ground.feed(True)
        return self._shared, call_of(frame, "ProcessPoolExecutor.submit", work.fn)

    def _runs(self, number):
        """Say that it runs, or forget it if it was cancelled. Under our lock."""
        if self._pending[number].future.set_running_or_notify_cancel():
            return True
        del self._pending[number]
        return False

    # The collecting thread

    def _collect(self):
        while True:
            arrived = self._arrivals.get()
            if arrived is None:
                return
            (number, call), outcome = arrived
            succeeded, value = opened(outcome)
            if isinstance(value, Died) and not succeeded:
                self._break(u"an item of %s has no result: %s" % (said(call), shown(value)))
            else:
                self._settle(number, succeeded, value)
            del arrived, outcome, value

    def _settle(self, number, succeeded, value):
        with self._changed:
            if number not in self._pending or not (number in self._running or self._runs(number)):
                return self._end_if_done()
            self._running.add(number)
            future = self._pending.pop(number).future
        future.set_result(value) if succeeded else future.set_exception(value)
        with self._changed:
            self._running.discard(number)
            self.go_on()
        self._end_if_done()

    def _end_if_done(self):
        with self._changed:
            if self._pending or self._running:
                return
            self._changed.notify_all()
            _unfinished.discard(self)
            if not self._is_shut or self._is_over:
                return
            self._is_over = True
        self._close(True)

    def _close(self, is_finished):
        self._arrivals.put(None)
        self._ground.close(is_finished)

    def _break(self, how):
        """A process has died for good: as in the library nothing of this executor goes on."""
        executor = self._executor()
        if executor is not None:
            executor._broken = BROKEN
            executor._shutdown_thread = True
        error = broken_error(self._module)(BROKEN_MEANWHILE)
        error.__cause__ = Died(how)
        with self._changed:
            self._is_shut = self._is_over = True
            futures = [self._pending.pop(number).future for number in sorted(self._pending)]
        for future in futures:
            _fail(future, error)
        with self._changed:
            self._running.clear()
            self._changed.notify_all()
            _unfinished.discard(self)
        self._close(False)


class CallsInPlace(object):
    """The same inside an item: a call is computed when it is submitted."""

    slots = 1

    def __init__(self):
        self._initialize = None

    def serve(self, executor, recipe, is_forked):
        """The executor is there now."""
        if recipe.initializer is not None:
            self._initialize = lambda: recipe.initializer(*recipe.initargs)

    @contextlib.contextmanager
    def mapping(self, call):
        """Nothing is needed."""
        yield

    def take(self, number, work, frame):
        """Compute a call."""
        initialize, self._initialize = self._initialize, None
        if initialize is not None:
            initialize()
        work.future.set_running_or_notify_cancel()
        try:
            record = dumps((work.fn, work.args, work.kwargs))
        except Exception as error:
            work.future.set_exception(error)
        else:
            succeeded, value = inplace.computed(record)
            work.future.set_result(value) if succeeded else work.future.set_exception(value)

    def go_on(self):
        """Nothing waits."""

    def shut(self, wait, cancels):
        """Nothing is open."""


def _fail(future, error):
    try:
        if not future.cancelled():
            future.set_exception(error)
    except Exception:  # it was cancelled at this moment
        pass


def broken_error(module):
    """The class of exceptions for an executor that has lost a process."""
    return getattr(module, "BrokenProcessPool", None) or module._base.BrokenExecutor


def _mapped(function):
    """What the program gave to ``map``, where the library has made chunks of it."""
    is_chunk = getattr(getattr(function, "func", None), "__name__", None) == "_process_chunk"
    return function.args[0] if is_chunk else function


def _name_of_thread(module):
    """What the library calls the thread that gives futures their results; None where it leaves that to `threading`."""
    starts = getattr(module.ProcessPoolExecutor, "_start_queue_management_thread", None)
    return next((name for name in starts.__code__.co_consts if name == "QueueManagerThread"), None) if starts else None


def _wait_for_all():
    if os.getpid() == _pid:
        for calls in list(_unfinished):
            calls.wait_until_done()


getattr(threading, "_register_atexit", atexit.register)(_wait_for_all)
