"""What items of a portion see of their program, on its way in: frames K, directly behind T."""

from __future__ import absolute_import

from select import POLLIN

from marx.runner.pipe import FrameError, PipeClosed, wait_for


def read_state(reader):
    """K, in parts: the bytes of a state. Waits for them. Raises `FrameError`, `PipeClosed`."""
    parts, size, total = [], 0, None
    while size != total:
        header, part = _next_part(reader)
        if header.get("offset") != size or not 0 <= header.get("total", -1) - size - len(part):
            raise FrameError("a part of a state at %r where %d is awaited" % (header.get("offset"), size))
        total = header["total"]
        size += len(part)
        parts.append(part)
    return b"".join(parts)


def _next_part(reader):
    frame = reader.read()
    while frame is None:
        if reader.ended:
            raise PipeClosed("before the state came")
        wait_for(reader.descriptor, POLLIN)
        frame = reader.read()
    if frame.kind != b"K":
        raise FrameError("a frame %r before the state" % frame.kind)
    return frame.header(), frame.payload()
