"""
What a watch reads, and how each kind of row travels: ordered results, results as they came, output.

A cursor knows its place and nothing of links that are slow or tasks that end; see :mod:`marx.server.watching`.
"""

from __future__ import annotations

from typing import Any, Protocol, Sequence

from twisted.internet.defer import Deferred

from marx.server.records import OutputRow, ResultRow
from marx.server.store import Store
from marx.wire.calls import GuardedLink
from marx.wire.packs import PACK_AIM
from marx.wire.tasker import CarryOutput, CarryResults

#: Bytes read from the store at a time.
READ_BYTES = 500_000


class Cursor(Protocol):
    """A place in what a task made."""

    async def read(self) -> Sequence[Any]:
        """The next rows, moving the place behind them; empty when nothing is there yet."""

    def carry(self, link: GuardedLink, watch: int, row: Any) -> Deferred[Any]:
        """Send one row; fires with the answer."""


def carry_result(link: GuardedLink, watch: int, row: ResultRow) -> Deferred[Any]:
    """Send results."""
    return link.ask(
        CarryResults,
        watch=watch,
        portion=row.portion,
        first=row.first,
        count=row.count,
        pack_first=row.pack_first,
        codec=row.codec,
        payload=row.payload,
        blob=row.blob,
    )


class OrderedResults:
    """Results of a portion in item order from ``first`` on; a gap ends what can be read."""

    def __init__(self, store: Store, task: str, portion: int, first: int) -> None:
        self._store, self._task, self._portion = store, task, portion
        self.first = first

    async def read(self) -> Sequence[ResultRow]:
        rows = []
        for row in await self._store.results_in_order(self._task, self._portion, self.first, READ_BYTES):
            if row.first != self.first:
                break
            self.first += row.count
            rows.append(row)
        return joined(rows)

    carry = staticmethod(carry_result)


class ResultsAsTheyCame:
    """Results in the order in which they were stored."""

    def __init__(self, store: Store, task: str) -> None:
        self._store, self._task = store, task
        self.row = 0

    async def read(self) -> Sequence[ResultRow]:
        rows = await self._store.results_after(self._task, self.row, READ_BYTES)
        self.row = rows[-1].row if rows else self.row
        return joined(rows)

    carry = staticmethod(carry_result)


class OutputAsItCame:
    """Output in the order in which it was stored, after row ``row``."""

    def __init__(self, store: Store, task: str, row: int) -> None:
        self._store, self._task = store, task
        self.row = row

    async def read(self) -> Sequence[OutputRow]:
        rows = await self._store.output_after(self._task, self.row, READ_BYTES)
        self.row = rows[-1].row if rows else self.row
        return rows

    @staticmethod
    def carry(link: GuardedLink, watch: int, row: OutputRow) -> Deferred[Any]:
        return link.ask(
            CarryOutput, watch=watch, row=row.row, portion=row.portion, first=row.first, worker=row.worker, at_utc=row.at_utc, payload=row.payload
        )


def joined(rows: Sequence[ResultRow]) -> list[ResultRow]:
    """
    Neighbouring whole packs of one codec made into packs of about :data:`PACK_AIM` bytes.

    A box costs the server and the tasker 70 µs each whatever is in it: with one item a chunk that is more than all else they do.
    """
    packs: list[ResultRow] = []
    gathered: list[ResultRow] = []
    size = 0
    for row in rows:
        if gathered and not (_fits(gathered[-1], row) and size + len(row.payload) <= PACK_AIM):
            packs.append(_join(gathered))
            gathered, size = [], 0
        gathered.append(row)
        size += len(row.payload or b"") + 1
    if gathered:
        packs.append(_join(gathered))
    return packs


def _fits(before: ResultRow, row: ResultRow) -> bool:
    whole = row.first == row.pack_first and row.whole and before.whole and before.blob is None and row.blob is None
    return whole and row.codec == before.codec and row.portion == before.portion and row.first == before.first + before.count


def _join(rows: list[ResultRow]) -> ResultRow:
    if len(rows) == 1:
        return rows[0]
    first, last = rows[0], rows[-1]
    count = last.first + last.count - first.first
    return first.joined_with(last.row, count, b"\n".join(row.payload for row in rows))
