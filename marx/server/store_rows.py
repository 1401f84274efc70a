"""
What the writes that only add rows come to: a table, its columns, and their values in that order.

Texts that a worker sent for people lose what a database may not take; file names keep it, as bytes.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from operator import attrgetter
from typing import Any, NamedTuple

from sqlalchemy import Connection, Table

from marx.server import schema
from marx.server.audit_records import NewAuditLine
from marx.server.program_records import NewInput, NewPortion
from marx.server.records import (
    BlobUse,
    KeepCertificate,
    KeepCode,
    NewArtifact,
    NewAttempt,
    NewEpoch,
    NewItems,
    NewNote,
    NewOutput,
    NewResults,
    NewTask,
)

Row = tuple[Any, ...]


class Insert(NamedTuple):
    """One kind of write: the columns that it fills, and its values for them. ``conflict``: what to do where the key is taken."""

    table: Table
    columns: tuple[str, ...]
    values: Callable[[Any], Row]
    conflict: str = ""

    def statement(self, connection: Connection) -> str:
        """The text for this database, with a mark for each column."""
        compiled = self.table.insert().inline().compile(dialect=connection.dialect, column_keys=list(self.columns))
        if compiled.positiontup != list(self.columns):
            raise TypeError(f"{self.table.name}: the columns must stand in the table's order")
        return f"{compiled} {self.conflict}"


def plain_text(text: str) -> str:
    """A text that every database takes."""
    return text.encode("utf-8", "backslashreplace").decode("utf-8").replace("\0", "\\0")


def path_bytes(path: str | None) -> bytes | None:
    """A file's name with its surrogates."""
    return None if path is None else path.encode("utf-8", "surrogatepass")


def _task(new: NewTask) -> Row:
    return new.id, new.user, new.name and plain_text(new.name), new.kind, new.submitted_utc, "queued", "", new.spec_json


def _items(new: NewItems) -> Row:
    args = json.dumps(new.args)
    return new.task, new.portion, new.first, new.count, new.final, new.codec, args, new.blob, new.payload or None


def _results(new: NewResults) -> Row:
    place = new.task, new.portion, new.first, new.count, len(new.failed), new.pack_first, new.pack_count
    failed = json.dumps(new.failed) if new.failed else None
    return *place, new.codec, new.worker, new.attempt, failed, new.blob, new.payload, new.fence


def _output(new: NewOutput) -> Row:
    return new.task, new.portion, new.first, new.last, new.worker, new.at_utc, len(new.payload), new.payload


def _artifact(new: NewArtifact) -> Row:
    place = new.task, new.portion, new.item, new.root, path_bytes(new.path)
    what = new.mode, new.length, new.mtime, new.blob, new.deleted, path_bytes(new.link)
    return *place, *what, new.source, new.grown_from, new.turn, new.fence


def _attempt(new: NewAttempt) -> Row:
    place = new.task, new.portion, new.first, new.count, new.worker, new.attempt
    return *place, new.outcome, new.item, plain_text(new.reason), new.exit_code, new.signal, new.cpu_seconds, new.max_rss_kb, new.at_utc


def _note(new: NewNote) -> Row:
    return new.task, new.worker, plain_text(new.text)


def _portion(new: NewPortion) -> Row:
    return new.task, new.portion, new.place, plain_text(new.reason), new.python, new.state, new.files, False, plain_text(new.call)


def _input(new: NewInput) -> Row:
    return new.task, new.offset, len(new.payload), new.final, new.payload


def _audit_line(new: NewAuditLine) -> Row:
    return new.at_utc, *map(plain_text, (new.who, new.role, new.place, new.did, new.subject, new.detail))


def _columns(table: Table, *without: str) -> tuple[str, ...]:
    return tuple(name for name in table.c.keys() if name != "row" and name not in without)


_CODE = _columns(schema.codes)
_CERTIFICATE = _columns(schema.certificates)
_KNOWN_LATER = ("exit_code", "started_utc", "ended_utc", "known", "final", "done", "failed", "held", "size_bytes", "spent_seconds")

INSERTS: dict[type, Insert] = {
    NewTask: Insert(schema.tasks, _columns(schema.tasks, *_KNOWN_LATER), _task),
    NewItems: Insert(schema.items, _columns(schema.items), _items),
    NewResults: Insert(schema.results, _columns(schema.results), _results),
    NewOutput: Insert(schema.outputs, _columns(schema.outputs), _output),
    NewArtifact: Insert(schema.artifacts, _columns(schema.artifacts), _artifact),
    NewAttempt: Insert(schema.attempts, _columns(schema.attempts), _attempt),
    NewNote: Insert(schema.notes, _columns(schema.notes), _note),
    NewPortion: Insert(schema.portions, _columns(schema.portions), _portion, "ON CONFLICT DO NOTHING"),
    NewInput: Insert(schema.inputs, _columns(schema.inputs), _input),
    NewAuditLine: Insert(schema.audit, _columns(schema.audit), _audit_line),
    NewEpoch: Insert(schema.epochs, ("number", "started_utc"), attrgetter("number", "started_utc")),
    BlobUse: Insert(schema.blob_uses, ("task", "sha256"), attrgetter("task", "sha256"), "ON CONFLICT DO NOTHING"),
}

#: Kinds that replace what is there under the same key. A code that is not further on than what is kept changes no row.
UPSERTS: dict[type, Insert] = {
    KeepCode: Insert(
        schema.codes,
        _CODE,
        lambda keep: attrgetter(*_CODE)(keep.code),
        "ON CONFLICT (digest) DO UPDATE SET used = excluded.used, revoked = excluded.revoked"
        " WHERE excluded.used > codes.used AND excluded.revoked = codes.revoked"
        " OR excluded.used >= codes.used AND excluded.revoked AND NOT codes.revoked",
    ),
    KeepCertificate: Insert(
        schema.certificates,
        _CERTIFICATE,
        lambda keep: attrgetter(*_CERTIFICATE)(keep.certificate),
        "ON CONFLICT (serial) DO UPDATE SET revoked_utc = COALESCE(certificates.revoked_utc, excluded.revoked_utc)",
    ),
}
