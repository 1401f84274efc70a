"""The program's process: the user's own interpreter, executed with the user's words, and how it ends."""

from __future__ import absolute_import

import errno
import fcntl
import os
import signal
import sys
from _socket import socketpair  # `socket` itself takes longer to import than everything else here

from marx.runner import bootstrap, kernel
from marx.runner.allowing import allow
from marx.runner.compat import IS_2, elapsed, monotonic
from marx.runner.processes import sweep, wait

KIT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
#: The folder of our sitecustomize; marx/worker/kit.py makes it.
BEFORE = os.path.join(KIT, "before-programs")

#: The program's end of the portal gets a number from here on, so that files which the program opens have those of a plain run.
HIGH = 500

EXIT_NOT_EXECUTED = 127

#: Where portions are looked for that nobody asks for, and whether all are divided, worth it or not.
LOOKING = {"found": False, "every": True}


class ProgramProcess(object):
    """A program at work. ``portal``: our end of its portal, a descriptor; None if it has none. ``pid``: its own.

    ``exit`` and ``signal``, once it ``is_over``: how it ended, one of them None.
    """

    def __init__(self, pid, portal):
        self.portal = portal
        self.is_over = False
        self.exit = self.signal = None
        self.pid = pid
        self._began_at = monotonic()
        self._usage = None
        self._seconds = 0.0

    def reap(self):
        """Take note of processes that have ended: the program itself, and those that it left to us."""
        try:
            while True:
                pid, status, usage = wait(-1, os.WNOHANG)
                if not pid:
                    return
                if pid == self.pid:
                    self._ended(status, usage)
        except OSError as error:
            if error.errno != errno.ECHILD:
                raise

    def send_signal(self, number):
        """To every process of its group."""
        if not self.is_over:
            _kill_group(self.pid, number)

    def kill(self):
        """End it and everything that it has started. To be called also when it is over."""
        if not self.is_over:
            _kill_group(self.pid, signal.SIGKILL)
            os.kill(self.pid, signal.SIGKILL)
            _, status, usage = wait(self.pid)
            self._ended(status, usage)
        sweep(self.pid)

    def usage(self):
        """What it took, as fields of Z. Once it is over."""
        return {
            "cpu_seconds": self._usage.ru_utime + self._usage.ru_stime,
            "wall_seconds": self._seconds,
            "max_rss_kb": self._usage.ru_maxrss,
        }

    def _ended(self, status, usage):
        self.is_over = True
        self._usage = usage
        self._seconds = elapsed(self._began_at)
        self.exit = os.WEXITSTATUS(status) if os.WIFEXITED(status) else None
        self.signal = os.WTERMSIG(status) if os.WIFSIGNALED(status) else None


def execute(words, slots, divide, limits):
    """Start the interpreter that we run in with ``words``, in the present folder. Raises OSError where no process can be made.

    ``limits``: of T. ``divide``: "none" for no portal; "every" for all portions that nobody asks for, too, whether sending them is worth it or not.
    """
    ours, its = _portal_ends() if divide != "none" else (None, None)
    environ, keeper = uncoerced(os.environ), os.getpid()
    try:
        pid = os.fork()
    except OSError:
        for end in (ours, its):
            if end is not None:
                os.close(end)
        raise
    if not pid:
        _become(words, lambda words: _prepared(words, environ, its, slots, divide), keeper, its, limits)
    if its is not None:
        os.close(its)
    try:
        os.setpgid(pid, pid)
    except OSError:
        pass  # it has done so itself, and is executed already
    return ProgramProcess(pid, ours)


def _prepared(words, environ, portal, slots, divide):
    """(words, environment) to execute. What `found` does to the program it does in the process that is to be the program."""
    if divide in LOOKING and _may_have_sites(words):
        from marx.runner.found.starting import started_in_time

        started = started_in_time(words, HIGH, LOOKING[divide])
        if started is not None:
            return started.words, environment_of(environ, portal, slots, started.plan)
    return words, environment_of(environ, portal, slots)


def _may_have_sites(words):
    """Whether it is worth looking for sites: where the main file has no loop and no module beside it there are none."""
    if not words or words[0].startswith("-"):
        return words[:1] == ["-m"]
    try:
        with open(words[0], "rb") as program:
            text = program.read()
        beside = os.listdir(os.path.dirname(os.path.realpath(words[0])))
    except (IOError, OSError):
        return False
    return b"for" in text or b"map" in text or sum(name.endswith(".py") for name in beside) > 1


def environment_of(environ, portal, slots, plan=None):
    """What the interpreter finds in its environment; `bootstrap` takes away again what differs from ``environ``."""
    path = environ.get("PYTHONPATH")
    # An empty one is a path to 2.7, namely the present folder, and none to 3.
    with_ours = BEFORE + os.pathsep + path if path or (IS_2 and path is not None) else BEFORE
    return dict(environ, PYTHONPATH=with_ours, **{bootstrap.VARIABLE: bootstrap.word(portal, slots, path, plan)})


def uncoerced(environ):
    """``environ`` as it was when this process was executed: from 3.7 on Python sets LC_CTYPE in it, and so it will for the program."""
    if "LC_CTYPE" not in environ or IS_2:
        return environ
    kernel.show_memory()
    try:
        with open("/proc/self/environ", "rb") as first:
            given = first.read()
    except (IOError, OSError):
        return environ
    finally:
        kernel.hide_memory()
    if any(variable.startswith(b"LC_CTYPE=") for variable in given.split(b"\0")):
        return environ
    return dict((name, value) for name, value in environ.items() if name != "LC_CTYPE")


def _portal_ends():
    ours, its = socketpair()
    try:
        return _duplicate(ours, 0), _duplicate(its, HIGH)
    finally:
        ours.close()
        its.close()


def _duplicate(end, least):
    """A descriptor that no executed program inherits, with this number or a higher one if the system has so many."""
    try:
        copy = fcntl.fcntl(end.fileno(), fcntl.F_DUPFD, least)
    except (IOError, OSError):
        copy = fcntl.fcntl(end.fileno(), fcntl.F_DUPFD, 0)
    fcntl.fcntl(copy, fcntl.F_SETFD, fcntl.FD_CLOEXEC)
    return copy


def _become(words, prepare, keeper, portal, limits):
    """In the child: execute the program. ``prepare``: see `_prepared`."""
    command = [sys.executable]
    try:
        kernel.die_with_parent()
        if os.getppid() != keeper:
            os._exit(EXIT_NOT_EXECUTED)
        os.setpgid(0, 0)
        _forget_signals()
        words, environment = prepare(words)
        kernel.show_memory()
        kernel.go_first()
        allow(limits)
        if portal is not None:
            fcntl.fcntl(portal, fcntl.F_SETFD, 0)
        os.execve(command[0], command + words, environment)
    except BaseException as error:
        os.write(2, ("%s: %s\n" % (command[0], error)).encode("utf-8", "replace"))
    finally:
        os._exit(EXIT_NOT_EXECUTED)


def _forget_signals():
    """Python ignores some, and who started our worker may have let it ignore more: the program is to find all as under a shell."""
    for number in range(1, signal.NSIG):
        try:
            signal.signal(number, signal.SIG_DFL)
        except (OSError, RuntimeError, ValueError):
            continue  # SIGKILL, SIGSTOP, and what the C library keeps to itself
    if hasattr(signal, "pthread_sigmask"):
        signal.pthread_sigmask(signal.SIG_SETMASK, [])  # novm


def _kill_group(group, number):
    try:
        os.killpg(group, number)
    except OSError:
        pass  # there is nobody
