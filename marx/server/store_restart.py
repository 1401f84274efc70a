"""
What a start reads: the tasks that have not ended, who belongs to the lab, and how many starts there were.

Ranges come from an index that covers them, so no payload is touched; which items failed is read of those rows only where some did.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import replace
from itertools import groupby
from typing import Any

from sqlalchemy import Connection, bindparam, func, select

from marx.server.records import NewTask, StoredPortion, UnfinishedTask
from marx.server.schema import certificates, codes, epochs, results, tasks
from marx.server.store_programs import portions_of
from marx.server.store_packs import output_bytes, totals
from marx.server.store_tasks import attempts_of

#: Attempts that are read of each task: they bound what is tried again, and who has more has long been given up.
ATTEMPTS = 10_000

_OPEN = (
    select(*(tasks.c[name] for name in NewTask.__slots__), tasks.c.state, tasks.c.held, tasks.c.spent_seconds)
    .where(tasks.c.ended_utc.is_(None))
    .order_by(tasks.c.row)
)
_OF_TASK = bindparam("of_task")
_DONE = (
    select(results.c.portion, results.c.first, results.c.first + results.c["count"])
    .where(results.c.task == _OF_TASK)
    .order_by(results.c.portion, results.c.first)
)
_FAILED = (
    select(results.c.portion, results.c.failed)
    .where(results.c.task == _OF_TASK, results.c.failed_count > 0)
    .order_by(results.c.portion, results.c.first)
)

Range = tuple[int, int]


def load_unfinished(connection: Connection) -> list[UnfinishedTask]:
    """Every task that has not ended, oldest first."""
    return [
        replace(_unfinished(connection, NewTask(*row[:-3]), row.state, bool(row.held)), spent_seconds=row.spent_seconds or 0.0)
        for row in connection.execute(_OPEN).all()
    ]


def load_identity(connection: Connection) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Every join code and every certificate, as their fields by name."""
    return [dict(row) for row in connection.execute(select(codes)).mappings()], [
        dict(row) for row in connection.execute(select(certificates)).mappings()
    ]


def last_epoch(connection: Connection) -> int:
    """The number of the last start, 0 before the first."""
    return connection.execute(select(func.coalesce(func.max(epochs.c.number), 0))).scalar_one()


def _unfinished(connection: Connection, record: NewTask, state: str, held: bool) -> UnfinishedTask:
    place = {"of_task": record.id}
    done = {
        portion: tuple(merged((first, stop) for _, first, stop in rows))
        for portion, rows in groupby(connection.execute(_DONE, place), key=lambda row: row.portion)
    }
    failed = {
        portion: tuple(merged((item, item + 1) for row in rows for item in sorted(json.loads(row.failed))))
        for portion, rows in groupby(connection.execute(_FAILED, place), key=lambda row: row.portion)
    }
    portions = (
        StoredPortion(portion, known, final, done.get(portion, ()), failed.get(portion, ()))
        for portion, (known, final) in sorted(totals(connection, record.id).items())
    )
    attempts = attempts_of(connection, record.id, ATTEMPTS)
    opened = portions_of(connection, record.id)
    return UnfinishedTask(record, state, tuple(portions), tuple(attempts), output_bytes(connection, record.id), held, tuple(opened))


def merged(ranges: Iterable[Range]) -> Iterator[Range]:
    """Ranges (first, stop) in the order of their firsts, with those that touch or overlap made one."""
    begin = end = None
    for first, stop in ranges:
        if end is not None and first <= end:
            end = max(end, stop)
            continue
        if end is not None:
            yield begin, end
        begin, end = first, stop
    if end is not None:
        yield begin, end
