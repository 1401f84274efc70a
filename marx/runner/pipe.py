"""Frames on descriptors, without waiting: what reads takes exactly the bytes of one frame, what writes never blocks.

Both ends of the way of results through the runner speak this format: the worker's control pipe, and the private pipe of each child.
Reading no byte too many means that a fork never takes along what the worker said after the frame at hand.
"""

from __future__ import absolute_import

import errno
import fcntl
import io
import json
import os
import struct
from collections import deque
from select import POLLOUT, error as SelectError, poll as new_poll

#: Bytes of header and payload together that either side may send.
FRAME_LIMIT = (1 << 20) + (64 << 10)
#: Bytes of a pack's payload that one frame holds.
PACK_BYTES = 1 << 20
#: Bytes of one part of a result or a file.
PART_BYTES = 256 << 10

LEAD = struct.Struct(">IcI")
_to_text = json.JSONEncoder(separators=(",", ":")).encode


class FrameError(Exception):
    """What came is no frame, or not one that may come now."""


class PipeClosed(Exception):
    """Nobody is at the other end any more."""


class Frame(object):
    """One message: ``kind`` is one byte, ``raw`` all of it as it travelled. The header is not looked at before it is asked for."""

    __slots__ = ("kind", "raw", "_payload_at")

    def __init__(self, kind, raw, header_length):
        self.kind = kind
        self.raw = raw
        self._payload_at = LEAD.size + header_length

    def header(self):
        """The header's object. Raises `FrameError`."""
        try:
            header = json.loads(bytes(self.raw[LEAD.size : self._payload_at]).decode("utf-8"))
        except (ValueError, RuntimeError) as error:
            raise FrameError("a header that is not JSON: %s" % error)
        if not isinstance(header, dict):
            raise FrameError("a header that is not a JSON object")
        return header

    def payload(self):
        """The bytes behind the header."""
        return bytes(self.raw[self._payload_at :])

    def wipe(self):
        """Forget what it says, in this process's memory."""
        self.raw[:] = bytes(bytearray(len(self.raw)))


def encode(kind, header, payload=b""):
    """The bytes of one frame."""
    return joined(kind, to_json(header), payload)


def to_json(header):
    """A header as it travels."""
    return _to_text(header).encode("ascii")


def joined(kind, header, payload):
    """The bytes of one frame whose header is JSON already."""
    return b"".join((LEAD.pack(len(header) + len(payload), kind, len(header)), header, payload))


def set_blocking(descriptor, is_blocking):
    """Whether reading and writing wait."""
    flags = fcntl.fcntl(descriptor, fcntl.F_GETFL)
    flags = flags & ~os.O_NONBLOCK if is_blocking else flags | os.O_NONBLOCK
    fcntl.fcntl(descriptor, fcntl.F_SETFL, flags)


class FrameReader(object):
    """Takes frames off a descriptor that does not block, which it leaves open at the end."""

    def __init__(self, descriptor):
        set_blocking(descriptor, False)
        self.descriptor = descriptor
        self._file = io.FileIO(descriptor, closefd=False)
        self._begin()
        self.ended = False

    def _begin(self):
        self._raw = bytearray(LEAD.size)
        self._filled = 0
        self._lead = None

    def read(self):
        """The next frame, or None if it is not there yet, or never will be since the pipe has ended. Raises `FrameError`."""
        if self._lead is None and self._fill():
            self._lead = length, kind, header_length = LEAD.unpack(bytes(self._raw))
            if length > FRAME_LIMIT or header_length > length:
                raise FrameError("a frame of %d bytes with a header of %d" % (length, header_length))
            self._raw.extend(bytearray(length))
        if self._lead is None or not self._fill():
            return None
        frame = Frame(self._lead[1], self._raw, self._lead[2])
        self._begin()
        return frame

    def _fill(self):
        """Whether all that is awaited is there now."""
        while self._filled < len(self._raw):
            count = self._read_into(memoryview(self._raw)[self._filled :])
            if not count:
                self.ended = count == 0
                return False
            self._filled += count
        return True

    def _read_into(self, place):
        try:
            return self._file.readinto(place)
        except (IOError, OSError) as error:
            if error.errno == errno.ECONNRESET:
                return 0
            if error.errno == errno.EINTR:
                return None
            raise


class FrameWriter(object):
    """Puts frames on a descriptor as fast as it takes them, and keeps the rest."""

    def __init__(self, descriptor):
        set_blocking(descriptor, False)
        self.descriptor = descriptor
        self._waiting = deque()

    @property
    def is_full(self):
        """Whether something waits; its owner then asks poll for when `flush` can do something."""
        return bool(self._waiting)

    def send(self, kind, header, payload=b""):
        """Write a frame, now or later. Raises `PipeClosed`."""
        self.send_raw(encode(kind, header, payload))

    def send_raw(self, raw):
        """The same for bytes that are a frame."""
        self._waiting.append(memoryview(raw))
        self.flush()

    def flush(self):
        """Write what can be written without waiting. Raises `PipeClosed`."""
        while self._waiting:
            try:
                written = write_some(self.descriptor, self._waiting[0])
            except OSError as error:
                raise PipeClosed(str(error))
            if written < len(self._waiting[0]):
                self._waiting[0] = self._waiting[0][written:]
                return
            self._waiting.popleft()

    def flush_all(self):
        """Write everything, waiting for the reader. Raises `PipeClosed`."""
        set_blocking(self.descriptor, True)
        self.flush()


def write_some(descriptor, content):
    """How many bytes went, 0 if none can now. Raises OSError."""
    try:
        return os.write(descriptor, content)
    except OSError as error:
        if error.errno in (errno.EAGAIN, errno.EINTR):
            return 0
        raise


def write_all(descriptor, content):
    """Write everything, however long it takes, also where the program has made the descriptor one that does not block. Raises OSError."""
    written = write_some(descriptor, content)
    while written < len(content):
        if not written:
            wait_for(descriptor, POLLOUT)
        content = memoryview(content)[written:]
        written = write_some(descriptor, content)


def wait_for(descriptor, event):
    """Until something can be written or read, or a signal came."""
    poll = new_poll()
    poll.register(descriptor, event)
    polled(poll, None)


def polled(poll, milliseconds):
    """What a poll object finds; something that is nobody's when a signal came, for which 2.7 gives up."""
    try:
        return poll.poll(milliseconds)
    except (SelectError, OSError) as error:
        if error.args[0] == errno.EINTR:
            return [(-1, 0)]
        raise
