"""Maps in a house in which everything happens."""

from __future__ import annotations

from hypothesis import HealthCheck, settings

from tests.core.house import House

House.TestCase.settings = settings(
    max_examples=100, stateful_step_count=60, suppress_health_check=list(HealthCheck), deadline=None
)
TestHouse = House.TestCase
