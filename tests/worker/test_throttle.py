"""How fast a runner may print: a burst is free, a flood is read at the rate, and nobody is shut for ever."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from twisted.internet.task import Clock

from marx.worker.throttle import BURST_SECONDS, PAUSE_SECONDS, Throttle

RATE = 1000


class Pipe:
    """Reads as long as the throttle is open; `changes` is what it was told, in order."""

    def __init__(self) -> None:
        self.clock = Clock()
        self.changes: list[bool] = []
        self.throttle = Throttle(self.clock, RATE, lambda: self.changes.append(self.throttle.is_shut))

    def read_for(self, seconds: float, size: int = 100) -> int:
        """What an endless flood brings in so many seconds, read every 10 ms."""
        read = 0
        for _ in range(int(seconds * 100)):
            while not self.throttle.is_shut:
                self.throttle.printed(size)
                read += size
            self.clock.advance(0.01)
        return read


def test_what_is_printed_within_the_burst_never_waits() -> None:
    pipe = Pipe()
    pipe.throttle.printed(int(RATE * BURST_SECONDS))
    assert not pipe.throttle.is_shut and pipe.changes == []


def test_a_flood_is_read_at_the_rate_once_its_burst_is_used_up() -> None:
    pipe = Pipe()
    pipe.read_for(1.0)
    assert abs(pipe.read_for(100.0) - 100 * RATE) <= RATE


def test_who_was_quiet_has_its_burst_again_and_no_more() -> None:
    pipe = Pipe()
    pipe.read_for(1.0)
    pipe.clock.advance(50 * BURST_SECONDS)
    assert not pipe.throttle.is_shut
    assert abs(pipe.read_for(0.01) - RATE * BURST_SECONDS) <= 100


def test_what_is_read_while_it_is_shut_is_waited_for_as_well() -> None:
    pipe = Pipe()
    pipe.throttle.printed(int(RATE * BURST_SECONDS) + 1)
    pipe.throttle.printed(5 * RATE)
    pipe.clock.advance(PAUSE_SECONDS + 0.01)
    assert pipe.throttle.is_shut
    pipe.clock.pump([0.1] * 60)
    assert pipe.changes == [True, False]


def test_nothing_is_shut_after_the_end_and_no_timer_is_left() -> None:
    pipe = Pipe()
    pipe.read_for(1.0)
    pipe.throttle.end()
    pipe.throttle.printed(100 * RATE)
    assert not pipe.throttle.is_shut and pipe.clock.getDelayedCalls() == []


@given(st.lists(st.tuples(st.integers(0, 20 * RATE), st.floats(0.0, 20.0)), max_size=20))
def test_whatever_was_printed_it_opens_again(printed: list[tuple[int, float]]) -> None:
    pipe = Pipe()
    for size, seconds in printed:
        pipe.throttle.printed(size)
        pipe.clock.advance(seconds)
    pipe.clock.pump([1.0] * 500)
    assert not pipe.throttle.is_shut and pipe.clock.getDelayedCalls() == []
    assert pipe.changes == [True, False] * (len(pipe.changes) // 2)
