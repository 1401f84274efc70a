"""The user's program in this process: loaded, with our streams, and whether a fork of it is safe."""

from __future__ import absolute_import

import os
import signal
import sys
import threading

from marx.runner import kernel
from marx.runner.changes import Snapshot
from marx.runner.compat import elapsed, monotonic, version
from marx.runner.failures import present_failure
from marx.runner.loading import NotLoaded, sources, surround
from marx.runner.processes import children, sweep
from marx.runner.seeds import Generators
from marx.runner.streams import Streams, flush_standard

EXIT_NOT_LOADED = 3

#: A thread that has ended is still listed for a moment.
ENDING_SECONDS = 0.05


class Program(object):
    """``function``: what each item is given to. ``seconds``: to load.

    ``snapshot``: of the roots before loading, None if there are none; of a portion after it, since what loading does to files its main
    program has done already.

    ``load(order)`` returns the function, and raises `NotLoaded`. One that ``keeps_files`` takes care of what items do to files itself.
    """

    def __init__(self, order, load):
        began_at = monotonic()
        self.streams = Streams()
        self.streams.install()
        surround(order)
        self._roots, self._with_folders = order["roots"], bool(order.get("folders"))
        self.look_again()
        self.function = load(order)
        if getattr(self.function, "keeps_files", False):
            self._roots = []
        if order["kind"] == "portion":
            self.look_again()
        self.generators = Generators()
        self.generators.prepare(sources(sys.path[0]))
        self.streams.flush()
        self._child_signal = signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        kernel.flush_c_output()
        self.seconds = elapsed(began_at)

    def look_again(self):
        """What changes from now on below the roots is what items change."""
        self.snapshot = Snapshot.of_texts(self._roots, self._with_folders) if self._roots else None

    def enter_child(self):
        """In a child: what the program had set for the end of its own children, which the runner must not have, holds again."""
        if self._child_signal not in (signal.SIG_DFL, None):
            signal.signal(signal.SIGCHLD, self._child_signal)

    def why_not_fork(self):
        """Why each chunk must get a fresh interpreter; None if a fork is safe."""
        if not hasattr(os, "fork"):
            return "this system has no fork"
        if children():
            return "the program starts processes when it is loaded"
        if _has_threads():
            return "the program starts threads when it is loaded"
        return None


def load_or_tell(order, writer, load):
    """The `Program`, or None after the worker was told what went wrong. ``load``: see there."""
    try:
        return Program(order, load)
    except NotLoaded as why:
        what, failure = why.what, why.failure
    except Exception:
        what, failure = "python", present_failure()
    writer.send(b"F", {"what": what, "error": failure.entry})
    writer.flush_all()
    return None


def leave(code):
    """End this process now, without what the program wants to do at its end: its threads could go on for ever."""
    flush_standard()
    kernel.flush_c_output()
    sweep()
    os._exit(code)


def tell_loaded(program, why_not_fork, writer):
    """L."""
    writer.send(b"L", {"fork": why_not_fork is None, "why": why_not_fork, "python": version(), "seconds": program.seconds})


def _has_threads():
    until = monotonic() + ENDING_SECONDS
    while _threads() > 1:
        if monotonic() > until:
            return True
    return False


def _threads():
    try:
        return len(os.listdir("/proc/self/task"))
    except OSError:
        return threading.active_count()
