"""
What is read of programs: the portions that they opened, what comes back to them, and their standard input.

Each function runs in a reading thread, in one transaction.
"""

from __future__ import annotations

import json
from typing import Any

from sqlalchemy import Connection, Row, and_, bindparam, func, or_, select

from marx.server.program_records import ChangeRow, PackRecord, PortionRecord, ReturnRow
from marx.server.schema import artifacts, inputs, items, portions, results
from marx.server.store_packs import LAST_PORTION, totals

#: Bytes that a row counts beside its payload.
ROW_BYTES = 100

_OF_TASK, _OF_PORTION, _AFTER_ROW = bindparam("of_task"), bindparam("of_portion"), bindparam("after_row")
_OPENED = (
    select(*(portions.c[name] for name in PortionRecord.__slots__)).where(portions.c.task == _OF_TASK).order_by(portions.c.portion)
)
_RETURNS = (
    select(*(results.c[name] for name in ReturnRow.__slots__))
    .where(results.c.task == _OF_TASK, results.c.row > _AFTER_ROW, results.c.portion > 0)
    .order_by(results.c.row)
    .execution_options(stream_results=True)
)
_CHANGED = ("portion", "item", "source", "root", "path", "mode", "length", "mtime", "blob", "deleted", "link", "grown_from", "turn")
_CHANGES = select(artifacts.c.row, *(artifacts.c[name] for name in _CHANGED)).where(artifacts.c.task == _OF_TASK, artifacts.c.portion > 0)
_is_same_attempt = or_(artifacts.c.fence == results.c.fence, artifacts.c.fence.is_(None), results.c.fence.is_(None))
_CHANGES_OF_RESULTS = (
    _CHANGES.join_from(results, artifacts, and_(artifacts.c.task == results.c.task, artifacts.c.portion == results.c.portion))
    .where(results.c.task == _OF_TASK, results.c.row > _AFTER_ROW, results.c.row <= bindparam("to_row"), _is_same_attempt)
    .where(artifacts.c.item >= results.c.first, artifacts.c.item < results.c.first + results.c["count"])
    .where(artifacts.c.row > bindparam("behind"))
    .order_by(artifacts.c.row)
)
_CHANGES_OF_NOBODY = (
    _CHANGES.where(artifacts.c.item.is_(None), artifacts.c.row > _AFTER_ROW, artifacts.c.row <= bindparam("to_row")).order_by(artifacts.c.row)
)
_LAST_CHANGE = select(func.coalesce(func.max(artifacts.c.row), 0)).where(artifacts.c.task == _OF_TASK)
_PACKS = (
    select(items.c.portion, items.c.first, items.c["count"], items.c.args)
    .where(items.c.task == _OF_TASK, items.c.portion > 0, items.c["count"] > 0)
    .order_by(items.c.portion, items.c.first)
)
_DONE_BY_PORTION = (
    select(results.c.portion, func.sum(results.c["count"]), func.sum(results.c.failed_count))
    .where(results.c.task == _OF_TASK, results.c.portion <= bindparam("last"))
    .group_by(results.c.portion)
)
_ENDED = select(items.c.portion).where(items.c.task == _OF_TASK, items.c.portion > 0, items.c.final).distinct()
# Parts follow each other without a gap, so the last that begins at or before a byte holds it.
_holding = select(func.max(inputs.c.offset)).where(inputs.c.task == _OF_TASK, inputs.c.offset <= bindparam("from_byte"))
_INPUT = (
    select(inputs.c.offset, inputs.c.final, inputs.c.payload)
    .where(inputs.c.task == _OF_TASK, inputs.c.offset >= _holding.scalar_subquery())
    .order_by(inputs.c.offset, inputs.c.row)
    .execution_options(stream_results=True)
)
_INPUT_END = select(
    func.coalesce(func.max(inputs.c.offset + inputs.c.size_bytes), 0), func.count().filter(inputs.c.final)
).where(inputs.c.task == _OF_TASK)


def portions_of(connection: Connection, task: str, limit: int | None = None) -> list[PortionRecord]:
    """The portions that a program opened, by their numbers; the first ``limit`` of them."""
    return [_opened(row) for row in connection.execute(_OPENED.limit(limit), {"of_task": task})]


