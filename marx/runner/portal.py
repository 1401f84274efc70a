"""The program's side of the portal: how stand-ins inside the user's program open portions and hear of their results.

The other end is the keeper (`keeper`), the format that of `pipe`, on a pair of sockets of which this process holds one that no
executed program inherits.

program to keeper                                    keeper to program
  S scan     what did the program change?              s {"changed"}
  K state    in parts: what items must see
  O open     a portion                                 o {"portion"}     it was looked at what the program has changed
  I items    records, in parts above 1 MiB             G {"portion", "first", "count", "codec", "known"}   results, in parts
  D drop     nobody wants them any more                Y {"portion", "reason"}   its items must be served here
  N note     one sentence for the task's log

Records: see `records`. Portions are numbered 1, 2, 3, ... as they are opened. What the program has printed is flushed before each O of
what goes to the lab and each I, so that it is stored before anything that items print; a flush may be the program's own code.

A process that the program forks has no portal: `current` says None there, and the real classes do their work.
"""

from __future__ import absolute_import

import errno
import json
import os
import signal
import threading
import time
import traceback

from marx.runner import bootstrap
from marx.runner.compat import keep_to_ourselves, monotonic
from marx.runner.flushing import flush_standard
from marx.runner.pipe import FRAME_LIMIT, LEAD, PACK_BYTES, Frame, FrameError, encode, write_all
from marx.runner.records import joined_records, split_records
from marx.runner.threads import Unseen, end_one, is_unseen

#: Seconds between two looks of a thread of the program's while it waits: the main one of 2.7 takes a signal only then.
LOOK_SECONDS = 0.05
#: Seconds after a hang-up in which a keeper that has died is certainly seen to have; its descriptors are closed before that is to be seen.
DYING_SECONDS = 1.0

_portal = None
_connecting = threading.Lock()


class PortalClosed(Exception):
    """The keeper is gone, or did not understand us: nothing more goes to the lab, and nothing comes from there."""


def connect(descriptor, slots):
    """Be this process's portal, on a socket to the keeper. ``slots``: how many the lab promises. To be called once."""
    global _portal
    keep_to_ourselves(descriptor)
    _portal = Portal(descriptor, slots)
    return _portal


def current():
    """The `Portal` of this process; None in one that it forked, where there is no keeper, or after the keeper went away."""
    granted = bootstrap.granted
    if _portal is None and granted is not None and granted.pid == os.getpid():
        with _connecting:
            if _portal is None:
                connect(granted.descriptor, granted.slots)
    if _portal is None or _portal.pid != os.getpid() or _portal.closed:
        return None
    return _portal


class Opened(object):
    """A portion that was opened. ``portion`` is its number, for `Portal.send` and `Portal.drop`."""

    __slots__ = ("portion",)

    def __init__(self, portion):
        self.portion = portion


