"""What taskers and the store bring: new tasks, their items, and the tasks of an earlier server."""

from __future__ import annotations

from marx.core.actions import SaveItems, SaveTask
from marx.core.alarms import Alarms
from marx.core.errors import TaskExists
from marx.core.events import ItemsAdded, TaskRestored, TaskSubmitted
from marx.core.lives import Lives
from marx.core.model import Policy, TaskTerms, Tried
from marx.core.orders import Orders
from marx.core.portions import Portion
from marx.core.states import TaskState, TaskStep
from marx.core.tasks import Task


class Submissions:
    """Takes tasks and items in."""

    def __init__(self, policy: Policy, lives: Lives, alarms: Alarms, orders: Orders) -> None:
        self._policy = policy
        self._lives = lives
        self._alarms = alarms
        self._orders = orders

    def submit(self, event: TaskSubmitted, now: float) -> None:
        """A new task. Raises TaskExists, since the server makes the ids."""
        task = self._add(event.terms, now)
        task.note(now, "submitted", remark=f"by {task.terms.user}")
        self._orders.save(SaveTask(task.id, event.cargo))
        self._orders.tell(task.id)

    def extend(self, event: ItemsAdded, now: float) -> None:
        """More items for a portion, or news that there will be none."""
        task = self._lives.find(event.task)
        verdict, reason = self._judge(task, event)
        if task is not None and verdict == "accepted":
            task.portion(event.portion).extend(event.count, event.final)
            task.note(now, "items added", event.portion, event.first, event.first + event.count)
            self._orders.save(SaveItems(task.id, event.portion, event.first, event.count, event.final, event.cargo))
            self._orders.tell(task.id)
            self._lives.offer(task)
            self._lives.settle(task, now)
        self._orders.answer(None, event.receipt, verdict, reason)

    def restore(self, event: TaskRestored, now: float) -> None:
        """A task as the store knows it goes on where the earlier server stopped."""
        task = self._add(event.terms, now)
        task.state = TaskState(event.state)
        task.restored = True
        task.note(now, "restored", remark=f"{event.state}, {event.failures} failed attempts")
        self._fill(task, event)
        if task.state is TaskState.RUNNING:
            task.resume_at = now + self._policy.return_seconds
            self._alarms.set(task.resume_at, task.id)
        self._go_on(task, now)

    def _add(self, terms: TaskTerms, now: float) -> Task:
        if self._lives.find(terms.id) is not None:
            raise TaskExists(terms.id)
        task = Task(terms, self._policy, now)
        self._lives.tasks[terms.id] = task
        if terms.start_within is not None:
            self._alarms.set(now + terms.start_within, task.id)
        return task

    def _judge(self, task: Task | None, event: ItemsAdded) -> tuple[str, str]:
        """The verdict about items, and its reason where they are refused."""
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

    def _fill(self, task: Task, event: TaskRestored) -> None:
        for number, (known, final) in event.totals.items():
            task.portion(number).extend(known, final)
        for finished in event.finished:
            portion = task.portion(finished.portion)
            portion.accept(list(finished.done))
            for part in finished.failed:
                portion.failed.add(*part)
        for tried in event.tried:
            self._recount(task.portion(tried.portion), tried)

    def _recount(self, portion: Portion, tried: Tried) -> None:
        """Count a stored attempt as it was counted when it went wrong."""
        undone = portion.done.complement(tried.first, tried.first + tried.count)
        if tried.outcome != "refused":
            portion.tries.repeat(undone)
        if tried.item is not None and tried.item not in portion.done:
            portion.tries.fail(tried.item)
        elif tried.item is None and tried.outcome in ("lost", "died"):
            portion.tries.lose(undone, tried.worker, tried.reason)

    def _go_on(self, task: Task, now: float) -> None:
        """One that had all its results, or should have stopped, ends now; one that was stopping has no chunks any more."""
        failed = [f"{portion.number}.{part[0]}" for portion in task.portions.values() for part in portion.failed]
        stopped_by_item = bool(failed) and task.terms.stop_on_error
        if task.state is TaskState.STOPPING:
            task.ending = TaskStep.FAIL if stopped_by_item else TaskStep.CANCEL
            task.reason = "the server was started anew while it was being stopped"
        elif task.open and stopped_by_item:
            self._lives.stop(task, TaskStep.FAIL, f"item {failed[0]} failed", now)
        elif task.ended:
            self._lives.retire(task)
        self._lives.offer(task)
        self._lives.settle(task, now)
