"""A portion that the program has opened, as the keeper knows it: its two numbers, its items on their way, its results."""

from __future__ import absolute_import

from marx.runner.compat import version
from marx.runner.keeper_packs import Cutter, Pack
from marx.runner.keeper_record import ORDER, STALL_SECONDS
from marx.runner.pipe import PACK_BYTES, FrameError, encode

PYTHON = version().rpartition(".")[0]


class Portion(object):
    """``order``: its number for the program. ``number``: its number for the server.

    ``replay`` and ``held`` while it is verified against the record, None otherwise. ``kept``: its packs, as (first, count, place on the
    shelf), as long as it may have to be opened again under another number.
    """

    def __init__(self, opening, number, replay=None, held=None):
        self.order = opening["portion"]
        self.number = number
        self.call = opening["call"]
        self.replay = replay
        self.held = held
        self.cutter = Cutter(0)
        self.verified = 0
        self.kept = []
        self.touched_at = 0
        self._about = {name: opening[name] for name in ("place", "reason", "state")}
        self._sent = self._passed = 0
        self._is_final = self._is_moved = False
        self._known = []

    def taken(self, count, is_final, now):
        """The program sent so many items."""
        self._sent += count
        self._is_final = self._is_final or is_final
        self.touched_at = now

    @property
    def is_final(self):
        """The program sends no more."""
        return self._is_final

    @property
    def is_done(self):
        """The program has all results that it can expect."""
        return self._is_final and self._passed >= self._sent

    @property
    def is_awaited(self):
        """Results of what the program sent are still to come."""
        return self._passed < self._sent

    @property
    def due_at(self):
        """When the items that were gathered must leave, or the wait for those of the record ends; None if none were."""
        if self.replay is None:
            return self.cutter.due_at
        return self.touched_at + STALL_SECONDS if self.replay.gathered and not self.replay.is_through else None

    def opening(self, fence):
        """O, for the worker."""
        call = self.call if self.order == self.number else dict(self.call, **{ORDER: self.order})
        return encode(b"O", dict(self._about, chunk=fence, portion=self.number, call=call, python=PYTHON))

    def items(self, fence, packs, is_final):
        """I, for the worker, for each pack in parts; ``is_final``: the last of these is the portion's last."""
        packs = list(packs)
        if is_final and not packs:
            packs = [Pack(self.cutter.next, [])]
        for pack in packs:
            for raw in _item_frames(fence, self.number, pack, is_final and pack is packs[-1]):
                yield raw

    @property
    def is_certain(self):
        """It cannot turn out any more that the record has something else."""
        return self.replay is None or self.replay.is_certain

    # Results

    def known(self, first, count):
        """Those of these items that the program has results for, as [[first, count], ...] in order; None if it has all."""
        if not self._is_moved:
            return []
        known = []
        for known_first, known_count in sorted(self._known):
            begin, stop = max(first, known_first), min(first + count, known_first + known_count)
            if begin < stop:
                known.append([begin, stop - begin])
        return None if sum(stretch[1] for stretch in known) == count else known

    def passed(self, first, count, known):
        """The program was given the results of these but for ``known``."""
        self._passed += count - sum(stretch[1] for stretch in known)
        if self.kept or self.replay is not None:
            self._known.append([first, count])

    def move(self, number):
        """Be opened once more under another number; the records that are in no pack yet."""
        self.number = number
        self._is_moved = True
        waiting = self.replay.gathered if self.replay is not None else []
        self.replay = self.held = None
        return waiting


class Assembly(object):
    """What travels in several frames one behind the other."""

    def __init__(self):
        self._parts = []
        self._size = 0

    def add(self, header, part):
        """One more part: the whole, if it was the last, else None. Raises `FrameError` for one that does not follow."""
        if header["offset"] != self._size:
            raise FrameError("a part at %r where %d is awaited" % (header["offset"], self._size))
        self._parts.append(part)
        self._size += len(part)
        if self._size < header["total"]:
            return None
        whole = b"".join(self._parts)
        self._parts, self._size = [], 0
        return whole


def _item_frames(fence, number, pack, is_final):
    header = {"chunk": fence, "portion": number, "first": pack.first, "count": pack.count, "codec": "pickles", "digest": pack.digest}
    header.update(final=is_final, total=len(pack.payload))
    for offset in range(0, len(pack.payload) or 1, PACK_BYTES):
        yield encode(b"I", dict(header, offset=offset), pack.payload[offset : offset + PACK_BYTES])
