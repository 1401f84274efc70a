"""Where the keeper puts what it cannot pass on yet: a file without a name, beyond what memory should hold."""

from __future__ import absolute_import

from collections import deque

#: Bytes of frames for the program that are kept in memory; what the program does not read beyond that goes to a file.
MEMORY_BYTES = 1 << 20


class Shelf(object):
    """Bytes in a file that no other process can open, and that is there only while something stands in it."""

    def __init__(self):
        self._file = None
        self._end = 0
        self._count = 0

    def put(self, content):
        """Keep bytes; the place for `take`."""
        if self._file is None:
            import tempfile  # takes 10 ms, and most programs never need it

            self._file = tempfile.TemporaryFile()
        place = self._end, len(content)
        self._file.seek(self._end)
        self._file.write(content)
        self._end += len(content)
        self._count += 1
        return place

    def read(self, place):
        """What was put there."""
        self._file.seek(place[0])
        return self._file.read(place[1])

    def take(self, place):
        """The same, once."""
        content = self.read(place)
        self.drop(place)
        return content

    def drop(self, place):
        """Nobody needs it any more."""
        self._count -= 1
        if not self._count:
            self._file.close()
            self._file, self._end = None, 0


class Backlog(object):
    """Frames in their order, in memory while they are few."""

    def __init__(self, shelf):
        self._shelf = shelf
        self._waiting = deque()
        self._size = 0

    def __len__(self):
        return len(self._waiting)

    def add(self, raw):
        """One more."""
        if self._size + len(raw) > MEMORY_BYTES:
            self._waiting.append((self._shelf.put(raw), None))
        else:
            self._size += len(raw)
            self._waiting.append((None, raw))

    def take(self):
        """The first of them."""
        place, raw = self._waiting.popleft()
        if place is not None:
            return self._shelf.take(place)
        self._size -= len(raw)
        return raw
