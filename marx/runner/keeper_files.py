"""Files that items made on other machines, put into the program's working directory.

A file appears at once and whole, under its name. The exception is one to which items append: that grows in place, since the program may
hold it open to append to it, too. Where two sources (folders in which items ran) have a file of the same name in one portion:

- the same content: nothing happens;
- both begin with what the file was for them before: what each has behind that is put together (`keeper_growth`), and a note says so;
- there was none before: the same, if both end with a whole line, since then they are most likely appended to;
- else that of the later item stays, and a note names both items.

What one source says arrives in any order, and again: what is older than the last of it that came is passed over.

What is put here as it came is not reported as a change of the program's own. What came of several items is: nobody else has it so.
"""

from __future__ import absolute_import

import io
import os

from marx.runner import keeper_placing as placing
from marx.runner.compat import path_bytes, path_text
from marx.runner.keeper_growth import Growth

#: A larger file waits on disk until all of it is here.
MEMORY_BYTES = 1 << 20

CONFLICT = u"%s: items %s and %s wrote different contents, and that of item %s was kept"
GREW = u"%s: what several items wrote at its end was put together in the order of the items"
NOT_PLACED = u"%s, a file that item %s wrote, could not be put into the working directory: %s"


class Arrived(object):
    """One whole file of an item. ``content`` is an open file of ``length`` bytes; None for a link, a folder, or nothing."""

    def __init__(self, header, content):
        self.place = header["root"], path_bytes(header["path"])
        self.portion, self.item, self.source = header["portion"], header["item"], header["source"]
        self.is_deleted, self.link, self.is_folder = header["deleted"], header["link"], bool(header.get("folder"))
        self.mode, self.mtime = header["mode"], header["mtime"]
        self.row, self.grown_from, self.turn = header["row"], header["grown_from"], header["turn"]
        self.content, self.length = content, header["length"]
        if path_names_elsewhere(self.place[1]):
            raise ValueError("a file at %r" % (self.place[1],))

    @property
    def name(self):
        """For a note."""
        return path_text(self.place[1]).encode("utf-8", "replace").decode("utf-8")

    @property
    def rank(self):
        """The later of two has the higher one."""
        return -1 if self.item is None else self.item


class _Written(object):
    """What we know of a file that we have written: ``by`` whom last, and its `Growth` if it may have one."""

    def __init__(self, growth):
        self.growth = growth
        self.by = None
        self.was_told = False


