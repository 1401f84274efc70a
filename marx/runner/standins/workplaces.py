"""One of the library's processes with one item at a time: both ends of the connection to it."""

from __future__ import absolute_import

import errno
import multiprocessing
import os
import signal
import sys

from marx.runner.standins.pickling import dumps, loads

#: Seconds that a process has to go away after SIGTERM.
PATIENCE_SECONDS = 1.0


class Recipe(object):
    """How the program made its pool.

    ``style``: "pool" or "executor". ``process``: the library's class, or what stands for it. ``count``: how many.
    ``target(source, sink, initializer, initargs, max_tasks)`` and ``more``: what the library runs in each, with further arguments.
    """

    def __init__(self, style, process, count, target, more):
        self.style = style
        self.process = process
        self.count = count
        self.target = target
        self.more = more

    @property
    def method(self):
        """How the library starts it: "fork", "spawn" or "forkserver"."""
        return getattr(self.process, "_start_method", None) or "fork"

    @property
    def initializer(self):
        """What each process calls first, or None."""
        return self.more[0] if self.more else None

    @property
    def initargs(self):
        """Its arguments."""
        return self.more[1] if self.more else ()

    @property
    def max_tasks(self):
        """After so many items a process is replaced; None for never."""
        return self.more[2] if len(self.more) > 2 else None


class Workplace(object):
    """A process, seen from the loop that gives it items. ``number`` and ``record``: the item at work; None when it is idle."""

    def __init__(self, recipe):
        self.connection, theirs = multiprocessing.Pipe()
        source = CallSource(theirs) if recipe.style == "executor" else TaskSource(theirs)
        self._process = recipe.process(target=recipe.target, args=(source, Sink(theirs)) + recipe.more)
        if recipe.style == "pool":
            self._process.name = self._process.name.replace("Process", "PoolWorker")
            self._process.daemon = True
        _start(self._process)
        theirs.close()
        self.number = self.record = None
        self._done = 0
        self._most = recipe.max_tasks

    @property
    def is_idle(self):
        """Whether it can be given an item."""
        return self.number is None and self._done != self._most

    @property
    def is_new(self):
        """Whether it has not computed anything yet."""
        return not self._done

    def give(self, number, record):
        """An item. Whether there is somebody to take it."""
        try:
            self.connection.send_bytes(record)
        except (IOError, OSError):
            return False
        self.number, self.record = number, record
        return True

    def take(self):
        """(number, pickled result). Raises EOFError, IOError or OSError when the process is gone."""
        result, number = self.connection.recv_bytes(), self.number
        self.number = self.record = None
        self._done += 1
        return number, result

    def never_began(self, error):
        """Whether it went away, with this error of `take`, without a look at its item: then Linux says that there were unread bytes.

        One that has done nothing before is no such case: its initializer fails, and would fail again.
        """
        return not self.is_new and getattr(error, "errno", None) == errno.ECONNRESET

    def ended(self):
        """The process has gone: how, in words."""
        self.connection.close()
        self._process.join()
        code = self._process.exitcode
        return "was killed by signal %d" % -code if code is not None and code < 0 else "ended with exit code %s" % code

    def dismiss(self):
        """Let it end as the library lets it."""
        try:
            self.connection.send_bytes(b"")
        except (IOError, OSError):  # it is gone
            pass
        self._process.join()

    def terminate(self):
        """End it."""
        self._process.terminate()
        self._process.join(PATIENCE_SECONDS)
        if self._process.is_alive():
            _kill(self._process.pid)


def _start(process):
    """A process that starts as a new interpreter must find this module."""
    place = list(sys.modules["marx"].__path__)[0].rpartition("/")[0]
    is_there = place in sys.path
    if not is_there:
        sys.path.append(place)
    try:
        process.start()
    finally:
        if not is_there:
            sys.path.remove(place)


def _kill(pid):
    try:
        os.kill(pid, signal.SIGKILL)
    except OSError:
        pass


class TaskSource(object):
    """In a process of a pool: the queue that it takes tasks from."""

    def __init__(self, connection):
        self._connection = connection

    def get(self, block=True):
        """The next task; None at the end. Raises EOFError, and whatever loading it raises."""
        record = self._connection.recv_bytes()
        return self._task(loads(record)) if record else None

    def _task(self, item):
        return (0, None) + item


class CallSource(TaskSource):
    """The same in a process of an executor."""

    def _task(self, item):
        from concurrent.futures.process import _CallItem

        return _CallItem(0, *item)


class Sink(object):
    """In either: the queue that it puts results into."""

    def __init__(self, connection):
        self._connection = connection

    def put(self, result):
        """Send what it made of a task. Raises whatever pickling it raises."""
        if isinstance(result, tuple):
            self._connection.send_bytes(dumps(result[2]))
        elif hasattr(result, "exception"):
            succeeded = result.exception is None
            self._connection.send_bytes(dumps((succeeded, result.result if succeeded else result.exception)))
