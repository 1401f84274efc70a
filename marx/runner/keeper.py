"""Role *program*: keeps a user's main program, which runs in an interpreter of its own, and speaks for it with the worker.

    worker ==descriptors 3 and 4==> keeper ==portal (a pair of sockets)==> the interpreter, executed with the user's words

One chunk, one item: the program. Its exit code, whatever it is, is the item's result. The keeper marks the program's output, tells
which files it has made, numbers its portions and hands their results on (`keeper_book`), and puts their files where it finds them
(`keeper_files`). It waits for nobody: who does not read makes it stop reading those whose words would have to go there, but the
worker's frames it reads always, since a signal or the end may be among them.

T holds ``words``: what stands behind the interpreter. ``divide``: with "none" there is no portal, and nothing of ours in the program;
with "every" all is divided that `found` proves, worth it or not.
``slots``: what the lab promises. ``folders``: where true, folders are told of as files are, with ``"folder": true``.
"""

from __future__ import absolute_import

import errno
import json
import os
import signal
from collections import deque
from select import POLLERR, POLLHUP, POLLIN, POLLOUT, poll as new_poll

from marx.runner import kernel
from marx.runner.attempt import Chunk
from marx.runner.changes import Snapshot
from marx.runner.compat import monotonic, native_path, private_copy, version
from marx.runner.farewell import Farewell
from marx.runner.keeper_alarm import ChildAlarm
from marx.runner.keeper_process import execute
from marx.runner.pipe import FrameError, PipeClosed, encode, polled, write_all

EXIT_QUIT, EXIT_NOT_LOADED = 0, 3

#: As many frames are taken from the worker, and as many given to it, before anybody else has a turn.
FRAMES_A_TURN = 16

_READABLE = POLLIN | POLLHUP | POLLERR


def play(order, reader, writer):
    """Keep one program; the exit code. Raises `FrameError`, `PipeClosed`; nothing of the program is left then."""
    began_at = monotonic()
    kernel.adopt_orphans()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C where our worker runs in a terminal is the worker's to hear
    try:
        os.chdir(native_path(order["cwd"]))
    except OSError as error:
        failure = {"type": type(error).__name__, "message": str(error), "traceback": ""}
        writer.send(b"F", {"what": "program", "error": failure})
        writer.flush_all()
        return EXIT_NOT_LOADED
    keeper = Keeper(order, reader, writer)
    writer.send(b"L", {"fork": True, "why": None, "python": version(), "seconds": monotonic() - began_at})
    keeper.run()
    return EXIT_QUIT


