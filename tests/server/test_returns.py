"""What a program is brought of its portions is read in pages: files before results, and never more than a page of them at once."""

from __future__ import annotations

from typing import Any

import pytest_twisted

from marx.server.program_records import ChangeRow, ReturnRow
from marx.server.returns import CHANGES, ReturnsCursor


class Stored:
    """What a store has for a program; remembers the largest page that was asked for."""

    def __init__(self, changes: int, results: int) -> None:
        self.changes = [ChangeRow(row, {"path": str(row)}) for row in range(1, changes + 1)]
        self.nobodys: list[ChangeRow] = []
        self.results = [ReturnRow(row, 1, row, 1, row, "pickles", (), b"r", None) for row in range(1, results + 1)]

    async def returns_after(self, task: str, row: int, limit_bytes: int) -> list[ReturnRow]:
        return [result for result in self.results if result.row > row]

    async def changes_of_results(self, task: str, rows: tuple[int, int], behind: int, limit: int) -> list[ChangeRow]:
        assert rows == (0, len(self.results)), "until all changes are read these are the results that they belong to"
        return [change for change in self.changes if change.row > behind][:limit]

    async def changes_of_nobody(self, task: str, row: int) -> tuple[list[ChangeRow], int]:
        return [change for change in self.nobodys if change.row > row], 1_000


async def pages(stored: Any) -> list[list[Any]]:
    cursor = ReturnsCursor(stored, "abcdefgh", 7, 0, 0)
    read = []
    while page := await cursor.read():
        read.append(list(page))
    return read


@pytest_twisted.ensureDeferred
async def test_a_few_files_come_with_the_results_and_before_them() -> None:
    stored = Stored(2, 2)
    assert await pages(stored) == [[*stored.changes, *stored.results]]


@pytest_twisted.ensureDeferred
async def test_many_files_come_page_by_page_and_the_results_behind_all_of_them() -> None:
    stored = Stored(2 * CHANGES + 1, 3)
    read = await pages(stored)
    assert [len(page) for page in read] == [CHANGES, CHANGES, 1 + 3]
    assert [row for page in read for row in page] == [*stored.changes, *stored.results]


@pytest_twisted.ensureDeferred
async def test_a_page_that_is_exactly_full_holds_no_results_back() -> None:
    stored = Stored(CHANGES, 1)
    assert [len(page) for page in await pages(stored)] == [CHANGES, 1]


@pytest_twisted.ensureDeferred
async def test_what_nobody_is_known_for_comes_without_waiting_for_results() -> None:
    stored = Stored(0, 0)
    stored.nobodys = [ChangeRow(5, {"path": "left"})]
    assert [change.change for [change] in await pages(stored)] == [{"path": "left"}]


@pytest_twisted.ensureDeferred
async def test_changes_are_numbered_as_they_leave_behind_those_that_the_worker_has() -> None:
    stored = Stored(2, 1)
    stored.changes.reverse()
    cursor = ReturnsCursor(stored, "abcdefgh", 7, 0, 40)
    assert [row.row for row in await cursor.read()] == [41, 42, 1]


class Interrupted(Stored):
    """One in which a chunk's files and results are committed behind the first reading, whichever that is."""

    def __init__(self) -> None:
        super().__init__(0, 0)
        self.readings = 0
        self.committed = Stored(0, 2)
        self.committed.nobodys = [ChangeRow(5, {"path": "made"})]

    async def returns_after(self, task: str, row: int, limit_bytes: int) -> list[ReturnRow]:
        return await self._before().returns_after(task, row, limit_bytes)

    async def changes_of_results(self, task: str, rows: tuple[int, int], behind: int, limit: int) -> list[ChangeRow]:
        return await self.committed.changes_of_results(task, rows, behind, limit)

    async def changes_of_nobody(self, task: str, row: int) -> tuple[list[ChangeRow], int]:
        found = await self._before().changes_of_nobody(task, row)
        return found[0], 5 if found[0] else row

    def _before(self) -> Stored:
        self.readings += 1
        return Stored(0, 0) if self.readings == 1 else self.committed


@pytest_twisted.ensureDeferred
async def test_files_that_are_committed_with_results_while_one_reads_come_before_them() -> None:
    stored = Interrupted()
    cursor = ReturnsCursor(stored, "abcdefgh", 7, 0, 0)
    brought = [row for _ in range(3) for row in await cursor.read()]
    assert [type(row) for row in brought] == [ChangeRow, ReturnRow, ReturnRow]
