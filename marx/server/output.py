"""
Output of chunks that are tried again: each byte that an item wrote is delivered once.

The first attempt's output is stored as it comes, unopened. When another attempt of the same items writes, what is stored of them is read
back, and what is the same is skipped. Where a second attempt wrote something else, all of it is delivered: hiding it would be worse.
"""

from __future__ import annotations

from collections import defaultdict
from typing import Any

from marx.core.model import Lease
from marx.server.directory import Directory
from marx.server.records import NewOutput
from marx.server.store import Store
from marx.wire.packs import STDERR, Segment, pack_output, unpack_output
from marx.wire.reports import OutputReport

#: Items by (item, stream), with what was delivered of each from its first byte on.
Delivered = dict[tuple[int, int], bytearray]


class OutputIntake:
    """Rows for output reports. ``limit``: bytes that one task may print; then its output is cut, and that is said."""

    def __init__(self, store: Store, directory: Directory, limit: int) -> None:
        self._store = store
        self._directory = directory
        self._limit = limit

    async def rows(self, report: OutputReport, payload: bytes, lease: Lease, again: bool) -> list[Any]:
        """The rows to store. ``again``: another attempt may have written for these items."""
        live = self._directory.tasks.get(report.task)
        if live is None or live.output_bytes > self._limit:
            return []
        if again:
            # What is still on its way to the disk counts as delivered, too.
            await self._store.write()
            stored = await self._store.output_of_items(report.task, report.portion, report.first, report.last)
            payload = without_delivered(payload, report.first, delivered_of(stored))
        rows = [NewOutput(report.task, report.portion, report.first, report.last, lease.worker, report.at_utc, payload)] if payload else []
        live.output_bytes += len(payload)
        if live.output_bytes > self._limit:
            said = f"marx: the task printed more than {self._limit:,} bytes; the rest is cut\n".encode()
            cut = pack_output([Segment(report.last, STDERR, 0, said)], report.last)
            rows.append(NewOutput(report.task, report.portion, report.last, report.last, lease.worker, report.at_utc, cut))
        return rows


def delivered_of(rows: Any) -> Delivered:
    """What the stored output of some items comes to."""
    delivered: Delivered = defaultdict(bytearray)
    for row in rows:
        for segment in unpack_output(row.payload, row.first):
            text = delivered[segment.item, segment.stream]
            if segment.offset == len(text):
                text += segment.content
    return delivered


def without_delivered(payload: bytes, first: int, delivered: Delivered) -> bytes:
    """An output pack without the bytes that were delivered before and are the same."""
    kept = []
    for segment in unpack_output(payload, first):
        text = delivered.get((segment.item, segment.stream), b"")
        before = bytes(text[segment.offset : segment.offset + len(segment.content)])
        if segment.content.startswith(before):
            rest = segment.content[len(before) :]
            if rest:
                kept.append(Segment(segment.item, segment.stream, segment.offset + len(before), rest))
        else:
            kept.append(segment)
    return pack_output(kept, first)
