"""Leases that are over: chunks that ended one way or another, and leases that were lost.

Whatever of their items has no result waits again. What differs is who is to blame, and so how
often that may happen and where the items should rather go.
"""

from __future__ import annotations

from marx.core.alarms import Alarms
from marx.core.assignments import Assignments
from marx.core.events import ChunkEnded, RestReturned
from marx.core.leases import Leases, LiveLease
from marx.core.lives import Lives
from marx.core.model import Policy, Range
from marx.core.orders import Orders
from marx.core.programs import Programs
from marx.core.ranges import RangeSet
from marx.core.states import AttemptStep, SlotState, TaskStep
from marx.core.suspicion import Suspicion
from marx.core.workers import Pool

#: The type of an item's error, by the limit that it died of.
ERRORS = {
    "item-timeout": "ItemTimeout",
    "silence": "ItemSilent",
    "memory": "ItemOutOfMemory",
    "scratch": "ItemOutOfScratch",
}


class Endings:
    """Takes leases back, with what follows for their items."""

    def __init__(
        self,
        policy: Policy,
        pool: Pool,
        leases: Leases,
        assignments: Assignments,
        lives: Lives,
        programs: Programs,
        suspicion: Suspicion,
        alarms: Alarms,
        orders: Orders,
    ) -> None:
        self._policy = policy
        self._pool = pool
        self._leases = leases
        self._assignments = assignments
        self._lives = lives
        self._programs = programs
        self._suspicion = suspicion
        self._alarms = alarms
        self._orders = orders

    def end(self, event: ChunkEnded, now: float) -> None:
        """A worker says that nothing more will come under a fence."""
        live = self._leases.get(event.fence)
        if live is not None and (live.lease.worker, live.lease.task) == (event.worker, event.task):
            self._end_live(live, event, now)
            verdict = "accepted"
        elif live is None and self._leases.was_given(event.fence):
            verdict = "known"
        else:
            verdict = "not yours"
        self._orders.answer(event.worker, event.receipt, verdict)

    def shorten(self, event: RestReturned, now: float) -> None:
        """A worker gives back what it has not begun of a chunk at work, as it was asked to."""
        live, verdict = self._leases.get(event.fence), "not yours"
        if live is not None and (live.lease.worker, live.lease.task) == (event.worker, event.task) and live.lease.slot >= 0:
            verdict = "known"
            if live.lease.first <= event.stop < live.lease.stop:
                self._shorten(live, event.stop, now)
                verdict = "accepted"
        elif live is None and self._leases.was_given(event.fence):
            verdict = "known"
        self._orders.answer(event.worker, event.receipt, verdict)

    def lose(self, live: LiveLease, reason: str, blame: bool, now: float) -> None:
        """A live lease is over without a word; ``blame`` if its items may be the cause.

        The last of a slot's queue has to be lost first: those before it make it begin by ending.
        """
        blame = blame and live.begun
        back = self._take_back(live, AttemptStep.LOSE, "lost", reason, now)
        if back and live.task.open:
            self._lose_items(live, back, reason, blame, now)
        self._lives.settle(live.task, now)

    def _shorten(self, live: LiveLease, stop: int, now: float) -> None:
        task, lease = live.task, live.lease
        task.note(now, "given back", lease.portion, stop, lease.stop, lease.worker, lease.fence)
        live.portion.give_back(live.shorten(stop))
        self._lives.offer(task)
        self._orders.tell(task.id)

    def _end_live(self, live: LiveLease, event: ChunkEnded, now: float) -> None:
        if event.outcome in ("succeeded", "died"):
            live.begin()  # the end of what ran before it on its slot may still be on its way
        if event.outcome == "succeeded":
            self._succeed(live, now)
        elif event.outcome == "died":
            self._die(live, event, now)
        elif event.outcome == "refused":
            self._refuse(live, event, now)
        else:
            self._cancel(live, event, now)
        self._lives.settle(live.task, now)

    def _succeed(self, live: LiveLease, now: float) -> None:
        back = self._take_back(live, AttemptStep.SUCCEED, "ended", "", now)
        if not live.went_well and live.lease.slot >= 0:
            reason = "all of its items failed" if live.reached > live.lease.first else "it ended without reporting any item"
            self._suspicion.went_badly(live, reason, now)
        if back and live.task.open:
            self._lose_items(live, back, "it ended without reporting them", True, now)

    def _cancel(self, live: LiveLease, event: ChunkEnded, now: float) -> None:
        asked, begun = live.recalled or live.revoked, live.begun
        back = self._take_back(live, AttemptStep.CANCEL, "cancelled", event.reason, now)
        if back and begun and live.task.open:
            self._save_attempts(live, back, "cancelled", event.reason, event.cargo)
        if back and not asked:
            self._avoid(live, back, now)

    def _die(self, live: LiveLease, event: ChunkEnded, now: float) -> None:
        """Its process died. The item at work is to blame where it is known, else all may be."""
        reason, suspects = event.reason or "its process died", live.unfinished()
        back = self._take_back(live, AttemptStep.FAIL, "died", reason, now)
        if not live.went_well and live.lease.slot >= 0:
            self._suspicion.went_badly(live, reason, now)
        if not (back and live.task.open):
            return
        item = self._item_at_work(live, event, suspects)
        if item is not None and item not in RangeSet(back):
            self._lose_items(live, back, reason, False, now)  # its twin has that one still: nothing has failed yet
            return
        part = (live.lease.first, live.lease.stop)
        evidence = f"; {event.evidence}" if event.evidence else ""
        self._orders.save_attempt(live.lease, part, "died", item, reason + evidence, event.cargo)
        if item is None:
            self._avoid(live, back, now)
            self._count_loss(live, back, (reason if _is_of_another(reason) else f"it {reason}") + evidence, now)
        elif live.portion.tries.fail(item) or (event.cause and live.task.is_main(live.portion)):
            error = {"type": ERRORS.get(event.cause, "ItemDied"), "message": _told(live, item, reason) + evidence}
            self._lives.fail_item(live, item, error, now)
        else:
            self._avoid(live, [(item, item + 1)], now)

    def _item_at_work(self, live: LiveLease, event: ChunkEnded, suspects: list[Range]) -> int | None:
        """The one of the unfinished items that killed the process, where that can be said.

        A main program that ends by a signal of its own has a result all the same: when nothing was seen of it, it was its
        surroundings that died.
        """
        for first, stop in suspects:
            if event.item is not None and first <= event.item < stop:
                return event.item
        (first, stop), *more = suspects
        alone = stop - first == 1 and not more
        return first if alone and not live.task.is_main(live.portion) else None

    def _refuse(self, live: LiveLease, event: ChunkEnded, now: float) -> None:
        """The worker could not run it: nobody can, or this one should be left alone for a while."""
        slot, fatal = self._pool.slot_of(live), event.fatal and live.twin is None
        back = self._take_back(live, AttemptStep.FAIL, "refused", event.reason, now)
        if not live.task.open:
            return
        self._save_attempts(live, back, "refused", event.reason, event.cargo)
        if fatal:
            self._give_up(live, event.reason, now)
            return
        # The queue behind a refused chunk is refused with it: that is one refusal.
        if self._lives.leave_alone(live.task, live.lease.worker, event.reason, now):
            self._suspicion.went_badly(live, event.reason, now)
        slot.refuse(live.task.id)
        self._pool.review(slot)
        if slot.state is SlotState.BROKEN:
            self._suspicion.broke(slot.worker, now)

    def _give_up(self, live: LiveLease, reason: str, now: float) -> None:
        """No worker can run it: of a program's portion the program is told, anything else is the end of the task."""
        task, portion = live.task, live.portion
        if task.main is None or task.is_main(portion):
            self._lives.stop(task, TaskStep.FAIL, reason, now)
        else:
            self._programs.refuse(task, portion.number, reason, now)

    def _take_back(self, live: LiveLease, step: AttemptStep, verb: str, reason: str, now: float) -> list[Range]:
        """A lease is over; its items without a result wait again and are returned.

        Results may still come, late or after a repaired link, and count as long as there are none. Of two copies that were at work
        the other one keeps its items, whatever became of this one.
        """
        lease, task, back = live.lease, live.task, live.sole()
        if step is AttemptStep.LOSE or (live.begun and verb != "refused"):
            live.portion.tries.repeat(back)  # out of sight, the worker may have got further than was heard of it
        self._assignments.take(live, step, now)
        if not live.portion.done.covers(lease.first, lease.stop):
            self._leases.remember(live)
        task.note(now, verb, lease.portion, lease.first, lease.stop, lease.worker, lease.fence, reason)
        if back:
            live.portion.give_back(back)
            self._lives.offer(task)
            self._orders.tell(task.id)
        return back

    def _lose_items(self, live: LiveLease, back: list[Range], reason: str, blame: bool, now: float) -> None:
        self._avoid(live, back, now)
        self._save_attempts(live, back, "lost" if blame else "cancelled", reason)
        if blame:
            self._count_loss(live, back, reason, now)

    def _save_attempts(
        self, live: LiveLease, back: list[Range], outcome: str, reason: str, cargo: object = None
    ) -> None:
        for part in back:
            self._orders.save_attempt(live.lease, part, outcome, None, reason, cargo)

    def _count_loss(self, live: LiveLease, back: list[Range], reason: str, now: float) -> None:
        tries = live.portion.tries
        item = tries.lose(back, live.lease.worker, reason)
        if item is not None:
            error = {"type": "ItemLost", "message": f"it was lost {tries.losses(item)} times, and is not tried again: {tries.evidence(item)}"}
            self._lives.fail_item(live, item, error, now)

    def _avoid(self, live: LiveLease, ranges: list[Range], now: float) -> None:
        """Let somebody else have these items first, if there is anybody."""
        task, worker = live.task, live.lease.worker
        if self._pool.others_for(task.demand, worker, seated=live.lease.slot < 0):
            until = now + self._policy.elsewhere_seconds
            live.portion.avoid(worker, ranges, now, until)
            self._alarms.set(until, task.id)


def _told(live: LiveLease, item: int, reason: str) -> str:
    """What happened to an item, as a sentence: which, what, where, and at which try."""
    lease = live.lease
    subject = "it" if live.task.is_main(live.portion) else f"item {item}" + (f" of portion {lease.portion}" if lease.portion else "")
    what = f"was lost: {reason}" if _is_of_another(reason) else reason
    return f"{subject} {what}, on worker {lease.worker} at attempt {lease.attempt}"


def _is_of_another(reason: str) -> bool:
    """Whether it is not the item itself of which that is said."""
    return reason.startswith("its ")