class Portal(object):
    """Speaks with the keeper; every method may be called in any thread of process ``pid``, and raises `PortalClosed`.

    ``slots``: how many the lab promised when the program began. ``closed``: nothing can be said any more.
    """

    def __init__(self, descriptor, slots):
        self.slots = slots
        self.closed = False
        self.pid = os.getpid()
        self._keeper = os.getppid()
        self._descriptor = descriptor
        self._sending = threading.Lock()
        self._scanning = threading.Lock()
        self._portions = {}
        self._drawn = self._states = 0
        self._scanned = None
        self._reader = None

    def listen(self):
        """Have the keeper's answers read from now on, while a thread can still be started: at the end of a program none can."""
        with self._sending:
            if self._reader is None:
                end_one()
                self._reader = Unseen(self._read_all)

    def send_state(self, content):
        """Give the keeper what items of portions must see, bytes; the number by which `open` names it."""
        with self._sending:
            self._states += 1
            self._send_parts(b"K", {"state": self._states}, content)
            return self._states

    def open(self, call, state, listener, place="lab", reason=""):
        """Begin a portion; an `Opened`. Waits until it was looked at which files the program has changed.

        ``call``: {"file", "line", "kind", "function"}. ``listener`` has ``returned(first, outcomes)`` and ``refused(reason)``, which the
        reader thread calls; an outcome is ("pickles", bytes) or ("entries", {"type", "message", ...}). A portion whose ``place`` is
        "home" is only told of, with the ``reason`` why it stays.
        """
        if place != "home":
            flush_standard()
        self.listen()
        with self._sending:
            self._drawn += 1
            portion = self._portions[self._drawn] = _Listening(self._drawn, listener)
            self._send(b"O", {"portion": portion.number, "call": call, "place": place, "reason": reason, "state": state})
        self._await(portion.opened)
        if place == "home":
            self._portions.pop(portion.number, None)
        return Opened(portion.number)

    def send(self, portion, records, final=False):
        """Give items to a portion: ``records`` are their pickles. ``final``: these are the last."""
        flush_standard()
        content = joined_records(records)
        with self._sending:
            listening = self._portions.get(portion)
            if listening is not None:
                listening.sent += len(records)
                listening.is_final = listening.is_final or final
            self._send_parts(b"I", {"portion": portion, "count": len(records), "final": final}, content)
        self._forget_if_done(listening)

    def drop(self, portion):
        """Nobody wants more results of a portion. Those under way may still come to its listener until this returns."""
        with self._sending:
            self._portions.pop(portion, None)
            self._send(b"D", {"portion": portion})

    def note(self, text):
        """One sentence for the task's log."""
        with self._sending:
            self._send(b"N", {"text": text})

    def files_changed(self):
        """Have the keeper look at the program's folders; whether it found something since it looked last."""
        with self._scanning:
            answer = self._scanned = _Answer()
            self.listen()
            with self._sending:
                self._send(b"S", {"portion": None})
            return self._await(answer)

    # Saying

    def _send_parts(self, kind, header, content):
        for offset in range(0, len(content) or 1, PACK_BYTES):
            part = content[offset : offset + PACK_BYTES]
            self._send(kind, dict(header, offset=offset, total=len(content)), part)

    def _send(self, kind, header, payload=b""):
        if self.closed or self.pid != os.getpid():
            raise PortalClosed("the keeper is gone")
        try:
            write_all(self._descriptor, encode(kind, header, payload))
        except (IOError, OSError) as error:
            self.closed = True
            if error.errno == errno.EPIPE:
                self._end_with_keeper()
            raise PortalClosed(str(error))
        except BaseException:  # KeyboardInterrupt, most likely behind half a frame, after which nothing can be said
            self.closed = True
            raise

    def _await(self, answer):
        """What the keeper answers. The reader itself goes on reading meanwhile."""
        seconds = None if is_unseen() else LOOK_SECONDS
        while not answer.event.is_set():
            if self._reader.is_current:
                self._take(self._read())
            else:
                answer.event.wait(seconds)
        if answer.value is None:
            raise PortalClosed("the keeper is gone")
        return answer.value

    # Hearing

    def _read_all(self):
        try:
            while True:
                self._take(self._read())
        except EOFError:
            if os.getpid() == self.pid:
                self._end_with_keeper()
                self._lost()
        except (IOError, OSError, FrameError, LookupError, TypeError, ValueError):
            if os.getpid() == self.pid:
                self._lost()

    def _end_with_keeper(self):
        """The keeper has hung up, or died: then this process is about to be killed, and must not serve its portions itself meanwhile.

        What it would print so counts as this attempt's, and the next one prints something else.
        """
        until = monotonic() + DYING_SECONDS
        while os.getppid() == self._keeper and monotonic() < until:
            time.sleep(0.01)
        if os.getppid() != self._keeper:
            os.kill(os.getpid(), signal.SIGKILL)

    def _lost(self):
        with self._sending:  # who waits for an answer has asked before, or finds it closed
            self.closed = True
            listening, self._portions = list(self._portions.values()), {}
        if self._scanned is not None:
            self._scanned.event.set()
        for each in listening:
            each.opened.event.set()
            each.refused("the keeper is gone")

    def _take(self, frame):
        header = frame.header()
        if frame.kind == b"s":
            self._scanned.answer(header["changed"])
            return
        listening = self._portions.get(header["portion"])
        if listening is None:
            return
        if frame.kind == b"o":
            listening.opened.answer(True)
        elif frame.kind == b"G":
            listening.take(header, frame.payload())
            self._forget_if_done(listening)
        elif frame.kind == b"Y":
            listening.refused(header["reason"])

    def _forget_if_done(self, listening):
        if listening is not None and listening.is_done:
            self._portions.pop(listening.number, None)

    def _read(self):
        length, kind, header_length = lead = LEAD.unpack(self._read_exactly(LEAD.size))
        if length > FRAME_LIMIT or header_length > length:
            raise FrameError("a frame of %d bytes" % length)
        return Frame(kind, LEAD.pack(*lead) + self._read_exactly(length), header_length)

    def _read_exactly(self, count):
        parts = []
        while count:
            try:
                part = os.read(self._descriptor, count)
            except OSError as error:
                if error.errno == errno.EINTR:
                    continue
                raise
            if not part:
                raise EOFError()
            parts.append(part)
            count -= len(part)
        return b"".join(parts)


class _Answer(object):
    """What a thread waits for."""

    def __init__(self):
        self.event = threading.Event()
        self.value = None

    def answer(self, value):
        self.value = value
        self.event.set()


class _Listening(object):
    """An open portion, with what has come of a result that travels in parts."""

    def __init__(self, number, listener):
        self.number = number
        self.opened = _Answer()
        self.sent = 0
        self.is_final = False
        self._listener = listener
        self._returned = 0
        self._parts = []
        self._size = 0

    @property
    def is_done(self):
        """Nothing more can come."""
        return self.is_final and self._returned >= self.sent

    def take(self, header, part):
        """G."""
        if not header.get("offset"):
            self._parts, self._size = [], 0
        self._parts.append(part)
        self._size += len(part)
        if self._size < header.get("total", len(part)):
            return
        content = b"".join(self._parts)
        self._parts, self._size = [], 0
        self._hand_on(header["first"], outcomes_of(header["codec"], content), header.get("known", ()))

    def refused(self, reason):
        """Y."""
        self._call(self._listener.refused, reason)

    def _hand_on(self, first, outcomes, known):
        """Without those that ``known`` names as [first, count]: the program has them."""
        begin = first
        for known_first, count in list(known) + [(first + len(outcomes), 0)]:
            if begin < known_first:
                self._returned += known_first - begin
                self._call(self._listener.returned, begin, outcomes[begin - first : known_first - first])
            begin = known_first + count

    def _call(self, method, *args):
        try:
            method(*args)
        except Exception:  # the reader must live on: others wait for what it brings
            traceback.print_exc()


def outcomes_of(codec, content):
    """The outcomes in a pack of results, as a listener gets them. Raises `FrameError`, LookupError, ValueError."""
    if codec == "pickles":
        return [("pickles", record) for record in split_records(content)]
    return [("entries", json.loads(line.decode("utf-8"))["error"]) for line in content.split(b"\n")]
