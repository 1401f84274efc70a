"""Items computed where they are asked for, one after the other: inside an item there is no lab to give them to."""

from __future__ import absolute_import

from marx.runner.standins.arrivals import Queue
from marx.runner.standins.pickling import dumps, loads
from marx.runner.threads import Seen

_is_inside = False


def begin():
    """This process computes an item: from now on its pools and executors, and those of processes that it forks, work in place."""
    global _is_inside
    _is_inside = True


def is_inside():
    """Whether this process computes an item."""
    return _is_inside


def computed(record):
    """(True, value) or (False, exception) of a pickled item, both copies as another process would have sent them."""
    try:
        function, args, kwargs = loads(record)
        return loads(dumps((True, function(*args, **kwargs))))
    except BaseException as error:
        return False, error


class Here(object):
    """A home that is a thread of this process."""

    def __init__(self):
        self._items = Queue()
        self._thread = None

    def put(self, listener, index, record):
        """Compute an item; ``listener.returned(index, [outcome])`` will be called, in the thread."""
        self._items.put((listener, index, record))
        if self._thread is None:
            self._thread = Seen(self._compute_all, "marx-here")
            self._thread.start()

    def _compute_all(self):
        for listener, index, record in iter(self._items.get, None):
            listener.returned(index, [("here", computed(record))])

    def close(self, is_finished):
        """End the thread."""
        self._items.put(None)
