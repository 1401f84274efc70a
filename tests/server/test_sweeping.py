"""What nobody needs goes in time, and a sweep that fails does not end sweeping."""

from __future__ import annotations

from typing import Any

import pytest
from twisted.internet.defer import Deferred, succeed
from twisted.internet.task import Clock

from marx.server.sweeping import UNUSED_SECONDS, UPLOADS_SECONDS, YOUNG_SECONDS, Sweeper


class Swept:
    """Blobs and store in one: remembers what was asked of it."""

    def __init__(self) -> None:
        self.uploads = 0
        self.unused: list[Any] = []
        self.broken = False

    def sweep_uploads(self) -> int:
        self.uploads += 1
        if self.broken:
            raise OSError("the disk is gone")
        return 1

    def blobs_used(self) -> Deferred:
        return succeed(frozenset({"ab"}))

    def sweep_unused(self, used: Any, before_utc: float) -> Deferred:
        self.unused.append((used, before_utc))
        return succeed(0)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def swept() -> Swept:
    return Swept()


def test_uploads_and_unused_blobs_are_swept_at_intervals(clock, swept) -> None:
    sweeper = Sweeper(swept, swept, clock, lambda: 1e6)
    sweeper.startService()
    assert (swept.uploads, swept.unused) == (0, [])
    clock.advance(UPLOADS_SECONDS)
    assert swept.uploads == 1
    clock.pump([UPLOADS_SECONDS] * int(UNUSED_SECONDS / UPLOADS_SECONDS))
    assert swept.unused == [(frozenset({"ab"}), 1e6 - YOUNG_SECONDS)]
    sweeper.stopService()
    assert not clock.getDelayedCalls()


def test_a_sweep_that_fails_is_logged_and_the_next_one_comes(clock, swept, logged_failures) -> None:
    swept.broken = True
    sweeper = Sweeper(swept, swept, clock, lambda: 1e6)
    sweeper.startService()
    clock.pump([UPLOADS_SECONDS] * 2)
    assert swept.uploads == 2 and len(logged_failures.flush(OSError)) == 2
    sweeper.stopService()
