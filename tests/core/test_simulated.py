"""Whole maps on a virtual clock: how near to the ideal, and in how few chunks."""

import pytest

from marx.core.events import HoldAsked, ItemsAdded, ReleaseAsked, TaskSubmitted
from tests.core.builders import terms
from tests.core.simulation import Simulation, simulate, simulate_program, submit_program


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


def test_each_portion_of_a_program_fills_the_slots():
    simulation, efficiency = simulate_program((200, 400, 100), 2, 2, lambda item: 0.02)
    assert efficiency >= 0.9
    assert simulation.scheduler.snapshot("t").done == 700


def test_a_portion_is_measured_for_itself():
    """Items of the second take a thousand times as long: what the first one taught does not spoil its chunks."""
    simulation = Simulation(1, 2, lambda item: 0.0001, script=(5000, 40))
    seconds = {1: 0.0001, 2: 0.1}
    simulation.seconds = lambda item: seconds[len(simulation.scheduler.portions("t"))]
    submit_program(simulation)
    assert simulation.run("t") < 1.2 * (5000 * 0.0001 + 40 * 0.1) / 2


def test_a_program_that_loses_its_worker_goes_on_where_it_was():
    simulation = Simulation(2, 2, lambda item: 0.02, script=(100, 100, 100))
    submit_program(simulation)
    simulation.at(0.75, lambda: simulation.leave(simulation.starts[0]))
    took = simulation.run("t")
    assert simulation.starts in (["w0", "w1"], ["w1", "w0"])
    assert simulation.scheduler.snapshot("t").done == 300
    at_four_slots = 0.75
    left = 300 * 0.02 - 4 * at_four_slots
    assert took < 1.15 * (at_four_slots + left / 2), "nothing was run twice but what was out on the lost worker"


def test_while_it_is_held_a_program_gets_nothing_and_then_it_goes_on():
    simulation = Simulation(1, 2, lambda item: 0.02, script=(100,))
    submit_program(simulation)
    simulation.at(0.5, lambda: simulation.tell(HoldAsked("t", "ada")))
    simulation.at(60.5, lambda: simulation.tell(ReleaseAsked("t", "ada")))
    simulation.at(30.0, lambda: still.append(simulation.scheduler.snapshot("t")))
    still: list = []
    assert 60.5 < simulation.run("t") < 61.5
    assert still[0].leased == 0 and 40 <= still[0].done < 100
