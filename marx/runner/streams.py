"""What the program finds as sys.stdout and sys.stderr: line by line onto descriptors 1 and 2, with marks that say whose bytes follow.

Installed before the program is loaded, so that what it wraps around them, or keeps of them, stays right in every child. Whole lines go
out at once; a line's beginning waits for its end, for a flush, or for another item's bytes.

Each thread has a line of its own in the making. That needs no lock, which a fork could leave locked for ever in a process that the
program makes, and lines of two threads do not mix.
"""

from __future__ import absolute_import

import atexit
import io
import sys
from collections import deque

from marx.runner.board import AT_WORK, NOBODY
from marx.runner.compat import IS_2, TEXT, get_ident
from marx.runner.flushing import flush_standard
from marx.runner.pipe import write_all

#: A line that gets no end is kept back up to so many writes, or a write of so many bytes.
MANY_PIECES, LARGE_PIECE = 256, 8192


class Attribution(object):
    """Whose bytes are written. Processes that items fork share the board, too."""

    def __init__(self):
        self.board = [NOBODY]
        self.mark = b""

    def begin(self, mark, board):
        """From now on the bytes belong to items of a chunk; ``mark`` is its 16 hexadecimal digits."""
        self.board = board
        self.mark = mark

    def mark_of(self, item):
        """What stands in front of an item's bytes."""
        return b"\0" + self.mark + (":%d\n" % item).encode("ascii")


class MarkedStream(io.BufferedIOBase):
    """The bytes of one stream. ``name`` is "<stdout>" or "<stderr>"."""

    mode = "wb"

    def __init__(self, descriptor, name, attribution):
        self.name = name
        self._descriptor = descriptor
        self._attribution = attribution
        self._lines = {}
        self._item = self._marked = NOBODY

    @property
    def raw(self):
        """Itself: nothing is buffered below."""
        return self

    def fileno(self):
        """1 or 2."""
        return self._descriptor

    def writable(self):
        """Yes."""
        return True

    def write(self, content):
        """Take bytes; how many. Raises ValueError after `close`, OSError when nobody reads any more."""
        if self.closed:
            raise ValueError("I/O operation on closed file.")
        item = self._attribution.board[AT_WORK]
        if item != self._item and item != NOBODY:
            self._turn(item)
        content = bytes(content)
        thread = get_ident()
        line = self._lines.get(thread)
        if line is None:
            line = self._lines.setdefault(thread, deque())
        line.append(content)
        if b"\n" in content or b"\r" in content or len(content) >= LARGE_PIECE or len(line) >= MANY_PIECES:
            self._put(line)
        return len(content)

    def flush(self):
        """Write unfinished lines, too."""
        if self._lines:
            for line in list(self._lines.values()):
                self._put(line)

    def begin_chunk(self, first):
        """The runner has marked the item ``first`` on this stream."""
        self._item = self._marked = first

    def settle(self, item):
        """Write unfinished lines; ``item`` was the last at work, and what its threads write from now on belongs to it."""
        self._turn(item)

    def show(self, item):
        """Mark what comes as an item's, so that bytes which do not come through here are its own."""
        self._turn(item)
        if self._marked != item:
            self._marked = item
            write_all(self._descriptor, self._attribution.mark_of(item))

    def _turn(self, item):
        """An item is at work; what waits belongs to the one before."""
        self.flush()
        self._item = item

    def _put(self, line):
        """Write what one thread has waiting. Each piece is taken once, whoever else does the same at this moment."""
        pieces = []
        if self._marked != self._item:
            self._marked = self._item
            pieces.append(self._attribution.mark_of(self._item))
        try:
            while True:
                pieces.append(line.popleft())
        except IndexError:
            write_all(self._descriptor, b"".join(pieces))


class OldStream(object):
    """The same as a `file` of Python 2: takes str and unicode, and has the attribute that its print statement keeps there."""

    softspace = 0
    mode = "w"
    newlines = None

    def __init__(self, marked, original):
        self._marked = marked
        self.name = marked.name
        self.encoding = original.encoding
        self.errors = original.errors

    def write(self, text):
        """Take text. Raises UnicodeEncodeError, ValueError after `close`."""
        if isinstance(text, TEXT):
            text = text.encode(self.encoding or sys.getdefaultencoding(), self.errors or "strict")
        elif not isinstance(text, str):
            text = str(buffer(text))  # noqa: F821
        self._marked.write(text)

    def writelines(self, lines):
        """Take texts."""
        for line in lines:
            self.write(line)

    def flush(self):
        """Write unfinished lines, too."""
        if self.closed:
            raise ValueError("I/O operation on closed file")
        self._marked.flush()

    def close(self):
        """Take nothing more. The descriptor stays open."""
        self._marked.close()

    @property
    def closed(self):
        """Whether `close` was called."""
        return self._marked.closed

    def fileno(self):
        """1 or 2."""
        return self._marked.fileno()

    def isatty(self):
        """No."""
        return False

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


class Streams(object):
    """Both streams. To be made and installed once, before the program is loaded."""

    def __init__(self):
        self.attribution = Attribution()
        self.marked = [MarkedStream(1, "<stdout>", self.attribution), MarkedStream(2, "<stderr>", self.attribution)]
        self._texts = []

    def install(self):
        """Be sys.stdout and sys.stderr."""
        flush_standard()
        self._texts = [_text_stream(marked, original) for marked, original in zip(self.marked, (sys.stdout, sys.stderr))]
        sys.stdout, sys.stderr = sys.__stdout__, sys.__stderr__ = self._texts
        # Registered before anything of the program's, so called after: what that prints must come out in 2.7, too.
        atexit.register(self.flush)

    def begin_chunk(self, mark, first, board):
        """In a child: the runner has marked the item ``first``."""
        self.attribution.begin(mark, board)
        for marked in self.marked:
            marked.begin_chunk(first)

    def show(self, item):
        """Mark an item on both."""
        for marked in self.marked:
            marked.show(item)

    def flush(self):
        """Write everything that the program has printed and that waits anywhere."""
        flush_standard()
        for marked in self.marked:
            marked.flush()

    def settle(self, item):
        """The same after a batch, of which ``item`` was the last."""
        flush_standard()
        for marked in self.marked:
            marked.settle(item)

    @property
    def are_ours(self):
        """Whether the program prints to these, and not to something of its own around them that keeps bytes back."""
        return sys.stdout is self._texts[0] and sys.stderr is self._texts[1]


def _text_stream(marked, original):
    if IS_2:
        return OldStream(marked, original)
    return io.TextIOWrapper(marked, encoding=original.encoding, errors=original.errors, newline="\n", write_through=True)  # novm
