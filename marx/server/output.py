"""
Output of chunks and programs that are tried again: each byte that an item wrote is delivered once.

The first attempt's output is stored as it comes, once it is seen to be a pack. When another attempt of the same items writes, what is stored of them is read
back, and what is the same is skipped. Where a second attempt wrote something else, all of it is delivered: hiding it would be worse.
What an attempt writes for items whose results have come from another one is not.
"""

from __future__ import annotations

from collections import OrderedDict, defaultdict
from dataclasses import replace
from typing import Any, Callable

from twisted.internet.defer import DeferredLock

from marx.core.model import Lease
from marx.server.cursors import READ_BYTES
from marx.server.directory import Directory, LiveTask
from marx.server.records import NewOutput
from marx.server.store import Store
from marx.wire.calls import BadRequest
from marx.wire.packs import STDERR, Segment, check_output, pack_output, unpack_output
from marx.wire.reports import OutputReport

#: An item and one of its streams.
Place = tuple[int, int]
#: What was delivered of each from its first byte on.
Delivered = dict[Place, bytearray]

#: Bytes of stored output of a report's items that are read at once to compare it with; more is read bit by bit.
WHOLE_BYTES = 1_000_000
#: Streams of items that are compared bit by bit at a time: both of the item at work and of the one before it.
TAILS = 4


class OutputIntake:
    """
    Rows for output reports. ``limit``: bytes that one task may print; then its output is cut, and that is said.

    ``turn``: to be had from before rows of several attempts are made until they are on their way to the store, since two may be at work.
    """

    def __init__(self, store: Store, directory: Directory, limit: int) -> None:
        self._store = store
        self._directory = directory
        self._limit = limit
        self._repeats: dict[int, RepeatedOutput] = {}
        self.turn = DeferredLock()

    def ended(self, fence: int) -> None:
        """The chunk under ``fence`` prints no more."""
        self._repeats.pop(fence, None)

    async def rows(
        self, report: OutputReport, payload: bytes, lease: Lease, again: bool, too_late: Callable[[int], bool] = lambda item: False
    ) -> list[Any]:
        """The rows to store. ``again``: another attempt may have written for these items; ``too_late``: whether one has finished an item."""
        live = self._directory.tasks.get(report.task)
        if live is None or live.output_bytes > self._limit:
            return []
        try:
            check_output(payload, 1 + report.last - report.first)
        except ValueError as error:
            raise BadRequest(f"output that makes no sense: {error}") from error
        if again:
            # What is still on its way to the disk counts as delivered, too.
            await self._store.write()
            payload = without_items(payload, report.first, too_late)
            payload = await self._without_delivered(report, payload, live)
        rows = [NewOutput(report.task, report.portion, report.first, report.last, lease.worker, report.at_utc, payload)] if payload else []
        live.output_bytes += len(payload)
        if live.output_bytes > self._limit:
            said = f"marx: the task printed more than {self._limit:,} bytes; the rest is cut\n".encode()
            cut = pack_output([Segment(report.last, STDERR, 0, said)], report.last)
            rows.append(NewOutput(report.task, report.portion, report.last, report.last, lease.worker, report.at_utc, cut))
        return rows

    async def _without_delivered(self, report: OutputReport, payload: bytes, live: LiveTask) -> bytes:
        place = report.task, report.portion, report.first, report.last
        is_program = live.spec["kind"] == "run" and report.portion == 0
        is_long = is_program or report.fence in self._repeats
        if is_long or await self._store.output_size_of_items(*place) > WHOLE_BYTES:
            return await self._repeat_of(report).without_delivered(payload, report.first)
        return without_delivered(payload, report.first, delivered_of(await self._store.output_of_items(*place)))

    def _repeat_of(self, report: OutputReport) -> RepeatedOutput:
        if report.fence not in self._repeats:
            ended = [fence for fence, repeat in self._repeats.items() if repeat.task not in self._directory.tasks]
            for fence in ended:
                del self._repeats[fence]
            self._repeats[report.fence] = RepeatedOutput(self._store, report.task, report.portion)
        return self._repeats[report.fence]


