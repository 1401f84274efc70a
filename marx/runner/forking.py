"""A child for each chunk by a fork of the runner, in which the program is loaded: it takes a millisecond, and no state is shared."""

from __future__ import absolute_import

import os

from marx.runner import kernel
from marx.runner.allowing import allow
from marx.runner.attempt import Attempt
from marx.runner.board import new_board, wiped
from marx.runner.child import ChunkRun
from marx.runner.compat import private_pipe
from marx.runner.items import values_of
from marx.runner.reports import reports_for


class Forking(object):
    """Starts children of this process, which has loaded ``program``.

    ``held``: descriptors of the runner that no child may have. ``sealed()``: the frames that none may read.
    """

    def __init__(self, task, program, held, sealed):
        self._task = task
        self._program = program
        self._held = held
        self._sealed = sealed
        self._board = new_board()

    def start(self, chunk, needed):
        """An `Attempt` at a chunk, whose items are ``needed``, see `Items.covering`. Raises OSError where no process can be made."""
        reading, writing = private_pipe()
        wiped(self._board)
        self._program.generators.in_use()  # looks again, if need be, here and not in each child
        try:
            runner, pid = os.getpid(), os.fork()
        except OSError:
            os.close(reading)
            os.close(writing)
            raise
        if not pid:
            self._be_child(runner, chunk, needed, reading, writing)
        os.close(writing)
        return Attempt(chunk, pid, reading, self._board, self._learn, self._task["limits"])

    def look_again(self):
        """Files were changed that no chunk has changed."""
        self._program.look_again()

    def _be_child(self, runner, chunk, needed, reading, writing):
        try:
            kernel.die_with_parent()
            if os.getppid() != runner:
                os._exit(1)
            for frame in self._sealed():
                frame.wipe()
            os.close(reading)
            for descriptor in self._held:
                os.close(descriptor)
            os.setpgid(0, 0)
            kernel.show_memory()
            kernel.go_first()
            allow(self._task["limits"])
            reports = reports_for(self._task, writing, chunk)
            run = ChunkRun(self._task, chunk, self._program, self._board, reports)
            run.run_and_exit(values_of(needed))
        finally:
            os._exit(1)

    def _learn(self, files):
        if self._program.snapshot is not None:
            self._program.snapshot.learn(files)
