"""Items as the program sends them, cut into packs as they are stored. Pure."""

from __future__ import absolute_import

from marx.runner.records import joined_records

#: A pack is about so many bytes; an item that is larger is a pack alone.
PACK_BYTES = 48 << 10
#: Items are gathered for so long after a pack was cut; those that come later leave at once.
GATHER_SECONDS = 0.005


class Pack(object):
    """Items ``first`` to ``first + count``: their pickles as one payload, and the digest by which they are known again."""

    __slots__ = ("first", "count", "payload", "digest")

    def __init__(self, first, pickles):
        import hashlib  # takes as long as all else here, and most programs open no portion

        self.first = first
        self.count = len(pickles)
        self.payload = joined_records(pickles)
        self.digest = hashlib.sha256(self.payload).hexdigest()

    @property
    def stop(self):
        """The index after the last item."""
        return self.first + self.count


class Cutter(object):
    """Cuts packs from what comes. ``next``: the index of the first item that is in none yet."""

    def __init__(self, first):
        self.next = first
        self._pickles = []
        self._size = 0
        self._free_at = None

    def add(self, pickles):
        """The packs that became full by these items."""
        packs = []
        for pickled in pickles:
            if self._pickles and self._size + len(pickled) > PACK_BYTES:
                packs.append(self._cut())
            self._pickles.append(pickled)
            self._size += len(pickled)
            if self._size >= PACK_BYTES:
                packs.append(self._cut())
        return packs

    @property
    def due_at(self):
        """When `rest` is to be asked for; None if there is nothing, 0 if it is time."""
        return (self._free_at or 0) if self._pickles else None

    def rest(self, now):
        """What was gathered, as a list of one pack or none."""
        if not self._pickles:
            return []
        self._free_at = now + GATHER_SECONDS
        return [self._cut()]

    def _cut(self):
        pack = Pack(self.next, self._pickles)
        self.next = pack.stop
        self._pickles, self._size = [], 0
        return pack
