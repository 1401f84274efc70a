"""The items that the worker has sent: packs, kept until they are dropped, and the values of a chunk's items."""

from __future__ import absolute_import

import itertools
import json

from marx.runner.compat import counted, lazy_map
from marx.runner.pipe import FrameError
from marx.runner.records import joined_records, split_records


class Pack(object):
    """Items ``first`` to ``first + count`` of a portion. ``total`` bytes make it complete; its lines are split when first asked for.

    Of codec "pickles" a line is an item's pickle, and its value is that: who runs the item loads it.
    """

    def __init__(self, header, payload):
        self.first, self.count = header["first"], header["count"]
        self.codec, self.args = header["codec"], header.get("args")
        self.total = header.get("total", len(payload))
        self._parts = [payload]
        self._size = len(payload)
        self._lines = None

    @property
    def stop(self):
        """The index after the last item."""
        return self.first + self.count

    def add(self, offset, payload):
        """Another part. Raises `FrameError` if it does not follow the one before."""
        if offset != self._size or self._size + len(payload) > self.total:
            raise FrameError("a part of a pack at %r where %d is awaited" % (offset, self._size))
        self._parts.append(payload)
        self._size += len(payload)

    def split(self):
        """Make its lines ready, so that no child has to; raises `FrameError` if they are not as many as its items."""
        if self.codec == "range" or self._lines is not None:
            return
        if self._size != self.total:
            raise FrameError("a pack of which %d of %d bytes came" % (self._size, self.total))
        content, self._parts = b"".join(self._parts), []
        self._lines = split_records(content) if self.codec == "pickles" else content.split(b"\n")
        if len(self._lines) != self.count:
            raise FrameError("a pack of %d items in %d lines" % (self.count, len(self._lines)))

    def part(self, first, stop):
        """Header (without the portion) and payload of a smaller pack of these items."""
        header = {"first": first, "count": stop - first, "codec": self.codec, "args": self.args}
        if self.codec == "range":
            return header, b""
        lines = self._lines[first - self.first : stop - self.first]
        return header, joined_records(lines) if self.codec == "pickles" else b"\n".join(lines)

    def values(self, first, stop):
        """An iterable of the values of these items, which are in it; see `values_of`."""
        if self.codec == "range":
            start, step = self.args
            return counted(start + step * first, step, stop - first)
        lines = self._lines[first - self.first : stop - self.first]
        if self.codec == "pickles":
            return lines
        try:
            return json.loads((b"[" + b",".join(lines) + b"]").decode("utf-8"))
        except (ValueError, RuntimeError):
            return lazy_map(_decoded, lines)


def _decoded(line):
    return json.loads(line.decode("utf-8"))


class Items(object):
    """The packs of all portions of the task."""

    def __init__(self):
        self._packs = {}

    def keep(self, header, payload):
        """P: a pack, or the next part of one. Raises `FrameError`."""
        if header.get("codec") not in ("json", "range", "pickles"):
            raise FrameError("items of codec %r" % (header.get("codec"),))
        packs = self._packs.setdefault(header["portion"], {})
        if header.get("offset"):
            packs[header["first"]].add(header["offset"], payload)
        else:
            packs[header["first"]] = Pack(header, payload)

    def drop(self, portion, first):
        """D: forget a pack."""
        self._packs.get(portion, {}).pop(first, None)

    def covering(self, portion, first, stop):
        """(pack, first, stop) for the packs that hold these items, ready, in their order. Raises `FrameError` where one is missing."""
        needed = []
        for pack in sorted(self._packs.get(portion, {}).values(), key=lambda pack: pack.first):
            if pack.first <= first < pack.stop and first < stop:
                pack.split()
                needed.append((pack, first, min(stop, pack.stop)))
                first = needed[-1][2]
        if first < stop:
            raise FrameError("items %d to %d of portion %r were never sent" % (first, stop, portion))
        return needed


def values_of(needed):
    """An iterator over the values of what `Items.covering` found, each pack decoded when its turn comes.

    After a value that cannot be decoded, for which it raises ValueError or RuntimeError, it goes on with the next.
    """
    return itertools.chain.from_iterable(lazy_map(lambda stretch: stretch[0].values(*stretch[1:]), needed))
