"""What items weigh, against a list that says it for each pack."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from marx.core.weights import Weights

PACKS = st.lists(st.tuples(st.integers(1, 5), st.integers(1, 100)), min_size=1, max_size=12)


def of_packs(packs: list[tuple[int, int]]) -> tuple[Weights, list[int]]:
    """The weights of these packs (items, bytes), and for each item the number of its pack."""
    weights, pack_of = Weights(), []
    for number, (count, weight) in enumerate(packs):
        weights.add(len(pack_of), weight)
        pack_of += [number] * count
    return weights, pack_of


def test_without_packs_nothing_weighs_anything() -> None:
    assert Weights().of(0, 10**12) == 0 and Weights().reach(5, 1) is None


@given(PACKS, st.data())
def test_items_weigh_what_all_of_their_packs_do(packs: list[tuple[int, int]], data: st.DataObject) -> None:
    weights, pack_of = of_packs(packs)
    first = data.draw(st.integers(0, len(pack_of) - 1))
    stop = data.draw(st.integers(first + 1, len(pack_of)))
    assert weights.of(first, stop) == sum(packs[number][1] for number in set(pack_of[first:stop]))


@given(PACKS, st.integers(0, 400), st.data())
def test_what_is_reached_weighs_no_more_than_the_limit_and_one_more_item_would(packs: list[tuple[int, int]], limit: int, data: st.DataObject) -> None:
    weights, pack_of = of_packs(packs)
    first = data.draw(st.integers(0, len(pack_of) - 1))
    reach = weights.reach(first, limit)
    stop = len(pack_of) if reach is None else first + reach
    assert stop > first
    assert weights.of(first, stop) <= limit or pack_of[first] == pack_of[stop - 1]
    assert stop == len(pack_of) or weights.of(first, stop + 1) > limit
