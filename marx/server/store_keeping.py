"""
What is read to keep and to forget: which tasks have ended and how large they are, which are gone, and what of those is still there.

Each function runs in a reading thread, in one transaction.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from sqlalchemy import Column, Connection, Select, Table, bindparam, exists, func, literal, select

from marx.server import schema
from marx.server.keeping_records import ClearRows, EndedRecord, ForgottenRecord, Pages
from marx.server.schema import blob_uses, forgotten, tasks
from marx.server.store_tasks import MATCHES, begins_with

#: What one :class:`ClearRows` deletes at the most, and about how many bytes of payload: some milliseconds of the writing thread.
CLEAR_ROWS, CLEAR_BYTES = 200, 500_000
#: Bytes that a row counts beside its payload, with what it takes in indexes.
ROW_BYTES = 200

_OF_TASK = bindparam("of_task")


class Kept(NamedTuple):
    """A table that holds rows of tasks: the column that, with the task, names a row, and how many bytes of payload one has."""

    table: Table
    key: Column[Any]
    payload: Any = literal(0)


def _length(column: Column[Any]) -> Any:
    return func.coalesce(func.length(column), 0)


#: All of them, by name, but for the tasks themselves.
KEPT = {
    kept.table.name: kept
    for kept in (
        Kept(schema.items, schema.items.c.row, _length(schema.items.c.payload)),
        Kept(schema.results, schema.results.c.row, _length(schema.results.c.payload)),
        Kept(schema.outputs, schema.outputs.c.row, schema.outputs.c.size_bytes),
        Kept(schema.inputs, schema.inputs.c.row, schema.inputs.c.size_bytes),
        Kept(schema.artifacts, schema.artifacts.c.row),
        Kept(schema.portions, schema.portions.c.portion),
        Kept(schema.attempts, schema.attempts.c.row),
        Kept(schema.notes, schema.notes.c.row),
        Kept(blob_uses, blob_uses.c.sha256),
    )
}

_ENDED = select(*(tasks.c[name] for name in EndedRecord.__slots__)).where(tasks.c.ended_utc.is_not(None))
_FORGOTTEN = select(*(forgotten.c[name] for name in ForgottenRecord.__slots__))
_others = blob_uses.alias("others")
_used_by_others = exists().where(_others.c.sha256 == blob_uses.c.sha256, _others.c.task != blob_uses.c.task, _others.c.task == tasks.c.id)
_OWN_BLOBS = select(blob_uses.c.sha256).where(blob_uses.c.task == _OF_TASK, ~_used_by_others)


def _some(kept: Kept) -> Select[Any]:
    return select(kept.key, kept.payload).where(kept.table.c.task == _OF_TASK).limit(CLEAR_ROWS).execution_options(stream_results=True)


def _sum(kept: Kept) -> Select[Any]:
    return select(func.coalesce(func.sum(kept.payload + ROW_BYTES), 0)).select_from(kept.table).where(kept.table.c.task == _OF_TASK)


_SOME = {name: _some(kept) for name, kept in KEPT.items()}
_SUMS = [_sum(kept) for kept in KEPT.values()]


def ended_first(connection: Connection, before_utc: float | None, limit: int) -> list[EndedRecord]:
    """The ``limit`` tasks that ended first, those that ended before ``before_utc`` only (None: all)."""
    query = _ENDED.order_by(tasks.c.ended_utc, tasks.c.row).limit(limit)
    if before_utc is not None:
        query = query.where(tasks.c.ended_utc < before_utc)
    return [EndedRecord(*row) for row in connection.execute(query)]


def unmeasured(connection: Connection, limit: int) -> list[str]:
    """Tasks that have ended and whose size is not known."""
    query = select(tasks.c.id).where(tasks.c.ended_utc.is_not(None), tasks.c.size_bytes.is_(None)).limit(limit)
    return list(connection.execute(query).scalars())


def task_bytes(connection: Connection, task: str) -> int:
    """About how many bytes a task takes in the database, files and large values not counted."""
    return ROW_BYTES + sum(int(connection.execute(size, {"of_task": task}).scalar_one()) for size in _SUMS)


def kept_bytes(connection: Connection) -> int:
    """What all tasks that have ended and were measured take together."""
    return int(connection.execute(select(func.coalesce(func.sum(tasks.c.size_bytes), 0))).scalar_one())


def pages(connection: Connection) -> Pages:
    """What could be given back to the disk: nothing of a database that sees to that itself, or was made before files could shrink."""
    if connection.dialect.name != "sqlite" or not _pragma(connection, "auto_vacuum"):
        return Pages(0, 0)
    return Pages(_pragma(connection, "page_count"), _pragma(connection, "freelist_count"))


def _pragma(connection: Connection, name: str) -> int:
    return int(connection.exec_driver_sql(f"PRAGMA {name}").scalar_one())


def own_blobs(connection: Connection, task: str) -> list[str]:
    """The blobs that this task names and no other."""
    return list(connection.execute(_OWN_BLOBS, {"of_task": task}).scalars())


def forgotten_by_prefix(connection: Connection, prefix: str, user: str | None) -> list[ForgottenRecord]:
    """Tasks of ``user`` (None: of anybody) that are gone and whose id begins so, a few of them."""
    query = _FORGOTTEN.where(begins_with(connection, forgotten.c.task, prefix)).order_by(forgotten.c.forgotten_utc.desc()).limit(MATCHES)
    if user is not None:
        query = query.where(forgotten.c.user == user)
    return [ForgottenRecord(*row) for row in connection.execute(query)]


def uncleared(connection: Connection, before_utc: float) -> list[str]:
    """Tasks that were forgotten before ``before_utc`` and of which something may be left."""
    query = select(forgotten.c.task).where(~forgotten.c.cleared, forgotten.c.forgotten_utc < before_utc)
    return list(connection.execute(query.order_by(forgotten.c.forgotten_utc)).scalars())


def rows_to_clear(connection: Connection, task: str) -> ClearRows | None:
    """Rows of a forgotten task that can be deleted at once; None where none are left."""
    for name, some in _SOME.items():
        keys, size = [], 0
        with connection.execute(some, {"of_task": task}) as rows:
            for key, payload in rows:
                keys.append(key)
                size += payload
                if size >= CLEAR_BYTES:
                    break
        if keys:
            return ClearRows(task, name, tuple(keys))
    return None
