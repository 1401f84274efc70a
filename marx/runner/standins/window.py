"""How much of a pool may be out at a time, so that an endless iterable is read no faster than its items are computed."""

from __future__ import absolute_import

import threading

#: Items that may be out, however small; so many for each slot, if that is more.
ITEMS, ITEMS_A_SLOT = 10000, 64
#: Bytes that may be out, and items whatever their size, for each slot.
BYTES, LEAST_ITEMS_A_SLOT = 64 << 20, 2


class Window(object):
    """Counts items and bytes that are out."""

    def __init__(self, slots):
        self._most = max(ITEMS, ITEMS_A_SLOT * slots)
        self._least = LEAST_ITEMS_A_SLOT * slots
        self._items = self._bytes = 0
        self._is_open = False
        self._changed = threading.Condition(threading.Lock())

    def enter(self, size):
        """Count one item of so many bytes, when there is room for it."""
        with self._changed:
            while self._is_full():
                self._changed.wait()
            self._items += 1
            self._bytes += size

    def leave(self, sizes):
        """Items of these sizes have come back."""
        with self._changed:
            self._items -= len(sizes)
            self._bytes -= sum(sizes)
            self._changed.notify()

    def drain(self):
        """Wait until everything has come back, or until everything may pass."""
        with self._changed:
            while self._items and not self._is_open:
                self._changed.wait()

    def open(self):
        """Let everything pass from now on."""
        with self._changed:
            self._is_open = True
            self._changed.notify()

    def _is_full(self):
        if self._is_open or self._items < self._least:
            return False
        return self._items >= self._most or self._bytes >= BYTES
