"""One task: its state, its portions, and the list of what happened to it."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import Iterator, NamedTuple

from marx.core.model import Policy, Range, TaskTerms
from marx.core.placing import Demand
from marx.core.portions import Portion
from marx.core.retries import Tries
from marx.core.states import TASK, TaskState, TaskStep, advance, ended

GUESSED_SECONDS = 1.0
"""Taken for the time of an item, where none was measured, to say which task is the shorter one."""


class Happening(NamedTuple):
    """One line of a story, made into text only when somebody asks; ``fence`` 0 means none."""

    at: float
    verb: str
    portion: int
    first: int
    stop: int
    worker: str
    fence: int
    remark: str

    def __str__(self) -> str:
        words = [f"{self.at:.3f}", self.verb]
        if self.stop > self.first:
            words.append(f"items {self.portion}.{self.first}-{self.stop - 1}")
        if self.worker:
            words.append(f"on {self.worker}")
        if self.fence:
            words.append(f"fence {self.fence >> 32}:{self.fence & 0xFFFFFFFF}")
        return " ".join(words) + (f" ({self.remark})" if self.remark else "")


@dataclass(slots=True)
class Refusal:
    """That a worker could not run a task: how often so far, until when it is left alone, and why."""

    count: int
    until: float
    reason: str


class Task:
    """What the scheduler knows of one task.

    slots: slots that it holds now.  recalled: unbegun chunks of it that were asked back.
    ending: the step that will end it once its last chunk has, while it is stopping.
    refusals: by worker.  resume_at: nothing of it is granted before.
    restored: an earlier server may have granted anything of it.  forgotten: to be dropped as soon as it has ended.
    """

    def __init__(self, terms: TaskTerms, policy: Policy, now: float) -> None:
        self.id = terms.id
        self.terms = terms
        self.demand = Demand.of(terms)
        self.arrived_at = now
        self.state = TaskState.QUEUED
        self.ending = TaskStep.CANCEL
        self.reason = ""
        self.portions: dict[int, Portion] = {}
        self.slots = 0
        self.recalled = 0
        self.refusals: dict[str, Refusal] = {}
        self.resume_at = now
        self.restored = False
        self.forgotten = False
        self._item_losses = policy.item_losses
        self._story: deque[Happening] = deque(maxlen=policy.story_events)

    @property
    def open(self) -> bool:
        """Whether chunks of it may be granted."""
        return self.state is TaskState.QUEUED or self.state is TaskState.RUNNING

    @property
    def ended(self) -> bool:
        """Whether nothing can happen to it any more."""
        return ended(self.state)

    @property
    def waiting(self) -> int:
        """How many of its items wait."""
        waiting = 0
        for portion in self.portions.values():
            waiting += len(portion.waiting)
        return waiting

    @property
    def complete(self) -> bool:
        """Whether every item it will ever have has a result."""
        for portion in self.portions.values():
            if not portion.complete:
                return False
        return bool(self.portions)

    @property
    def full(self) -> bool:
        """Whether it holds as many slots as it may."""
        return self.terms.max_slots is not None and self.slots >= self.terms.max_slots

    def portion(self, number: int) -> Portion:
        """The portion of that number, new if there was none."""
        found = self.portions.get(number)
        if found is None:
            found = Portion(number, Tries(self.terms.retries, self._item_losses))
            self.portions[number] = found
        return found

    def next_run(self, worker: str, now: float) -> tuple[Portion, Range] | None:
        """The first waiting items that this worker may have now, with their portion."""
        refusal = self.refusals.get(worker)
        if now < self.resume_at or (refusal is not None and now < refusal.until):
            return None
        for portion in self.portions.values():
            run = portion.next_run(worker, now)
            if run is not None:
                return portion, run
        return None

    def remaining_seconds(self) -> float:
        """Slot time that its unfinished items will take, guessed where nothing was measured."""
        seconds = 0.0
        for portion in self.portions.values():
            seconds += portion.undone * (portion.pace.mean or GUESSED_SECONDS)
        return seconds

    def advance(self, step: TaskStep, reason: str) -> None:
        """Take a step of its life. Raises IllegalTransition."""
        self.state = advance(TASK, self.state, step)
        self.reason = reason

    def note(
        self,
        at: float,
        verb: str,
        portion: int = 0,
        first: int = 0,
        stop: int = 0,
        worker: str = "",
        fence: int = 0,
        remark: str = "",
    ) -> None:
        """Remember that something happened, to these items or to the task as a whole."""
        self._story.append(Happening(at, verb, portion, first, stop, worker, fence, remark))

    def story(self, portion: int, item: int | None) -> Iterator[Happening]:
        """What is remembered of one item and of the task as a whole; without an item, everything."""
        for line in self._story:
            about_task = item is None or line.stop <= line.first
            if about_task or (line.portion == portion and line.first <= item < line.stop):
                yield line
