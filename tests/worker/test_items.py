"""Item packs are here as long as somebody needs them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marx.wire.packs import ItemPack
from marx.worker.assignments import Chunk
from marx.worker.items import Items, MissingItems


@pytest.fixture
def removed() -> list:
    return []


@pytest.fixture
def items(removed: list) -> Items:
    items = Items(lambda *key: removed.append(key))
    for first in (0, 10, 20):
        items.carry("task", 0, ItemPack(first, 10, "json", b"..."))
    return items


def chunk(first: int, count: int, fence: int = 1, task: str = "task") -> Chunk:
    return Chunk(fence, task, 0, first, count)


@pytest.mark.parametrize(("first", "count", "needed"), [(0, 10, [0]), (9, 2, [0, 10]), (5, 20, [0, 10, 20]), (29, 1, [20])])
def test_a_chunk_needs_the_packs_that_it_touches(items: Items, first: int, count: int, needed: list[int]) -> None:
    assert [pack.first for pack in items.needed(chunk(first, count))] == needed


@given(st.lists(st.integers(1, 9), min_size=1, max_size=8), st.data())
def test_packs_of_any_size_in_any_order_cover_any_chunk(sizes: list[int], data: st.DataObject) -> None:
    items = Items(lambda *key: None)
    firsts = [sum(sizes[:at]) for at in range(len(sizes))]
    for at in data.draw(st.permutations(range(len(sizes)))):
        items.carry("task", 0, ItemPack(firsts[at], sizes[at], "json"))
    first = data.draw(st.integers(0, sum(sizes) - 1))
    stop = data.draw(st.integers(first + 1, sum(sizes)))
    packs = items.needed(chunk(first, stop - first))
    assert packs[0].first <= first and packs[-1].first + packs[-1].count >= stop
    assert all(one.first + one.count == other.first for one, other in zip(packs, packs[1:]))


@pytest.mark.parametrize("missing", [chunk(25, 6), chunk(30, 1), chunk(0, 1, task="other")])
def test_what_was_never_sent_is_missed_at_once(items: Items, missing: Chunk) -> None:
    with pytest.raises(MissingItems, match="was not sent"):
        items.hold(missing)


def test_a_dropped_pack_goes_when_no_chunk_that_is_held_touches_it(items: Items, removed: list) -> None:
    items.hold(chunk(5, 10, fence=1))
    items.hold(chunk(15, 1, fence=2))
    items.drop([("task", 0, 0), ("task", 0, 10), ("task", 0, 20), ("task", 0, 99)])
    assert removed == [("task", 0, 20)]
    items.release(chunk(5, 10, fence=1))
    assert removed == [("task", 0, 20), ("task", 0, 0)]
    items.release(chunk(15, 1, fence=2))
    assert removed[2:] == [("task", 0, 10)]


def test_after_a_cut_only_what_is_held_stays_and_what_is_carried_anew_stays_again(items: Items, removed: list) -> None:
    items.hold(chunk(0, 1))
    items.drop_all()
    assert removed == [("task", 0, 10), ("task", 0, 20)]
    items.carry("task", 0, ItemPack(0, 10, "json", b"..."))
    items.release(chunk(0, 1))
    assert [pack.first for pack in items.needed(chunk(0, 10))] == [0]


def test_a_forgotten_task_leaves_when_its_last_chunk_is_over(items: Items, removed: list) -> None:
    items.hold(chunk(0, 1))
    items.forget("task")
    assert len(removed) == 2
    items.release(chunk(0, 1))
    assert len(removed) == 3
