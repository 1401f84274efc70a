"""The lives of a task, an attempt, a slot and a portion, as plain tables.

Rules:

1. Everything about which step may follow which stands here and nowhere else.
2. This file does not know why a step is taken, or what else has to be done about it.
3. A step that is not in the table raises ``IllegalTransition`` and changes nothing.

A task is *queued* until something of it runs, then *running*. Who stops it, or a failure that
ends it, makes it *stopping* while chunks of it are still out, and *cancelled* or *failed* once
the last of them has ended or is lost; without chunks out it ends at once. A task without items,
or one whose results all came from attempts of an earlier server, is done without ever running.

An attempt is *granted* while it is queued on its worker and *running* as soon as the chunk in
front of it has ended or something of it was reported. The server may hear of its end first.

A slot, as the server sees it, is *starting* from a grant to the first thing heard of it, then
*busy* until its queue is empty. It is *broken* when it refused several chunks in a row, until its
worker offers itself anew. A seat lives as a slot does.

A portion is *open* as long as its items are granted: not if they stay at *home*, in the main program's place, nor when
its program has *dropped* it, nor when it was *refused* by a worker that could not load its state.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Mapping, TypeVar

from marx.core.errors import IllegalTransition


class TaskState(StrEnum):
    """Where a task stands."""

    QUEUED = "queued"
    RUNNING = "running"
    STOPPING = "stopping"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"


class TaskStep(StrEnum):
    """What can happen to a task."""

    START = "start"
    STOP = "stop"
    FINISH = "finish"
    FAIL = "fail"
    CANCEL = "cancel"


class AttemptState(StrEnum):
    """Where an attempt stands."""

    GRANTED = "granted"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    LOST = "lost"
    CANCELLED = "cancelled"


class AttemptStep(StrEnum):
    """What can happen to an attempt."""

    BEGIN = "begin"
    SUCCEED = "succeed"
    FAIL = "fail"
    LOSE = "lose"
    CANCEL = "cancel"


class SlotState(StrEnum):
    """Where a slot stands."""

    IDLE = "idle"
    STARTING = "starting"
    BUSY = "busy"
    STOPPING = "stopping"
    BROKEN = "broken"


class SlotStep(StrEnum):
    """What can happen to a slot; ``GO_ON`` is its next queued chunk after one has ended."""

    GRANT = "grant"
    HEAR = "hear"
    STOP = "stop"
    GO_ON = "go on"
    FREE = "free"
    BREAK = "break"
    MEND = "mend"


class PortionState(StrEnum):
    """Whether items of a portion are granted."""

    OPEN = "open"
    HOME = "home"
    REFUSED = "refused"
    DROPPED = "dropped"


class PortionStep(StrEnum):
    """What can happen to a portion."""

    STAY = "stay"
    REFUSE = "refuse"
    DROP = "drop"


State = TypeVar("State", TaskState, AttemptState, SlotState, PortionState)
Table = Mapping[State, Mapping[str, State]]

TASK: Table[TaskState] = {
    TaskState.QUEUED: {
        TaskStep.START: TaskState.RUNNING,
        TaskStep.STOP: TaskState.STOPPING,
        TaskStep.FINISH: TaskState.DONE,
        TaskStep.FAIL: TaskState.FAILED,
        TaskStep.CANCEL: TaskState.CANCELLED,
    },
    TaskState.RUNNING: {
        TaskStep.STOP: TaskState.STOPPING,
        TaskStep.FINISH: TaskState.DONE,
        TaskStep.FAIL: TaskState.FAILED,
        TaskStep.CANCEL: TaskState.CANCELLED,
    },
    TaskState.STOPPING: {
        TaskStep.FAIL: TaskState.FAILED,
        TaskStep.CANCEL: TaskState.CANCELLED,
    },
    TaskState.DONE: {},
    TaskState.FAILED: {},
    TaskState.CANCELLED: {},
}

ATTEMPT: Table[AttemptState] = {
    AttemptState.GRANTED: {
        AttemptStep.BEGIN: AttemptState.RUNNING,
        AttemptStep.SUCCEED: AttemptState.SUCCEEDED,
        AttemptStep.FAIL: AttemptState.FAILED,
        AttemptStep.LOSE: AttemptState.LOST,
        AttemptStep.CANCEL: AttemptState.CANCELLED,
    },
    AttemptState.RUNNING: {
        AttemptStep.SUCCEED: AttemptState.SUCCEEDED,
        AttemptStep.FAIL: AttemptState.FAILED,
        AttemptStep.LOSE: AttemptState.LOST,
        AttemptStep.CANCEL: AttemptState.CANCELLED,
    },
    AttemptState.SUCCEEDED: {},
    AttemptState.FAILED: {},
    AttemptState.LOST: {},
    AttemptState.CANCELLED: {},
}

SLOT: Table[SlotState] = {
    SlotState.IDLE: {SlotStep.GRANT: SlotState.STARTING, SlotStep.BREAK: SlotState.BROKEN},
    SlotState.STARTING: {
        SlotStep.HEAR: SlotState.BUSY,
        SlotStep.STOP: SlotState.STOPPING,
        SlotStep.GO_ON: SlotState.BUSY,
        SlotStep.FREE: SlotState.IDLE,
    },
    SlotState.BUSY: {
        SlotStep.STOP: SlotState.STOPPING,
        SlotStep.GO_ON: SlotState.BUSY,
        SlotStep.FREE: SlotState.IDLE,
    },
    SlotState.STOPPING: {SlotStep.GO_ON: SlotState.BUSY, SlotStep.FREE: SlotState.IDLE},
    SlotState.BROKEN: {SlotStep.MEND: SlotState.IDLE},
}

PORTION: Table[PortionState] = {
    PortionState.OPEN: {
        PortionStep.STAY: PortionState.HOME,
        PortionStep.REFUSE: PortionState.REFUSED,
        PortionStep.DROP: PortionState.DROPPED,
    },
    PortionState.HOME: {PortionStep.DROP: PortionState.DROPPED},
    PortionState.REFUSED: {PortionStep.DROP: PortionState.DROPPED},
    PortionState.DROPPED: {},
}


def advance(table: Table[State], state: State, step: str) -> State:
    """The state after ``step``. Raises IllegalTransition where the table has none."""
    following = table[state].get(step)
    if following is None:
        raise IllegalTransition(state, step, tuple(table[state]))
    return following


def ended(state: TaskState) -> bool:
    """Whether nothing can happen to such a task any more."""
    return not TASK[state]
