"""What stands under a pool of the library in the place of its two queues and its processes."""

from __future__ import absolute_import

import multiprocessing
import threading

from marx.runner.failures import shown
from marx.runner.standins import inplace
from marx.runner.standins.arrivals import Arrivals, Died, opened
from marx.runner.standins.callsite import said
from marx.runner.standins.ground import Ground
from marx.runner.standins.origins import Forked, Spawned
from marx.runner.standins.pickling import dumps
from marx.runner.standins.portions import Item
from marx.runner.standins.window import Window
from marx.runner.standins.workplaces import Recipe


class InLab(object):
    """``results``: the pool's outqueue. ``context``: one of the library's, None in Python 2. ``count``: of processes that were asked for, or None.

    `put` is called in the library's task thread, `process` and `announced` in the program's.
    """

    def __init__(self, module, current, count):
        self.context = None
        self.results = Results()
        self.inqueue = Inqueue(self)
        self.slots = current.slots
        self._module = module
        self._reraises = getattr(module, "_helper_reraises_exception", self)
        self._count = count
        self._portal = current
        self._window = Window(current.slots)
        self._ground = Ground(current, self._arrived)
        self._shared = None
        self._feeding = None
        self._has_initializer = False
        self.is_over = False

    # Processes

    def process(self, *_, **wanted):
        """What stands in the pool's list of processes. Where the first one would be forked is the moment whose state items see."""
        return Placeholder(self, lambda: self._begin(wanted["target"], wanted["args"]))

    def _begin(self, target, args):
        if self._ground.origin is None:
            count = self._count or multiprocessing.cpu_count()
            recipe = Recipe("pool", (self.context or multiprocessing).Process, count, target, tuple(args[2:]))
            self._has_initializer = recipe.initializer is not None
            is_forked = self.context is None or self.context.get_start_method() == "fork"
            self._ground.origin = (Forked if is_forked else Spawned)(self._portal, recipe)

    # Tasks

    def announced(self, tasks, call, is_single):
        """The tasks of a call, which `put` gets one by one."""
        if is_single and self._shared is None:
            self._shared = self._ground.feed(True)
        return self._fed(tasks, self._shared if is_single else self._ground.feed(), call)

    def _fed(self, tasks, feed, call):
        try:
            self._feeding = feed, call
            for task in tasks:
                yield task
        finally:
            if feed is not self._shared:
                feed.end()

    def put(self, task):
        """A task, or None: there are no more, ever. Raises whatever pickling it raises."""
        if task is None:
            # In 2.7 a map is over with its first exception, but the processes do what is queued before they end.
            self._window.drain()
            if self._has_initializer and threading.current_thread()._state != self._module.TERMINATE:
                self._ground.initialize()
            return self.close(True)
        job, index, function, args, kwargs = task
        if function is self._reraises:
            return self.results.put([((job, index, 0, None), ("here", (False, args[0])))])
        feed, call = self._feeding
        try:
            record = dumps((function, args, kwargs))
        except Exception as error:
            self._ground.explain(error, call, *self._unchunked(function, args, kwargs))
            raise
        self._window.enter(len(record))
        feed.put(Item((job, index, len(record), call), record, self._unchunked(function, args, kwargs)[0], call))

    def _unchunked(self, function, args, kwargs):
        """What the program gave, where the task is a chunk of a map."""
        is_chunk = getattr(function, "__module__", None) == self._module.__name__ and function.__name__ in ("mapstar", "starmapstar")
        return (args[0][0], args[0][1], kwargs) if is_chunk else (function, args, kwargs)

    def close(self, is_finished):
        """No outcome is wanted any more."""
        if not self.is_over:
            self.is_over = True
            self._ground.close(is_finished)
            self._window.open()

    # Outcomes

    def _arrived(self, batch):
        self._window.leave([token[2] for token, _ in batch])
        self.results.put(batch)


class InPlace(object):
    """The same inside an item: tasks are computed at once, in the library's task thread."""

    slots = 1

    def __init__(self, module):
        self.context = None
        self.results = Results()
        self.inqueue = Inqueue(self)
        self.is_over = self._has_begun = False

    def process(self, *_, **wanted):
        """What stands in the pool's list of processes."""
        return Placeholder(self, lambda: self._begin(*wanted["args"][2:4]))

    def _begin(self, initializer, initargs):
        if not self._has_begun and initializer is not None:
            initializer(*initargs)
        self._has_begun = True

    def announced(self, tasks, call, is_single):
        """As they are."""
        return tasks

    def put(self, task):
        """Compute a task. Raises whatever pickling it raises."""
        if task is None:
            return self.close(True)
        self.results.put([((task[0], task[1], 0, None), ("here", inplace.computed(dumps(task[2:]))))])

    def close(self, is_finished):
        """Nothing is open."""
        self.is_over = True


class Results(object):
    """The outqueue: `get` is called in the library's result thread."""

    def __init__(self):
        self._arrivals = Arrivals()
        self.put = self._arrivals.put

    def get(self):
        """As the library wants it: (job, index, (succeeded, value)), or None."""
        arrived = self._arrivals.get()
        if arrived is None:
            return None
        (job, index, _, call), outcome = arrived
        succeeded, value = opened(outcome)
        if not succeeded and (isinstance(value, Died) or not isinstance(value, Exception)):
            value = multiprocessing.ProcessError(_how_it_died(value, call))
        return job, index, (succeeded, value)


def _how_it_died(value, call):
    how = shown(value) if isinstance(value, Died) else u"%s(%s) ended the process that computed it" % (type(value).__name__, shown(value))
    text = u"an item of %s has no result: %s" % (said(call), how) if call is not None else how
    return str(text.encode("utf-8")) if str is bytes else text


class Inqueue(object):
    """What the library looks at to take tasks out again: it does so when a pool is terminated, and only then."""

    def __init__(self, under):
        self._rlock = threading.Lock()
        self._reader = _End(under)


class _End(object):
    def __init__(self, under):
        self._under = under

    def poll(self):
        """Nothing is left in the queue."""
        self._under.close(False)
        return False


class Placeholder(object):
    """Looks like a process of a pool."""

    name = "Process"
    daemon = True
    pid = ident = None

    def __init__(self, under, begin):
        self.exitcode = None
        self._under = under
        self._begin = begin

    def start(self):
        """Nothing starts, but the pool begins."""
        self._begin()

    def is_alive(self):
        """Until the pool is terminated."""
        return self.exitcode is None

    def terminate(self):
        """As the library ends a pool's processes."""
        self.exitcode = -15

    kill = terminate

    def join(self, timeout=None):
        """It has gone when its pool has."""
        if self.exitcode is None and self._under.is_over:
            self.exitcode = 0

    def close(self):
        """Nothing is held."""
