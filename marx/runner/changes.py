"""Which files below the task's roots were made, changed or deleted, and their content as artifact frames.

Folders are compared by what `stat` says of each file. A file that was written in the last moments may be written again without its
stamp changing, since clocks of file systems are coarse; such a file is compared by a checksum of its content until it is older.
"""

from __future__ import absolute_import

import binascii
import os
import stat
import time

from marx.runner.compat import elapsed, listed, monotonic, path_bytes, path_text
from marx.runner.pipe import PART_BYTES

#: Seconds; the coarsest clocks that file systems use tick every 10 ms.
COARSE_SECONDS = 0.02

_OPEN = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)


class Snapshot(object):
    """What stands below ``roots``: absolute folders, as bytes. What is neither file nor link does not count.

    ``with_folders``: folders themselves count, too, as what they are called and who may enter. ``scan_seconds``: how long it took to
    look, last time.
    """

    def __init__(self, roots, with_folders=False):
        self._roots = [os.path.normpath(root) for root in roots]
        self._with_folders = with_folders
        self._stamps, self._recent = {}, {}
        self._stamps = self._scan()

    @classmethod
    def of_texts(cls, roots, with_folders=False):
        """The same for folders as they stand in a frame's header."""
        return cls([path_bytes(root) for root in roots], with_folders)

    def update(self):
        """Look again: the changed, as a list of (place, stamp or None). A place is (root's number, relative path as bytes)."""
        now = self._scan()
        changed = [place for place in self._recent if place in now and now[place] == self._stamps.get(place) and self._rewritten(place)]
        if now != self._stamps:
            changed += [place for place, stamp in now.items() if self._stamps.get(place) != stamp]
            changed += [place for place in self._stamps if place not in now]
        self._forget_old()
        self._stamps = now
        # What is gone comes last, and a folder after what was in it.
        return [(place, now[place]) for place in sorted(changed) if place in now] + [
            (place, None) for place in sorted(changed, reverse=True) if place not in now
        ]

    def path(self, place):
        """Where that is."""
        return os.path.join(self._roots[place[0]], place[1])

    def stamp(self, place):
        """What was seen of a place when one looked last: mode, size and more; None if nothing was there."""
        return self._stamps.get(place)

    def wrote(self, place, checksum=None):
        """We ourselves have put there what is there now; ``checksum``: of a file's content. Nobody is to hear of it as a change."""
        self._recent.pop(place, None)
        self._stamps.pop(place, None)
        try:
            stamp = _stamp(os.lstat(self.path(place)))
        except OSError:
            return
        if self._with_folders or not stat.S_ISDIR(stamp[0]):
            self._stamps[place] = stamp
        if checksum is not None:
            self.sent(place, stamp, checksum)

    def forget(self, place):
        """What is there now is to be told of as a change, whoever has put it there."""
        self._recent.pop(place, None)
        self._stamps.pop(place, None)

    def sent(self, place, stamp, checksum):
        """What a file held when its content was read."""
        if _is_recent(stamp):
            self._recent[place] = checksum
        else:
            self._recent.pop(place, None)

    def told(self, changed):
        """What `learn` is to be called with where another process keeps the same snapshot; for a frame."""
        return [[place[0], path_text(place[1]), stamp, self._recent.get(place)] for place, stamp in changed]

    def learn(self, told):
        """A child looked, and sent what had changed."""
        for number, path, stamp, checksum in told:
            place = (number, path_bytes(path))
            self._recent.pop(place, None)
            if stamp is None:
                self._stamps.pop(place, None)
                continue
            self._stamps[place] = tuple(stamp)
            if checksum is not None:
                self._recent[place] = checksum

    def _scan(self):
        began_at = monotonic()
        found = {}
        for number, root in enumerate(self._roots):
            folders = [b""]
            while folders:
                self._scan_folder(number, root, folders.pop(), folders, found)
        self.scan_seconds = elapsed(began_at)
        return found

    def _scan_folder(self, number, root, folder, folders, found):
        for name, status in listed(os.path.join(root, folder) if folder else root):
            path = os.path.join(folder, name)
            if stat.S_ISDIR(status.st_mode):
                if os.path.join(root, path) not in self._roots:
                    folders.append(path)
                    if self._with_folders:
                        found[number, path] = _folder_stamp(status)
            elif stat.S_ISREG(status.st_mode) or stat.S_ISLNK(status.st_mode):
                found[number, path] = _stamp(status)

    def _rewritten(self, place):
        return _checksum(self.path(place)) != self._recent[place]

    def _forget_old(self):
        for place in [place for place in self._recent if not _is_recent(self._stamps.get(place))]:
            del self._recent[place]


