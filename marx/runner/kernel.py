"""What only the C library can ask of the system. Best effort: where it is not Linux, or ctypes is not there, nothing happens."""

from __future__ import absolute_import

import os
import signal

try:
    import ctypes
except ImportError:  # a Python that was built without libffi
    ctypes = None

PR_SET_PDEATHSIG, PR_SET_DUMPABLE, PR_SET_CHILD_SUBREAPER = 1, 4, 36

try:
    _library = ctypes.CDLL(None)
    _prctl, _fflush = _library.prctl, _library.fflush
except (OSError, AttributeError):  # there is no ctypes, or no such function

    def _prctl(*_):
        return -1

    def _fflush(_):
        return -1


#: Linux's number for the clock that never steps.
CLOCK_MONOTONIC = 1


def _clock_of_the_library():
    """From nanoseconds. Raises NameError, OSError, AttributeError where there is no such function."""

    class Timespec(ctypes.Structure):
        _fields_ = [("seconds", ctypes.c_long), ("nanoseconds", ctypes.c_long)]

    def read():
        now = Timespec()
        if clock_gettime(CLOCK_MONOTONIC, ctypes.byref(now)):
            raise OSError("the system has no clock that never steps")
        return now.seconds + now.nanoseconds * 1e-9

    clock_gettime = _library.clock_gettime
    read()
    return read


def _ticks():
    """The same in hundredths, from what the system counts since it was started."""
    return os.times()[4]


def steady_clock():
    """A function that gives seconds since some instant; a step of the wall clock is nothing to it."""
    try:
        return _clock_of_the_library()
    except (NameError, OSError, AttributeError):  # there is no ctypes, or no such function
        return _ticks


def hide_memory():
    """No other process of this user may look into this one, or reopen its pipes: a chunk could forge results."""
    _prctl(PR_SET_DUMPABLE, 0, 0, 0, 0)


def show_memory():
    """The opposite, as programs expect it: without it /proc/self belongs to root."""
    _prctl(PR_SET_DUMPABLE, 1, 0, 0, 0)


def go_first():
    """Where memory is short, in a group of processes or everywhere, this process and those that it makes are ended before the runner."""
    try:
        descriptor = os.open("/proc/self/oom_score_adj", os.O_WRONLY)
    except OSError:  # it hides its memory, or this is not Linux
        return
    try:
        os.write(descriptor, b"1000")
    except OSError:
        pass  # the system does not want it
    finally:
        os.close(descriptor)


def die_with_parent():
    """This process is killed when the one that made it dies."""
    _prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)


def adopt_orphans():
    """Processes below this one whose parents die become its children, so that it can find them. Whether that is so now."""
    return _prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) == 0


def flush_c_output():
    """Write out what C code has put into its own buffers."""
    _fflush(None)
