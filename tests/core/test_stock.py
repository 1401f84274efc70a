"""The portions of one task, of which there may be very many."""

import sys

import pytest

from marx.core.actions import Grant
from marx.core.events import ChunkEnded, ItemsAdded, ItemsReported, PortionOpened
from marx.core.model import PortionCounts
from marx.core.retries import Tries
from marx.core.states import PortionState, PortionStep
from marx.core.stock import REMEMBERED, Stock
from tests.core.builders import NOTHING_AHEAD, Desk, of


@pytest.fixture
def stock() -> Stock:
    return Stock(lambda: Tries(0, 3))


def finish(stock: Stock, number: int, count: int = 1, failed: tuple[int, ...] = ()) -> None:
    """A portion comes and goes."""
    portion = stock.make(number)
    portion.extend(count, final=True)
    portion.cut((0, count), count)
    portion.accept([(0, count)], failed)
    stock.put_away()


def totals(stock: Stock) -> tuple[int, int, int, int, int]:
    found = stock.totals
    return found.known, found.waiting, found.leased, found.done, found.failed


def test_the_totals_follow_each_item(stock):
    one, two = stock.make(1), stock.make(2)
    one.extend(10, final=False)
    two.extend(5, final=True)
    assert totals(stock) == (15, 15, 0, 0, 0)
    one.cut((0, 10), 4)
    assert totals(stock) == (15, 11, 4, 0, 0)
    one.accept([(0, 3)], failed=[1])
    assert totals(stock) == (15, 11, 1, 3, 1)
    one.give_back([(3, 4)])
    two.claim(1, 3)
    assert totals(stock) == (15, 10, 2, 3, 1)
    two.accept([(0, 2)])
    assert totals(stock) == (15, 9, 1, 5, 1)


def test_items_are_found_in_the_first_portion_that_has_some_for_the_worker(stock):
    for number in (1, 2, 3):
        stock.make(number).extend(2, final=True)
    assert stock.next_run("alpha", 0.0) == (stock.find(1), (0, 2))
    stock.find(1).cut((0, 2), 2)
    assert stock.next_run("alpha", 0.0) == (stock.find(2), (0, 2))
    stock.find(2).avoid("alpha", [(0, 2)], now=0.0, until=5.0)
    assert stock.next_run("alpha", 0.0) == (stock.find(3), (0, 2))
    assert stock.next_run("beta", 0.0) == (stock.find(2), (0, 2))
    stock.find(1).give_back([(1, 2)])
    assert stock.next_run("alpha", 0.0) == (stock.find(1), (1, 2))


def test_where_nothing_waits_nothing_is_found(stock):
    assert stock.next_run("alpha", 0.0) is None
    stock.make(1).extend(1, final=True)
    stock.find(1).avoid("alpha", [(0, 1)], now=0.0, until=5.0)
    assert stock.next_run("alpha", 0.0) is None


def test_it_is_complete_when_all_of_its_portions_are(stock):
    assert not stock.complete and not stock.final
    finish(stock, 0)
    assert stock.complete and stock.final
    stock.make(1)
    assert not stock.complete and not stock.final


def test_a_finished_portion_answers_as_before_although_it_has_shrunk(stock):
    finish(stock, 7, count=10, failed=(2, 3))
    found = stock.find(7)
    assert (found.number, found.known, found.final, found.complete) == (7, 10, True, True)
    assert (list(found.done), list(found.failed), list(found.waiting)) == ([(0, 10)], [(2, 4)], [])
    assert totals(stock) == (10, 0, 0, 10, 2)
    assert stock.counts() == [PortionCounts(7, 10, True, 10, 2)]


def test_one_that_is_shut_counts_only_what_is_out_or_done(stock):
    portion = stock.make(1)
    portion.extend(10, final=True)
    portion.cut((0, 10), 4)
    portion.accept([(0, 1)])
    stock.shut(1, PortionStep.DROP)
    assert totals(stock) == (4, 0, 3, 1, 0)
    assert stock.next_run("alpha", 0.0) is None
    portion.give_back([(2, 4)])
    assert totals(stock) == (2, 0, 1, 1, 0)
    portion.accept([(1, 2), (3, 4), (8, 9)])
    assert totals(stock) == (4, 0, 0, 4, 0)
    portion.extend(0, final=True)
    assert stock.counts() == [PortionCounts(1, 10, True, 4, 0)]


def test_one_that_stays_at_home_or_is_finished_can_be_dropped(stock):
    stock.keep_home(1)
    finish(stock, 2)
    assert stock.find(1).state is PortionState.HOME
    for number in (1, 2):
        stock.shut(number, PortionStep.DROP)
        assert stock.find(number).state is PortionState.DROPPED


def test_counts_come_by_number(stock):
    for number in (3, 1, 2):
        stock.make(number)
    finish(stock, 0)
    assert [counts.number for counts in stock.counts()] == [0, 1, 2, 3]
    assert sorted(portion.number for portion in stock) == [0, 1, 2, 3]


def test_of_a_task_that_has_ended_no_more_than_a_moderate_number_is_remembered(stock):
    for number in range(REMEMBERED):
        finish(stock, number)
    stock.forget()
    assert stock.find(5) is not None
    finish(stock, REMEMBERED)
    stock.forget()
    assert stock.find(5) is None
    assert stock.totals.done == REMEMBERED + 1


def calls_of_a_portion(desk: Desk, number: int) -> int:
    """Functions called while one portion of one item is opened, filled, run and finished, and a snapshot is taken."""
    called = 0

    def count(frame: object, event: str, argument: object) -> None:
        nonlocal called
        called += event == "call"

    main = desk.scheduler.main_lease("task")
    events = [
        PortionOpened("alpha", main.fence, "task", number),
        ItemsAdded("task", number, 0, 1, True, worker="alpha", fence=main.fence),
    ]
    sys.setprofile(count)
    try:
        [lease] = [grant.lease for event in events for grant in of(Grant, desk.scheduler.handle(event, desk.now))]
        desk.scheduler.handle(ItemsReported("alpha", lease.fence, "task", number, 0, 1, (), 0.001), desk.now)
        desk.scheduler.handle(ChunkEnded("alpha", lease.fence, "task", "succeeded"), desk.now)
        desk.scheduler.snapshot("task")
    finally:
        sys.setprofile(None)
    return called


def test_events_cost_the_same_however_many_portions_there_were():
    desk = Desk(NOTHING_AHEAD)
    desk.submit_program()
    desk.join("alpha", seats=1)
    costs = [calls_of_a_portion(desk, number) for number in range(1, 3001)]
    assert max(costs[-100:]) <= max(costs[10:100]) + 5
    assert desk.scheduler.snapshot("task").done == 3000
    desk.scheduler.check()
