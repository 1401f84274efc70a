"""Where the program's portal ends: what it says there becomes frames for the worker, and the other way round.

Imported when the program's process has been made: an interpreter takes about as long to start as all of this.
"""

from __future__ import absolute_import

from select import POLLERR, POLLHUP, POLLIN, POLLOUT

from marx.runner.compat import monotonic
from marx.runner.keeper_book import Book
from marx.runner.keeper_files import Arrivals
from marx.runner.keeper_line import Line
from marx.runner.keeper_requests import NONSENSE, Requests
from marx.runner.keeper_shelf import Shelf
from marx.runner.pipe import FrameError

PORTAL_LOST = "the program wrote into a descriptor that is not its own, where portions go, and goes on without them"


class Desk(object):
    """``portal``: our end of the program's, a descriptor, or None. ``note(text)`` is for the task's log; ``placed(row, stands)`` answers a W."""

    def __init__(self, fence, portal, snapshot, note, placed):
        self._note = note
        shelf = Shelf()
        arrivals = Arrivals(snapshot, note, placed)
        self._line = Line(portal, shelf)
        self._book = Book(fence, self._line.send, arrivals, shelf)
        self._requests = Requests(fence, self._book, snapshot, arrivals, self._line.send)
        self._takes = {
            b"H": lambda frame: self._book.record(frame.header()),
            b"G": lambda frame: self._book.returned(frame.header(), frame.payload()),
            b"W": lambda frame: self._book.file(frame.header(), frame.payload()),
            b"Y": lambda frame: self._book.refused(frame.header()),
        }

    def take(self, frame):
        """One of the worker's that are for portions. Raises `FrameError`, LookupError, TypeError, ValueError for what makes no sense."""
        self._takes[frame.kind](frame)

    def register(self, poll, can_listen):
        """Have ``poll`` wake us when the program reads, and when it speaks if we ``can_listen``."""
        if not self._line.is_closed:
            events = POLLIN | POLLHUP | POLLERR if can_listen else 0
            poll.register(self._line.descriptor, events | (POLLOUT if self._line.is_full else 0))

    def flush(self):
        """Say to the program what it takes now."""
        self._line.flush()

    def due_at(self):
        """When `next_statement` has something although the program is silent, an instant of `monotonic`; None if never."""
        return self._book.due_at()

    def next_statement(self):
        """An iterator over raw frames for the worker: what the program has said, else what was gathered long enough; None if nothing."""
        try:
            frame = self._line.read()
        except FrameError:
            self._lose()
            frame = None
        if frame is not None:
            return self._answer(frame)
        due_at = self._book.due_at()
        return self._book.cut_due() if due_at is not None and due_at <= monotonic() else None

    @property
    def is_waiting(self):
        """Whether results of portions are still to come."""
        return self._book.is_waiting

    def changes(self):
        """An iterator over A: what the program has changed since one looked last."""
        return self._requests.changes()

    def close(self):
        """Hang up."""
        self._line.close()

    def _answer(self, frame):
        """Whatever the program has said, it does no more than end the portal."""
        try:
            for raw in self._requests.answer(frame):
                yield raw
        except NONSENSE:
            self._lose()

    def _lose(self):
        self._line.close()
        self._note(PORTAL_LOST)
