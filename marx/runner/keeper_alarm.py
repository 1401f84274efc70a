"""Wakes the keeper when a child of its ends."""

from __future__ import absolute_import

import errno
import os
import signal

from marx.runner.compat import private_pipe
from marx.runner.pipe import set_blocking


class ChildAlarm(object):
    """``descriptor`` can be read when a child has ended since `clear`. To be made once in a process, in its main thread."""

    def __init__(self):
        self.descriptor, self._ringing = private_pipe()
        for end in (self.descriptor, self._ringing):
            set_blocking(end, False)
        signal.set_wakeup_fd(self._ringing)
        signal.signal(signal.SIGCHLD, _do_nothing)

    def clear(self):
        """Wait for the next."""
        try:
            while os.read(self.descriptor, 4096):
                pass
        except OSError as error:
            if error.errno not in (errno.EAGAIN, errno.EINTR):
                raise


def _do_nothing(*_):
    """What is ignored wakes nobody."""
