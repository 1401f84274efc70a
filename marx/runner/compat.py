"""What differs between Python 2.7 and 3: the only place that asks for the version."""

from __future__ import absolute_import

import codecs
import fcntl
import gc
import itertools
import os
import re
import sys
import threading
import time

IS_2 = sys.version_info[0] == 2

TEXT = type(u"")
#: The exact types of values that one call of json turns into text, a line each, without running any code of the program.
FLAT = frozenset([type(None), bool, int, float, str, TEXT, type(sys.maxsize + 1)])

#: `map` that makes one element at a time, and goes on after one that raised.
lazy_map = itertools.imap if IS_2 else map

#: A number for the thread at work.
get_ident = getattr(threading, "_get_ident" if IS_2 else "get_ident")

#: Starts a thread that `threading` does not know.
start_new_thread = __import__("thread" if IS_2 else "_thread").start_new_thread

# Codecs are modules that Python imports when they are first used: each child would, or fail if the program has no descriptor left.
for _name in ("ascii", "utf-8"):
    codecs.lookup(_name)


def _steady_seconds():
    """Seconds since some instant, for 2.7: it has no such clock, but the C library does. Found when it is first asked for."""
    if not _steady_clock:
        from marx.runner.kernel import steady_clock

        _steady_clock.append(steady_clock())
    return _steady_clock[0]()


_steady_clock = []
#: Seconds since some instant, whatever becomes of the wall clock.
monotonic = getattr(time, "monotonic", _steady_seconds)

#: Keeps what is loaded out of every collection, so that a collection in a child does not copy all of the program's pages. From 3.7 on.
freeze = getattr(gc, "freeze", gc.collect)


def elapsed(since):
    """Seconds since an instant of `monotonic`, never negative."""
    return max(0.0, monotonic() - since)


def version():
    """As in "3.11.7"."""
    return "%d.%d.%d" % sys.version_info[:3]


def numbers(mapping):
    """A shared mapping as a sequence of signed 64-bit numbers to be set one by one; the cheapest that there is."""
    if IS_2:
        import ctypes

        return (ctypes.c_longlong * (len(mapping) // 8)).from_buffer(mapping)
    return memoryview(mapping).cast("q")  # novm


def counted(start, step, count):
    """An iterator over ``count`` numbers of any size."""
    return itertools.islice(itertools.count(start, step), count)


def listed(folder):
    """(name, what lstat says) for everything in a folder, which is bytes; nothing for what is not there any more, or closed to us."""
    return _listed_by_name(folder) if IS_2 else _listed_by_scan(folder)


def _listed_by_name(folder):
    try:
        names = os.listdir(folder)
    except OSError:
        return
    for name in names:
        try:
            yield name, os.lstat(os.path.join(folder, name))
        except OSError:
            continue


def _listed_by_scan(folder):
    try:
        entries = os.scandir(folder)  # novm
    except OSError:
        return
    with entries:
        for entry in entries:
            try:
                yield entry.name, entry.stat(follow_symlinks=False)
            except OSError:
                continue


def keep_to_ourselves(descriptor):
    """No program that is executed later inherits this descriptor."""
    fcntl.fcntl(descriptor, fcntl.F_SETFD, fcntl.fcntl(descriptor, fcntl.F_GETFD) | fcntl.FD_CLOEXEC)


def inherit(descriptors):
    """Arguments of subprocess.Popen that let a child inherit these."""
    if not IS_2:
        return {"pass_fds": descriptors}
    for descriptor in descriptors:
        fcntl.fcntl(descriptor, fcntl.F_SETFD, fcntl.fcntl(descriptor, fcntl.F_GETFD) & ~fcntl.FD_CLOEXEC)
    return {"close_fds": False}


def private_pipe():
    """Two descriptors, the reading and the writing end, that no executed program inherits."""
    ends = os.pipe()
    if IS_2:
        for end in ends:
            keep_to_ourselves(end)
    return ends


def private_copy(descriptor):
    """A duplicate that no executed program inherits."""
    copy = os.dup(descriptor)
    keep_to_ourselves(copy)
    return copy


def path_text(path):
    """A path as text: bytes that are not UTF-8 as lone surrogates, as Python 3 has it."""
    return path if isinstance(path, TEXT) else path.decode("utf-8", ESCAPE)


def path_bytes(text):
    """The reverse of `path_text`."""
    if not IS_2:
        return text.encode("utf-8", ESCAPE)
    pieces = _LONE.split(text)
    return b"".join(chr(ord(piece) - 0xDC00) if odd % 2 else piece.encode("utf-8") for odd, piece in enumerate(pieces))


def native_path(text):
    """A path from a header as the ``str`` that this Python's programs use for paths."""
    return path_bytes(text) if IS_2 else text


def _escape_bytes(error):
    """What Python 3 calls surrogateescape, for decoding."""
    piece = bytearray(error.object[error.start : error.end])
    return u"".join(unichr(0xDC00 + byte) for byte in piece), error.end  # novm


if IS_2:
    ESCAPE = "marx-surrogateescape"
    codecs.register_error(ESCAPE, _escape_bytes)
    #: Not the second half of a pair, which is how some builds hold rare characters.
    _LONE = re.compile(u"(?<![\ud800-\udbff])([\udc80-\udcff])")
else:
    ESCAPE = "surrogateescape"
