"""Outcomes on their way to the thread that the library, or one of ours, gives them to the program from."""

from __future__ import absolute_import

from collections import deque

from marx.runner.standins.pickling import loads

try:
    from queue import SimpleQueue as Queue  # novm
except ImportError:
    try:
        from queue import Queue  # novm
    except ImportError:
        from Queue import Queue  # novm


class Arrivals(object):
    """Batches in, one outcome at a time out. Any thread puts, a single one gets.

    A batch is a list of (token, outcome). The token is whatever the item was sent with; an outcome as a `portal` listener gets it.
    """

    def __init__(self):
        self._batches = Queue()
        self._at_hand = deque()

    def put(self, batch):
        """Take a batch. None: `get` says None once it has come to it."""
        self._batches.put(batch)

    def get(self):
        """The next (token, outcome), waiting for it; None where None was put."""
        while not self._at_hand:
            batch = self._batches.get()
            if batch is None:
                return None
            self._at_hand.extend(batch)
        return self._at_hand.popleft()


class Died(Exception):
    """An item that has no result, since what computed it went away."""


def opened(outcome):
    """(True, value) or (False, exception) of an outcome; for an item that died the exception is `Died`."""
    codec, content = outcome
    if codec == "here":
        return content
    if codec == "entries":
        return False, Died(content.get("message") or content.get("type") or "it died")
    try:
        succeeded, value = loads(content)
    except Exception as error:
        return False, error
    return succeeded, value
