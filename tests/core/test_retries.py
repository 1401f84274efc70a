"""Which failure is tried again, and in whose company."""

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from marx.core.retries import COMPANY, MOST_COUNTED, Tally, Tries

ranges = st.tuples(st.integers(0, 30), st.integers(0, 12)).map(lambda drawn: (drawn[0], drawn[0] + drawn[1]))


@given(st.lists(ranges, max_size=12), ranges)
def test_a_tally_counts_each_item(added, asked):
    tally, plain = Tally(), Counter()
    for first, stop in added:
        tally.add(first, stop)
        plain.update(range(first, stop))
    first, stop = asked
    assert tally.most(first, stop) == max((plain[item] for item in range(first, stop)), default=0)
    if first < stop:
        alike = next((item for item in range(first, stop) if plain[item] != plain[first]), stop) - first
        assert tally.alike(first, stop) == (plain[first], alike)


def test_an_item_fails_for_good_when_its_retries_are_used_up():
    tries = Tries(retries=2, item_losses=3)
    assert [tries.fail(5), tries.fail(5), tries.fail(6), tries.fail(5)] == [False, False, False, True]


def test_success_makes_failures_forgotten():
    tries = Tries(retries=1, item_losses=3)
    tries.fail(5)
    tries.succeed(0, 10)
    assert tries.attempt(5, 6) == 1
    assert tries.fail(5) is False


def test_the_next_attempt_is_numbered_by_the_item_that_was_run_most_often():
    tries = Tries(retries=5, item_losses=3)
    assert tries.attempt(0, 10) == 1
    tries.repeat([(0, 4), (6, 8)])
    tries.repeat([(3, 4)])
    assert [tries.attempt(0, 3), tries.attempt(0, 10), tries.attempt(4, 6)] == [2, 3, 1]
    tries.succeed(3, 4)
    assert tries.attempt(0, 10) == 2


def test_a_tally_does_not_grow_for_ever():
    tally = Tally()
    for _ in range(MOST_COUNTED + 5):
        tally.add(3, 5)
    assert tally.most(0, 10) == MOST_COUNTED
    tally.forget(0, 4)
    assert (tally.most(0, 4), tally.most(0, 10)) == (0, MOST_COUNTED)
    tally.forget(4, 5)
    assert tally.most(0, 10) == 0


def test_lost_items_travel_in_ever_smaller_company():
    tries = Tries(retries=0, item_losses=3)
    assert tries.company(0, 1000) == 1000
    assert tries.lose([(0, 1000)], "alpha", "silent") is None
    assert tries.company(0, 1000) == COMPANY
    assert tries.lose([(0, COMPANY)], "beta", "silent") is None
    assert tries.company(0, 1000) == 1


def test_only_items_that_were_lost_equally_often_travel_together():
    tries = Tries(retries=0, item_losses=3)
    tries.lose([(5, 8)], "alpha", "silent")
    assert tries.company(0, 100) == 5
    assert tries.company(5, 100) == 3
    assert tries.company(8, 100) == 100


def test_only_an_item_that_was_alone_fails_for_being_lost():
    tries = Tries(retries=0, item_losses=2)
    for _ in range(3):
        assert tries.lose([(0, 2)], "alpha", "silent") is None
    assert tries.lose([(1, 2)], "beta", "restarted") == 1
    assert tries.lose([(0, 1), (4, 5)], "beta", "restarted") is None


def test_a_poison_item_is_found_and_its_neighbours_survive():
    tries = Tries(retries=0, item_losses=3)
    waiting, failed = [(0, 200)], []
    while waiting:
        first, stop = waiting.pop(0)
        last = first + tries.company(first, stop - first)
        if last < stop:
            waiting.insert(0, (last, stop))
        if first <= 77 < last:
            item = tries.lose([(first, last)], "alpha", "died")
            failed += [item] if item is not None else []
            waiting += [(first, last)] if item is None else []
    assert failed == [77]


def test_the_evidence_names_worker_and_reason_of_each_loss():
    tries = Tries(retries=0, item_losses=3)
    tries.lose([(0, 9)], "alpha", "silent for 60 s")
    tries.lose([(4, 5)], "beta", "restarted")
    assert tries.evidence(4) == "on alpha: silent for 60 s; on beta: restarted"
    assert tries.evidence(5) == "on alpha: silent for 60 s"
