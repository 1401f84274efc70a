"""What nobody needs is looked for in time, and a look that fails does not end the looking."""

from __future__ import annotations

import pytest
from twisted.internet.task import Clock

from marx.server.records import StoreFailed
from marx.server.sweeping import KEEPING_SECONDS, UPLOADS_SECONDS, Sweeper


class Swept:
    """Blobs and keeping in one: remembers what was asked of it."""

    def __init__(self) -> None:
        self.uploads = 0
        self.rounds = 0
        self.broken: Exception | None = None

    def sweep_uploads(self) -> int:
        self.uploads += 1
        if self.broken:
            raise self.broken
        return 1

    async def keep(self) -> None:
        self.rounds += 1


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def swept() -> Swept:
    return Swept()


def test_uploads_and_what_is_kept_are_looked_at_at_intervals(clock, swept) -> None:
    sweeper = Sweeper(swept, swept, clock)
    sweeper.startService()
    assert (swept.uploads, swept.rounds) == (0, 0)
    clock.advance(UPLOADS_SECONDS)
    assert swept.uploads == 1
    clock.pump([UPLOADS_SECONDS] * int(KEEPING_SECONDS / UPLOADS_SECONDS))
    assert swept.rounds == 1
    sweeper.stopService()
    assert not clock.getDelayedCalls()


def test_a_look_that_fails_is_logged_and_the_next_one_comes(clock, swept, logged_failures) -> None:
    swept.broken = OSError("the disk is gone")
    sweeper = Sweeper(swept, swept, clock)
    sweeper.startService()
    clock.pump([UPLOADS_SECONDS] * 2)
    assert swept.uploads == 2 and len(logged_failures.flush(OSError)) == 2
    sweeper.stopService()


def test_a_store_that_cannot_be_written_is_no_fault_of_the_sweeper(clock, swept) -> None:
    swept.broken = StoreFailed("the store cannot be written: the disk is full")
    sweeper = Sweeper(swept, swept, clock)
    sweeper.startService()
    clock.pump([UPLOADS_SECONDS] * 2)
    assert swept.uploads == 2
    sweeper.stopService()
