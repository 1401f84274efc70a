"""The one thread that sends: items gather while it is at something else, so that what comes fast leaves in large packs."""

from __future__ import absolute_import

import os
import sys
import threading
import traceback
from multiprocessing.util import Finalize

from marx.runner.portal import PortalClosed
from marx.runner.standins.arrivals import Queue
from marx.runner.threads import Unseen

#: Behind the ends of pools, which have 15.
LAST = -1000
ENDING_SECONDS = 5.0


class Outgoing(object):
    """Calls ``send_waiting()`` of those that said they have something to send. Started with the first of them."""

    def __init__(self):
        #: Held while the portal is written to, which flushes the program's streams: a fork at that moment would copy their locks locked.
        self.speaking = threading.RLock()
        self._ready = Queue()
        self._thread = None

    def wake(self, feed):
        """``feed`` has something to send."""
        self.begin()
        self._ready.put(feed)

    def wake_last(self, feed):
        """The same for the end of what may never have sent anything: then it is done at once, since a program that ends starts no threads."""
        if self._thread is None:
            feed.send_waiting()
        else:
            self._ready.put(feed)

    def begin(self):
        """Have the thread, while one can be started."""
        if self._thread is not None:
            return
        with self.speaking:
            if self._thread is None:
                self._thread = Unseen(self._run)
                Finalize(None, self._stop, exitpriority=LAST)

    def _stop(self):
        """What the pools of a program that ends have said must still leave."""
        self._ready.put(None)
        self._thread.join(ENDING_SECONDS)

    def _run(self):
        for feed in iter(self._ready.get, None):
            try:
                feed.send_waiting()
            except PortalClosed:
                feed.stay("the keeper is gone")
            except Exception:  # of one feed; the others' items must leave
                traceback.print_exc(file=sys.__stderr__)
                feed.stay("Marx failed, see the program's standard error")


_outgoing = None
_pid = None


def outgoing():
    """That of this process."""
    global _outgoing, _pid
    if _outgoing is None or _pid != os.getpid():
        _outgoing, _pid = Outgoing(), os.getpid()
        _guard_forks(_outgoing)
    return _outgoing


def _guard_forks(mine):
    if not hasattr(os, "register_at_fork"):
        return

    def renew():
        mine.speaking = threading.RLock()

    os.register_at_fork(before=lambda: mine.speaking.acquire(), after_in_parent=lambda: mine.speaking.release(), after_in_child=renew)  # novm