class Keeper(object):
    """Takes frames from ``reader``, says what happens to ``writer``; a program comes with the chunk."""

    def __init__(self, order, reader, writer):
        self._order = order
        self._reader = reader
        self._writer = writer
        self._outputs = [private_copy(1), private_copy(2)]
        self._alarm = ChildAlarm()
        self._snapshot = Snapshot.of_texts(order["roots"], bool(order.get("folders")))
        self._records = []
        self._chunk = self._process = self._desk = self._farewell = None
        self._saying = deque()
        self._unmarked = []
        self._is_quitting = self._has_ended = False
        self._takes = {
            b"C": self._take_chunk,
            b"E": self._seal,
            b"H": self._record,
            b"G": self._pass_on,
            b"W": self._pass_on,
            b"Y": self._pass_on,
            b"J": self._signal,
            b"X": self._cancel,
            b"U": lambda frame: None,
            b"Q": self._quit,
        }

    def run(self):
        """Go on until told to quit. Raises `FrameError`, `PipeClosed`."""
        try:
            while self._is_at_work or self._saying or self._writer.is_full or not self._is_quitting:
                self._wait()
        finally:
            if self._process is not None:
                self._process.kill()

    @property
    def _is_at_work(self):
        return self._process is not None and not self._has_ended

    # The loop

    def _wait(self):
        """Until something can be read or written, and do so."""
        ready = {descriptor for descriptor, _ in polled(self._awaited(), self._patience_milliseconds())}
        self._writer.flush()
        if self._desk is not None:
            self._desk.flush()
        self._write_marks(ready)
        if self._alarm.descriptor in ready:
            self._look()
        if self._farewell is not None and self._farewell.is_due and self._is_at_work:
            self._close(self._farewell.outcome, self._farewell.cause)
        if self._reader.descriptor in ready:
            self._take_frames()
        for _ in range(FRAMES_A_TURN):
            if self._writer.is_full or self._unmarked or not self._say_one():
                break

    def _awaited(self):
        poll = new_poll()
        poll.register(self._reader.descriptor, _READABLE)
        poll.register(self._alarm.descriptor, POLLIN)
        for descriptor in self._unmarked:
            poll.register(descriptor, POLLOUT)
        if self._writer.is_full:
            poll.register(self._writer.descriptor, POLLOUT)
        if self._desk is not None:
            self._desk.register(poll, not (self._writer.is_full or self._saying or self._farewell))
        return poll

    def _patience_milliseconds(self):
        if self._farewell is not None and self._is_at_work:
            return self._farewell.milliseconds
        if self._writer.is_full or self._unmarked:
            return None
        if self._saying:
            return 0
        due_at = self._desk.due_at() if self._desk is not None else None
        return None if due_at is None else max(0, int((due_at - monotonic()) * 1000) + 1)

    def _say_one(self):
        """Take one step of what is to be said to the worker; whether there was one."""
        if self._saying:
            raw = next(self._saying[0], None)
            if raw is None:
                self._saying.popleft()
            else:
                self._writer.send_raw(raw)
            return True
        if not self._is_at_work or self._farewell is not None:
            return False
        self._find_more()
        return bool(self._saying)

    def _find_more(self):
        """What the program has to say, else its end."""
        statement = self._desk.next_statement()
        if statement is not None:
            self._saying.append(statement)
        elif self._process.is_over:
            self._has_ended = True
            self._saying.append(self._ending())

    # The program's life

    def _start(self):
        chunk = self._chunk
        fence, slots, divide = chunk.fence, self._order["slots"], self._order["divide"]
        self._mark(self._outputs, b"\0" + chunk.mark + (":%d\n" % chunk.first).encode("ascii"))
        self._writer.send(b"B", {"chunk": fence})
        try:
            self._process = execute([native_path(word) for word in self._order["words"]], slots, divide, self._order.get("limits") or {})
        except (OSError, IOError) as error:
            self._note("no process could be made for the program: %s" % error)
            self._close("died")
            return
        self._desk = _desk(fence, self._process.portal, self._snapshot, self._note, self._placed)
        for record in self._records:
            self._desk.take(record)

    def _look(self):
        """A child has ended: the program, or one that it left to us."""
        self._alarm.clear()
        if not self._is_at_work or self._process.is_over:
            return
        self._process.reap()
        if self._process.is_over:
            self._process.kill()
            self._unmarked = list(self._outputs)
            if self._farewell is not None:
                self._close(self._farewell.outcome, self._farewell.cause)

    def _ending(self):
        for raw in self._desk.changes():
            yield raw
        outcome = {"exit": self._process.exit, "signal": self._process.signal}
        about = {"chunk": self._chunk.fence, "portion": 0, "first": 0, "count": 1, "codec": "values", "failed": []}
        usage = self._process.usage()
        yield encode(b"R", dict(about, seconds=usage["wall_seconds"]), json.dumps(outcome, sort_keys=True).encode("ascii"))
        yield encode(b"Z", dict(usage, chunk=self._chunk.fence, outcome="succeeded", cause="", item=None, done=1, **outcome))

    def _write_marks(self, ready):
        """The end mark, where it can be written without waiting: nobody else writes there any more."""
        can_take = [descriptor for descriptor in self._unmarked if descriptor in ready]
        if can_take:
            secret = self._chunk.sealed.header()["secret"].encode("ascii")
            self._mark(can_take, b"\0" + secret + b"!\n")
            self._unmarked = [descriptor for descriptor in self._unmarked if descriptor not in can_take]

    def _mark(self, outputs, content):
        for descriptor in outputs:
            try:
                write_all(descriptor, content)
            except OSError as error:
                if error.errno != errno.EPIPE:
                    raise

    def _close(self, outcome, cause=""):
        """It ends otherwise than by itself: nothing more is said of it than that. With a ``cause`` the program is to blame."""
        self._has_ended = True
        if self._desk is not None:
            self._desk.close()
        usage = {"cpu_seconds": 0.0, "wall_seconds": 0.0, "max_rss_kb": 0}
        if self._process is None or not self._process.is_over:
            self._unmarked = list(self._outputs)
        if self._process is not None:
            self._process.kill()
            usage = self._process.usage()
        item = self._chunk.first if cause else None
        about = {"chunk": self._chunk.fence, "outcome": outcome, "cause": cause, "exit": None, "signal": None, "item": item, "done": 0}
        self._saying = deque([iter([encode(b"Z", dict(usage, **about))])])

    def _note(self, text):
        self._writer.send(b"N", {"chunk": self._chunk.fence, "portion": 0, "text": text})

    def _placed(self, row, stands):
        self._writer.send(b"W", {"chunk": self._chunk.fence, "row": row, "stands": stands})

    # What the worker says

    def _take_frames(self):
        for _ in range(FRAMES_A_TURN):
            frame = self._reader.read()
            if frame is None:
                break
            try:
                self._takes[frame.kind](frame)
            except (LookupError, TypeError, ValueError, AttributeError) as error:
                raise FrameError("a frame %r that makes no sense: %s" % (frame.kind, error))
        if self._reader.ended:
            raise PipeClosed()

    def _take_chunk(self, frame):
        if self._chunk is not None:
            raise FrameError("a second chunk for a program")
        self._chunk = Chunk(frame.header())

    def _seal(self, frame):
        """E, directly behind C: the program may begin."""
        self._chunk.sealed = frame
        self._start()

    def _record(self, frame):
        if self._chunk is not None:
            raise FrameError("a record after the program has begun")
        self._records.append(frame)

    def _pass_on(self, frame):
        if self._is_at_work:
            self._desk.take(frame)

    def _signal(self, frame):
        if self._is_at_work:
            self._process.send_signal(frame.header()["signal"])

    def _cancel(self, frame):
        """X; one that waits for its portions is not silent, whatever it looks like from outside."""
        header = frame.header()
        if self._chunk is None or header["chunk"] != self._chunk.fence or not self._is_at_work or self._farewell is not None:
            return
        if header.get("cause") == "silence" and self._desk.is_waiting:
            return
        self._farewell = Farewell(self._process.pid, header)
        if self._process.is_over:
            self._close(self._farewell.outcome, self._farewell.cause)

    def _quit(self, frame):
        self._is_quitting = True


def _desk(*args):
    from marx.runner.keeper_desk import Desk

    return Desk(*args)
