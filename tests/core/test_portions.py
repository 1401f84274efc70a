"""Where the items of one portion stand."""

from hypothesis import given
from hypothesis import strategies as st

from marx.core.portions import Portion, Totals
from marx.core.retries import Tries


def portion(known: int = 100, item_losses: int = 3) -> Portion:
    made = Portion(0, Tries(retries=1, item_losses=item_losses), Totals())
    made.extend(known, final=True)
    return made


def counts(of: Portion) -> tuple[int, int, int, int]:
    return len(of.waiting), of.leased, len(of.done), of.undone


def test_items_wait_until_they_are_cut_and_are_leased_until_they_are_done():
    items = portion()
    assert counts(items) == (100, 0, 0, 100)
    assert items.cut((0, 100), 30) == (0, 30)
    assert counts(items) == (70, 30, 0, 100)
    items.accept([(0, 20)], failed=[3])
    assert counts(items) == (70, 10, 20, 80)
    assert list(items.failed) == [(3, 4)]
    items.give_back([(20, 30)])
    assert counts(items) == (80, 0, 20, 80)


def test_it_is_complete_when_it_is_final_and_everything_is_done():
    items = Portion(0, Tries(0, 3), Totals())
    items.extend(2, final=False)
    items.accept([(0, 2)])
    assert not items.complete
    items.extend(0, final=True)
    assert items.complete
    items.extend(1, final=False)
    assert items.final and not items.complete


def test_a_waiting_item_may_be_done_without_having_been_cut():
    items = portion(10)
    items.accept([(4, 6)])
    assert counts(items) == (8, 0, 2, 8)


def test_of_a_claim_only_what_waits_is_given():
    items = portion(10)
    items.cut((0, 10), 3)
    items.accept([(5, 6)])
    assert items.claim(1, 8) == [(3, 5), (6, 8)]
    assert counts(items) == (2, 7, 1, 9)


def test_a_chunk_holds_no_innocent_item_beside_a_suspect():
    items = portion(100)
    items.tries.lose([(10, 90)], "alpha", "silent")
    assert items.cut((0, 100), 50) == (0, 10)
    assert items.cut((10, 100), 50) == (10, 26)


def test_what_went_wrong_on_a_worker_is_kept_from_it_for_a_while():
    items = portion(10)
    items.avoid("alpha", [(0, 4)], now=0.0, until=5.0)
    assert items.next_run("alpha", 4.9) == (4, 10)
    assert items.next_run("beta", 0.0) == (0, 10)
    assert items.next_run("alpha", 5.0) == (0, 10)


def test_what_went_wrong_later_prolongs_it_and_what_is_over_is_forgotten():
    items = portion(10)
    items.avoid("alpha", [(0, 4)], now=0.0, until=5.0)
    items.avoid("alpha", [(6, 8)], now=4.0, until=9.0)
    assert items.next_run("alpha", 8.0) == (4, 6)
    items.avoid("alpha", [(4, 5)], now=20.0, until=25.0)
    assert items.next_run("alpha", 21.0) == (0, 4)


def test_a_worker_has_its_own_pace_and_the_others_share_theirs():
    items = portion()
    assert items.mean_on("alpha") is None
    items.measure("alpha", 10, 1.0)
    items.measure("beta", 10, 3.0)
    assert items.mean_on("alpha") == 0.1
    assert items.mean_on("beta") == 0.3
    assert 0.1 < items.mean_on("gamma") < 0.3
    assert items.pace.measured == 20


@given(st.integers(0, 50), st.integers(-10, 60), st.integers(-10, 60))
def test_it_holds_exactly_the_ranges_of_known_items(known, first, stop):
    assert portion(known).holds(first, stop) == (0 <= first <= stop <= known)


def test_ten_million_items_are_a_handful_of_numbers():
    items = portion(10_000_000)
    assert list(items.waiting) == [(0, 10_000_000)]
    assert counts(items) == (10_000_000, 0, 0, 10_000_000)
