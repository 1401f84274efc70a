"""A fresh interpreter for each chunk, where a fork of the loaded program would not be safe.

It runs the same kit. What it needs stands in one file that has no name, which it gets in place of the worker's pipe: the board that
both processes share, then the task with the chunk, then the items. The other side is `alone`.

This module is imported by who needs it: what it imports would make every runner start later, and `random` be seeded for nothing.
"""

from __future__ import absolute_import

import os
import subprocess
import sys
import tempfile

from marx.runner.attempt import Attempt
from marx.runner.board import BYTES, board_in, wiped
from marx.runner.compat import inherit, private_pipe
from marx.runner.pipe import PACK_BYTES, encode

KIT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


class Fresh(object):
    """Starts interpreters with the environment that this one began with. ``state``: what they load beside the task, or None."""

    def __init__(self, task, environment, state=None):
        self._task = task
        self._state = state
        self._environment = environment

    def start(self, chunk, needed):
        """See `Forking.start`."""
        with tempfile.TemporaryFile() as brief:
            brief.write(bytes(bytearray(BYTES)))
            for frame in _frames(self._task, chunk, needed, self._state):
                brief.write(frame)
            brief.flush()
            board = wiped(board_in(brief.fileno()))
            os.lseek(brief.fileno(), BYTES, os.SEEK_SET)
            reading, writing = private_pipe()
            try:
                pid = self._execute([brief.fileno(), writing])
            finally:
                os.close(writing)
        return Attempt(chunk, pid, reading, board, lambda files: None, self._task["limits"])

    def look_again(self):
        """Each interpreter looks for itself."""

    def _execute(self, descriptors):
        command = [sys.executable] + subprocess._args_from_interpreter_flags() + [KIT] + [str(number) for number in descriptors]
        child = subprocess.Popen(command, env=self._environment, **inherit(descriptors))
        child.returncode = 0  # the attempt reaps it, not this object
        return child.pid


def _frames(task, chunk, needed, state):
    packs = [frame for pack, first, stop in needed for frame in _pack_frames(chunk.portion, *pack.part(first, stop))]
    alone = {"kind": "alone", "role": task["kind"], "chunk": chunk.header(), "packs": len(packs), "runner": os.getpid()}
    return [encode(b"T", dict(task, **alone))] + list(_parts(b"K", {}, state or b"")) + packs


def _pack_frames(portion, header, payload):
    """P, in parts as the worker sends it."""
    return _parts(b"P", dict(header, portion=portion), payload)


def _parts(kind, header, payload):
    for offset in range(0, len(payload) or 1, PACK_BYTES):
        part = payload[offset : offset + PACK_BYTES]
        yield encode(kind, dict(header, offset=offset, total=len(payload)), part)
