"""The keeper's end of the portal: frames from the program as it sends them, frames to it as fast as it takes them."""

from __future__ import absolute_import

import os

from marx.runner.keeper_shelf import Backlog
from marx.runner.pipe import FrameReader, FrameWriter, PipeClosed, encode


class Line(object):
    """Speaks with the program over ``descriptor``, which belongs to it. ``shelf``: for frames that the program does not read.

    ``is_closed``: the program, or we, hung up, or there never was a descriptor; nothing is heard and what is said goes nowhere.
    """

    def __init__(self, descriptor, shelf):
        self.descriptor = descriptor
        self.is_closed = descriptor is None
        if not self.is_closed:
            self._reader = FrameReader(descriptor)
            self._writer = FrameWriter(descriptor)
        self._backlog = Backlog(shelf)

    @property
    def is_full(self):
        """Whether something waits for the program to read; `flush` when it can."""
        return self._writer.is_full

    def read(self):
        """The next frame, None where there is none now. Raises `FrameError`, after which it makes no sense to go on."""
        if self.is_closed:
            return None
        frame = self._reader.read()
        if frame is None and self._reader.ended:
            self.close()
        return frame

    def send(self, kind, header, payload=b""):
        """Say something, now or later."""
        if self.is_closed:
            return
        if self._writer.is_full or self._backlog:
            self._backlog.add(encode(kind, header, payload))
        else:
            self._write(encode(kind, header, payload))

    def flush(self):
        """Write what the program takes now."""
        if self.is_closed:
            return
        self._write(None)
        while self._backlog and not self.is_closed and not self._writer.is_full:
            self._write(self._backlog.take())

    def close(self):
        """Hang up."""
        if not self.is_closed:
            self.is_closed = True
            os.close(self.descriptor)

    def _write(self, raw):
        try:
            if raw is None:
                self._writer.flush()
            else:
                self._writer.send_raw(raw)
        except PipeClosed:
            self.close()
