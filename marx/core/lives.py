"""The lives of tasks once they are there: started, stopped, ended, forgotten."""

from __future__ import annotations

from collections import deque

from marx.core.actions import FailItem, SaveHeld, SaveSpent, SaveState
from marx.core.alarms import Alarms
from marx.core.assignments import Assignments
from marx.core.errors import TaskExists
from marx.core.events import CancelAsked, HoldAsked, ReleaseAsked, TaskForgotten
from marx.core.leases import Leases, LiveLease
from marx.core.model import Policy, TaskTerms
from marx.core.orders import Orders
from marx.core.states import TaskState, TaskStep
from marx.core.tasks import Refusal, Task
from marx.core.turns import Turns


NOT_AGAIN = "its main program was lost, and with --network it is not started again: what it did outside would be done twice"


class Lives:
    """All remembered tasks, open and ended, by id; of the ended ones the last ``ended_tasks``."""

    def __init__(
        self,
        policy: Policy,
        leases: Leases,
        turns: Turns,
        seat_turns: Turns,
        assignments: Assignments,
        alarms: Alarms,
        orders: Orders,
    ) -> None:
        self.tasks: dict[str, Task] = {}
        self._policy = policy
        self._leases = leases
        self._turns = turns
        self._seat_turns = seat_turns
        self._assignments = assignments
        self._alarms = alarms
        self._orders = orders
        self._ended: deque[str] = deque()

    def find(self, task: str) -> Task | None:
        """The task with that id, if it is remembered."""
        return self.tasks.get(task)

    def add(self, terms: TaskTerms, now: float) -> Task:
        """A new task. Raises TaskExists."""
        if terms.id in self.tasks:
            raise TaskExists(terms.id)
        task = self.tasks[terms.id] = Task(terms, self._policy, now)
        self.watch_time(task, now)
        return task

    def watch_time(self, task: Task, now: float) -> None:
        """Look at a task again when its time is over, or how much it has spent is to be stored."""
        if task.due_at is not None:
            task.look_at = min(task.due_at, now + self._policy.spent_seconds)
            self._alarms.set(task.look_at, task.id)

    def offer(self, task: Task) -> None:
        """Items of it, or its main program, wait, or wait again."""
        self._turns.offer_again(task)
        if task.main is not None:
            self._seat_turns.offer_again(task.main)

    def narrow(self, task: Task, python: str) -> None:
        """Its program runs under this minor version: nothing of the task may run under another from now on."""
        if python and not task.demand.minor:
            self._withdraw(task)
            task.narrow(python)
            self.offer(task)

    def cancel(self, task: Task, event: CancelAsked, now: float) -> None:
        """Somebody wants it stopped."""
        self.stop(task, TaskStep.CANCEL, f"cancelled by {event.by}", now)

    def resume(self, task: Task, now: float) -> None:
        """Nobody else will come back with anything of it: what waits may be granted."""
        task.resume_at = min(task.resume_at, now)
        if task.main is not None:
            task.main.resume_at = min(task.main.resume_at, now)
        self.offer(task)

    def wait_no_more(self, task: Task, now: float) -> None:
        """Nobody else will come back with its main program: as soon as it waits, it may be granted."""
        if task.main is not None:
            task.main.resume_at = now
            self.offer(task)

    def hold(self, task: Task, event: HoldAsked, now: float) -> None:
        """Grant nothing more of an open task until it is released."""
        if task.open and task.held_by is None:
            task.held_by = event.by
            self._note_hold(task, "held", event.by, now)
            self._withdraw(task)

    def release(self, task: Task, event: ReleaseAsked, now: float) -> None:
        """Let a held task go on; its patience begins anew."""
        if task.open and task.held_by is not None:
            task.held_by = None
            self._note_hold(task, "released", event.by, now)
            if task.state is TaskState.QUEUED:
                self._begin_clock(task, now)
            self.offer(task)

    def leave_alone(self, task: Task, worker: str, reason: str, now: float) -> bool:
        """Grant nothing of it to a worker for a while, longer each time; False where that is so already."""
        policy, before = self._policy, task.refusals.get(worker)
        if before is not None and now < before.until:
            return False
        count = before.count + 1 if before else 1
        pause = policy.elsewhere_seconds * 2.0 ** (min(count, 30) - 1)
        until = now + min(pause, policy.refusal_longest)
        task.refusals[worker] = Refusal(count, until, reason)
        self._alarms.set(until, task.id)
        return True

    def start(self, task: Task, now: float) -> None:
        """A chunk of it is out."""
        if task.state is TaskState.QUEUED:
            self._advance(task, TaskStep.START, "", now)
            self._begin_clock(task, now)

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
        """End a task that has nothing left to do or to wait for, or whose main program must not be started again."""
        self._end_if_begun(task, now)
        if task.items.totals.completed:
            task.items.put_away()
        if task.state is TaskState.STOPPING and not self._leases.has_any(task.id):
            self._end(task, task.ending, task.reason, now)
        elif task.open and task.complete:
            self._finish(task, now)
        elif not task.waiting:
            self._turns.withdraw(task)
        if task.main is not None and not task.main.waiting:
            self._seat_turns.withdraw(task.main)

    def fail_item(self, live: LiveLease, item: int, error: dict[str, str], now: float) -> None:
        """An item that was under this lease has an error as its result, by our own judgement."""
        task, portion, lease = live.task, live.portion, live.lease
        portion.accept([(item, item + 1)], [item])
        task.note(now, "failed for good", portion.number, item, item + 1, remark=error["message"])
        self._orders.save(FailItem(task.id, portion.number, item, error, lease.worker, lease.attempt))
        self._orders.tell(task.id)
        self.item_failed(live, item, now, error["message"])

    def item_failed(self, live: LiveLease, item: int, now: float, message: str = "") -> None:
        """An item's result is an error; with ``stop_on_error``, or if it is the main program, that ends the task."""
        if live.task.is_main(live.portion):
            reason = f"its main program did not survive: {message}" if message else "its main program failed"
            self.stop(live.task, TaskStep.FAIL, reason, now)
        elif live.task.terms.stop_on_error:
            self.stop(live.task, TaskStep.FAIL, f"item {live.portion.number}.{item} failed", now)

    def look_again(self, task: Task, why: str, now: float) -> None:
        """An instant of this task has come: its time is over or to be stored, or a pause of its items has ended.

        why: the sentence that says what it waits for.
        """
        self._look_at_time(task, why, now)
        self.offer(task)
        self._end_if_begun(task, now)

    def _look_at_time(self, task: Task, why: str, now: float) -> None:
        limit, due_at = task.time_limit, task.due_at
        is_queued = task.state is TaskState.QUEUED
        if limit is None or due_at is None or now < task.look_at or (is_queued and task.held_by is not None):
            return
        if now < due_at:
            self._orders.save(SaveSpent(task.id, now - task.since))
            self.watch_time(task, now)
        elif is_queued:
            self.stop(task, TaskStep.FAIL, f"nothing took it within {limit:g} s. {why}".rstrip(), now)
        else:
            self._orders.save(SaveSpent(task.id, limit))
            self.stop(task, TaskStep.FAIL, task.out_of_time, now)

    def _begin_clock(self, task: Task, now: float) -> None:
        """The time of its present state counts from now on."""
        had_limit = task.terms.start_within is not None
        task.since = now
        if had_limit or task.time_limit is not None:
            self._orders.save(SaveSpent(task.id, 0.0))
        self.watch_time(task, now)

    def forget(self, task: Task, event: TaskForgotten, now: float) -> None:
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
        task.items.forget()
        self._ended.append(task.id)
        if len(self._ended) > self._policy.ended_tasks:
            self.tasks.pop(self._ended.popleft(), None)

    def _end_if_begun(self, task: Task, now: float) -> None:
        """A main program that used the network is not started again: nobody knows what it did out there."""
        main = task.main
        if main is not None and task.terms.network and main.waiting and now >= main.resume_at and main.portion.tries.attempt(0, 1) > 1:
            self.stop(task, TaskStep.FAIL, NOT_AGAIN, now)

    def _advance(self, task: Task, step: TaskStep, reason: str, now: float) -> None:
        task.advance(step, reason)
        task.note(now, str(task.state), remark=reason)
        self._orders.save(SaveState(task.id, str(task.state), reason))
        self._orders.tell(task.id)
        self._turns.offer(task)
        if task.main is not None:
            self._seat_turns.offer(task.main)

    def _end(self, task: Task, step: TaskStep, reason: str, now: float) -> None:
        self._advance(task, step, reason, now)
        self.retire(task)

    def _finish(self, task: Task, now: float) -> None:
        reason = "all of its items have been done elsewhere" if task.main is None else "its program has ended"
        self._end(task, TaskStep.FINISH, "", now)
        for live in self._leases.of_task(task.id):
            if live.reached < live.lease.stop:
                self._assignments.revoke(live, reason, now)

    def _note_hold(self, task: Task, verb: str, by: str, now: float) -> None:
        task.note(now, verb, remark=f"by {by}")
        self._orders.save(SaveHeld(task.id, task.held_by is not None))
        self._orders.tell(task.id)

    def _withdraw(self, task: Task) -> None:
        """Nothing of it may be granted now, or what it demands is about to change."""
        self._turns.withdraw(task)
        if task.main is not None:
            self._seat_turns.withdraw(task.main)
