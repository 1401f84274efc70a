"""A window never holds more than its limit, and serves in order."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from twisted.internet.defer import CancelledError

from marx.server.window import Window


@given(st.lists(st.integers(0, 150)))
def test_at_most_the_limit_is_under_way_and_everything_is_served_in_order(sizes) -> None:
    window = Window(100)
    served: list[int] = []
    for number, size in enumerate(sizes):
        window.take(size).addCallback(lambda _, number=number: served.append(number))
    given_back = 0
    while given_back < len(sizes):
        under_way = served[given_back:]
        assert sum(sizes[number] for number in under_way) <= 100 or len([n for n in under_way if sizes[n]]) == 1
        assert served == list(range(len(served)))
        window.give(sizes[served[given_back]])
        given_back += 1
    assert window.taken == 0 and len(served) == len(sizes)


def test_one_thing_larger_than_the_window_goes_alone() -> None:
    window = Window(10)
    served = []
    for size in (5, 50, 5):
        window.take(size).addCallback(lambda _, size=size: served.append(size))
    assert served == [5]
    window.give(5)
    assert served == [5, 50]
    window.give(50)
    assert served == [5, 50, 5]


def test_closing_cancels_whoever_waits() -> None:
    window = Window(10)
    window.take(10)
    failures = []
    window.take(1).addErrback(lambda failure: failures.append(failure.type))
    window.close()
    assert failures == [CancelledError]