def _folder_stamp(status):
    return (status.st_mode, 0, 0, 0, 0)


def _stamp(status):
    if stat.S_ISDIR(status.st_mode):
        return _folder_stamp(status)
    return (
        status.st_mode,
        status.st_size,
        getattr(status, "st_mtime_ns", status.st_mtime),
        getattr(status, "st_ctime_ns", status.st_ctime),
        status.st_ino,
    )


def _is_recent(stamp):
    if stamp is None:
        return False
    changed = stamp[3] if isinstance(stamp[3], float) else stamp[3] * 1e-9
    return abs(time.time() - changed) < COARSE_SECONDS


def _checksum(path):
    checksum = 0
    try:
        for part in _Content(path):
            checksum = binascii.crc32(part, checksum)
    except OSError:
        return None
    return checksum


class _Content(object):
    """The parts of a file as it is when they are asked for: as many bytes as it has at first. Raises OSError."""

    def __init__(self, path):
        self._descriptor = os.open(path, _OPEN)
        self.status = os.fstat(self._descriptor)

    def __iter__(self):
        try:
            left = self.status.st_size
            while left:
                part = os.read(self._descriptor, min(left, PART_BYTES))
                if not part:
                    return
                left -= len(part)
                yield part
        finally:
            os.close(self._descriptor)


def send_changes(snapshot, send):
    """Look, and send what has changed: ``send(header, part)`` for each part of each file. What `Snapshot.told` says of it."""
    changed = snapshot.update()
    for header, part in parts_of(snapshot, changed):
        send(header, part)
    return snapshot.told(changed)


def parts_of(snapshot, changed):
    """The header and the bytes of each part of what `Snapshot.update` found changed, read when it is asked for."""
    for place, stamp in changed:
        try:
            for header, part in _file_parts(snapshot, place, stamp):
                yield header, part
        except OSError:
            # Gone or closed to us again; what it has become is seen when one looks next.
            continue


def _file_parts(snapshot, place, stamp):
    header = {"path": [place[0], path_text(place[1])], "mode": 0, "size": 0, "mtime": 0, "deleted": stamp is None, "link": None}
    path = snapshot.path(place)
    if stamp is None:
        return iter([(dict(header, offset=0, last=True), b"")])
    if stat.S_ISDIR(stamp[0]):
        return iter([(dict(header, mode=stat.S_IMODE(stamp[0]), folder=True, offset=0, last=True), b"")])
    if stat.S_ISLNK(stamp[0]):
        return iter([(dict(dict(header, **_described(os.lstat(path))), link=path_text(os.readlink(path)), offset=0, last=True), b"")])
    return _content_parts(snapshot, place, stamp, header)


def _described(status):
    return {"mode": stat.S_IMODE(status.st_mode), "mtime": max(0.0, status.st_mtime)}


def _content_parts(snapshot, place, stamp, header):
    """The parts of a file, which may grow or shrink while it is read. Raises OSError before the first."""
    content = _Content(snapshot.path(place))
    size = content.status.st_size
    header = dict(header, **_described(content.status))
    header["size"] = size
    checksum = offset = 0
    for part in content:
        checksum = binascii.crc32(part, checksum)
        yield dict(header, offset=offset, last=offset + len(part) == size), part
        offset += len(part)
    if offset < size or not size:
        yield dict(header, offset=offset, last=True), b""
    snapshot.sent(place, stamp, checksum)
