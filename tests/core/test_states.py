"""The tables of lives."""

import itertools

import pytest

from marx.core.errors import IllegalTransition
from marx.core.states import (
    ATTEMPT,
    PORTION,
    SLOT,
    TASK,
    AttemptState,
    PortionState,
    SlotState,
    SlotStep,
    TaskState,
    TaskStep,
    advance,
    ended,
)

TABLES = [(TASK, TaskState), (ATTEMPT, AttemptState), (SLOT, SlotState), (PORTION, PortionState)]


@pytest.mark.parametrize("table, states", TABLES)
def test_every_state_has_its_row_and_every_step_leads_to_a_state(table, states):
    assert set(table) == set(states)
    assert all(following in table for row in table.values() for following in row.values())


@pytest.mark.parametrize("table, states", TABLES)
def test_every_state_can_be_reached_from_the_first(table, states):
    reached = {list(table)[0]}
    for _ in table:
        reached |= {following for state in reached for following in table[state].values()}
    assert reached == set(states)


def test_the_words_are_those_of_the_design():
    assert list(TaskState) == ["queued", "running", "stopping", "done", "failed", "cancelled"]
    assert list(AttemptState) == ["granted", "running", "succeeded", "failed", "lost", "cancelled"]
    assert list(SlotState) == ["idle", "starting", "busy", "stopping", "broken"]
    assert list(PortionState) == ["open", "home", "refused", "dropped"]


def test_a_legal_step_gives_the_next_state():
    assert advance(TASK, TaskState.QUEUED, TaskStep.START) is TaskState.RUNNING
    assert advance(TASK, TaskState.STOPPING, TaskStep.CANCEL) is TaskState.CANCELLED


def test_an_illegal_step_raises_with_what_would_have_been_possible():
    for state, step in itertools.product(TASK, TaskStep):
        if step not in TASK[state]:
            with pytest.raises(IllegalTransition) as caught:
                advance(TASK, state, step)
            assert caught.value.state == state
            assert caught.value.allowed == tuple(TASK[state])
    with pytest.raises(IllegalTransition, match="'mend' cannot happen in state 'busy'; possible is stop, go on, free"):
        advance(SLOT, SlotState.BUSY, SlotStep.MEND)


def test_tasks_that_are_done_failed_or_cancelled_have_ended():
    assert [state for state in TaskState if ended(state)] == ["done", "failed", "cancelled"]
