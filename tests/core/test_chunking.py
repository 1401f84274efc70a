"""How large chunks are, and how many queue."""

from math import inf, nan

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marx.core.chunking import Chunking, Pace, Prospect
from marx.core.model import Policy

POLICY = Policy()
CHUNKING = Chunking(POLICY)

prospects = st.builds(
    Prospect,
    waiting=st.integers(1, 10**7),
    slots=st.integers(1, 500),
    mean=st.one_of(st.none(), st.floats(1e-9, 1e5)),
    measured=st.integers(0, 10**7),
    fixed=st.one_of(st.none(), st.integers(1, 1000)),
    final=st.booleans(),
)


def prospect(**more: object) -> Prospect:
    return Prospect(**{"waiting": 10**6, "slots": 2, "mean": 0.001, "measured": 10**6, "fixed": None, "final": True, **more})


@given(prospects)
def test_a_chunk_is_never_empty_and_a_fixed_size_is_kept(known):
    size = CHUNKING.size(known)
    assert size >= 1
    if known.fixed is not None:
        assert size == known.fixed


@given(prospects)
def test_no_chunk_is_longer_than_the_target_and_a_single_item(known):
    if known.fixed is None and known.mean is not None:
        assert (CHUNKING.size(known) - 1) * known.mean <= POLICY.target_seconds


@given(prospects)
def test_no_chunk_takes_more_than_half_a_slots_share_unless_it_would_be_very_short(known):
    if known.fixed is None and known.mean is not None:
        size = CHUNKING.size(known)
        assert size <= max(1, known.waiting / (2 * known.slots)) or size * known.mean <= POLICY.least_seconds


@given(prospects, st.integers(0, 100), st.floats(0, 10))
def test_what_is_queued_is_bounded(known, queued, seconds):
    if CHUNKING.may_queue(known, CHUNKING.size(known), queued, seconds):
        assert queued < POLICY.ahead_chunks
        assert queued == 0 or seconds <= POLICY.ahead_seconds


def test_the_first_chunk_is_a_probe_of_one_item():
    assert CHUNKING.size(prospect(mean=None, measured=0)) == 1


def test_after_a_probe_the_size_grows_with_what_was_measured():
    assert CHUNKING.size(prospect(mean=1e-6, measured=1)) == POLICY.growth
    assert CHUNKING.size(prospect(mean=1e-6, measured=64)) == 64 * POLICY.growth


def test_chunks_aim_at_the_target_and_taper_at_the_end():
    sizes = [CHUNKING.size(prospect(waiting=waiting)) for waiting in (100_000, 1000, 400, 100, 40, 3)]
    assert sizes == [500, 250, 100, 25, 20, 3]


def test_slow_items_go_one_by_one():
    assert CHUNKING.size(prospect(mean=30.0)) == 1


def test_nothing_queues_while_nothing_is_known():
    assert not CHUNKING.may_queue(prospect(mean=None, measured=0), 1, 0, 0.0)


def test_chunks_that_take_long_do_not_queue():
    assert CHUNKING.may_queue(prospect(mean=1.0), 1, 0, 0.0)
    assert not CHUNKING.may_queue(prospect(mean=POLICY.ahead_longest), 1, 0, 0.0)


def test_one_longer_chunk_queues_as_long_as_plenty_waits():
    assert CHUNKING.may_queue(prospect(mean=0.3, waiting=2), 1, 0, 0.0)
    assert not CHUNKING.may_queue(prospect(mean=0.3, waiting=20), 1, 1, 0.3)
    assert not CHUNKING.may_queue(prospect(mean=0.3, waiting=1), 1, 0, 0.0)


def test_short_chunks_queue_up_to_the_time_a_slot_may_have_ahead():
    tiny = prospect(mean=1e-5, fixed=1)
    assert CHUNKING.may_queue(tiny, 1, 60, 0.1)
    assert not CHUNKING.may_queue(tiny, 1, 64, 0.1)
    assert not CHUNKING.may_queue(tiny, 1, 60, 0.15)


def test_a_chunk_that_could_soon_be_better_only_bridges_a_round_trip():
    tentative = prospect(mean=1e-6, measured=1)
    unfinished = prospect(mean=1e-6, waiting=5000, final=False)
    for poor in (tentative, unfinished):
        assert CHUNKING.may_queue(poor, CHUNKING.size(poor), 0, 0.0)
        assert not CHUNKING.may_queue(poor, CHUNKING.size(poor), 1, 0.001)


def test_a_queue_is_filled_up_again_at_half():
    tiny = prospect(mean=1e-5, fixed=1)
    assert CHUNKING.has_plenty(40, 0.04)
    assert CHUNKING.has_plenty(1, 0.1)
    assert not CHUNKING.has_plenty(0, 0.0)
    assert CHUNKING.runs_low(tiny, 1, 32)
    assert not CHUNKING.runs_low(tiny._replace(waiting=60), 1, 20)


def test_a_pace_is_a_mean_in_which_the_new_counts_more():
    pace = Pace()
    assert pace.mean is None
    pace.measure(10, 1.0)
    assert pace.mean == pytest.approx(0.1)
    for _ in range(20):
        pace.measure(1, 1.0)
    assert pace.mean == pytest.approx(1.0, rel=0.05)
    assert pace.measured == 30


@pytest.mark.parametrize("count, seconds", [(0, 1.0), (-5, 1.0), (1, -1.0), (1, nan), (1, inf)])
def test_nonsense_does_not_change_a_pace(count, seconds):
    pace = Pace()
    pace.measure(2, 1.0)
    pace.measure(count, seconds)
    assert (pace.mean, pace.measured) == (0.5, 2)


def test_items_without_measurable_time_have_a_pace_that_can_be_divided_by():
    pace = Pace()
    pace.measure(5, 0.0)
    assert pace.mean > 0
