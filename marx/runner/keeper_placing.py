"""Putting files where they belong, and comparing them with what came."""

from __future__ import absolute_import

import binascii
import errno
import io
import os

from marx.runner.compat import path_bytes

PIECE_BYTES = 256 << 10
#: What a file is called below its folder until it is whole.
HALF_NAME = b".marx-half"

_NOWHERE = (errno.ENOENT, errno.ENOTDIR)


def put_file(path, content, mode, mtime):
    """Let a file appear whole under its name; the checksum of its bytes. Raises OSError or IOError."""
    _make_room(path)
    half = os.path.join(os.path.dirname(path), HALF_NAME)
    with io.open(half, "wb") as file:
        content.seek(0)
        checksum = _copy(content, file)
    os.chmod(half, mode)
    os.utime(half, (mtime, mtime))
    os.rename(half, path)
    return checksum


def put_link(path, target):
    """Let a symbolic link appear. Raises OSError."""
    _make_room(path)
    half = os.path.join(os.path.dirname(path), HALF_NAME)
    os.symlink(path_bytes(target), half)
    os.rename(half, path)


def put_folder(path, mode):
    """Make a folder, or give it its mode. Raises OSError."""
    if not os.path.isdir(path):
        os.makedirs(path)
    os.chmod(path, mode)


def remove(path):
    """Let nothing be there; a folder in which something is stays. Raises OSError."""
    try:
        if os.path.isdir(path) and not os.path.islink(path):
            os.rmdir(path)
        else:
            os.unlink(path)
    except OSError as error:
        if error.errno not in _NOWHERE + (errno.ENOTEMPTY, errno.EEXIST):
            raise


def put_piece(path, content, content_begin, begin, replaced):
    """Write what ``content`` has from ``content_begin`` on into a file at ``begin``, in place of so many bytes there."""
    with io.open(path, "r+b") as file:
        file.seek(begin + replaced)
        behind = file.read()
        file.seek(begin)
        content.seek(content_begin)
        _copy(content, file)
        file.write(behind)


def is_as(path, is_deleted, link):
    """Whether nothing is there, or this link, or (``link`` is None) a folder."""
    if is_deleted:
        return not os.path.lexists(path)
    if link is None:
        return os.path.isdir(path) and not os.path.islink(path)
    return os.path.islink(path) and os.readlink(path) == path_bytes(link)


def size_of(path):
    """Bytes of a file, None where there is none."""
    return os.path.getsize(path) if os.path.isfile(path) and not os.path.islink(path) else None


def begins_alike(path, content, size):
    """Whether a file and ``content`` have the same first ``size`` bytes. Raises OSError or IOError."""
    content.seek(0)
    with io.open(path, "rb") as file:
        while size:
            count = min(size, PIECE_BYTES)
            piece = content.read(count)
            if len(piece) != count or file.read(count) != piece:
                return False
            size -= count
    return True


def checksum_of(content, begin, count):
    """Of ``count`` bytes from ``begin`` on; None where there are fewer."""
    content.seek(begin)
    checksum = 0
    while count:
        piece = content.read(min(count, PIECE_BYTES))
        if not piece:
            return None
        checksum = binascii.crc32(piece, checksum)
        count -= len(piece)
    return checksum


def ends_line(path):
    """Whether a file's last byte ends a line. Raises OSError or IOError."""
    with io.open(path, "rb") as file:
        return ends_line_of(file)


def ends_line_of(file):
    """The same for an open file."""
    file.seek(0, os.SEEK_END)
    if not file.tell():
        return False
    file.seek(-1, os.SEEK_END)
    return file.read(1) == b"\n"


def _copy(content, file):
    checksum = 0
    piece = content.read(PIECE_BYTES)
    while piece:
        checksum = binascii.crc32(piece, checksum)
        file.write(piece)
        piece = content.read(PIECE_BYTES)
    return checksum


def _make_room(path):
    """A folder to stand in, and no folder in its place."""
    folder = os.path.dirname(path)
    if not os.path.isdir(folder):
        os.makedirs(folder)
    if os.path.isdir(path) and not os.path.islink(path):
        os.rmdir(path)
