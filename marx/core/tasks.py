"""One task: its state, its portions, its main program if it has one, and the list of what happened to it."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import Iterator, NamedTuple

from marx.core.model import Policy, Range, TaskTerms
from marx.core.placing import Demand
from marx.core.portions import Portion, Totals
from marx.core.retries import Tries
from marx.core.states import TASK, TaskState, TaskStep, advance, ended
from marx.core.stock import Stock

GUESSED_SECONDS = 1.0
"""Taken for the time of an item, where none was measured, to say which task is the shorter one."""


class Happening(NamedTuple):
    """One line of a story, made of what was noted only when somebody asks; ``fence`` 0 means none."""

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

    items: the portions that slots run.  main: of a run, what a seat runs.  refused: reasons, by number of portion.
    slots: slots that it holds now.  recalled: unbegun chunks of it that were asked back.
    ending: the step that will end it once its last chunk has, while it is stopping.
    refusals: by worker.  outcomes: by worker, how many chunks went well there and how many did not.  resume_at: nothing of its
    items is granted before.  held_by: who asked that nothing be granted ("": nobody remembers), None while it is not held.
    since: when its present state began, but for the time in which no server was there.  look_at: when that is looked at next.
    restored: an earlier server may have granted anything of it.  forgotten: to be dropped as soon as it has ended.
    """

    def __init__(self, terms: TaskTerms, policy: Policy, now: float) -> None:
        self.id = terms.id
        self.terms = terms
        self.demand = Demand.of(terms)
        self.arrived_at = now
        self.since = self.look_at = now
        self.state = TaskState.QUEUED
        self.ending = TaskStep.CANCEL
        self.reason = ""
        self.items = Stock(lambda: Tries(terms.retries, policy.item_losses))
        self._totals = self.items.totals
        self.main = MainProgram(self, policy.program_losses) if terms.kind == "run" else None
        self.refused: dict[int, str] = {}
        self.slots = 0
        self.recalled = 0
        self.refusals: dict[str, Refusal] = {}
        self.outcomes: dict[str, list[int]] = {}
        self.resume_at = now
        self.held_by: str | None = None
        self.restored = False
        self.forgotten = False
        self._story: deque[tuple[float, str, int, int, int, str, int, str]] = deque(maxlen=policy.story_events)

    @property
    def open(self) -> bool:
        """Whether chunks of it may be granted."""
        return self.state is TaskState.QUEUED or self.state is TaskState.RUNNING

    @property
    def ended(self) -> bool:
        """Whether nothing can happen to it any more."""
        return ended(self.state)

    @property
    def time_limit(self) -> float | None:
        """How long its present state may last, in seconds."""
        if self.state is TaskState.QUEUED:
            return self.terms.start_within
        return self.terms.timeout if self.state is TaskState.RUNNING else None

    @property
    def out_of_time(self) -> str:
        """What is said of it when it has run for too long."""
        return f"its time limit of {self.terms.timeout:g} s is over (--timeout)"

    @property
    def due_at(self) -> float | None:
        """When it fails unless its state changes before."""
        limit = self.time_limit
        return None if limit is None else self.since + limit

    @property
    def waiting(self) -> int:
        """How many of its items wait for a slot."""
        return self._totals.waiting

    @property
    def complete(self) -> bool:
        """Whether it has all results that it will ever have: of a run, that of its main program."""
        return self.items.complete if self.main is None else self.main.portion.complete

    @property
    def full(self) -> bool:
        """Whether it holds as many slots as it may."""
        return self.terms.max_slots is not None and self.slots >= self.terms.max_slots

    @property
    def wants(self) -> bool:
        """Whether it could use another slot now."""
        return self._totals.waiting > 0 and self.held_by is None and self.open and not self.full

    def find(self, number: int) -> Portion | None:
        """The portion of that number, if it is known."""
        if self.main is not None and number == 0:
            return self.main.portion
        return self.items.find(number)

    def portion(self, number: int) -> Portion:
        """The portion of that number, new if there was none."""
        return self.find(number) or self.items.make(number)

    def narrow(self, python: str) -> None:
        """Its program turned out to run under this minor version: nothing of it may run under another."""
        if python and not self.demand.minor:
            self.demand = self.demand._replace(minor=python)

    def portions(self) -> Iterator[Portion]:
        """All portions, that of the main program first."""
        if self.main is not None:
            yield self.main.portion
        yield from self.items

    def is_main(self, portion: Portion) -> bool:
        """Whether that portion is the main program."""
        return self.main is not None and portion is self.main.portion

    def next_run(self, worker: str, now: float) -> tuple[Portion, Range] | None:
        """The first waiting items that this worker may have now, with their portion."""
        if now < self.resume_at or self.held_by is not None:
            return None
        refusal = self.refusals.get(worker)
        if refusal is not None and now < refusal.until:
            return None
        return self.items.next_run(worker, now)

    def again_at(self, worker: str, now: float) -> float:
        """When this worker may have something of it that waits, if it may have nothing now."""
        refusal = self.refusals.get(worker)
        return max(self.items.again_at(worker, now), refusal.until if refusal is not None else now)

    def remaining_seconds(self) -> float:
        """Slot time that its unfinished items will take, guessed where nothing was measured."""
        totals = self._totals
        return (totals.known - totals.done) * (totals.pace.mean or GUESSED_SECONDS)

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
        self._story.append((at, verb, portion, first, stop, worker, fence, remark))

    def story(self, portion: int, item: int | None) -> Iterator[Happening]:
        """What is remembered of one item and of the task as a whole; without an item, everything."""
        for line in map(Happening._make, self._story):
            about_task = item is None or line.stop <= line.first
            if about_task or (line.portion == portion and line.first <= item < line.stop):
                yield line


class MainProgram:
    """The main program of a run, as those see it who give out seats: a task whose one item waits, is leased or done.

    slots: seats that it holds.  resume_at: it is not granted before.
    """

    full = False

    def __init__(self, task: Task, losses: int) -> None:
        self.task = task
        self.id = task.id
        self.terms = task.terms
        self.arrived_at = task.arrived_at
        self.resume_at = task.arrived_at
        self.slots = 0
        self.portion = Portion(0, Tries(task.terms.retries, losses), Totals())

    @property
    def demand(self) -> Demand:
        """What it asks of a worker: what its task does."""
        return self.task.demand

    @property
    def open(self) -> bool:
        """Whether it may be granted."""
        return self.task.open

    @property
    def refusals(self) -> dict[str, Refusal]:
        """Which workers could not run it, or something else of its task."""
        return self.task.refusals

    @property
    def waiting(self) -> int:
        """1 while it waits for a seat, else 0."""
        return len(self.portion.waiting)

    @property
    def wants(self) -> bool:
        """Whether it could use a seat now."""
        return self.open and self.waiting > 0 and self.task.held_by is None

    def next_run(self, worker: str, now: float) -> tuple[Portion, Range] | None:
        """Itself, if this worker may have it now."""
        refusal = self.refusals.get(worker)
        if now < self.resume_at or self.task.held_by is not None or (refusal is not None and now < refusal.until):
            return None
        run = self.portion.next_run(worker, now)
        return None if run is None else (self.portion, run)

    def again_at(self, worker: str, now: float) -> float:
        """When this worker may have it, if it may not now."""
        refusal = self.refusals.get(worker)
        return max(self.portion.again_at(worker, now), refusal.until if refusal is not None else now)

    def remaining_seconds(self) -> float:
        """Nobody knows how long a program takes: among equals it is the order of arrival that counts."""
        return 0.0
