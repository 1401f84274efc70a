"""What a person who has no live line is told while nothing runs."""

from __future__ import annotations

from dataclasses import replace

import pytest
from twisted.internet.task import Clock

from marx.tasker.screen import Screen
from marx.tasker.view import PATIENCE_SECONDS, TaskView
from tests.tasker.conftest import Person

WAITING = {"id": "abc", "state": "queued", "slots": 0, "why_waiting": "no worker has Python 2.7", "done": 0, "total": 1, "failed": 0, "final": True}


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def view(person: Person, clock: Clock) -> TaskView:
    around = replace(person.around, reactor=clock)
    return TaskView(Screen(around.streams, person.reactor), around, None, None)


def test_it_is_said_once_why_a_task_waits_for_more_than_a_moment(person: Person, view: TaskView, clock: Clock) -> None:
    view.take_change(WAITING)
    clock.advance(PATIENCE_SECONDS - 0.1)
    assert person.err == ""
    view.take_change(WAITING)
    clock.advance(0.1)
    view.take_change(WAITING)
    clock.advance(PATIENCE_SECONDS)
    assert person.err == "tasker: task abc waits: no worker has Python 2.7\n"


def test_nothing_is_said_of_a_task_that_runs_in_time(person: Person, view: TaskView, clock: Clock) -> None:
    view.take_change(WAITING)
    view.take_change({**WAITING, "slots": 1})
    clock.advance(2 * PATIENCE_SECONDS)
    assert person.err == "" and clock.getDelayedCalls() == []


def test_a_view_that_ends_leaves_no_timer(view: TaskView, clock: Clock) -> None:
    view.take_change(WAITING)
    with pytest.raises(StopIteration):
        view.finish().send(None)
    assert clock.getDelayedCalls() == []
