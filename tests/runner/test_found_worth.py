"""What is worth being sent, by figures alone. The module is pure, and parsed by every version: it is read here without importing the runner."""

from __future__ import annotations

import runpy
from typing import Any

import pytest

from tests.source import CHECKOUT

is_worth_it: Any = runpy.run_path(str(CHECKOUT / "marx" / "runner" / "found" / "worth.py"))["is_worth_it"]


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
    assert is_worth_it(count, seconds, size, state_seconds, slots) == expected
