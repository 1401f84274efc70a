"""
A consistent copy of the database while everybody goes on: what was committed when it began, and nothing of what came after.
"""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing
from pathlib import Path

from sqlalchemy import Connection, func, select

from marx.server.schema import epochs
from marx.server.store_tasks import blobs_used

#: By how many starts the copy is ahead. A server that was lost may have been started again since the copy was made, and a fence that it gave
#: then must not be given by the one that is restored.
EPOCHS_AHEAD = 1 << 20

_GO_AHEAD = f"INSERT INTO epochs (number, started_utc) SELECT max(number) + {EPOCHS_AHEAD}, max(started_utc) FROM epochs HAVING count(*) > 0"
_USED = "SELECT DISTINCT sha256 FROM blob_uses JOIN tasks ON tasks.id = blob_uses.task"


def copy_database(connection: Connection, target: Path) -> tuple[bool, frozenset[str]]:
    """
    Copy an SQLite database into the new file ``target``, mode 0600, in a reading thread: whether there is one, and the blobs that the copy names.

    A database on a server is not copied: then the blobs are those that it names now. Raises OSError and what the database says.
    """
    if connection.dialect.name != "sqlite":
        connection.execute(select(func.count()).select_from(epochs))
        return False, blobs_used(connection)
    os.close(os.open(target, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
    with closing(sqlite3.connect(target, isolation_level=None)) as copy:
        # In one step: between two of them a writer would make it begin anew, and there is always one.
        connection.connection.driver_connection.backup(copy)
        # A copy that stands alone in an archive has no second file beside it.
        copy.execute("PRAGMA journal_mode=DELETE")
        copy.execute(_GO_AHEAD)
        return True, frozenset(sha256 for (sha256,) in copy.execute(_USED))
