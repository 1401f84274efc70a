"""Where the runner begins: the first frame says which role it has."""

from __future__ import absolute_import

import importlib
import sys
from select import POLLIN

from marx.runner import kernel
from marx.runner.compat import keep_to_ourselves
from marx.runner.pipe import FrameError, FrameReader, FrameWriter, PipeClosed, wait_for

CONTROL, REPORTS = 3, 4

EXIT_QUIT, EXIT_PROTOCOL = 0, 4

#: For each kind of task the module whose ``play`` is its role. Only that one is imported: a main program waits for its keeper.
ROLES = {"map": "chunk", "portion": "portion", "alone": "alone", "program": "keeper"}

#: What a role finds in T.
ORDERED = ("program", "module", "function", "cwd", "argv", "roots", "seed", "max_value", "limits")
ORDERED_OF_KEEPER = ("words", "cwd", "roots", "divide", "slots")


def main():
    """Run until told to quit; the exit code. Descriptors other than 3 and 4 may be named as arguments."""
    control, reports = [int(word) for word in sys.argv[1:3]] or (CONTROL, REPORTS)
    kernel.hide_memory()
    for descriptor in (control, reports):
        keep_to_ourselves(descriptor)
    reader, writer = FrameReader(control), FrameWriter(reports)
    try:
        return _play(reader, writer)
    except PipeClosed:
        _leave(EXIT_QUIT)
    except FrameError as error:
        sys.stderr.write("marx runner: %s\n" % error)
        _leave(EXIT_PROTOCOL)


def _play(reader, writer):
    order = first_frame(reader).header()
    role = ROLES.get(order.get("kind"))
    if role is None:
        raise FrameError("a task of the unknown kind %r" % (order.get("kind"),))
    missing = [name for name in (ORDERED_OF_KEEPER if role == "keeper" else ORDERED) if name not in order]
    if missing:
        raise FrameError("a task without %s" % ", ".join(missing))
    return importlib.import_module("marx.runner." + role).play(order, reader, writer)


def _leave(code):
    from marx.runner.program import leave

    leave(code)


def first_frame(reader):
    """Wait for T. Raises `FrameError` for another, `PipeClosed`."""
    frame = None
    while frame is None:
        wait_for(reader.descriptor, POLLIN)
        frame = reader.read()
        if frame is None and reader.ended:
            raise PipeClosed("before a task came")
    if frame.kind != b"T":
        raise FrameError("a frame %r before the task" % frame.kind)
    return frame
