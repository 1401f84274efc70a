"""What is worth being sent, by figures alone. The module is pure, and parsed by every version: it is read here without importing the runner."""

from __future__ import annotations

import runpy
from typing import Any

import pytest

from tests.source import CHECKOUT

worth: Any = runpy.run_path(str(CHECKOUT / "marx" / "runner" / "found" / "worth.py"))
is_worth_it, is_still_worth_it = worth["is_worth_it"], worth["is_still_worth_it"]


@pytest.mark.parametrize(
    ("count", "seconds", "size", "state_seconds", "slots", "expected"),
    [
        (100, 0.1, 100, 0.02, 2, True),
        (100, 0.1, 100, 0.02, 1, False),
        (100, 0.001, 100, 0.02, 8, False),
        (10000, 0.002, 100, 0.02, 8, True),
        (10000, 0.01, 100, 0.02, 8, True),
        (20, 0.02, 100, 0.01, 2, False),
        (100, 0.1, 10_000_000, 0.02, 4, False),
        (100, 0.1, 100, 5.0, 4, False),
    ],
)
def test_what_costs_more_to_send_than_to_compute_stays(
    count: int, seconds: float, size: int, state_seconds: float, slots: int, expected: bool
) -> None:
    assert is_worth_it(count, seconds, size, state_seconds, slots, 100) == expected


def test_what_a_new_process_must_import_first_counts() -> None:
    assert is_worth_it(100, 0.13, 5, 0.05, 2, 300)
    assert not is_worth_it(100, 0.13, 5, 0.05, 2, 1800)
    assert is_worth_it(1000, 0.13, 5, 0.05, 2, 1800)


@pytest.mark.parametrize(
    ("seconds", "elsewhere", "taking", "slots", "expected"),
    [
        (0.1, 0.11, 0.001, 2, True),
        (0.1, 0.11, 0.06, 8, False),
        (0.02, 0.08, 0.005, 2, False),
        (0.02, 0.08, 0.001, 8, True),
        (0.1, 0.2, 0.001, 1, False),
    ],
)
def test_what_takes_longer_to_bring_back_than_to_compute_is_divided_no_further(
    seconds: float, elsewhere: float, taking: float, slots: int, expected: bool
) -> None:
    assert is_still_worth_it(seconds, elsewhere, taking, slots) == expected
