"""Role *chunk*: the loop that takes chunks from the worker and has each run by a child of its own."""

from __future__ import absolute_import

import errno
import os
from collections import deque
from select import POLLERR, POLLHUP, POLLIN, POLLOUT, poll as new_poll

from marx.runner import kernel
from marx.runner.allowing import allow
from marx.runner.attempt import Chunk
from marx.runner.compat import freeze, private_copy
from marx.runner.forking import Forking
from marx.runner.items import Items
from marx.runner.loading import load
from marx.runner.pipe import FrameError, PipeClosed, polled, write_all
from marx.runner.processes import sweep
from marx.runner.program import EXIT_NOT_LOADED, leave, load_or_tell, tell_loaded

_READABLE = POLLIN | POLLHUP | POLLERR

EXIT_QUIT = 0


def play(order, reader, writer):
    """Load the program, then take chunks until told to quit; the exit code. Raises `FrameError`, `PipeClosed`."""
    return serve(order, reader, writer, load)


def serve(order, reader, writer, load, state=None):
    """The same for whatever ``load`` loads, see `Program`. ``state``: what fresh interpreters need for that beside the order, bytes."""
    kernel.adopt_orphans()
    environment = dict(os.environ)
    outputs = [private_copy(1), private_copy(2)]
    allow(_limits_of_loading(order.get("limits") or {}))
    program = load_or_tell(order, writer, load)
    if program is None:
        leave(EXIT_NOT_LOADED)
    role = ChunkRole(reader, writer, outputs)
    why_not_fork = program.why_not_fork()
    if why_not_fork is None:
        held = [reader.descriptor, writer.descriptor] + outputs
        role.starter = Forking(order, program, held, role.sealed)
    else:
        from marx.runner.fresh import Fresh

        role.starter = Fresh(order, environment, state)
    tell_loaded(program, why_not_fork, writer)
    freeze()
    role.run()
    if why_not_fork is not None:
        leave(EXIT_QUIT)
    return EXIT_QUIT


def _limits_of_loading(limits):
    """What is loaded runs in this process, which lives on: of the limits of chunks those that it can live with.

    Processor time would be that of all chunks. Processes are counted for the sandbox alone where that has a namespace for them, which
    shows in our number; else for the whole user, and then this process could not make its children.
    """
    has_namespace = os.getpid() <= 2
    return dict(limits, cpu_seconds=None, processes=limits.get("processes") if has_namespace else None)