def portion(connection: Connection, task: str, number: int) -> PortionRecord | None:
    """One of them, None where it was not opened."""
    row = connection.execute(_OPENED.where(portions.c.portion == _OF_PORTION), {"of_task": task, "of_portion": number}).first()
    return None if row is None else _opened(row)


def portion_counts(connection: Connection, task: str, last: int = LAST_PORTION) -> dict[int, tuple[int, int, int]]:
    """Of each portion up to ``last``: how many of its items are known, have a result, and have one that is an error."""
    place = {"of_task": task, "last": last}
    done = {portion: (done, failed) for portion, done, failed in connection.execute(_DONE_BY_PORTION, place)}
    return {portion: (known, *done.get(portion, (0, 0))) for portion, (known, _) in totals(connection, task, last).items()}


def packs_of(connection: Connection, task: str, limit: int) -> tuple[list[PackRecord], frozenset[int]]:
    """The first ``limit`` item packs of the portions that a program opened, in order, and the numbers of the portions whose items are all known."""
    place = {"of_task": task}
    packs = connection.execute(_PACKS.limit(limit), place)
    named = [PackRecord(row.portion, row.first, row[2], str((json.loads(row.args) or [""])[0])) for row in packs]
    return named, frozenset(connection.execute(_ENDED, place).scalars())


def returns_after(connection: Connection, task: str, row: int, limit_bytes: int) -> list[ReturnRow]:
    """Results of all portions that a program opened, in the order in which they were stored, behind ``row``."""
    found = []
    with connection.execute(_RETURNS, {"of_task": task, "after_row": row}) as rows:
        for stored in rows:
            failed = tuple(json.loads(stored.failed)) if stored.failed else ()
            found.append(ReturnRow(**{**stored._mapping, "failed": failed}))
            limit_bytes -= ROW_BYTES + len(stored.payload or b"")
            if limit_bytes <= 0:
                break
    return found


def changes_of_results(connection: Connection, task: str, rows: tuple[int, int], behind: int, limit: int) -> list[ChangeRow]:
    """
    What the items did to files whose results stand in ``rows``, behind the first of them and up to the last.

    As the attempt did it that gave the result: what another did that was lost before does not count. In the order in which it was stored,
    behind row ``behind``; ``limit`` at most.
    """
    place = {"of_task": task, "after_row": rows[0], "to_row": rows[1], "behind": behind}
    return [_change(stored) for stored in connection.execute(_CHANGES_OF_RESULTS.limit(limit), place)]


def changes_of_nobody(connection: Connection, task: str, row: int) -> tuple[list[ChangeRow], int]:
    """What was done to files by nobody knows which item of a chunk, behind ``row``; and the row up to which that is all."""
    last = connection.execute(_LAST_CHANGE, {"of_task": task}).scalar_one()
    place = {"of_task": task, "after_row": row, "to_row": last}
    return [_change(stored) for stored in connection.execute(_CHANGES_OF_NOBODY, place)], last


def input_from(connection: Connection, task: str, offset: int, limit_bytes: int) -> tuple[bytes, bool]:
    """A program's standard input from byte ``offset`` on, at most ``limit_bytes``, and whether nothing follows that."""
    gathered, final = b"", False
    with connection.execute(_INPUT, {"of_task": task, "from_byte": offset}) as rows:
        for stored in rows:
            gathered += stored.payload[max(0, offset + len(gathered) - stored.offset) :]
            final = bool(stored.final)
            if len(gathered) >= limit_bytes:
                break
    return gathered[:limit_bytes], final and len(gathered) <= limit_bytes


def input_end(connection: Connection, task: str) -> tuple[int, bool]:
    """How many bytes of a program's standard input are known, and whether those are all."""
    size, finals = connection.execute(_INPUT_END, {"of_task": task}).one()
    return int(size), bool(finals)


def _opened(row: Row[Any]) -> PortionRecord:
    return PortionRecord(**{**row._mapping, "call": json.loads(row.call), "dropped": bool(row.dropped)})


def _change(row: Row[Any]) -> ChangeRow:
    change = {name: row._mapping[name] for name in _CHANGED}
    change["path"] = row.path.decode("utf-8", "surrogatepass")
    change["link"] = None if row.link is None else row.link.decode("utf-8", "surrogatepass")
    change["deleted"] = bool(row.deleted)
    return ChangeRow(row.row, change)
