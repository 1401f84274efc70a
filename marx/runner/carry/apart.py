"""Doing something in a fork, so that nothing of it stays in this process: what pickling runs of the program may print, count or crash."""

from __future__ import absolute_import

import errno
import os
import pickle

from marx.runner.carry.errors import CannotCarry
from marx.runner.carry.muting import mute
from marx.runner.compat import private_pipe
from marx.runner.pipe import write_all
from marx.runner.processes import wait

#: Bytes read at once.
_PART = 1 << 20


def apart(work):
    """What ``work()`` returns, bytes, called in a fork of this process. Raises `CannotCarry`, as it does, or if it does not come back."""
    reading, writing = private_pipe()
    pid = os.fork()
    if not pid:
        os.close(reading)
        _work_and_exit(work, writing)
    os.close(writing)
    try:
        answer = _read_all(reading)
    finally:
        os.close(reading)
        status = _reaped(pid)
    if not answer:
        raise CannotCarry("taking the state of the program %s" % _end_of(status))
    if answer[:1] == b"-":
        raise CannotCarry(*pickle.loads(answer[1:]))
    return answer[1:]


def _work_and_exit(work, writing):
    try:
        mute()
        answer = b"+" + work()
    except CannotCarry as error:
        answer = b"-" + pickle.dumps((error.reason, error.hint), 2)
    except BaseException as error:
        answer = b"-" + pickle.dumps(("the state of the program cannot be taken: %s: %s" % (type(error).__name__, error), ""), 2)
    try:
        write_all(writing, answer)
    finally:
        os._exit(0)


def _read_all(descriptor):
    parts = []
    while True:
        part = _read(descriptor)
        if not part:
            return b"".join(parts)
        parts.append(part)


def _read(descriptor):
    while True:
        try:
            return os.read(descriptor, _PART)
        except OSError as error:
            if error.errno != errno.EINTR:
                raise


def _reaped(pid):
    """How a process ended; None where the program has its children forgotten."""
    try:
        return wait(pid)[1]
    except OSError:
        return None


def _end_of(status):
    if status is None:
        return "does not come back"
    if os.WIFSIGNALED(status):
        return "ends by signal %d" % os.WTERMSIG(status)
    return "ends with exit code %d" % os.WEXITSTATUS(status)

