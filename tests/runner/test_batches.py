"""How many items run between two looks at the clock, and that every item has one outcome whatever happens in a batch."""

from __future__ import annotations

from collections.abc import Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marx.runner.batches import BATCH_SECONDS, LARGEST_BATCH, SLOW_SECONDS, Batches, Pace
from marx.runner.board import AT_WORK, HURRY, NOBODY, new_board
from marx.runner.failures import Failure


def make(function: object, values: Iterable[object], first: int = 0) -> tuple[Batches, object]:
    board = new_board()
    return Batches(function, iter(values), first, board, lambda error: None), board


@given(st.lists(st.booleans(), max_size=60), st.lists(st.integers(1, 20), min_size=1), st.integers(0, 2**40))
def test_every_item_has_one_outcome_in_its_place(raises: list[bool], sizes: list[int], first: int) -> None:
    def function(position: int) -> int:
        assert board[AT_WORK] == first + position
        if raises[position]:
            raise KeyError(position)
        return position * 2

    batches, board = make(function, range(len(raises)), first)
    outcomes: list[object] = []
    while batches.next < first + len(raises):
        size = sizes[len(outcomes) % len(sizes)]
        assert batches.run(min(size, len(raises) - len(outcomes)), outcomes) >= 0
        assert board[AT_WORK] == NOBODY
    assert [outcome.entry["message"] if type(outcome) is Failure else outcome for outcome in outcomes] == [
        str(position) if is_raised else position * 2 for position, is_raised in enumerate(raises)
    ]


def test_asked_to_hurry_it_stops_after_the_item_at_work() -> None:
    def function(position: int) -> int:
        if position in (3, 5):
            board[HURRY] = 1
        if position == 5:
            raise ValueError
        return position

    batches, board = make(function, range(10))
    outcomes: list[object] = []
    stops = []
    while batches.next < 10:
        batches.run(100 if batches.next < 6 else 4, outcomes)
        stops.append((batches.next, batches.was_hurried))
    assert stops == [(4, True), (6, True), (10, False)]
    assert len(outcomes) == 10


def test_a_hurry_that_no_batch_saw_makes_the_next_one_a_batch_of_one_item() -> None:
    batches, board = make(lambda position: position, range(10))
    stops = []
    for board[HURRY] in (0, 1, 0):
        batches.run(3, [])
        stops.append((batches.next, batches.was_hurried))
    assert stops == [(3, False), (4, True), (7, False)]


def test_an_item_is_seeded_just_before_it_runs() -> None:
    events: list[object] = []
    batches, _ = make(lambda value: events.append(value), "abc", 7)
    batches.seed_item = events.append
    batches.run(3, [])
    assert events == [7, "a", 8, "b", 9, "c"]


def test_fast_items_grow_to_a_batch_of_bounded_size_and_time() -> None:
    pace = Pace()
    assert pace.size == 1
    for _ in range(20):
        pace.took(pace.size, pace.size * 1e-7)
    assert pace.size == LARGEST_BATCH
    for _ in range(20):
        pace.took(pace.size, pace.size * 1e-5)
    assert pace.size == pytest.approx(BATCH_SECONDS / 1e-5, rel=0.01)


def test_slow_items_come_one_by_one_and_are_forgotten_slowly() -> None:
    pace = Pace()
    pace.took(1, 20 * SLOW_SECONDS)
    assert (pace.size, pace.is_slow) == (1, True)
    sizes = []
    while pace.is_slow:
        pace.took(1, 1e-6)
        sizes.append(pace.size)
    assert len(sizes) >= 4
