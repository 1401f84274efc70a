"""
What is read of tasks, but for their packs: records, attempts, notes, artifacts, and the blobs that they name.

Each function runs in a reading thread, in one transaction.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from itertools import groupby, islice
from typing import Any

from sqlalchemy import Column, ColumnElement, Connection, Row, Select, and_, bindparam, case, func, or_, select, tuple_

from marx.server.records import ArtifactRecord, AttemptRecord, Counts, NoteRecord, TaskRecord
from marx.server.schema import artifacts, attempts, blob_uses, notes, results, tasks
from marx.server.store_rows import path_bytes

#: Ids that are found for a prefix: more than a person wants to choose from.
MATCHES = 20
#: Comes after whatever an id has behind a prefix.
LAST_LETTER = "\U0010ffff"

#: Blobs that one statement asks for: each is a mark in it.
DIGESTS = 500

_OF_TASK = bindparam("of_task")
_COUNTS = ("known", "final", "done", "failed")
_RECORD = select(*(tasks.c[name] for name in (*TaskRecord.__slots__[:-1], *_COUNTS)))
_ATTEMPTS = select(*(attempts.c[name] for name in AttemptRecord.__slots__)).where(attempts.c.task == _OF_TASK)
# Results do not overlap: the last that begin at or before an item are its own, or it has none yet.
_result_of_item = (
    select(case((results.c.first + results.c["count"] > artifacts.c.item, results.c.fence)))
    .where(results.c.task == artifacts.c.task, results.c.portion == artifacts.c.portion, results.c.first <= artifacts.c.item)
    .order_by(results.c.first.desc())
    .limit(1)
    .correlate(artifacts)
    .scalar_subquery()
)
_may_count = or_(artifacts.c.item.is_(None), artifacts.c.fence.is_(None), func.coalesce(_result_of_item, artifacts.c.fence) == artifacts.c.fence)
_ARTIFACTS = (
    select(*(artifacts.c[name] for name in ArtifactRecord.__slots__), artifacts.c.row).where(artifacts.c.task == _OF_TASK).where(_may_count)
)
_NOTES = select(notes.c.worker, notes.c.text).where(notes.c.task == _OF_TASK).order_by(notes.c.row)
_USES = select(blob_uses.c.task).where(blob_uses.c.sha256 == bindparam("sha256"))


def task(connection: Connection, id: str) -> TaskRecord | None:
    """A task by its whole id."""
    row = connection.execute(_RECORD.where(tasks.c.id == id)).first()
    return _record(row) if row else None


def tasks_newest_first(connection: Connection, user: str | None, limit: int, before: int | None = None) -> list[TaskRecord]:
    """At most ``limit`` tasks of ``user`` (None: of everybody); ``before``: only those older than the one with that row."""
    query = _of_user(_RECORD, user).order_by(tasks.c.row.desc()).limit(limit)
    if before is not None:
        query = query.where(tasks.c.row < before)
    return [_record(row) for row in connection.execute(query)]


def ids_by_prefix(connection: Connection, prefix: str, user: str | None) -> list[str]:
    """Ids of tasks of ``user`` (None: of anybody) that begin so, a few of the newest; one that is whole stands for itself."""
    query = _of_user(select(tasks.c.id), user).order_by(tasks.c.row.desc()).limit(MATCHES)
    whole = connection.execute(query.where(tasks.c.id == prefix)).scalars().all()
    return list(whole or connection.execute(query.where(begins_with(connection, tasks.c.id, prefix))).scalars())


def begins_with(connection: Connection, column: Column[str], prefix: str) -> ColumnElement[bool]:
    """A range of the index, in the order of code points. Not LIKE, to which SQLite's capital and small letters are the same."""
    letters = column.collate("BINARY" if connection.dialect.name == "sqlite" else "C")
    return and_(letters >= prefix, letters < prefix + LAST_LETTER)


