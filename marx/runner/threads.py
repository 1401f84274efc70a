"""Threads of ours in the user's program: none of them prints anything when the interpreter ends, and the program sees those alone that it would see.

`Unseen` are not registered with `threading`: programs count and list the threads there, and tests look for some that were left over. What
calls functions of the program, where the library would from a thread of its own, is a `Seen`.

Neither keeps an interpreter from ending. In Python 2.7 both go on while it takes its modules apart: what they raise then is nobody's.
"""

from __future__ import absolute_import

import os
import sys
import threading
import time
import traceback

from marx.runner.compat import IS_2, get_ident, monotonic, start_new_thread

#: The numbers of those that are at work.
_unseen = set()


def _is_over(system=sys):
    """Whether the interpreter is being taken apart. In 2.7 all names but those of a function's own are None by then."""
    return system.path is None or getattr(system, "is_finalizing", bool)()


def _do_unseen(works, is_over=_is_over, tell=traceback.print_exc):
    """Do one after the other, and say what went wrong before anybody who waits for the last goes on."""
    for work in works:
        try:
            work()
        except:  # noqa: E722 - in the end BaseException is None, too
            if not is_over():
                tell()


#: Seconds that a thread may take to end.
_ENDING_SECONDS = 0.2
_TASKS = "/proc/self/task"


def end_one():
    """Have one thread end, and wait for it; to be called before the first fork that others may have threads in.

    In 3.x before 3.9.6 the first thread that ends has the C library load libgcc_s. A process that is forked meanwhile has a half of that,
    and its threads crash when they end (https://bugs.python.org/issue44434).
    """
    if IS_2 or sys.version_info >= (3, 9, 6) or not os.path.isdir(_TASKS):
        return
    before = set(os.listdir(_TASKS))
    start_new_thread(int, ())
    give_up_at = monotonic() + _ENDING_SECONDS
    while not before.issuperset(os.listdir(_TASKS)) and monotonic() < give_up_at:
        time.sleep(0.0005)


class Unseen(object):
    """Does ``work()`` in a thread from now on. Raises RuntimeError (2.7: thread.error) where none can be started, as at a program's end from 3.12 on."""

    def __init__(self, work):
        self._pid = os.getpid()
        self._ident = None
        self._has_ended = threading.Event()
        start_new_thread(_do_unseen, ((self._begin, work, self._end),))

    @property
    def is_current(self):
        """Whether this is the thread that asks."""
        return self._ident == get_ident() and self._pid == os.getpid()

    def join(self, seconds):
        """Wait until it has ended, so long at most. In a process that was forked later there is no such thread."""
        if self._pid == os.getpid():
            self._has_ended.wait(seconds)

    def _begin(self):
        self._ident = get_ident()
        _unseen.add(self._ident)

    def _end(self):
        _unseen.discard(self._ident)
        self._has_ended.set()


def is_unseen():
    """Whether the thread that asks is one of ours that are not registered."""
    return get_ident() in _unseen


class Seen(threading.Thread):
    """To be started: does ``work()`` in a thread that looks like the library's. ``name``: None for a numbered one."""

    def __init__(self, work, name=None):
        threading.Thread.__init__(self, name=name)
        self.daemon = True
        self._given_work = work

    def run(self, is_over=_is_over):
        """In the thread."""
        try:
            self._given_work()
        except:  # noqa: E722 - in the end BaseException is None, too
            if not is_over():
                raise
