"""The first few go at once, and no more than so many in any stretch of time."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from marx.wire.bursts import Bursts


@given(st.lists(st.floats(0, 0.1)), st.integers(1, 5))
def test_no_stretch_of_time_sees_more_than_its_count(pauses, count) -> None:
    bursts, now, gone = Bursts(count, 0.05), 100.0, []
    for pause in pauses:
        now += pause
        now += bursts.wait(now)
        bursts.go(now)
        gone.append(now)
    assert all(later - earlier >= 0.05 - 1e-9 for earlier, later in zip(gone, gone[count:]))


def test_after_a_quiet_moment_a_burst_goes_at_once() -> None:
    bursts = Bursts(3, 0.05)
    for _ in range(3):
        assert bursts.wait(7.0) == 0.0
        bursts.go(7.0)
    assert 0.049 < bursts.wait(7.0) < 0.051 and bursts.wait(7.06) == 0.0