def spec(connection: Connection, id: str) -> Any:
    """A task's specification, read from its JSON; None where there is no such task."""
    spec_json = connection.execute(select(tasks.c.spec_json).where(tasks.c.id == id)).scalar()
    return None if spec_json is None else json.loads(spec_json)


def attempts_of(connection: Connection, task: str, limit: int) -> list[AttemptRecord]:
    """The latest ``limit`` attempts that did not succeed, the oldest of them first."""
    latest = connection.execute(_ATTEMPTS.order_by(attempts.c.row.desc()).limit(limit), {"of_task": task}).all()
    return [AttemptRecord(*row) for row in reversed(latest)]


def notes_of(connection: Connection, task: str) -> list[NoteRecord]:
    """What workers noted about a task, in the order in which it came."""
    return [NoteRecord(*row) for row in connection.execute(_NOTES, {"of_task": task})]


def artifacts_of(connection: Connection, task: str, after: tuple[int, str] | None, limit: int) -> list[ArtifactRecord]:
    """
    At most ``limit`` paths that a task's items touched, by root and path, those behind ``after`` only.

    Of each what the last item that touched it did last; what no item is known for counts before what one did, and of an item that was
    run several times what the attempt did whose result stands. A program has its files in sequence, so of its paths what was done last.
    """
    kind = connection.execute(select(tasks.c.kind).where(tasks.c.id == task)).scalar()
    rank = _stored if kind == "run" else _touched
    query = _ARTIFACTS.order_by(artifacts.c.root, artifacts.c.path).execution_options(stream_results=True)
    if after is not None:
        query = query.where(tuple_(artifacts.c.root, artifacts.c.path) > tuple_(after[0], path_bytes(after[1])))
    with connection.execute(query, {"of_task": task}) as rows:
        by_path = groupby(rows, key=lambda row: (row.root, row.path))
        return list(islice((_artifact(max(touches, key=rank)) for _, touches in by_path), limit))


def blobs_owned(connection: Connection, digests: Sequence[str], user: str) -> set[str]:
    """Which of these blobs a task of ``user`` names."""
    of_user = select(blob_uses.c.sha256).join(tasks, tasks.c.id == blob_uses.c.task).where(tasks.c.user == user).distinct()
    owned: set[str] = set()
    for start in range(0, len(digests), DIGESTS):
        asked = blob_uses.c.sha256.in_(digests[start : start + DIGESTS])
        owned.update(connection.execute(of_user.where(asked)).scalars())
    return owned


def blob_used_by(connection: Connection, sha256: str, task: str) -> bool:
    """Whether ``task`` names this blob."""
    return connection.execute(_USES.where(blob_uses.c.task == task), {"sha256": sha256}).first() is not None


def blobs_used(connection: Connection) -> frozenset[str]:
    """Every blob that any task names which is not forgotten: the others may be swept."""
    query = select(blob_uses.c.sha256).join(tasks, tasks.c.id == blob_uses.c.task).distinct()
    return frozenset(connection.execute(query).scalars())


def _of_user(query: Select[Any], user: str | None) -> Select[Any]:
    return query if user is None else query.where(tasks.c.user == user)


def _record(row: Row[Any]) -> TaskRecord:
    *known_at_once, held, known, final, done, failed = row
    counts = None if row.ended_utc is None else Counts(known, final, done, failed)
    return TaskRecord(*known_at_once, bool(held), counts)


def _touched(row: Row[Any]) -> Sequence[int]:
    return row.portion, -1 if row.item is None else row.item, row.row


def _stored(row: Row[Any]) -> Sequence[int]:
    return (row.row,)


def _artifact(row: Row[Any]) -> ArtifactRecord:
    fields = {**row._mapping, "path": row.path.decode("utf-8", "surrogatepass")}
    fields["link"] = None if row.link is None else row.link.decode("utf-8", "surrogatepass")
    del fields["row"]
    return ArtifactRecord(**fields)
