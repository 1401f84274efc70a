"""All portions of a program between their two ends: the program, which numbers them as it opens them, and the server.

As long as the program does what an earlier attempt did, the numbers are the same and nothing is sent twice. At the first difference
the rest of the record is given up, and what was opened already and comes after it is opened again under new numbers.

What is for the worker is made by generators, as raw frames, so that no more is made than the worker takes.
"""

from __future__ import absolute_import

from marx.runner.compat import monotonic
from marx.runner.keeper_packs import Cutter, Pack
from marx.runner.keeper_portions import Assembly, Portion
from marx.runner.keeper_record import Record, Replay
from marx.runner.pipe import FrameError, encode
from marx.runner.records import split_records

DIFFERS = "line %s: the program asked for something else than before it was started again, so the run goes on from there"


class Book(object):
    """``fence``: of the program's chunk. ``say(kind, header, payload)`` tells the program; ``arrivals`` takes files of items."""

    def __init__(self, fence, say, arrivals, shelf):
        self._fence = fence
        self._say = say
        self._arrivals = arrivals
        self._shelf = shelf
        self._record = Record(shelf)
        self._assembly = Assembly()
        self._opened = 0
        self._last_number = 0
        self._by_order = {}
        self._by_number = {}
        self._gathering = {}
        self._unsettled = {}

    # What the worker says

    def record(self, header):
        """H: what an earlier attempt asked for. All of them come before the program starts."""
        self._record.take(header)
        self._last_number = self._record.last_number

    def returned(self, header, payload):
        """G: results."""
        self._answer(b"G", header["first"] + header["count"], header, payload)

    def file(self, header, payload):
        """W: a file that an item made."""
        item = header["item"]
        self._answer(b"W", None if item is None else item + 1, header, payload)

    def refused(self, header):
        """Y: the program must serve the portion's items itself."""
        portion = self._by_number.get(header["portion"])
        held = self._record.held.get(header["portion"]) if portion is None else portion.held
        if held is not None:
            held.refusal = header["reason"]
        elif portion is not None:
            self._say(b"Y", {"portion": portion.order, "reason": header["reason"]})

    # What the program says

    def open(self, header):
        """O."""
        order, call = header["portion"], header["call"]
        if order != self._opened + 1:
            raise FrameError("a portion %r after %d" % (order, self._opened))
        self._opened = order
        recorded = self._record.match(order, call, header["place"])
        if recorded is None:
            for raw in self._depart(order, call):
                yield raw
            portion = self._enter(Portion(header, self._draw()))
            yield portion.opening(self._fence)
        else:
            held = self._record.held.pop(recorded.number)
            portion = self._enter(Portion(header, recorded.number, Replay(recorded), held))
            self._unsettled[order] = portion
        self._say(b"o", {"portion": order})
        for raw in self._verify(portion):
            yield raw
        if header["place"] == "home":
            self._forget(portion)

    def items(self, header, part):
        """I."""
        content = self._assembly.add(header, part)
        portion = self._by_order.get(header["portion"])
        if content is None or portion is None:
            return
        pickles = split_records(content)
        if len(pickles) != header["count"]:
            raise FrameError("%d items where %r were promised" % (len(pickles), header["count"]))
        portion.taken(len(pickles), header["final"], monotonic())
        if portion.replay is not None:
            portion.replay.gather(pickles, header["final"])
            for raw in self._verify(portion):
                yield raw
        else:
            for raw in self._cut(portion, pickles):
                yield raw
        if portion.due_at is not None:
            self._gathering[portion.order] = portion
        self._forget_if_done(portion)

    def drop(self, header):
        """D."""
        portion = self._by_order.get(header["portion"])
        if portion is not None:
            yield self._dropped(portion.number)
            self._forget(portion)

    # Time

    @property
    def is_waiting(self):
        """Whether the program may be waiting for items."""
        return any([portion.is_awaited for portion in self._by_order.values()])

    def due_at(self):
        """When `cut_due` is to be asked for, an instant of `monotonic`; None if nothing was gathered."""
        times = [portion.due_at for portion in self._gathering.values()]
        return min([time for time in times if time is not None] or [None])

    def cut_due(self):
        """What was gathered for long enough."""
        now = monotonic()
        for portion in list(self._gathering.values()):
            due_at = portion.due_at
            if due_at is None:
                self._gathering.pop(portion.order, None)
            elif due_at <= now and portion.replay is None:
                for raw in self._send(portion, portion.cutter.rest(now), False):
                    yield raw
            elif due_at <= now:
                for raw in self._depart(portion.order, portion.call):
                    yield raw

    # Items

    def _cut(self, portion, pickles):
        packs = portion.cutter.add(pickles)
        if portion.is_final:
            packs += portion.cutter.rest(monotonic())
        return self._send(portion, packs, portion.is_final)

    def _send(self, portion, packs, is_final):
        for pack in packs:
            self._keep(portion, pack)
        return portion.items(self._fence, packs, is_final)

    def _keep(self, portion, pack):
        if portion.order in self._unsettled:
            portion.kept.append((pack.first, pack.count, self._shelf.put(pack.payload)))

    def _verify(self, portion):
        """Go on in the record, as far as the items that came are the same."""
        replay = portion.replay
        pack = replay.verified() if replay is not None else None
        while pack is not None:
            self._keep(portion, pack)
            portion.verified = pack.stop
            self._release(portion)
            pack = replay.verified()
        if replay is None:
            return
        if replay.differs:
            for raw in self._depart(portion.order, portion.call):
                yield raw
        elif replay.is_through:
            for raw in self._leave_record(portion, replay):
                yield raw

    def _leave_record(self, portion, replay):
        """All that the server has of it was asked for again; if it was not the last, what comes now is new."""
        held, portion.held = portion.held, None
        if held is not None:
            for kind, header, payload in held.release_all():
                self._pass(portion, kind, header, payload)
            if held.refusal is not None:
                self._say(b"Y", {"portion": portion.order, "reason": held.refusal})
        if replay.goes_on:
            portion.replay = None
            portion.cutter = Cutter(portion.verified)
            for raw in self._cut(portion, replay.gathered):
                yield raw
        self._settle()

    # Differences

    def _depart(self, order, call):
        """The program goes another way from its ``order``-th portion on: what the record has from there on is not wanted."""
        dropped = self._record.forget_from(order)
        if not dropped:
            return
        yield encode(b"N", {"chunk": self._fence, "portion": 0, "text": DIFFERS % call.get("line")})
        for number in dropped:
            yield self._dropped(number)
            self._by_number.pop(number, None)
        for later in sorted(self._unsettled):
            if later >= order:
                for raw in self._open_again(self._unsettled.pop(later)):
                    yield raw
        self._settle()

    def _open_again(self, portion):
        if portion.held is not None:
            portion.held.drop()
        waiting = portion.move(self._draw())
        self._enter(portion)
        yield portion.opening(self._fence)
        stop = 0
        for first, count, place in portion.kept:
            pack = Pack(first, split_records(self._shelf.take(place)))
            stop = first + count
            for raw in portion.items(self._fence, [pack], False):
                yield raw
        portion.kept = []
        portion.cutter = Cutter(stop)
        self._gathering[portion.order] = portion
        for raw in self._cut(portion, waiting):
            yield raw

    def _settle(self):
        """Forget the items of portions that no difference can reach any more: those before the first that is not verified."""
        waiting = [order for order, portion in self._unsettled.items() if not portion.is_certain]
        for order in [order for order in self._unsettled if not waiting or order < min(waiting)]:
            portion = self._unsettled.pop(order)
            self._forget_kept(portion)
            self._forget_if_done(portion)

    # Answers

    def _answer(self, kind, stop, header, payload):
        portion = self._by_number.get(header["portion"])
        held = self._record.held.get(header["portion"]) if portion is None else portion.held
        if held is not None:
            held.keep(stop, kind, header, payload)
            if portion is not None:
                self._release(portion)
        elif portion is not None:
            self._pass(portion, kind, header, payload)

    def _release(self, portion):
        for kind, header, payload in portion.held.release(portion.verified):
            self._pass(portion, kind, header, payload)

    def _pass(self, portion, kind, header, payload):
        if kind == b"W":
            self._arrivals.take(header, payload)
            return
        first, count = header["first"], header["count"]
        known = portion.known(first, count)
        if known is None:
            return
        self._say(b"G", dict(header, portion=portion.order, known=known), payload)
        if header.get("offset", 0) + len(payload) >= header.get("total", 0):
            portion.passed(first, count, known)
            self._forget_if_done(portion)

    # Numbers

    def _draw(self):
        self._last_number += 1
        return self._last_number

    def _enter(self, portion):
        self._by_order[portion.order] = self._by_number[portion.number] = portion
        self._arrivals.opened()
        return portion

    def _dropped(self, number):
        return encode(b"D", {"chunk": self._fence, "portion": number})

    def _forget_if_done(self, portion):
        if portion.is_done and portion.order not in self._unsettled:
            self._forget(portion)

    def _forget(self, portion):
        self._by_order.pop(portion.order, None)
        self._by_number.pop(portion.number, None)
        self._gathering.pop(portion.order, None)
        if self._unsettled.pop(portion.order, None) is not None:
            self._forget_kept(portion)
            self._settle()

    def _forget_kept(self, portion):
        for _, _, place in portion.kept:
            self._shelf.drop(place)
        portion.kept = []
