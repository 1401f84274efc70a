"""Where a lease enters and leaves: the book of leases, the queue of its slot and the turns, together."""

from __future__ import annotations

from marx.core.actions import Revoke
from marx.core.leases import Leases, LiveLease
from marx.core.orders import Orders
from marx.core.states import AttemptStep
from marx.core.turns import Turns
from marx.core.workers import Pool, Slot, Worker


class Assignments:
    """The only one who changes what is queued on a slot or a seat.

    It also gathers those that something happened to, for whoever looks for work for them; ``touched_seats`` are the seats.
    """

    def __init__(self, pool: Pool, leases: Leases, turns: Turns, seat_turns: Turns, orders: Orders) -> None:
        self._pool = pool
        self._leases = leases
        self._turns = turns
        self._seat_turns = seat_turns
        self._orders = orders
        self._touched: dict[Slot, None] = {}
        self.touched_seats: dict[Slot, None] = {}

    def put(self, live: LiveLease, slot: Slot, now: float) -> None:
        """A lease is queued on a slot."""
        self._leases.add(live)
        slot.push(live)
        if live.begun:
            live.moved_at = now
        self._settle(slot, now)

    def take(self, live: LiveLease, step: AttemptStep, now: float) -> None:
        """A lease is over, and its slot may have room."""
        slot = self._pool.slot_of(live)
        live.end(step)
        live.unpair()
        self._leases.drop(live)
        began = slot.pull(live)
        if began is not None:
            began.moved_at = now
        self._settle(slot, now)

    def recall(self, live: LiveLease, reason: str, now: float) -> None:
        """Ask for a chunk back unless it has begun."""
        if not (live.begun or live.recalled or live.revoked):
            live.recall()
            self._ask_back(live, reason, True, now)

    def revoke(self, live: LiveLease, reason: str, now: float) -> None:
        """Ask its worker to end a chunk, whether it has begun or not."""
        if live.revoked:
            return
        live.revoked = True
        slot = self._pool.slot_of(live)
        if slot.queue[0] is live:
            slot.stop()
        self._ask_back(live, reason, False, now)

    def look_at(self, worker: Worker, now: float) -> None:
        """Let a worker's slots and seats get work, or give back what they have not begun. A main program goes on."""
        self._pool.changed(worker)
        for slot in worker.rooms:
            self.touch(slot)
            for live in () if slot.open else slot.queue:
                self.recall(live, "its worker takes nothing new", now)

    def repeat_request(self, live: LiveLease, now: float) -> None:
        """Say again what was asked about a chunk, since a broken link may have lost it."""
        if live.revoked or live.recalled:
            self._ask_back(live, "as was asked before", not live.revoked, now)

    def touch(self, slot: Slot) -> None:
        """Somebody should look whether this slot or seat has room."""
        if slot.index >= 0:
            self._touched[slot] = None
        else:
            self.touched_seats[slot] = None

    def take_touched(self) -> list[Slot]:
        """The slots that something happened to since the last call."""
        touched, self._touched = list(self._touched), {}
        return touched

    def take_touched_seats(self) -> list[Slot]:
        """The seats that something happened to since the last call."""
        touched, self.touched_seats = list(self.touched_seats), {}
        return touched

    def _ask_back(self, live: LiveLease, reason: str, gently: bool, now: float) -> None:
        lease, verb = live.lease, "recalled" if gently else "revoked"
        live.task.note(now, verb, lease.portion, lease.first, lease.stop, lease.worker, lease.fence, reason)
        self._orders.send(Revoke(lease.worker, lease.fence, lease.task, reason, gently))

    def _settle(self, slot: Slot, now: float) -> None:
        self._pool.review(slot)
        turns = self._turns if slot.index >= 0 else self._seat_turns
        turns.hold(slot, slot.queue[-1].contender if slot.queue else None, now)
        self.touch(slot)
