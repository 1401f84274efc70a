"""
The outbox's file: unanswered reports outlive the daemon.

Reports that were answered soon never touch the disk: only what is still unanswered after a moment is written, so a quick server costs
nothing. A daemon that dies within this moment loses reports, and with them no more than work that the server gives out again. No fsync: the
kernel keeps what was written when the process is killed, and after a power cut the leases are long gone.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from struct import Struct
from typing import Iterable, Iterator, Sequence

from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.logger import Logger

from marx.wire.reports import Report, as_list, from_list
from marx.worker.outbox import Entry, Outbox

log = Logger()

#: Seconds before an unanswered report is written.
SAVE_SECONDS = 0.25

#: Bytes beyond what is unanswered that the file may have before it is written anew.
SLACK_BYTES = 16 << 20

#: Bytes that are written at a time.
WRITE_BYTES = 256 << 10

_LEAD = Struct(">IIQ")


class Journal:
    """The file at ``path``: records of reports in their order, those that were answered since among them."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file: int | None = None
        self._size = 0
        self._last = 0

    def load(self) -> list[tuple[Report, bytes, int]]:
        """What an earlier daemon left (report, payload, bytes of its blob); a record that was cut short by its death is not there."""
        try:
            return list(_records(self._path.read_bytes()))
        except FileNotFoundError:
            return []

    def save(self, unanswered: Sequence[Entry]) -> None:
        """Bring the file up to date. Raises OSError where the disk is full; the file is then written anew the next time."""
        held = sum([entry.size for entry in unanswered])
        try:
            if self._file is None or self._size > held + SLACK_BYTES or (self._size and not unanswered):
                self._replace(unanswered)
            else:
                self._add(entry for entry in unanswered if entry.number > self._last)
        except OSError:
            self.close()
            raise
        if unanswered:
            self._last = unanswered[-1].number

    def close(self) -> None:
        """Let go of the file; what is in it stays."""
        if self._file is not None:
            os.close(self._file)
            self._file = None

    def _replace(self, entries: Iterable[Entry]) -> None:
        self.close()
        fresh = self._path.with_name(self._path.name + ".new")
        self._file = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        self._size = 0
        self._add(entries)
        os.replace(fresh, self._path)

    def _add(self, entries: Iterable[Entry]) -> None:
        """Write records, some at a time: a full outbox would else be in memory three times."""
        records: list[bytes] = []
        size = 0
        for entry in entries:
            records.append(_record(entry))
            size += len(records[-1])
            if size >= WRITE_BYTES:
                self._append(b"".join(records))
                records, size = [], 0
        self._append(b"".join(records))

    def _append(self, content: bytes) -> None:
        assert self._file is not None
        view = memoryview(content)
        while view:
            written = os.write(self._file, view)
            self._size += written
            view = view[written:]


class JournalKeeper:
    """Saves ``outbox`` a moment after it changed, for as long as something in it is unanswered."""

    def __init__(self, clock: IReactorTime, journal: Journal, outbox: Outbox) -> None:
        self._clock = clock
        self._journal = journal
        self._outbox = outbox
        self._due: IDelayedCall | None = None

    def touch(self) -> None:
        """Something was put into the outbox."""
        if self._due is None:
            self._due = self._clock.callLater(SAVE_SECONDS, self._save_and_go_on)

    def stop(self) -> None:
        """Save now and for the last time."""
        if self._due is not None:
            self._due.cancel()
            self._due = None
        self._save()
        self._journal.close()

    def _save_and_go_on(self) -> None:
        self._due = None
        self._save()
        if not self._outbox.is_empty:
            self.touch()

    def _save(self) -> None:
        try:
            self._journal.save(self._outbox.unanswered())
        except OSError as error:
            log.error("unanswered reports cannot be kept on disk: {error}", error=error)


def _record(entry: Entry) -> bytes:
    text = json.dumps(as_list(entry.report)).encode("ascii")
    return b"".join((_LEAD.pack(len(text), len(entry.payload), entry.spooled), text, entry.payload))


def _records(content: bytes) -> Iterator[tuple[Report, bytes, int]]:
    position = 0
    while position + _LEAD.size <= len(content):
        text_size, payload_size, spooled = _LEAD.unpack_from(content, position)
        text_at = position + _LEAD.size
        payload_at = text_at + text_size
        position = payload_at + payload_size
        if position > len(content):
            return
        try:
            report = from_list(json.loads(content[text_at:payload_at]))
        except ValueError:
            return
        yield report, content[payload_at:position], spooled
