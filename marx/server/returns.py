"""
Bringing a program what its portions give: the files that items made, then their results.

Like a tasker's watch it reads the store and nothing else; what is new wakes it, and a program that takes nothing costs a window of memory.
"""

from __future__ import annotations

from dataclasses import replace
from math import inf
from typing import Any, Sequence

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorTime

from marx.server.cursors import READ_BYTES
from marx.server.directory import Directory
from marx.server.program_records import ChangeRow, ReturnRow
from marx.server.store import Store
from marx.server.watching import Watch
from marx.wire.calls import GuardedLink
from marx.wire.worker import CarryChange, CarryReturns


#: Changes read at a time: a page of them is about as much as the results that are.
CHANGES = 500


class ReturnsCursor:
    """A place in what the portions of a program gave; ``fence`` is the lease of the program."""

    def __init__(self, store: Store, task: str, fence: int, result_row: int, file_row: int) -> None:
        self._store, self._task, self._fence = store, task, fence
        self._result_row, self._file_row = result_row, file_row
        self._results: Sequence[ReturnRow] = ()
        self._behind = self._nobodys_row = 0

    async def read(self) -> Sequence[ChangeRow | ReturnRow]:
        """
        Results, behind all that their items did to files; a full page of that comes alone.

        The results are read first: files that are committed together with results between two readings are then seen by the second.
        """
        results = self._results or await self._store.returns_after(self._task, self._result_row, READ_BYTES)
        nobodys, self._nobodys_row = await self._store.changes_of_nobody(self._task, self._nobodys_row)
        if not results:
            return self._numbered(nobodys)
        rows = self._result_row, results[-1].row
        changes = await self._store.changes_of_results(self._task, rows, self._behind, CHANGES)
        if len(changes) == CHANGES:
            self._results, self._behind = results, changes[-1].row
            return self._numbered([*nobodys, *changes])
        self._results, self._behind, self._result_row = (), 0, rows[1]
        return [*self._numbered([*nobodys, *changes]), *results]

    def _numbered(self, changes: Sequence[ChangeRow]) -> list[ChangeRow]:
        """
        With numbers in the order in which they leave, since a worker takes only what has a higher one than it has seen.

        Over another link some leave again: the program's keeper knows by their turns which of them it has.
        """
        first = self._file_row + 1
        self._file_row += len(changes)
        return [replace(change, row=row) for row, change in enumerate(changes, first)]

    def carry(self, link: GuardedLink, watch: int, row: ChangeRow | ReturnRow) -> Deferred[Any]:
        """Send one; fires when the program was brought it, which takes as long as the program is busy or stopped."""
        if isinstance(row, ChangeRow):
            return link.ask(CarryChange, within_seconds=inf, fence=self._fence, row=row.row, change=row.change)
        return link.ask(
            CarryReturns,
            within_seconds=inf,
            fence=self._fence,
            row=row.row,
            portion=row.portion,
            first=row.first,
            count=row.count,
            pack_first=row.pack_first,
            codec=row.codec,
            failed=list(row.failed),
            payload=row.payload,
            blob=row.blob,
        )


class _WatchedProgram:
    """A task as its program's watch sees it: nobody has to be told its counts."""

    def __init__(self, task: str, directory: Directory) -> None:
        self._task = task
        self._directory = directory

    def has_ended(self) -> bool:
        return self._task not in self._directory.tasks

    async def describe(self) -> dict[str, Any]:
        return {}


class Returns(Watch):
    """What one program is brought over one link, until it ends or the link does."""

    def __init__(self, link: GuardedLink, cursor: ReturnsCursor, task: str, directory: Directory, clock: IReactorTime) -> None:
        super().__init__(link, 0, [cursor], _WatchedProgram(task, directory), True, clock)

    async def _tell(self, complete: bool) -> None:
        """A program sees its results, not counts."""


def open_returns(
    link: GuardedLink, store: Store, directory: Directory, clock: IReactorTime, task: str, fence: int, rows: tuple[int, int]
) -> Returns:
    """Begin to bring a program what comes behind ``rows``, those of the last result and of the last file that it has."""
    returns = Returns(link, ReturnsCursor(store, task, fence, *rows), task, directory, clock)
    live = directory.tasks[task]
    live.watches.add(returns)
    returns.on_stop(lambda: live.watches.discard(returns))
    return returns
