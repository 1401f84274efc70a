"""A file to which items on several machines append: what it is made of, and where new content of theirs belongs. Pure.

Each source, that is each folder in which items ran, began with some content, its base, and sends what the file has become there. What it
holds beyond the base is put behind what the program's file held, in the order of the sources' first items. What is there when another
portion is opened stays where it is, since that portion's items begin with it; what earlier ones still bring then goes behind that.
"""

from __future__ import absolute_import


class Growth(object):
    """``size``: bytes of the file as it is."""

    def __init__(self, size):
        self.size = size
        self._pieces = {}
        self._movable = []

    def seen_of(self, source):
        """Length and checksum of what a source held beyond its base when it was heard last."""
        piece = self._pieces.get(source)
        return (0, 0) if piece is None else (piece.length, piece.checksum)

    def fold(self, size):
        """The file has so many bytes, and from now on nothing goes between them."""
        self.size = size
        for piece in self._movable:
            piece.folded = piece.length
        self._movable = []

    def add(self, source, key, length, checksum):
        """A source holds ``length`` bytes beyond its base. ``key``: its portion and first item, the order of sources.

        Where they belong in the file, the bytes before `folded_of(source)` left out; and how many bytes there they replace.
        """
        piece = self._pieces.setdefault(source, _Piece(key))
        if piece not in self._movable:
            self._insert(piece)
        replaced = piece.fresh
        begin = self.size - replaced - self._size_behind(piece)
        piece.length, piece.checksum = length, checksum
        self.size += piece.fresh - replaced
        return begin, replaced

    def folded_of(self, source):
        """How many of a source's bytes beyond its base have their place for good."""
        return self._pieces[source].folded

    def _insert(self, piece):
        place = len(self._movable)
        while place and self._movable[place - 1].key > piece.key:
            place -= 1
        self._movable.insert(place, piece)

    def _size_behind(self, piece):
        size = 0
        for other in reversed(self._movable):
            if other is piece:
                break
            size += other.fresh
        return size


class _Piece(object):
    """What one source has added: ``length`` bytes, of which ``folded`` stay where they are."""

    def __init__(self, key):
        self.key = key
        self.length = self.folded = self.checksum = 0

    @property
    def fresh(self):
        return self.length - self.folded
