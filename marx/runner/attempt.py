"""One child's life, seen from the runner: what it may say, how it ends, and what it leaves behind."""

from __future__ import absolute_import

import os
import signal

from marx.runner.board import AT_WORK, HURRY
from marx.runner.compat import elapsed, monotonic
from marx.runner.farewell import Farewell
from marx.runner.overdue import ItemClock
from marx.runner.pipe import FrameError, FrameReader
from marx.runner.processes import sweep, wait
from marx.runner.shortening import Shortening

#: Results that are there leave after so much time, even if the items behind them are slower than expected.
HURRY_MILLISECONDS = 5
#: Between two looks at a child that goes on saying nothing.
LOOK_MILLISECONDS = 50
#: As many frames of a child are passed on before the worker is listened to again: it may want to cancel.
FRAMES_A_TURN = 16

SPOILED = "a chunk was given up since its program wrote into a descriptor that is not its own, where results go"


class Chunk(object):
    """Items ``first`` to ``first + count``. ``sealed`` is the frame with its secret, not to be opened before the fork."""

    def __init__(self, header):
        self.fence, self.portion = header["chunk"], header["portion"]
        self.first, self.count = header["first"], header["count"]
        self.mark = header["mark"].encode("ascii")
        self.sealed = None

    def header(self):
        """What it was made from."""
        count, mark = self.stop - self.first, self.mark.decode("ascii")
        return {"chunk": self.fence, "portion": self.portion, "first": self.first, "count": count, "mark": mark}

    @property
    def stop(self):
        """The index after the last item."""
        return self.first + self.count


class Attempt(object):
    """A child at a chunk. ``descriptor``: where it speaks. ``board``: shared with it. ``learn`` is told what files it has seen.

    ``limits``: of T. ``clock``: of the item at work.
    """

    def __init__(self, chunk, pid, descriptor, board, learn, limits):
        self.chunk = chunk
        self.descriptor = descriptor
        self.is_over = False
        self._pid = pid
        self._reader = FrameReader(descriptor)
        self._board = board
        self._learn = learn
        self.clock = ItemClock(board, limits.get("item_seconds"))
        self.shortening = Shortening(board)
        self._farewell = None
        self._last_item = None
        self._began_at = monotonic()
        self._next = chunk.first
        self._has_finished = self._is_spoiled = False
        self._status = self._usage = None

    def relay(self, writer):
        """Pass on what the child has said, as long as the worker takes it. Raises `PipeClosed`."""
        for _ in range(FRAMES_A_TURN):
            if self.is_over or writer.is_full or not self._pass_one(writer):
                return

    @property
    def patience_milliseconds(self):
        """How long the child may say nothing until `look` is to be called."""
        return LOOK_MILLISECONDS if self._board[HURRY] and not self.shortening.is_wanted else HURRY_MILLISECONDS

    def look(self):
        """It has said nothing for a while: ask for results, and see whether it died while a process that it made still holds its pipe."""
        self._board[HURRY] = 1
        while self._usage is None:
            pid, status, usage = wait(-1, os.WNOHANG)
            if not pid:
                return
            self._reaped(pid, status, usage)

    def watch(self, writer):
        """To be called many times a second: whether its item has taken too long, it goes when it was asked to, and what it gives back."""
        stop = self.shortening.settled()
        if stop is not None and stop < self.chunk.stop and self._farewell is None and not self.is_over:
            self._give_back(stop, writer)
        if self._farewell is not None:
            self.is_over = self.is_over or self._farewell.is_due
        elif self.clock.overdue() is not None:
            self.dismiss({"cause": "item-timeout"})

    def dismiss(self, header):
        """It has to go, see `Farewell`; what it says from now on does not count."""
        if self._farewell is None and not self.is_over:
            self._last_item = self._board[AT_WORK]
            self._farewell = Farewell(self._pid, header)

    def kill(self):
        """End it and everything that it has started."""
        if self._usage is None:
            os.kill(self._pid, signal.SIGKILL)
            self._reaped(*wait(self._pid))
        sweep(self._pid)

    def end(self, writer):
        """It is over: kill what is left of it, pass on what it has said, and return the header of Z."""
        self.kill()
        while self._farewell is None and not (self._has_finished or self._is_spoiled) and self._pass_one(writer):
            pass
        if self._is_spoiled:
            writer.send(b"N", {"text": SPOILED})
        elif self._has_finished and self._next < self.chunk.stop:
            self._give_back(self._next, writer)
        os.close(self.descriptor)
        return self._ended()

    def _give_back(self, stop, writer):
        """The items from ``stop`` on were not begun, and will not be."""
        self.chunk.count = stop - self.chunk.first
        writer.send(b"G", {"chunk": self.chunk.fence, "stop": stop})

    def _pass_one(self, writer):
        """Take one frame, if there is one; whether there was."""
        try:
            frame = self._reader.read()
            if frame is not None and self._farewell is None and self._may_pass(frame):
                writer.send_raw(frame.raw)
        except (FrameError, LookupError, TypeError, ValueError, AttributeError):
            self._is_spoiled = self.is_over = True
            return False
        self.is_over = self.is_over or self._reader.ended
        return frame is not None

    def _may_pass(self, frame):
        """Whether a frame is for the worker. Raises `FrameError` if this child could not have sent it."""
        header = frame.header()
        if frame.kind == b"S":
            self._learn(header["files"])
            return False
        if header["chunk"] != self.chunk.fence or header["portion"] != self.chunk.portion:
            raise FrameError("a frame of another chunk")
        if frame.kind == b"Z":
            if self._next != self.chunk.stop and not self.shortening.may_end_at(self._next):
                raise FrameError("an end before the last item")
            self._has_finished = self.is_over = True
            return False
        self._count(frame.kind, header)
        return True

    def _count(self, kind, header):
        if kind == b"R":
            if header["first"] != self._next or not 0 < header["count"] <= self.chunk.stop - self._next:
                raise FrameError("results out of turn")
            self._next += header["count"]
        elif kind == b"V":
            if header["item"] != self._next or self._next >= self.chunk.stop:
                raise FrameError("a value out of turn")
            self._next += bool(header["last"])
        elif kind not in (b"A", b"N"):
            raise FrameError("a frame that no child sends")

    def _reaped(self, pid, status, usage):
        if pid == self._pid:
            self._status, self._usage = status, usage
            self.is_over = True

    def _ended(self):
        farewell = self._farewell
        outcome = farewell.outcome if farewell else "succeeded" if self._has_finished else "died"
        # One that had finished may have been killed on its way out; that is no news.
        status = 0 if self._has_finished else self._status
        item = self._board[AT_WORK] if farewell is None else self._last_item
        return {
            "chunk": self.chunk.fence,
            "outcome": outcome,
            "cause": farewell.cause if farewell else "",
            "exit": os.WEXITSTATUS(status) if os.WIFEXITED(status) else None,
            "signal": os.WTERMSIG(status) if os.WIFSIGNALED(status) else None,
            "item": item if outcome == "died" and self._next <= item < self.chunk.stop else None,
            "done": self._next - self.chunk.first,
            "cpu_seconds": self._usage.ru_utime + self._usage.ru_stime,
            "wall_seconds": elapsed(self._began_at),
            "max_rss_kb": self._usage.ru_maxrss,
        }
