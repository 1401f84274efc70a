"""RangeSet against Python's own set."""

from hypothesis import given
from hypothesis import strategies as st

from marx.core.ranges import RangeSet

bounds = st.tuples(st.integers(0, 40), st.integers(0, 40))
changes = st.lists(st.tuples(st.sampled_from(["add", "remove"]), bounds), max_size=30)


def items(ranges) -> set[int]:
    return {item for first, stop in ranges for item in range(first, stop)}


def both(steps) -> tuple[RangeSet, set[int]]:
    """The same changes made to a RangeSet and to a set."""
    ranges, plain = RangeSet(), set()
    for change, (first, stop) in steps:
        getattr(ranges, change)(first, stop)
        plain = plain | items([(first, stop)]) if change == "add" else plain - items([(first, stop)])
    return ranges, plain


@given(changes)
def test_it_holds_what_a_set_would_hold(steps):
    ranges, plain = both(steps)
    assert items(ranges) == plain
    assert len(ranges) == len(plain)
    assert bool(ranges) == bool(plain)
    assert all((item in ranges) == (item in plain) for item in range(-1, 42))


@given(changes)
def test_runs_are_in_order_and_never_touch(steps):
    runs = list(both(steps)[0])
    assert all(first < stop for first, stop in runs)
    assert all(before[1] < after[0] for before, after in zip(runs, runs[1:]))


@given(changes, bounds)
def test_intersection_and_complement_divide_a_range(steps, bound):
    ranges, plain = both(steps)
    inside, outside = ranges.intersect(*bound), ranges.complement(*bound)
    assert items(inside) == items([bound]) & plain
    assert items(outside) == items([bound]) - plain
    assert ranges.covers(*bound) == (items([bound]) <= plain)


@given(changes, bounds)
def test_what_is_removed_is_counted(steps, bound):
    ranges, plain = both(steps)
    assert ranges.remove(*bound) == len(items([bound]) & plain)


@given(changes, changes)
def test_the_first_run_outside_begins_with_the_first_item_that_is_free(steps, avoided):
    ranges, plain = both(steps)
    outside, forbidden = both(avoided)
    run = ranges.first_run(outside)
    if run is None:
        assert not plain - forbidden
    else:
        assert run[0] == min(plain - forbidden)
        assert run[1] == min(item for item in range(run[0], 42) if item not in plain - forbidden)


@given(changes)
def test_sets_with_equal_items_are_equal_however_they_came_to_be(steps):
    ranges, plain = both(steps)
    assert ranges == RangeSet((item, item + 1) for item in sorted(plain, reverse=True))
    assert ranges != RangeSet([(100, 101)])


def test_backward_and_empty_ranges_hold_nothing():
    ranges = RangeSet([(3, 3), (7, 2)])
    assert not ranges
    ranges.add(0, 10)
    ranges.remove(8, 2)
    assert list(ranges) == [(0, 10)]
    assert ranges.covers(5, 5)


def test_a_range_set_is_no_key_and_no_set():
    assert RangeSet([(0, 2)]).__hash__ is None
    assert RangeSet([(0, 2)]) != {0, 1}
    assert repr(RangeSet([(0, 2), (4, 5)])) == "RangeSet([(0, 2), (4, 5)])"
