"""A fork of the program as it was when it made a pool: says what items must see, and forks the processes that compute what must stay here."""

from __future__ import absolute_import

import multiprocessing
import os
import signal

from marx.runner.carry import capturing
from marx.runner.carry.errors import CannotCarry
from marx.runner.compat import keep_to_ourselves
from marx.runner.failures import shown
from marx.runner.portal import flush_standard
from marx.runner.standins.home import HomeLink, serve
from marx.runner.standins.outgoing import outgoing
from marx.runner.standins.pickling import dumps, loads


class Zygote(object):
    """``home``: a `HomeLink` to its processes. Made in the program's thread; the rest in the sending thread."""

    def __init__(self, recipe):
        self._asking, asked = multiprocessing.Pipe()
        ours, theirs = multiprocessing.Pipe()
        for connection in (self._asking, asked, ours, theirs):
            keep_to_ourselves(connection.fileno())
        with outgoing().speaking:
            flush_standard()
            self._pid = os.fork()
        if not self._pid:
            self._asking.close()
            ours.close()
            _be_zygote(recipe, theirs, asked)
        asked.close()
        theirs.close()
        self.home = HomeLink(ours, self._reap)

    def capture(self, functions, references):
        """(content, names) for pickled functions and the names of items. Raises CannotCarry."""
        try:
            self._asking.send_bytes(dumps((functions, references)))
            succeeded, answer = loads(self._asking.recv_bytes())
        except (IOError, OSError, EOFError):
            raise CannotCarry("the process that held the state of this pool is gone")
        if not succeeded:
            raise CannotCarry(*answer)
        return answer

    def close(self, is_finished):
        """End it and its processes, see `HomeLink.close`."""
        self._asking.close()
        self.home.close(is_finished)

    def _reap(self):
        try:
            os.waitpid(self._pid, 0)
        except OSError:  # the program has waited for all its children
            pass


def _be_zygote(recipe, tasks, asked):
    try:
        _stand_interrupts()
        serve(recipe, tasks, {asked: lambda: _answer(asked, recipe)})
    finally:
        os._exit(0)


def _stand_interrupts():
    """Ctrl-C is for the program and its items, as in a plain run; this process only stands by."""
    before, zygote = signal.getsignal(signal.SIGINT), os.getpid()

    def interrupted(*args):
        if os.getpid() != zygote and callable(before):
            before(*args)

    if callable(before):
        interrupted.stands_for = before
        signal.signal(signal.SIGINT, interrupted)


def _answer(asked, recipe):
    """Answer one question."""
    functions, references = loads(asked.recv_bytes())
    asked.send_bytes(dumps(_captured(functions, references, recipe)))


def _captured(functions, references, recipe):
    try:
        known = [loads(function) for function in functions]
        captured = capturing.capture(known, references, recipe.initializer, recipe.initargs, style=recipe.style)
        return True, (captured.content, captured.names)
    except CannotCarry as why:
        return False, (why.reason, why.hint)
    except Exception as error:
        return False, (u"it cannot be found as it was when the pool was made: %s" % shown(error), "")
