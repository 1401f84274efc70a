"""What taskers bring, and main programs: new tasks, and items for their portions."""

from __future__ import annotations

from marx.core.actions import SaveItems, SaveTask
from marx.core.events import ItemsAdded, TaskSubmitted
from marx.core.lives import Lives
from marx.core.orders import Orders
from marx.core.programs import NOT_YOURS, Programs
from marx.core.tasks import Task


class Submissions:
    """Takes tasks and items in."""

    def __init__(self, lives: Lives, programs: Programs, orders: Orders) -> None:
        self._lives = lives
        self._programs = programs
        self._orders = orders

    def submit(self, event: TaskSubmitted, now: float) -> None:
        """A new task. Raises TaskExists, since the server makes the ids."""
        task = self._lives.add(event.terms, now)
        task.note(now, "submitted", remark=f"by {task.terms.user}")
        self._orders.save(SaveTask(task.id, event.cargo))
        self._orders.tell(task.id)

    def extend(self, event: ItemsAdded, now: float) -> None:
        """More items for a portion, or news that there will be none."""
        task = self._lives.find(event.task)
        verdict, reason = NOT_YOURS, ""
        if self._may_add(task, event):
            verdict, reason = self._judge(task, event)
        if task is not None and verdict == "accepted":
            portion = task.portion(event.portion)
            portion.extend(event.count, event.final)
            if event.weight:
                portion.weights.add(event.first, event.weight)
            task.note(now, "items added", event.portion, event.first, event.first + event.count)
            self._orders.save(SaveItems(task.id, event.portion, event.first, event.count, event.final, event.cargo))
            self._orders.tell(task.id)
            self._lives.offer(task)
            self._lives.settle(task, now)
        self._orders.answer(event.worker, event.receipt, verdict, reason)

    def _may_add(self, task: Task | None, event: ItemsAdded) -> bool:
        """A worker may only add to the portions of a program that it runs."""
        if event.worker is None:
            return True
        return task is not None and event.portion > 0 and self._programs.speaks_for(task, event.worker, event.fence)

    def _judge(self, task: Task | None, event: ItemsAdded) -> tuple[str, str]:
        """The verdict about items, and its reason where they are refused."""
        if task is None or not task.open:
            return "refused", "the task has ended" if task else "there is no such task"
        if event.first < 0 or event.count < 0 or event.portion < 0:
            return "refused", "an index or a count is negative"
        portion = task.find(event.portion)
        if task.main is not None:
            if portion is None:
                return "refused", f"portion {event.portion} was not opened"
            if event.portion == 0 and event.first + event.count > 1:
                return "refused", "a program is one item"
        known, final = (portion.known, portion.final) if portion else (0, False)
        if event.first + event.count <= known and (final or not event.final):
            return "known", ""
        if final:
            return "refused", f"the portion ended with {known} items"
        if event.first != known:
            return "refused", f"the next item is {known}, not {event.first}"
        return "accepted", ""
