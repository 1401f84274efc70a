"""What main programs say of their portions: opened, dropped; and portions that could not be run elsewhere.

Only one worker speaks for a program: the one that holds its live lease. Whoever lost it may still run the program, and
must not be believed beside the one that runs it now.
"""

from __future__ import annotations

from marx.core.actions import RefusePortion, SavePortion, SavePortionEnd
from marx.core.assignments import Assignments
from marx.core.events import PortionDropped, PortionOpened
from marx.core.leases import Leases
from marx.core.lives import Lives
from marx.core.orders import Orders
from marx.core.states import PortionState, PortionStep
from marx.core.tasks import Task

HOME = "home"
NOT_YOURS = "not yours"


class Programs:
    """Opens portions, and closes those of which nothing more shall be granted."""

    def __init__(self, leases: Leases, assignments: Assignments, lives: Lives, orders: Orders) -> None:
        self._leases = leases
        self._assignments = assignments
        self._lives = lives
        self._orders = orders

    def speaks_for(self, task: Task, worker: str, fence: int | None) -> bool:
        """Whether this worker runs the task's main program under that fence."""
        main = self._leases.main(task.id)
        return task.open and main is not None and (main.lease.worker, main.lease.fence) == (worker, fence)

    def open(self, event: PortionOpened, now: float) -> None:
        """A program opened a portion, now or in an attempt before."""
        task = self._lives.find(event.task)
        if task is None or not self.speaks_for(task, event.worker, event.fence):
            self._orders.answer(event.worker, event.receipt, NOT_YOURS)
        elif event.portion < 1:
            self._orders.answer(event.worker, event.receipt, "refused", "portions that a program opens count from 1")
        elif task.find(event.portion) is not None:
            self._orders.answer(event.worker, event.receipt, "known")
        else:
            self._add(task, event, now)
            self._orders.answer(event.worker, event.receipt, "accepted")

    def drop(self, event: PortionDropped, now: float) -> None:
        """A program wants nothing more of a portion."""
        task = self._lives.find(event.task)
        if task is None or not self.speaks_for(task, event.worker, event.fence):
            self._orders.answer(event.worker, event.receipt, NOT_YOURS)
            return
        portion = task.find(event.portion)
        if portion is None or task.is_main(portion):
            self._orders.answer(event.worker, event.receipt, "refused", f"there is no portion {event.portion}")
        elif portion.state is PortionState.DROPPED:
            self._orders.answer(event.worker, event.receipt, "known")
        else:
            task.refused.pop(event.portion, None)
            self._close(task, event.portion, PortionStep.DROP, "its program wants nothing more of it", now)
            self._orders.save(SavePortionEnd(task.id, event.portion, str(PortionState.DROPPED)))
            self._orders.answer(event.worker, event.receipt, "accepted")

    def refuse(self, task: Task, number: int, reason: str, now: float) -> None:
        """A portion cannot be run where it was tried, nor elsewhere: the program has to see to it itself."""
        portion = task.find(number)
        if portion is not None and portion.state is PortionState.OPEN and not portion.complete:
            task.refused[number] = reason
            self._close(task, number, PortionStep.REFUSE, reason, now)
            self._orders.send(RefusePortion(task.id, number, reason))

    def _add(self, task: Task, event: PortionOpened, now: float) -> None:
        if event.place == HOME:
            task.items.keep_home(event.portion)
        else:
            task.items.make(event.portion)
        self._lives.narrow(task, event.python or "")
        task.note(now, f"portion {event.portion} opened", worker=event.worker, fence=event.fence, remark=event.place)
        self._orders.save(SavePortion(task.id, event.portion, event.cargo))
        self._orders.tell(task.id)

    def _close(self, task: Task, number: int, step: PortionStep, reason: str, now: float) -> None:
        task.items.shut(number, step)
        task.note(now, f"portion {number} closed", number, remark=reason)
        for live in self._leases.of_task(task.id):
            if live.lease.portion == number:
                self._assignments.revoke(live, reason, now)
        self._orders.tell(task.id)
        self._lives.settle(task, now)