class Arrivals(object):
    """Takes files part by part. ``note(text)`` is for the task's log; ``placed(row, stands)`` is called for
    each: whether it stands there now.

    ``count``: how many came so far.
    """

    def __init__(self, snapshot, note, placed):
        self.count = 0
        self._snapshot = snapshot
        self._note = note
        self._placed = placed
        self._written = {}
        self._growing = {}
        self._turns = {}
        self._coming = None

    def opened(self):
        """The items of a portion begin with the files as they are now; the snapshot has just been updated."""
        for place, written in self._growing.items():
            stamp = self._snapshot.stamp(place)
            written.growth.fold(stamp[1] if stamp is not None else 0)

    def take(self, header, part):
        """W: a part of a file, or all that there is of it. Raises LookupError, TypeError, ValueError for what makes no sense."""
        if header["deleted"] or header["link"] is not None or header.get("folder"):
            self._place(Arrived(header, None))
            return
        if not header["offset"]:
            self._coming = _new_file(header["length"])
        self._coming.write(part)
        if header["offset"] + len(part) >= header["length"]:
            with self._coming as content:
                self._coming = None
                self._place(Arrived(header, content))

    def _place(self, arrived):
        self.count += 1
        self._placed(arrived.row, not self._is_overtaken(arrived) and self._has_place(arrived))

    def _has_place(self, arrived):
        """Put it there; False where that cannot be done."""
        try:
            self._decide(arrived, self._snapshot.path(arrived.place))
        except (IOError, OSError) as error:
            self._note(NOT_PLACED % (arrived.name, arrived.item, error.strerror))
            return False
        return True

    def _is_overtaken(self, arrived):
        """Whether its source has already said something newer of this file, or this."""
        if arrived.turn is None:
            return False
        key = arrived.place, arrived.source
        is_overtaken = arrived.turn <= self._turns.get(key, -1)
        self._turns[key] = max(arrived.turn, self._turns.get(key, -1))
        return is_overtaken

    def _decide(self, arrived, path):
        known = self._written.get(arrived.place)
        if known is not None and known.growth is None and known.by.portion != arrived.portion:
            known = None  # what one portion has left is what the next one finds
        written = known or _Written(_growth_of_what_stands(path))
        if arrived.content is not None and self._has_grown(arrived, path, written):
            self._grow(arrived, path, written)
        elif not _is_there(arrived, path):
            if self._is_outdone(arrived, known):
                self._snapshot.forget(arrived.place)
            else:
                self._replace(arrived, path, is_new=known is None and self._snapshot.stamp(arrived.place) is None)

    def _has_grown(self, arrived, path, written):
        """Whether it is what its items found, with something behind it."""
        growth, size, base = written.growth, placing.size_of(path), arrived.grown_from
        if growth is None or size is None or base is None:
            return False
        if size != growth.size:
            growth.fold(size)  # the program has written to it, too
        length, checksum = growth.seen_of(arrived.source)
        if placing.checksum_of(arrived.content, base, length) != checksum:
            return False
        return bool(base or length or not size) or (
            not _is_there(arrived, path) and placing.ends_line(path) and placing.ends_line_of(arrived.content)
        )

    def _grow(self, arrived, path, written):
        growth, content, base = written.growth, arrived.content, arrived.grown_from
        length = arrived.length - base
        checksum = placing.checksum_of(content, base, length)
        begin, replaced = growth.add(arrived.source, (arrived.portion, arrived.rank), length, checksum)
        placing.put_piece(path, content, base + growth.folded_of(arrived.source), begin, replaced)
        if written.by is not None and written.by.source != arrived.source and not written.was_told:
            written.was_told = True
            self._note(GREW % arrived.name)
        is_joint = not _is_there(arrived, path)
        self._remember(arrived, written, None)
        if is_joint:
            self._snapshot.forget(arrived.place)

    def _is_outdone(self, arrived, known):
        """Whether another item of the portion has said otherwise, and is later. Tells of both."""
        if known is None or known.by.portion != arrived.portion or known.by.source == arrived.source:
            return False
        last = max(known.by, arrived, key=lambda one: one.rank)
        self._note(CONFLICT % (arrived.name, known.by.item, arrived.item, last.item))
        return last is known.by

    def _replace(self, arrived, path, is_new):
        checksum = None
        if arrived.is_deleted:
            placing.remove(path)
        elif arrived.is_folder:
            placing.put_folder(path, arrived.mode)
        elif arrived.link is not None:
            placing.put_link(path, arrived.link)
        else:
            checksum = placing.put_file(path, arrived.content, arrived.mode, arrived.mtime)
        written = _Written(None)
        if is_new and arrived.content is not None and arrived.grown_from == 0:
            written.growth = Growth(0)
            written.growth.add(arrived.source, (arrived.portion, arrived.rank), arrived.length, checksum)
        self._remember(arrived, written, checksum)
        number, folder = arrived.place[0], os.path.dirname(arrived.place[1])
        while folder and self._snapshot.stamp((number, folder)) is None:
            self._snapshot.wrote((number, folder))  # we may have made it
            folder = os.path.dirname(folder)

    def _remember(self, arrived, written, checksum):
        arrived.content = None
        written.by = arrived
        self._snapshot.wrote(arrived.place, checksum)
        self._written[arrived.place] = written
        self._growing.pop(arrived.place, None)
        if written.growth is not None:
            self._growing[arrived.place] = written


def _growth_of_what_stands(path):
    size = placing.size_of(path)
    return None if size is None else Growth(size)


def _new_file(length):
    if length <= MEMORY_BYTES:
        return io.BytesIO()
    import tempfile  # takes 10 ms, and most programs never need it

    return tempfile.TemporaryFile()


def path_names_elsewhere(path):
    """Whether a relative path, bytes, leads out of its folder."""
    return not path or path.startswith(b"/") or b".." in path.split(b"/")


def _is_there(arrived, path):
    """Whether the same stands there already, its mode and time aside."""
    if arrived.content is None:
        return placing.is_as(path, arrived.is_deleted, arrived.link)
    return placing.size_of(path) == arrived.length and placing.begins_alike(path, arrived.content, arrived.length)
