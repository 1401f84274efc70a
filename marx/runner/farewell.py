"""How a process that has to go is brought to its end: asked by SIGTERM, and killed if it has not gone a little later."""

from __future__ import absolute_import

import os
import signal

from marx.runner.compat import monotonic

#: Between asking and killing: enough to remove a lock file or to write a line, little to who waits for a cancel.
GRACE_SECONDS = 2.0


class Farewell(object):
    """Begins with the asking. ``pid``: the process, of which the group that it leads is asked, too. ``header``: of X.

    ``outcome`` and ``cause`` are what Z says; "cancelled" where nothing of the program's is the cause.
    """

    def __init__(self, pid, header):
        self.cause = header.get("cause") or ""
        self.outcome = "died" if self.cause else "cancelled"
        self._kill_at = monotonic()
        if not header.get("at_once"):
            self._kill_at += GRACE_SECONDS
            ask_to_end(pid)

    @property
    def milliseconds(self):
        """How long until it is to be killed, 0 if now."""
        return max(0, int((self._kill_at - monotonic()) * 1000) + 1)

    @property
    def is_due(self):
        """Whether asking was not enough."""
        return monotonic() >= self._kill_at


def ask_to_end(pid):
    """SIGTERM, also to what shares the process's group if that is its own."""
    try:
        if os.getpgid(pid) == pid:
            os.kill(-pid, signal.SIGTERM)
        else:
            os.kill(pid, signal.SIGTERM)
    except OSError:
        pass  # it has gone by itself
