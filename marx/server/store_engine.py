"""
How a database is opened, and what its errors mean.

SQLite by the path of a file, or whatever SQLAlchemy and a driver reach by a URL; PostgreSQL through psycopg is meant.
"""

from __future__ import annotations

import os
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event, exc
from sqlalchemy.engine import URL, make_url

from marx.server.records import StoreAway, StoreError, StoreFailed, WriteRefused

#: With pages of 8 kB a pack of 48 kB costs 42 µs to store, with SQLite's usual 4 kB 70 µs; small rows cost the same.
PAGE_BYTES = 8192
#: Pages written ahead (16 MB) before they are moved into the database; SQLite's usual 4 MB costs small rows a fifth of their rate.
CHECKPOINT_PAGES = 2000
#: How long a write waits for somebody else's lock on the file, such as a backup's.
LOCK_SECONDS = 5.0

_FULL, _LOCKED = "the disk that holds it is full", "another process has locked it"
#: Beginnings of SQLite's names for its errors, and what PostgreSQL's texts hold, in words.
_REASONS = (
    ("SQLITE_FULL", _FULL),
    ("no space left", _FULL),
    ("SQLITE_READONLY", "it is read-only"),
    ("read-only", "it is read-only"),
    ("SQLITE_BUSY", _LOCKED),
    ("SQLITE_LOCKED", _LOCKED),
    ("SQLITE_IOERR", "its file cannot be read or written"),
    ("SQLITE_CANTOPEN", "its file cannot be opened"),
    ("SQLITE_CORRUPT", "its file is damaged"),
    ("SQLITE_NOTADB", "its file is not a database"),
)


def sqlite_url(path: str | os.PathLike[str]) -> URL:
    """The URL of a database file, whatever characters its path has."""
    return URL.create("sqlite", database=os.path.abspath(path))


def make_engine(url: str | URL, durable: bool = True) -> Engine:
    """
    Connections to a database, a new SQLite file readable by its owner alone. Nothing is connected yet.

    ``durable``: False lets SQLite answer before the disk has it; for what is thrown away afterwards.
    """
    url = make_url(url)
    if url.get_backend_name() != "sqlite":
        # Marks by position, which is how the writer gives its rows.
        return create_engine(url, paramstyle="format")
    engine = create_engine(url, connect_args={"timeout": LOCK_SECONDS})
    event.listen(engine, "do_connect", _make_private)
    event.listen(engine, "connect", _settle_durably if durable else _settle)
    event.listen(engine, "begin", _begin)
    return engine


def _make_private(_dialect: Any, _record: Any, arguments: Any, _options: Any) -> None:
    if not os.path.exists(arguments[0]) and os.path.isdir(os.path.dirname(arguments[0])):
        os.close(os.open(arguments[0], os.O_CREAT | os.O_RDWR, 0o600))


def _settle(connection: Any, _record: Any, synchronous: str = "OFF") -> None:
    # The driver begins no transactions by itself, so that tables are made in one as well.
    connection.isolation_level = None
    connection.execute(f"PRAGMA page_size={PAGE_BYTES}")
    # Of a new file only: what was deleted can be given back to the disk. Costs a write some per cent (docs/decisions.rst).
    connection.execute("PRAGMA auto_vacuum=INCREMENTAL")
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute(f"PRAGMA synchronous={synchronous}")
    connection.execute(f"PRAGMA wal_autocheckpoint={CHECKPOINT_PAGES}")


def _settle_durably(connection: Any, record: Any) -> None:
    _settle(connection, record, "FULL")


def _begin(connection: Connection) -> None:
    connection.exec_driver_sql("BEGIN")


def failed(error: Exception, doing: str) -> StoreError:
    """What to raise for what the database or its driver raised. ``doing``: "opened", "read" or "written"."""
    if isinstance(error, StoreError):
        return error
    reason = _reason(error)
    kind = StoreAway if reason.startswith((_FULL, _LOCKED)) or _is_of_server(error) else StoreFailed
    return kind(f"the store cannot be {doing}: {reason}")


def write_failed(error: Exception) -> StoreError:
    """
    The same for a write, where what is wrong with the values alone is :class:`WriteRefused`.

    A value that the driver cannot store, or no column holds, is that too: a peer may have sent it, and others must not suffer for it.
    """
    of_database = isinstance(error, (StoreError, exc.SQLAlchemyError, OSError))
    about_values = isinstance(error, (exc.IntegrityError, exc.DataError, exc.ProgrammingError)) and not error.connection_invalidated
    if of_database and not about_values:
        return failed(error, "written")
    return WriteRefused(f"the store refuses these values: {getattr(error, 'orig', error)}")


def _is_of_server(error: Exception) -> bool:
    """Whether a database server does not answer, or no longer."""
    return isinstance(error, exc.OperationalError) and not hasattr(error.orig, "sqlite_errorname")


def _reason(error: Exception) -> str:
    original = getattr(error, "orig", None) or error
    name, text = getattr(original, "sqlite_errorname", ""), str(original)
    for sign, reason in _REASONS:
        if name.startswith(sign) or sign in text.lower():
            return f"{reason} ({text})"
    return text
