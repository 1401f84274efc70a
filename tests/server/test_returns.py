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
        self.results = [ReturnRow(row, 1, row, 1, row, "pickles", (), b"r", None) for row in range(1, results + 1)]

    async def returns_after(self, task: str, row: int, limit_bytes: int) -> list[ReturnRow]:
        return [result for result in self.results if result.row > row]

    async def changes_after(self, task: str, row: int, limit: int) -> list[ChangeRow]:
        return [change for change in self.changes if change.row > row][:limit]


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
