"""The ladder on a clock: what is done when, what stops it, and that it never gives up half way."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from twisted.internet.task import Clock

from marx.worker.stopping import Patience, Rung, Step, Stopping, plan
from tests.leftovers import LoggedErrors

PATIENCE = Patience(ask_seconds=5, terminate_seconds=3, kill_seconds=1, sweep_seconds=10)
seconds = st.floats(0, 1000)


class Recorder:
    """A grip, a runner that can be asked, and whoever hears that it would not die, in one list."""

    def __init__(self) -> None:
        self.done: list[str] = []

    def __getattr__(self, name: str) -> Any:
        return lambda: self.done.append(name)


@pytest.fixture
def recorder() -> Recorder:
    return Recorder()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def stopping(clock: Clock, recorder: Recorder) -> Stopping:
    return Stopping(clock, recorder, recorder.ask, recorder.would_not_die, PATIENCE)


def test_the_whole_ladder_as_values() -> None:
    assert plan(PATIENCE) == (
        Step(0, Rung.ASK),
        Step(5, Rung.TERMINATE),
        Step(8, Rung.KILL),
        Step(9, Rung.SWEEP),
        Step(19, Rung.GIVE_UP),
    )


@given(st.builds(Patience, seconds, seconds, seconds, seconds), st.sampled_from(Rung))
def test_every_ladder_starts_at_once_and_only_goes_up_to_giving_up(patience: Patience, first: Rung) -> None:
    steps = plan(patience, first)
    assert [step.rung for step in steps] == [rung for rung in Rung if rung >= first]
    assert steps[0].at_seconds == 0
    assert [step.at_seconds for step in steps] == sorted(step.at_seconds for step in steps)


def test_a_runner_that_does_nothing_is_taken_up_the_whole_ladder(stopping: Stopping, clock: Clock, recorder: Recorder) -> None:
    stopping.begin()
    assert recorder.done == ["ask"]
    for advance, so_far in [(4.9, 1), (0.2, 2), (3, 3), (1, 4), (10, 5), (1000, 5)]:
        clock.advance(advance)
        assert len(recorder.done) == so_far
    assert recorder.done == ["ask", "terminate", "kill", "sweep", "would_not_die"]
    assert clock.getDelayedCalls() == []


def test_one_that_goes_is_left_alone_but_for_what_it_left_behind(stopping: Stopping, clock: Clock, recorder: Recorder) -> None:
    stopping.begin()
    clock.advance(6)
    stopping.gone()
    stopping.gone()
    clock.advance(1000)
    assert recorder.done == ["ask", "terminate", "clear_up"]
    assert clock.getDelayedCalls() == []


def test_one_that_is_gone_already_is_not_signalled(stopping: Stopping, clock: Clock, recorder: Recorder) -> None:
    stopping.gone()
    stopping.begin(Rung.KILL)
    clock.advance(1000)
    assert recorder.done == ["clear_up"]
    assert not stopping.begun


def test_a_later_order_can_hurry(stopping: Stopping, clock: Clock, recorder: Recorder) -> None:
    stopping.begin()
    clock.advance(1)
    stopping.begin(Rung.KILL)
    assert recorder.done == ["ask", "kill"]
    clock.advance(1)
    assert recorder.done == ["ask", "kill", "sweep"]


@pytest.mark.parametrize("again", [Rung.ASK, Rung.TERMINATE, Rung.KILL])
def test_a_later_order_cannot_slow_down(stopping: Stopping, clock: Clock, recorder: Recorder, again: Rung) -> None:
    stopping.begin(Rung.KILL)
    clock.advance(0.5)
    stopping.begin(again)
    clock.advance(0.5)
    assert recorder.done == ["kill", "sweep"]


def test_its_exit_is_no_surprise_once_it_was_asked_for(stopping: Stopping) -> None:
    assert not stopping.begun
    stopping.begin()
    assert stopping.begun


def test_a_runner_that_goes_while_it_is_asked_is_not_terminated(clock: Clock, recorder: Recorder) -> None:
    stopping = Stopping(clock, recorder, lambda: stopping.gone(), recorder.would_not_die, PATIENCE)
    stopping.begin()
    assert recorder.done == ["clear_up"]
    assert clock.getDelayedCalls() == []


def test_a_rung_that_breaks_is_logged_and_the_next_one_comes(
    clock: Clock, recorder: Recorder, logged_failures: LoggedErrors
) -> None:
    def break_down() -> None:
        raise OSError("the pipe is gone")

    stopping = Stopping(clock, recorder, break_down, recorder.would_not_die, PATIENCE)
    stopping.begin()
    clock.advance(5)
    assert [str(error) for error in logged_failures.flush(OSError)] == ["the pipe is gone"]
    assert recorder.done == ["terminate"]
