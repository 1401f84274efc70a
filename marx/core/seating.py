"""Who gets a seat: main programs, one on each, never one queued behind another.

A program may run for days, so nothing is gained by granting it ahead of time, and much is lost.
"""

from __future__ import annotations

from marx.core.actions import Grant
from marx.core.assignments import Assignments
from marx.core.leases import Leases, LiveLease
from marx.core.lives import Lives
from marx.core.orders import Orders
from marx.core.tasks import GUESSED_SECONDS
from marx.core.turns import Turns
from marx.core.workers import Pool, Slot


class Seating:
    """Called once at the end of each event, as ``Granting`` is for slots. ``turns``: those of main programs."""

    def __init__(
        self, pool: Pool, leases: Leases, turns: Turns, assignments: Assignments, lives: Lives, orders: Orders
    ) -> None:
        self._pool = pool
        self._leases = leases
        self._turns = turns
        self._assignments = assignments
        self._lives = lives
        self._orders = orders

    def serve(self, now: float) -> None:
        """Let programs that wait have the seats that are free."""
        if not (self._assignments.touched_seats or self._turns.fresh):
            return
        for seat in self._assignments.take_touched_seats():
            self._fill(seat, now)
        fresh = self._turns.take_fresh()
        if fresh and self._pool.free_seats:
            wanted = {main.demand for main in fresh}
            for seat in self._pool.idle_for(self._pool.free_seats, lambda worker: any(map(worker.suits, wanted))):
                self._fill(seat, now)

    def _fill(self, seat: Slot, now: float) -> None:
        main = self._turns.pick(seat, now) if seat.open and not seat.queue else None
        found = main.next_run(seat.worker.name, now) if main is not None else None
        if main is None or found is None:
            return
        portion, run = found
        task = self._lives.tasks[main.id]
        part = portion.cut(run, 1)
        lease = self._leases.make(task, portion, part, seat.worker.name, seat.index, now)
        self._assignments.put(LiveLease(lease, task, portion, [part], GUESSED_SECONDS), seat, now)
        self._lives.start(task, now)
        task.note(now, "granted", portion.number, *part, lease.worker, lease.fence, "its main program")
        self._orders.send(Grant(lease))
        self._orders.tell(task.id)
        self._turns.offer(main)
