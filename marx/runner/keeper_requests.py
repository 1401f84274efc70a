"""What the program asks for through its portal, as frames for the worker, made one after the other as the worker takes them."""

from __future__ import absolute_import

from marx.runner.changes import parts_of
from marx.runner.pipe import FrameError, encode

#: What one gets from frames that somebody has made up.
NONSENSE = (FrameError, LookupError, TypeError, ValueError, AttributeError)


class Requests(object):
    """``say(kind, header, payload)`` answers the program. What it prints comes before what it asks for, see `portal`."""

    def __init__(self, fence, book, snapshot, arrivals, say):
        self._fence = fence
        self._book = book
        self._snapshot = snapshot
        self._arrivals = arrivals
        self._say = say
        self._answers = {
            b"S": self._scan,
            b"K": self._state,
            b"O": self._open,
            b"I": self._items,
            b"D": self._drop,
            b"N": self._note,
        }

    def answer(self, frame):
        """An iterator over raw frames. Raises one of `NONSENSE`, then or later, for what no portal of ours would say."""
        return self._answers[frame.kind](frame.header(), frame.payload())

    def changes(self):
        """A: what the program has changed since one looked last."""
        for header, part in parts_of(self._snapshot, self._snapshot.update()):
            yield encode(b"A", dict(header, chunk=self._fence, portion=0, item=0), part)

    def _scan(self, header, payload):
        has_changed = False
        for raw in self.changes():
            has_changed = True
            yield raw
        self._say(b"s", {"changed": has_changed})

    def _state(self, header, payload):
        yield encode(b"K", {"chunk": self._fence, "state": header["state"], "offset": header["offset"], "total": header["total"]}, payload)

    def _open(self, header, payload):
        count = None
        while count != self._arrivals.count:  # what came while those were sent may have changed the program's files, too
            count = self._arrivals.count
            for raw in self.changes():
                yield raw
        for raw in self._book.open(header):
            yield raw

    def _items(self, header, payload):
        return self._book.items(header, payload)

    def _drop(self, header, payload):
        return self._book.drop(header)

    def _note(self, header, payload):
        yield encode(b"N", {"chunk": self._fence, "portion": 0, "text": header["text"]})