class ChunkRole(object):
    """Takes frames from ``reader``, says what happens to ``writer``. ``outputs``: descriptors onto the program's output, for marks.

    ``starter`` has ``start(chunk, needed)``, which makes an `Attempt`, and ``look_again()``; it is set before `run`.
    """

    def __init__(self, reader, writer, outputs):
        self._reader = reader
        self._writer = writer
        self._outputs = outputs
        self._items = Items()
        self._waiting = deque()
        self._attempt = None
        self._is_quitting = self._is_unread = False
        self._takes = {
            b"P": self._keep,
            b"D": self._drop,
            b"C": self._enqueue,
            b"E": self._seal,
            b"X": self._cancel,
            b"G": self._shorten,
            b"S": self._look_again,
            b"U": self._reading,
            b"Q": self._quit,
        }
        self.starter = None

    def sealed(self):
        """The frames that hold secrets of chunks that did not begin."""
        return [chunk.sealed for chunk in self._waiting if chunk.sealed is not None]

    def run(self):
        """Go on until told to quit. Raises `FrameError` for what makes no sense, `PipeClosed`; no child is left then."""
        try:
            while self._attempt is not None or not self._is_quitting:
                self._start_next()
                self._wait()
        finally:
            sweep()

    def _start_next(self):
        """Begin with the first chunk that waits, if nothing runs."""
        if self._attempt is not None or self._is_quitting or self._writer.is_full:
            return
        if not self._waiting or self._waiting[0].sealed is None:
            return
        chunk = self._waiting[0]
        needed = self._items.covering(chunk.portion, chunk.first, chunk.stop)
        self._mark(b"\0" + chunk.mark + (":%d\n" % chunk.first).encode("ascii"))
        self._writer.send(b"B", {"chunk": chunk.fence})
        try:
            self._attempt = self.starter.start(chunk, needed)
            self._attempt.clock.is_paused = self._is_unread
        except (OSError, IOError) as error:
            self._writer.send(b"N", {"text": "no process could be made for a chunk: %s" % error})
            self._close(chunk, unused(chunk, "died"))
        self._waiting.popleft()

    def _wait(self):
        """Until something can be read or written, and do so."""
        poll = new_poll()
        poll.register(self._reader.descriptor, _READABLE)
        attempt = self._attempt
        if self._writer.is_full:
            poll.register(self._writer.descriptor, POLLOUT)
        elif attempt is not None:
            poll.register(attempt.descriptor, _READABLE)
        ready = polled(poll, attempt.patience_milliseconds if attempt is not None else None)
        self._pass_on()
        if attempt is not None:
            if not ready:
                attempt.look()
            attempt.watch(self._writer)
        if any(descriptor == self._reader.descriptor for descriptor, _ in ready):
            self._take_frames()
        if self._attempt is not None and self._attempt.is_over:
            self._end()

    def _pass_on(self):
        self._writer.flush()
        if self._attempt is not None:
            self._attempt.relay(self._writer)

    def _end(self):
        attempt, self._attempt = self._attempt, None
        self._close(attempt.chunk, attempt.end(self._writer))

    def _close(self, chunk, ended):
        """Nothing more of a chunk can come: say so, on the program's output first."""
        secret = chunk.sealed.header()["secret"].encode("ascii")
        self._mark(b"\0" + secret + b"!\n")
        self._writer.send(b"Z", ended)

    def _mark(self, content):
        for descriptor in self._outputs:
            try:
                write_all(descriptor, content)
            except OSError as error:
                if error.errno != errno.EPIPE:
                    raise

    # What the worker says

    def _take_frames(self):
        while True:
            frame = self._reader.read()
            if frame is None:
                break
            try:
                self._takes[frame.kind](frame)
            except (LookupError, TypeError, AttributeError) as error:
                raise FrameError("a frame %r that lacks something: %s" % (frame.kind, error))
        if self._reader.ended:
            raise PipeClosed()

    def _keep(self, frame):
        self._items.keep(frame.header(), frame.payload())

    def _drop(self, frame):
        header = frame.header()
        self._items.drop(header["portion"], header["first"])

    def _enqueue(self, frame):
        self._waiting.append(Chunk(frame.header()))

    def _seal(self, frame):
        """E: what it says is for after the fork; it belongs to the chunk that came just before it."""
        self._waiting[-1].sealed = frame

    def _cancel(self, frame):
        header = frame.header()
        fence = header["chunk"]
        if self._attempt is not None and self._attempt.chunk.fence == fence:
            self._attempt.dismiss(header)
            return
        for chunk in self._waiting:
            if chunk.fence == fence:
                self._waiting.remove(chunk)
                self._writer.send(b"Z", unused(chunk, "cancelled"))
                return

    def _shorten(self, frame):
        """G: the items from ``stop`` on are wanted back, as far as they have not begun. What waits is cancelled as a whole, or not at all."""
        header = frame.header()
        if self._attempt is not None and self._attempt.chunk.fence == header["chunk"]:
            self._attempt.shortening.want(header["stop"])

    def _look_again(self, frame):
        """S: the worker has changed files while no chunk was given."""
        self.starter.look_again()

    def _reading(self, frame):
        """U: whether the worker takes what is printed; an item that waits for that loses no time."""
        self._is_unread = not frame.header()["reading"]
        if self._attempt is not None:
            self._attempt.clock.is_paused = self._is_unread

    def _quit(self, frame):
        self._is_quitting = True


def unused(chunk, outcome):
    """Z's header for a chunk that no process has seen."""
    usage = {"cpu_seconds": 0.0, "wall_seconds": 0.0, "max_rss_kb": 0}
    return dict(usage, chunk=chunk.fence, outcome=outcome, cause="", exit=None, signal=None, item=None, done=0)
