"""What a child says on its private pipe, in the frames that the runner passes on: results, files, its end."""

from __future__ import absolute_import

import fcntl

from marx.runner.board import AT_WORK, NOBODY
from marx.runner.pipe import PART_BYTES, joined, to_json, write_all
from marx.runner.values import Lines, flat_lines, lines_of, pickled_lines, too_long

#: R's header, as JSON: filling it in takes a tenth of what encoding an object does, and most chunks are short.
RESULTS = '{"chunk":%d,"portion":%d,"first":%d,"count":%d,"codec":"%s","failed":%r,"seconds":%r}'

#: More than this in one frame is worth a larger pipe.
NARROW_BYTES = 32 << 10
#: So few that one frame holds them even if their paths are as long as can be.
FILES_AT_ONCE = 32
#: Linux's number for setting a pipe's size; as much as an ordinary user may ask for.
F_SETPIPE_SZ, PIPE_BYTES = 1031, 1 << 20


class Reports(object):
    """Speaks of one chunk, given by its fence and portion. ``max_value``: bytes of one result line. Everything may raise OSError."""

    def __init__(self, descriptor, chunk, max_value):
        self._descriptor = descriptor
        self._chunk = chunk
        self._place = {"chunk": chunk.fence, "portion": chunk.portion}
        self._max_value = max_value
        self._is_wide = False

    def results(self, outcomes, first, seconds, board):
        """The outcomes of items from ``first`` on, which took ``seconds`` together. ``board``: says which of them is looked at."""
        flat = flat_lines(outcomes)
        if flat is not None and len(flat) <= PART_BYTES:
            self._results(first, len(outcomes), "values", [], seconds, flat)
            return
        if flat is not None:
            shown = Lines("values", flat.split(b"\n"), [])
        else:
            shown = lines_of(outcomes, lambda place: board.__setitem__(AT_WORK, first + place))
            board[AT_WORK] = NOBODY
        self._stretches(shown, first, seconds / len(outcomes))

    def artifact(self, item, header, part):
        """A part of a file; ``item`` is None where several may have made it."""
        self._send(b"A", dict(self._place, item=item, **header), part)

    def files_seen(self, told):
        """To the runner alone: what it learns for the next chunk's comparison."""
        for begin in range(0, len(told), FILES_AT_ONCE):
            self._send(b"S", {"files": told[begin : begin + FILES_AT_ONCE]})

    def note(self, text):
        """One sentence for the task's log."""
        self._send(b"N", dict(self._place, text=text))

    def finished(self):
        """To the runner alone: every item has its result, and nothing more comes."""
        self._send(b"Z", self._place)

    def _stretches(self, shown, first, each):
        """Lines in as few frames as their sizes allow."""
        begin, size, failed = 0, 0, set(shown.failed)
        for place, line in enumerate(shown.lines):
            if size and size + len(line) >= PART_BYTES:
                self._stretch(shown, begin, place, first, each, failed)
                begin, size = place, 0
            if len(line) > PART_BYTES:
                self._long(line, shown.codec, first + place, place in failed, each)
                begin = place + 1
            else:
                size += len(line) + 1
        if begin < len(shown.lines):
            self._stretch(shown, begin, len(shown.lines), first, each, failed)

    def _stretch(self, shown, begin, stop, first, each, failed):
        payload = shown.joint.join(shown.lines[begin:stop])
        absolute = [first + place for place in range(begin, stop) if place in failed] if failed else []
        self._results(first + begin, stop - begin, shown.codec, absolute, each * (stop - begin), payload)

    def _long(self, line, codec, item, is_failed, seconds):
        if len(line) > self._max_value:
            self._results(item, 1, "entries", [item], seconds, too_long(len(line), self._max_value))
            return
        end = {"codec": codec, "failed": [item] if is_failed else [], "seconds": seconds}
        for offset in range(0, len(line), PART_BYTES):
            part = line[offset : offset + PART_BYTES]
            last = offset + len(part) == len(line)
            header = dict(self._place, item=item, offset=offset, total=len(line), last=last)
            self._send(b"V", dict(header, **end) if last else header, part)

    def _results(self, first, count, codec, failed, seconds, payload):
        text = RESULTS % (self._chunk.fence, self._chunk.portion, first, count, codec, failed, seconds)
        self._write(b"R", text.encode("ascii"), payload)

    def _send(self, kind, header, payload=b""):
        self._write(kind, to_json(header), payload)

    def _write(self, kind, header, payload):
        if len(payload) > NARROW_BYTES and not self._is_wide:
            self._widen()
        write_all(self._descriptor, joined(kind, header, payload))

    def _widen(self):
        """A larger pipe, so that many bytes take fewer turns of two processes."""
        self._is_wide = True
        try:
            fcntl.fcntl(self._descriptor, F_SETPIPE_SZ, PIPE_BYTES)
        except (IOError, OSError):
            pass  # not Linux, or this user has many


class PickleReports(Reports):
    """The same for outcomes that are (whether it succeeded, pickle), or a `Failure`."""

    def results(self, outcomes, first, seconds, board):
        """See `Reports`."""
        each = seconds / len(outcomes)
        for shown in pickled_lines(outcomes):
            self._stretches(shown, first, each)
            first += len(shown.lines)


def reports_for(task, descriptor, chunk):
    """What a child at a chunk of a task speaks with."""
    return (PickleReports if task["kind"] == "portion" else Reports)(descriptor, chunk, task["max_value"])
