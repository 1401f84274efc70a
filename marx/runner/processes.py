"""The processes below this one: who they are, and the end of those that a chunk has left behind."""

from __future__ import absolute_import

import errno
import os
import resource  # noqa: F401  wait4 imports it when it is first used
import signal


def wait(pid, how=0):
    """`os.wait4`, which 2.7 gives up when a signal comes."""
    while True:
        try:
            return os.wait4(pid, how)
        except OSError as error:
            if error.errno != errno.EINTR:
                raise


def sweep(group=None):
    """Kill and reap every process below this one: whatever is there is left over, from a chunk or from loading."""
    while True:
        try:
            if not wait(-1, os.WNOHANG)[0]:
                if not _kill_all(group):
                    return
                wait(-1)
        except OSError as error:
            if error.errno == errno.ECHILD:
                return
            raise


def _kill_all(group):
    """Whether there was anything to kill; not so where the system does not tell us our children."""
    targets = [-1] if os.getpid() == 1 else children()
    return any([_killed(target) for target in targets + ([-group] if group else [])])


def _killed(target):
    try:
        os.kill(target, signal.SIGKILL)
    except OSError:
        return False
    return True


def children():
    """The processes whose parent this is; none where the system does not say."""
    found = []
    try:
        for thread in os.listdir("/proc/self/task"):
            with open("/proc/self/task/%s/children" % thread) as names:
                found.extend(int(name) for name in names.read().split())
    except (IOError, OSError):
        pass
    return found
