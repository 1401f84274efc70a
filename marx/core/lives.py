"""The lives of tasks once they are there: started, stopped, ended, forgotten."""

from __future__ import annotations

from collections import deque

from marx.core.actions import FailItem, SaveState
from marx.core.assignments import Assignments
from marx.core.leases import Leases, LiveLease
from marx.core.orders import Orders
from marx.core.states import TaskState, TaskStep
from marx.core.tasks import Task
from marx.core.turns import Turns


class Lives:
    """All remembered tasks, open and ended, by id; of the ended ones the last ``ended_tasks``."""

    def __init__(self, leases: Leases, turns: Turns, assignments: Assignments, orders: Orders, ended_tasks: int) -> None:
        self.tasks: dict[str, Task] = {}
        self._leases = leases
        self._turns = turns
        self._assignments = assignments
        self._orders = orders
        self._ended_tasks = ended_tasks
        self._ended: deque[str] = deque()

    def find(self, task: str) -> Task | None:
        """The task with that id, if it is remembered."""
        return self.tasks.get(task)

    def offer(self, task: Task) -> None:
        """Items of it wait, or wait again."""
        self._turns.offer_again(task)

    def start(self, task: Task, now: float) -> None:
        """A chunk of it is out."""
        if task.state is TaskState.QUEUED:
            self._advance(task, TaskStep.START, "", now)

    def stop(self, task: Task, step: TaskStep, reason: str, now: float) -> None:
        """End an open task by this step, as soon as none of its chunks is out any more."""
        if not task.open:
            return
        live = self._leases.of_task(task.id)
        if not live:
            self._end(task, step, reason, now)
            return
        task.ending = step
        self._advance(task, TaskStep.STOP, reason, now)
        for lease in live:
            self._assignments.revoke(lease, reason, now)

    def settle(self, task: Task, now: float) -> None:
        """End a task that has nothing left to do or to wait for."""
        if task.state is TaskState.STOPPING and not self._leases.has_any(task.id):
            self._end(task, task.ending, task.reason, now)
        elif task.open and task.complete:
            self._end(task, TaskStep.FINISH, "", now)
            for live in self._leases.of_task(task.id):
                if live.reached < live.lease.stop:
                    self._assignments.revoke(live, "all of its items have been done elsewhere", now)
        elif not task.waiting:
            self._turns.withdraw(task)

    def fail_item(self, live: LiveLease, item: int, error: dict[str, str], now: float) -> None:
        """An item that was under this lease has an error as its result, by our own judgement."""
        task, portion, lease = live.task, live.portion, live.lease
        portion.accept([(item, item + 1)], [item])
        task.note(now, "failed for good", portion.number, item, item + 1, remark=error["message"])
        self._orders.save(FailItem(task.id, portion.number, item, error, lease.worker, lease.attempt))
        self._orders.tell(task.id)
        self.item_failed(live, item, now)

    def item_failed(self, live: LiveLease, item: int, now: float) -> None:
        """An item's result is an error; with ``stop_on_error`` that ends the task."""
        if live.task.terms.stop_on_error:
            self.stop(live.task, TaskStep.FAIL, f"item {live.portion.number}.{item} failed", now)

    def look_again(self, task: Task, why: str, now: float) -> None:
        """An instant of this task has come: its patience ended, or a pause of its items did.

        why: the sentence that says what it waits for.
        """
        within = task.terms.start_within
        if task.state is TaskState.QUEUED and within is not None and now >= task.arrived_at + within:
            self.stop(task, TaskStep.FAIL, f"nothing took it within {within:g} s. {why}".rstrip(), now)
        self.offer(task)

    def forget(self, task: Task, now: float) -> None:
        """Remember the task no longer than until it has ended."""
        task.forgotten = True
        if task.ended:
            self.tasks.pop(task.id, None)
        else:
            self.stop(task, TaskStep.CANCEL, "it was forgotten", now)

    def retire(self, task: Task) -> None:
        """Remember an ended task as long as there are not too many later ones."""
        if task.forgotten:
            del self.tasks[task.id]
            return
        self._ended.append(task.id)
        if len(self._ended) > self._ended_tasks:
            self.tasks.pop(self._ended.popleft(), None)

    def _advance(self, task: Task, step: TaskStep, reason: str, now: float) -> None:
        task.advance(step, reason)
        task.note(now, str(task.state), remark=reason)
        self._orders.save(SaveState(task.id, str(task.state), reason))
        self._orders.tell(task.id)
        self._turns.offer(task)

    def _end(self, task: Task, step: TaskStep, reason: str, now: float) -> None:
        self._advance(task, step, reason, now)
        self.retire(task)
