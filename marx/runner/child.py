"""One chunk, from inside the process that runs it: items, results, files, and the end."""

from __future__ import absolute_import

import errno
import os
import sys
import threading
import traceback

from marx.runner import kernel
from marx.runner.batches import Batches, Pace
from marx.runner.board import LIMIT
from marx.runner.changes import send_changes
from marx.runner.compat import monotonic
from marx.runner.seeds import seeder

#: Results leave at the latest after so much time, or so many times what it costs to look at the files.
WINDOW_SECONDS = 0.005
WINDOW_SCANS = 20


class ChunkRun(object):
    """Runs the items of one chunk in this process, which ends with it.

    ``task`` is the task's order, ``program`` the loaded `Program`. ``board``: shared with the runner.
    """

    def __init__(self, task, chunk, program, board, reports):
        self._task = task
        self._chunk = chunk
        self._program = program
        self._streams = program.streams
        self._snapshot = program.snapshot
        self._board = board
        self._reports = reports
        self._pid = os.getpid()
        self._threads = set(threading.enumerate())
        self._outcomes = []
        self._reported = chunk.first
        self._seconds = 0.0

    def run_and_exit(self, values):
        """Run everything; never returns."""
        code = 1
        try:
            self._program.enter_child()
            self._streams.begin_chunk(self._chunk.mark, self._chunk.first, self._board)
            self._run(values)
            self._reports.finished()
            code = 0
        except BaseException as error:
            # Items' own are their outcomes. A runner that was killed hears nothing, and what is printed may still pass for an item's text.
            if getattr(error, "errno", None) != errno.EPIPE:
                traceback.print_exc(file=sys.__stderr__)
                sys.__stderr__.flush()
        finally:
            os._exit(code)

    def _run(self, values):
        chunk, pace, stop = self._chunk, Pace(), self._chunk.stop
        batches = Batches(self._program.function, values, chunk.first, self._board, self._exit_if_forked)
        flush_at = monotonic() + WINDOW_SECONDS
        generators = self._program.generators.imported()
        while batches.next < stop:
            batches.seed_item = seeder(generators, self._task["seed"], chunk.portion)
            self._run_batch(batches, pace, stop)
            generators = self._program.generators.in_use()
            stop = min(chunk.stop, self._board[LIMIT])
            if batches.next >= stop:
                self._join_threads()
            elif monotonic() < flush_at and not self._is_awaited(batches):
                continue
            flush_at = self._flush()

    def _is_awaited(self, batches):
        """Whether the runner waits for what there is, and it costs nothing but to send it."""
        return batches.was_hurried and self._snapshot is None

    def _run_batch(self, batches, pace, stop):
        begin = batches.next
        is_alone = pace.is_slow or not self._streams.are_ours
        if is_alone and begin > self._chunk.first:
            self._streams.show(begin)
        seconds = batches.run(1 if is_alone else min(pace.size, stop - begin), self._outcomes)
        self._exit_if_forked(None)
        if batches.next > begin:
            self._streams.settle(batches.next - 1)
            self._seconds += seconds
            pace.took(batches.next - begin, seconds)

    def _flush(self):
        """Report what there is; when to do so next."""
        window = WINDOW_SECONDS
        if self._snapshot is not None:
            self._send_files()
            window = max(window, WINDOW_SCANS * self._snapshot.scan_seconds)
        kernel.flush_c_output()
        if self._outcomes:
            self._reports.results(self._outcomes, self._reported, self._seconds, self._board)
        self._reported += len(self._outcomes)
        self._outcomes, self._seconds = [], 0.0
        return monotonic() + window

    def _send_files(self):
        item = self._reported if len(self._outcomes) == 1 else None
        told = send_changes(self._snapshot, lambda header, part: self._reports.artifact(item, header, part))
        self._reports.files_seen(told)

    def _join_threads(self):
        """Wait for the threads that items have started, as a program does at its end."""
        started = [thread for thread in threading.enumerate() if thread not in self._threads]
        if started and len(self._threads) == 1:
            threading._shutdown()
        # Those that loading the program has started, in a fresh interpreter, may go on for ever.
        for thread in started:
            if not thread.daemon:
                thread.join()

    def _exit_if_forked(self, error):
        """A process that an item forked came back from it, by returning or by ``error``: it ends here, as at a program's end."""
        if os.getpid() == self._pid:
            return
        self._streams.flush()
        kernel.flush_c_output()
        os._exit(_exit_code(error))


def _exit_code(error):
    if error is None:
        return 0
    if not isinstance(error, SystemExit):
        traceback.print_exc(file=sys.__stderr__)
        return 1
    if error.code is None or isinstance(error.code, int):
        return (error.code or 0) & 0xFF
    sys.__stderr__.write("%s\n" % (error.code,))
    return 1
