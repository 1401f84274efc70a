"""The tasks of an earlier server: what the store knows of them, and what can be told from it."""

from __future__ import annotations

from collections.abc import Collection

from marx.core.alarms import Alarms
from marx.core.events import TaskRestored
from marx.core.lives import Lives
from marx.core.model import Opened, Policy, Tried
from marx.core.portions import Portion
from marx.core.states import PortionState, PortionStep, TaskState, TaskStep
from marx.core.tasks import Task


class Restoring:
    """Lets tasks go on where the earlier server stopped.

    awaited: the workers that may come back with leases of that server, where all of them are known. When each has come there
    is nobody left to wait for.
    """

    def __init__(self, policy: Policy, lives: Lives, alarms: Alarms, awaited: Collection[str]) -> None:
        self._policy = policy
        self._lives = lives
        self._alarms = alarms
        self._awaited = set(awaited)
        self._resuming: list[Task] = []

    def restore(self, event: TaskRestored, now: float) -> None:
        """A task as the store knows it goes on. Raises TaskExists, since the server restores each once."""
        task = self._lives.add(event.terms, now)
        task.state = TaskState(event.state)
        task.since = now - event.spent_seconds
        self._lives.watch_time(task, now)
        task.restored = True
        task.held_by = "" if event.held else None
        task.note(now, "restored", remark=f"{event.state}, {event.failures} failed attempts")
        self._fill(task, event)
        if task.state is TaskState.RUNNING:
            self._await_workers(task, now)
        self._go_on(task, now)

    def returned(self, worker: str, now: float) -> None:
        """A worker has said what it holds."""
        self._awaited.discard(worker)
        if not self._awaited:
            resuming, self._resuming = self._resuming, []
            for task in resuming:
                self._lives.resume(task, now)

    def _await_workers(self, task: Task, now: float) -> None:
        """It was running: whoever runs something of it still may come back and say so."""
        if self._awaited:
            self._resuming.append(task)
        task.resume_at = now + self._policy.return_seconds
        self._alarms.set(task.resume_at, task.id)
        if task.main is not None:
            # Whoever starts it again must ask for the record of what it did before.
            task.main.portion.tries.repeat([(0, task.main.waiting)])
            task.main.resume_at = now + self._policy.program_return_seconds
            self._alarms.set(task.main.resume_at, task.id)

    def _fill(self, task: Task, event: TaskRestored) -> None:
        for number, opened in event.portions.items():
            self._open(task, number, Opened(*opened))
        for number, (known, final) in event.totals.items():
            portion = task.portion(number)
            portion.extend(known, final)
            for first, weight in event.weights.get(number, ()):
                portion.weights.add(first, weight)
        for finished in event.finished:
            portion = task.portion(finished.portion)
            portion.accept(list(finished.done))
            for part in finished.failed:
                portion.mark_failed(*part)
        for tried in event.tried:
            self._recount(task.portion(tried.portion), tried)

    def _open(self, task: Task, number: int, opened: Opened) -> None:
        """A portion that its program had opened."""
        task.narrow(opened.python or "")
        if opened.state == PortionState.HOME:
            task.items.keep_home(number)
            return
        portion = task.items.make(number)
        if opened.state == PortionState.DROPPED:
            portion.shut(PortionStep.DROP)
        elif opened.state == PortionState.REFUSED:
            portion.shut(PortionStep.REFUSE)
            task.refused[number] = opened.reason

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
        failed = [f"{portion.number}.{part[0]}" for portion in task.portions() for part in portion.failed]
        main_failed = task.main is not None and bool(task.main.portion.failed)
        stopped_by_item = bool(failed) and (task.terms.stop_on_error or main_failed)
        if task.state is TaskState.STOPPING:
            is_late = task.terms.timeout is not None and now - task.since >= task.terms.timeout
            task.ending = TaskStep.FAIL if stopped_by_item or is_late else TaskStep.CANCEL
            task.reason = task.out_of_time if is_late else "the server was started anew while it was being stopped"
        elif task.open and stopped_by_item:
            self._lives.stop(task, TaskStep.FAIL, "its main program failed" if main_failed else f"item {failed[0]} failed", now)
        elif task.ended:
            self._lives.retire(task)
        self._lives.offer(task)
        self._lives.settle(task, now)
