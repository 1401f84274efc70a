"""Whole maps on a virtual clock: how near to the ideal, and in how few chunks."""

import pytest

from marx.core.events import ItemsAdded, TaskSubmitted
from tests.core.builders import terms
from tests.core.simulation import Simulation, simulate


def test_64_items_of_a_tenth_of_a_second_take_hardly_longer_than_they_must():
    _, efficiency = simulate(64, 1, 2, lambda item: 0.1)
    assert efficiency >= 0.97


def test_a_million_items_of_a_microsecond_need_few_chunks():
    simulation, efficiency = simulate(1_000_000, 1, 2, lambda item: 1e-6)
    assert simulation.chunks <= 24
    assert efficiency >= 0.85


def test_one_item_chunks_keep_their_slots_busy():
    _, efficiency = simulate(5000, 1, 2, lambda item: 1e-5, chunk_items=1)
    assert efficiency >= 0.98


@pytest.mark.parametrize("workers, slots", [(1, 1), (2, 4), (5, 4)])
def test_on_more_slots_items_of_a_millisecond_still_fill_them(workers, slots):
    _, efficiency = simulate(500 * workers * slots, workers, slots, lambda item: 0.001)
    assert efficiency >= 0.85


def test_items_of_very_different_length_are_balanced():
    _, efficiency = simulate(1000, 2, 4, lambda item: 1.0 if item % 50 == 7 else 0.01)
    assert efficiency >= 0.8


def test_items_that_get_slower_and_slower_are_balanced():
    _, efficiency = simulate(300, 2, 4, lambda item: 0.001 * (item + 1))
    assert efficiency >= 0.9


def test_a_slow_worker_does_not_hold_up_a_fast_one():
    simulation = Simulation(2, 1, lambda item: 0.01, slowness=(1.0, 10.0))
    simulation.tell(TaskSubmitted(terms("t")))
    simulation.tell(ItemsAdded("t", 0, 0, 1100, True))
    assert simulation.run("t") < 1.15 * 10.0, "together they do 110 items a second"


def test_without_a_worker_that_breaks_down_nothing_is_granted_twice():
    simulation, _ = simulate(5000, 3, 2, lambda item: 0.001 * (item % 7))
    assert sum(simulation.sizes) == 5000 + simulation.given_back
