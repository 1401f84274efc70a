"""The lives of tasks: submitted or restored, extended, stopped, ended, forgotten."""

from __future__ import annotations

from collections import deque

from marx.core.actions import FailItem, SaveItems, SaveState, SaveTask
from marx.core.alarms import Alarms
from marx.core.assignments import Assignments
from marx.core.errors import TaskExists
from marx.core.events import ItemsAdded, TaskRestored, TaskSubmitted
from marx.core.leases import Leases, LiveLease
from marx.core.model import Policy, TaskTerms, Tried
from marx.core.orders import Orders
from marx.core.portions import Portion
from marx.core.states import TaskState, TaskStep
from marx.core.tasks import Task
from marx.core.turns import Turns


class Lives:
    """All remembered tasks, open and ended, by id."""

    def __init__(
        self,
        policy: Policy,
        leases: Leases,
        turns: Turns,
        assignments: Assignments,
        alarms: Alarms,
        orders: Orders,
    ) -> None:
        self.tasks: dict[str, Task] = {}
        self._policy = policy
        self._leases = leases
        self._turns = turns
        self._assignments = assignments
        self._alarms = alarms
        self._orders = orders
        self._ended: deque[str] = deque()

    def find(self, task: str) -> Task | None:
        """The task with that id, if it is remembered."""
        return self.tasks.get(task)

    def submit(self, event: TaskSubmitted, now: float) -> None:
        """A new task. Raises TaskExists, since the server makes the ids."""
        task = self._add(event.terms, now)
        task.note(now, "submitted", remark=f"by {task.terms.user}")
        self._orders.save(SaveTask(task.id, event.cargo))
        self._orders.tell(task.id)

    def restore(self, event: TaskRestored, now: float) -> None:
        """A task as the store knows it. One that was being stopped has ended with the old server."""
        task = self._add(event.terms, now)
        task.state = TaskState(event.state)
        task.note(now, "restored", remark=f"{event.state}, {event.failures} failed attempts")
        for number, (known, final) in event.totals.items():
            task.portion(number).extend(known, final)
        for finished in event.finished:
            portion = task.portion(finished.portion)
            portion.accept(list(finished.done))
            for part in finished.failed:
                portion.failed.add(*part)
        if task.state is TaskState.RUNNING:
            task.resume_at = now + self._policy.return_seconds
            self._alarms.set(task.resume_at, task.id)
        for tried in event.tried:
            self._recount(task.portion(tried.portion), tried)
        self._go_on(task, now)

    def extend(self, event: ItemsAdded, now: float) -> None:
        """More items for a portion, or news that there will be none."""
        task = self.tasks.get(event.task)
        verdict, reason = self._judge_items(task, event)
        if task is not None and verdict == "accepted":
            task.portion(event.portion).extend(event.count, event.final)
            stop = event.first + event.count
            task.note(now, "items added", event.portion, event.first, stop)
            self._orders.save(
                SaveItems(
                    task.id, event.portion, event.first, event.count, event.final, event.cargo
                )
            )
            self._orders.tell(task.id)
            self._turns.offer_again(task)
            self.settle(task, now)
        self._orders.answer(None, event.receipt, verdict, reason)

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
            self._assignments.revoke(lease, reason)

    def fail_item(self, live: LiveLease, item: int, error: dict[str, str], now: float) -> None:
        """An item that was under this lease has an error as its result, by our own judgement."""
        task, portion, lease = live.task, live.portion, live.lease
        portion.accept([(item, item + 1)])
        portion.failed.add(item, item + 1)
        task.note(now, "failed for good", portion.number, item, item + 1, remark=error["message"])
        self._orders.save(
            FailItem(task.id, portion.number, item, error, lease.worker, lease.attempt)
        )
        self._orders.tell(task.id)
        self.item_failed(task, portion, item, now)

    def item_failed(self, task: Task, portion: Portion, item: int, now: float) -> None:
        """An item's result is an error; with ``stop_on_error`` that ends the task."""
        if task.terms.stop_on_error:
            self.stop(task, TaskStep.FAIL, f"item {portion.number}.{item} failed", now)

    def settle(self, task: Task, now: float) -> None:
        """End a task that has nothing left to do or to wait for."""
        if task.state is TaskState.STOPPING and not self._leases.has_any(task.id):
            self._end(task, task.ending, task.reason, now)
        elif task.open and task.complete:
            self._end(task, TaskStep.FINISH, "", now)
            for live in self._leases.of_task(task.id):
                if live.reached < live.lease.stop:
                    self._assignments.revoke(live, "all of its items have been done elsewhere")
        elif not task.waiting:
            self._turns.withdraw(task)

    def offer(self, task: Task) -> None:
        """Items of it wait again."""
        self._turns.offer_again(task)

    def start(self, task: Task, now: float) -> None:
        """A chunk of it is out."""
        if task.state is TaskState.QUEUED:
            self._advance(task, TaskStep.START, "", now)

    def forget(self, task: Task, now: float) -> None:
        """Remember the task no longer than until it has ended."""
        task.forgotten = True
        if task.ended:
            self.tasks.pop(task.id, None)
        else:
            self.stop(task, TaskStep.CANCEL, "it was forgotten", now)

    def look_again(self, task: Task, why: str, now: float) -> None:
        """An instant of this task has come: its patience ended, or a pause of its items did.

        why: the sentence that says what it waits for.
        """
        within = task.terms.start_within
        if task.state is TaskState.QUEUED and within is not None:
            if now >= task.arrived_at + within:
                reason = f"nothing took it within {within:g} s. {why}".rstrip()
                self.stop(task, TaskStep.FAIL, reason, now)
        self._turns.offer_again(task)

    def _add(self, terms: TaskTerms, now: float) -> Task:
        if terms.id in self.tasks:
            raise TaskExists(terms.id)
        task = self.tasks[terms.id] = Task(terms, self._policy, now)
        if terms.start_within is not None:
            self._alarms.set(now + terms.start_within, task.id)
        return task

    def _recount(self, portion: Portion, tried: Tried) -> None:
        """Count a stored attempt as it was counted when it went wrong."""
        if tried.item is not None:
            portion.tries.fail(tried.item)
        elif tried.outcome in ("lost", "died"):
            undone = portion.done.complement(tried.first, tried.first + tried.count)
            portion.tries.lose(undone, tried.worker, tried.reason)

    def _go_on(self, task: Task, now: float) -> None:
        """Let a restored task go on where the old server stopped."""
        failed = [part[0] for portion in task.portions.values() for part in portion.failed]
        stopped_by_item = bool(failed) and task.terms.stop_on_error
        if task.state is TaskState.STOPPING:
            task.ending = TaskStep.FAIL if stopped_by_item else TaskStep.CANCEL
            task.reason = "the server was started anew while it was being stopped"
        elif task.open and stopped_by_item:
            self.stop(task, TaskStep.FAIL, f"item {failed[0]} failed", now)
        elif task.ended:
            self._retire(task)
        self._turns.offer_again(task)
        self.settle(task, now)

    def _judge_items(self, task: Task | None, event: ItemsAdded) -> tuple[str, str]:
        if task is None or not task.open:
            return "refused", "the task has ended" if task else "there is no such task"
        if event.first < 0 or event.count < 0 or event.portion < 0:
            return "refused", "an index or a count is negative"
        portion = task.portions.get(event.portion)
        known, final = (portion.known, portion.final) if portion else (0, False)
        if event.first + event.count <= known and (final or not event.final):
            return "known", ""
        if final:
            return "refused", f"the portion ended with {known} items"
        if event.first != known:
            return "refused", f"the next item is {known}, not {event.first}"
        return "accepted", ""

    def _advance(self, task: Task, step: TaskStep, reason: str, now: float) -> None:
        task.advance(step, reason)
        task.note(now, str(task.state), remark=reason)
        self._orders.save(SaveState(task.id, str(task.state), reason))
        self._orders.tell(task.id)
        self._turns.offer(task)

    def _end(self, task: Task, step: TaskStep, reason: str, now: float) -> None:
        self._advance(task, step, reason, now)
        self._retire(task)

    def _retire(self, task: Task) -> None:
        """Remember an ended task as long as there are not too many later ones."""
        if task.forgotten:
            del self.tasks[task.id]
            return
        self._ended.append(task.id)
        if len(self._ended) > self._policy.ended_tasks:
            self.tasks.pop(self._ended.popleft(), None)
