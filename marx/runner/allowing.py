"""What the system may give to a process of the program and to all that it makes: T's ``limits``, set inside, where they count for this sandbox alone."""

from __future__ import absolute_import

import errno
import resource

#: By the names in T's ``limits``: what is limited, and what a system call says when it was too much.
RESOURCES = {
    "processes": (getattr(resource, "RLIMIT_NPROC", None), errno.EAGAIN),
    "open_files": (resource.RLIMIT_NOFILE, errno.EMFILE),
    "file_bytes": (resource.RLIMIT_FSIZE, errno.EFBIG),
    "cpu_seconds": (resource.RLIMIT_CPU, None),
}
#: What people are told where a call failed for a limit.
WORDS = {
    "processes": "this may be the worker's limit of %d processes",
    "open_files": "this may be the worker's limit of %d open files",
    "file_bytes": "this may be the worker's limit of %d bytes for a file",
}
#: What Python says, without a number, where the system makes no more threads, which count as processes do.
NO_THREAD = "can't start new thread"
#: Between the signal that a program may take and the one that it may not, when its processor time is used up.
GRACE_SECONDS = 5

_hints = {}


def allow(limits):
    """Take away from this process what is above its limits; it cannot get it back. Nothing of the core dump of a crash is written."""
    _lower(resource.RLIMIT_CORE, 0)
    for name, (kind, code) in RESOURCES.items():
        most = limits.get(name)
        if most is None or kind is None:
            continue
        _lower(kind, int(most), GRACE_SECONDS if name == "cpu_seconds" else 0)
        if code is not None:
            _hints[code] = WORDS[name] % most


def hint(error):
    """What to say of an error that a limit may have caused; "" where none can."""
    if not _hints:
        return ""
    try:
        code = error.errno if isinstance(error, EnvironmentError) else errno.EAGAIN if NO_THREAD in str(error) else None
        return _hints.get(code, "")
    except Exception:  # a program's own kind of error
        return ""


def _lower(kind, soft, more=0):
    _, before = resource.getrlimit(kind)
    hard = soft + more
    if before != resource.RLIM_INFINITY:
        hard = min(hard, before)
    try:
        resource.setrlimit(kind, (min(soft, hard), hard))
    except (ValueError, resource.error):
        pass  # the system will not have it lower
