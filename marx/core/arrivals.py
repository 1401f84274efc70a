"""Workers that come, change, fall silent, return and leave, and what they say they still hold."""

from __future__ import annotations

from marx.core.actions import Revoke
from marx.core.assignments import Assignments
from marx.core.endings import Endings
from marx.core.events import WorkerJoined
from marx.core.leases import Leases, LiveLease
from marx.core.lives import Lives
from marx.core.model import Held, Policy, WorkerOffer
from marx.core.orders import Orders
from marx.core.states import PortionState
from marx.core.suspicion import Suspicion
from marx.core.tasks import GUESSED_SECONDS, Task
from marx.core.workers import Pool, Slot, Worker


class Arrivals:
    """Keeps the pool in step with what links say about their workers."""

    def __init__(
        self,
        policy: Policy,
        pool: Pool,
        leases: Leases,
        assignments: Assignments,
        lives: Lives,
        endings: Endings,
        suspicion: Suspicion,
        orders: Orders,
    ) -> None:
        self._policy = policy
        self._pool = pool
        self._leases = leases
        self._assignments = assignments
        self._lives = lives
        self._endings = endings
        self._suspicion = suspicion
        self._orders = orders

    def join(self, event: WorkerJoined, now: float) -> None:
        """A worker is there, or there again.

        With the boot id that is known here it has what it says, and nothing else; with a new one
        the processes of the old boot are gone. Of a worker that is not known here, which is every
        worker when the server has been restarted, all that it holds is believed where it can be.
        """
        offer = event.offer
        worker = self._pool.workers.get(offer.name)
        held = event.held
        if worker is None:
            worker = Worker(offer)
            self._pool.add(worker)
        elif worker.offer.boot != offer.boot:
            self._lose_all(worker, "its worker was restarted", True, now)
            held = ()
        else:
            self._lose_unheld(worker, {one.fence for one in held}, now)
        worker.connected = True
        self._suspicion.returned(worker)
        self.heard(offer.name, now)
        worker.lend(offer, self._policy.worker_slots)
        most = max(1, worker.slot_count) * (self._policy.ahead_chunks + 1) + worker.seat_count
        for one in held[:most]:
            self._adopt(worker, one, now)
        self._assignments.look_at(worker, now)

    def change(self, offer: WorkerOffer, now: float) -> None:
        """A worker that is known offers something else."""
        worker = self._pool.workers.get(offer.name)
        if worker is not None:
            self.heard(offer.name, now)
            worker.lend(offer, self._policy.worker_slots)
            self._assignments.look_at(worker, now)

    def heard(self, name: str, now: float) -> None:
        """A sign of life; one that had been given up gets work again."""
        worker = self._pool.workers.get(name)
        if worker is None:
            return
        self._leases.heard(name, now)
        if worker.silent:
            worker.silent = False
            self._assignments.look_at(worker, now)

    def cut(self, name: str) -> None:
        """Its link broke; what it has is still its own, until its leases end."""
        worker = self._pool.workers.get(name)
        if worker is not None:
            worker.connected = False
            self._pool.changed(worker)
            if not self._leases.held_by(name):
                self._part(worker)

    def leave(self, name: str, now: float) -> None:
        """It has said goodbye."""
        worker = self._pool.workers.get(name)
        if worker is not None:
            self._lose_all(worker, "its worker left", False, now)
            self._part(worker)

    def expire(self, now: float) -> None:
        """End the leases of all workers that have been silent for too long."""
        for name in self._leases.expired(now):
            worker = self._pool.workers[name]
            reason = f"its worker was silent for {self._policy.lease_seconds:g} s"
            worker.silent = True
            self._pool.changed(worker)
            self._recall_programs(worker, now)
            self._lose_all(worker, reason, True, now)
            if not worker.connected:
                self._part(worker)

    def _recall_programs(self, worker: Worker, now: float) -> None:
        """Chunks that are run for nobody end by themselves, programs wait for answers that never come."""
        for live in self._leases.of_worker(worker.name) if worker.connected else ():
            if live.lease.slot < 0:
                self._assignments.revoke(live, "its lease has ended", now)

    def _part(self, worker: Worker) -> None:
        self._pool.remove(worker)
        self._leases.forget_worker(worker.name)

    def _lose_all(self, worker: Worker, reason: str, blame: bool, now: float) -> None:
        for live in reversed(self._leases.of_worker(worker.name)):
            self._endings.lose(live, reason, blame, now)

    def _lose_unheld(self, worker: Worker, held: set[int], now: float) -> None:
        """What was granted while the link was breaking has never arrived."""
        for live in reversed(self._leases.of_worker(worker.name)):
            if live.lease.fence not in held:
                self._endings.lose(live, "it did not reach its worker", False, now)

    def _adopt(self, worker: Worker, held: Held, now: float) -> None:
        """Believe a worker about one lease, or tell it to stop."""
        live = self._leases.get(held.fence)
        if live is not None:
            if live.lease.worker == worker.name:
                self._assignments.repeat_request(live, now)
        elif self._plausible(worker, held):
            task = self._lives.find(held.task)
            objection = self._objection(worker, task, held)
            if task is None or objection:
                self._orders.send(Revoke(worker.name, held.fence, held.task, objection))
            elif task.main is not None and held.portion == 0:
                self._take_over_program(worker, task, held, now)
            else:
                self._take_over(worker, task, worker.slot_for(held.slot), held, now)

    def _plausible(self, worker: Worker, held: Held) -> bool:
        """Whether this fence can have been given to this worker: by an earlier server, or by us."""
        lost = self._leases.lost(held.fence)
        if lost is not None:
            return lost.lease.worker == worker.name
        return self._leases.from_earlier_server(held.fence)

    def _objection(self, worker: Worker, task: Task | None, held: Held) -> str:
        if task is None or task.ended:
            return "the task has ended"
        portion = task.find(held.portion)
        if portion is None or not portion.holds(held.first, held.first + held.count):
            return "the task has no such items"
        if portion.state is not PortionState.OPEN:
            return "its program wants nothing more of that portion"
        if task.is_main(portion) and self._leases.main(task.id) is not None:
            return "the program was started again elsewhere"
        return "" if worker.suits(task.demand) else "this worker may not run this task"

    def _take_over_program(self, worker: Worker, task: Task, held: Held, now: float) -> None:
        """The worker for which it had to wait is back, with the program or, if there is nothing left of it, without."""
        self._lives.wait_no_more(task, now)
        if held.count:
            self._take_over(worker, task, worker.seat_for(held.slot), held, now)
        else:
            self._lives.settle(task, now)

    def _take_over(self, worker: Worker, task: Task, slot: Slot, held: Held, now: float) -> None:
        """A lease from before is a live one again, for those of its items that wait."""
        portion, part = task.portion(held.portion), (held.first, held.first + held.count)
        lease = self._leases.make(task, portion, part, worker.name, slot.index, now, held.fence)
        estimate = held.count * (portion.mean_on(worker.name) or GUESSED_SECONDS)
        live = LiveLease(lease, task, portion, portion.claim(*part), estimate)
        self._assignments.put(live, slot, now)
        task.note(now, "taken over", portion.number, *part, worker.name, held.fence)
        self._orders.tell(task.id)
        if not task.open:
            self._assignments.revoke(live, task.reason, now)
        elif held.count and portion.done.covers(*part):
            self._assignments.revoke(live, "its items have been done elsewhere", now)
        else:
            self._lives.start(task, now)
            self._lives.settle(task, now)
