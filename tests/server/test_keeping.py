"""Rounds of keeping, on a real store and real blobs: what is too old or too much goes, the oldest first, and never what is open."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import pytest_twisted

from marx.server.blob_desk import BlobDesk
from marx.server.blobs import Blobs
from marx.server.directory import Directory, LiveTask
from marx.server.forgetting import Forgetting
from marx.server.keeping import FREE_PAGES, STEP_SECONDS, YOUNG_SECONDS, Keeping, KeepingLimits
from marx.server.records import BlobUse, NewOutput, NewTask, TaskState
from marx.server.store import Store
from marx.server.store_engine import sqlite_url
from tests.server.test_blobs import Shelf, digest_of, put

DAY = 86400.0


class House:
    """A store with tasks of 100 kB each, blobs, and two clocks that the test moves."""

    def __init__(self, folder: Path, store: Store) -> None:
        self.shelf = Shelf(folder / "blobs")
        self.blobs: Blobs = self.shelf.open(total_bytes=1 << 30)
        self.store = store
        self.directory = Directory()
        self.wall, self.steady = 1_000 * DAY, 50.0
        self.clearings: list[str] = []

    def keeping(self, days: float = 1e6, size: int = 1 << 50) -> Keeping:
        forgetting = Forgetting(self.store, self.directory, lambda: self.wall)
        desk = BlobDesk(self.blobs, self.store)
        return Keeping(self.store, self.blobs, desk, forgetting, KeepingLimits(days * DAY, size, days * DAY), lambda: self.wall, lambda: self.steady)

    def passes(self, seconds: float) -> None:
        self.wall += seconds
        self.steady += seconds
        self.shelf.reactor.advance(seconds)

    async def task(self, id: str, ended_days_ago: float | None, blobs: tuple[bytes, ...] = ()) -> None:
        await self.store.write(NewTask(id, "anna", None, "map", b"{}", 1.0), NewOutput(id, 0, 0, 0, "lab7", 2.0, b"x" * 100_000))
        for content in blobs:
            await self.store.write(BlobUse(id, await put(self.blobs, content)))
        if ended_days_ago is None:
            self.directory.tasks[id] = LiveTask(id, "anna", None, {}, 1.0)
        else:
            await self.store.write(TaskState(id, "done", "", 0, self.wall - ended_days_ago * DAY))

    async def left(self) -> set[str]:
        return {record.id for record in await self.store.tasks(None, 99)}


@pytest.fixture
def house(tmp_path: Path) -> Any:
    from twisted.internet import reactor

    store = Store.open(sqlite_url(tmp_path / "marx.sqlite"), reactor)
    yield House(tmp_path, store)
    pytest_twisted.blockon(store.close())


async def two_rounds(house: House, keeping: Keeping) -> None:
    """The first does not trust the clock yet."""
    await keeping.keep()
    house.passes(600.0)
    await keeping.keep()


@pytest_twisted.ensureDeferred
async def test_what_is_too_old_is_forgotten_with_the_reason_and_the_rest_stays(house: House) -> None:
    for id, days_ago in (("old", 31), ("older", 400), ("young", 29), ("open", None)):
        await house.task(id, days_ago)
    await two_rounds(house, house.keeping(days=30))
    assert await house.left() == {"young", "open"}
    [gone] = await house.store.forgotten_by_prefix("older", None)
    assert gone.reason == "by the server, which keeps tasks for 30 days (keeping.age)"


@pytest.mark.parametrize("step", [10 * 365 * DAY, 2 * STEP_SECONDS, -10 * 365 * DAY])
@pytest_twisted.ensureDeferred
async def test_a_step_of_the_clock_forgets_nothing_at_once(house: House, step: float) -> None:
    await house.task("young", 29)
    keeping = house.keeping(days=30)
    await two_rounds(house, keeping)
    house.wall += step
    house.passes(600.0)
    await keeping.keep()
    assert await house.left() == {"young"}
    house.wall -= step
    house.passes(600.0)
    await two_rounds(house, keeping)
    assert await house.left() == {"young"}


@pytest_twisted.ensureDeferred
async def test_what_is_too_much_is_forgotten_until_the_rest_fits_the_oldest_first(house: House) -> None:
    for number in range(6):
        await house.task(f"task{number}", 10 - number)
    await house.task("open", None)
    await house.keeping(size=350_000).keep()
    assert await house.left() == {"task3", "task4", "task5", "open"}
    [gone] = await house.store.forgotten_by_prefix("task0", None)
    assert gone.reason == "by the server, which keeps 350,000 bytes of tasks that have ended (keeping.size)"


@pytest_twisted.ensureDeferred
async def test_files_count_and_those_of_several_tasks_count_once(house: House) -> None:
    shared, own = b"s" * 400_000, b"o" * 500_000
    await house.task("first", 9, (shared,))
    await house.task("second", 8, (shared, own))
    await house.task("third", 7, (shared,))
    keeping = house.keeping(size=1_250_000)
    await keeping.keep()
    assert await house.left() == {"first", "second", "third"}
    await house.keeping(size=1_000_000).keep()
    assert await house.left() == {"third"}
    house.passes(YOUNG_SECONDS + 1)
    await keeping.keep()
    assert house.shelf.files() == {digest_of(shared)}


@pytest_twisted.ensureDeferred
async def test_files_that_are_still_young_make_no_other_task_go(house: House) -> None:
    """What a forgotten task named stays for a day where somebody asked for it; it must not count against those that are kept."""
    await house.task("large", 9, (b"l" * 900_000,))
    await house.task("small", 8)
    keeping = house.keeping(size=500_000)
    for _ in range(3):
        await keeping.keep()
        house.passes(600.0)
    assert await house.left() == {"small"} and len(house.shelf.files()) == 1


@pytest_twisted.ensureDeferred
async def test_everything_of_what_is_forgotten_goes_and_memory_of_it_stays(house: House) -> None:
    await house.task("old", 31, (b"file",))
    keeping = house.keeping(days=30)
    await two_rounds(house, keeping)
    house.passes(YOUNG_SECONDS + 1)
    await keeping.keep()
    assert await house.store.rows_to_clear("old") is None and await house.store.uncleared(1e12) == []
    assert house.shelf.files() == set() and len(await house.store.forgotten_by_prefix("old", None)) == 1


@pytest_twisted.ensureDeferred
async def test_the_database_gets_smaller_when_much_of_it_was_forgotten(house: House, tmp_path: Path) -> None:
    for number in range(100):
        await house.store.write(NewOutput("large", 0, number, number, "lab7", 2.0, b"x" * 1_000_000))
    await house.task("large", 9)
    before = await house.store.pages()
    await house.keeping(size=1000).keep()
    while await house.store.rows_to_clear("large") is not None:
        pass
    await house.keeping().keep()
    after = await house.store.pages()
    assert before.all > FREE_PAGES + 3000 and after.all < before.all - 3000 and after.free <= FREE_PAGES
    await house.store.close()
    assert (tmp_path / "marx.sqlite").stat().st_size < 75_000_000