class RepeatedOutput:
    """
    What one attempt of items writes, beside what others wrote before or meanwhile: read once, until it differs.

    An item, and a program is one, has output of any size: of each stream no more is held than is read at a time, and of few items at once.
    """

    def __init__(self, store: Store, task: str, portion: int = 0) -> None:
        self.task = task
        self._portion = portion
        self._store = store
        self._tails: OrderedDict[Place, _Tail] = OrderedDict()
        self._differing: set[Place] = set()
        self._taken: dict[Place, int] = {}

    async def without_delivered(self, payload: bytes, first: int = 0) -> bytes:
        """An output pack without what was delivered before, from the first byte on in which it differs nothing is left out."""
        kept = []
        for segment in unpack_output(payload, first):
            fresh = self._not_taken(segment)
            known = await self._known(fresh)
            # Behind what is known everything is new, until another attempt has got further and this one comes back.
            if rest := fresh.content[len(known) :]:
                kept.append(replace(fresh, offset=fresh.offset + len(known), content=rest))
        return pack_output(kept, first)

    def _not_taken(self, segment: Segment) -> Segment:
        """What of it came for the first time: a report comes again when its link was cut before the answer."""
        place, stop = (segment.item, segment.stream), segment.offset + len(segment.content)
        taken = self._taken.get(place, 0)
        self._taken[place] = max(taken, stop)
        skipped = min(max(0, taken - segment.offset), len(segment.content))
        return replace(segment, offset=segment.offset + skipped, content=segment.content[skipped:])

    async def _known(self, segment: Segment) -> bytes:
        """What was delivered of a segment before; nothing where it differs."""
        place = segment.item, segment.stream
        if place in self._differing:
            return b""
        tail = self._tails.pop(place, None) or _Tail(self._store, self.task, self._portion, place)
        self._tails[place] = tail
        if len(self._tails) > TAILS:
            self._tails.popitem(last=False)
        known = await tail.read(segment.offset, len(segment.content))
        if segment.content.startswith(known):
            return known
        self._differing.add(place)
        del self._tails[place]
        return b""


class _Tail:
    """The bytes of one stream of one item that were delivered and are still to be compared."""

    def __init__(self, store: Store, task: str, portion: int, place: Place) -> None:
        self._store = store
        self._of = task, portion, place[0]
        self._place = place
        self._row = 0
        self._start = 0
        self._content = bytearray()

    async def read(self, offset: int, length: int) -> bytes:
        """At most ``length`` bytes that were delivered from ``offset`` on, which never goes back."""
        self._forget_up_to(offset)
        while self._start + len(self._content) < offset + length:
            rows = await self._store.output_of_item_after(*self._of, self._row, READ_BYTES)
            if not rows:
                break
            for row in rows:
                self._row = row.row
                for segment in unpack_output(row.payload, row.first):
                    self._add(segment)
            self._forget_up_to(offset)
        begin = offset - self._start
        return bytes(self._content[begin : begin + length]) if begin >= 0 else b""

    def _add(self, segment: Segment) -> None:
        """What follows; a segment that does not was made by an attempt that went another way."""
        if (segment.item, segment.stream) == self._place and segment.offset == self._start + len(self._content):
            self._content += segment.content

    def _forget_up_to(self, offset: int) -> None:
        """What lies before is not asked for any more."""
        gone = min(max(0, offset - self._start), len(self._content))
        del self._content[:gone]
        self._start += gone


def delivered_of(rows: Any) -> Delivered:
    """What the stored output of some items comes to."""
    delivered: Delivered = defaultdict(bytearray)
    for row in rows:
        for segment in unpack_output(row.payload, row.first):
            text = delivered[segment.item, segment.stream]
            if segment.offset == len(text):
                text += segment.content
    return delivered


def without_items(payload: bytes, first: int, unwanted: Callable[[int], bool]) -> bytes:
    """An output pack without what some items wrote."""
    return pack_output([segment for segment in unpack_output(payload, first) if not unwanted(segment.item)], first)


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
