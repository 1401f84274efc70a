"""
The tables, and how a database comes to have them.

Rows are only added, but for a task's state and what an identity becomes, until their task is forgotten; nothing refers to anything by a foreign key, which would cost
a look-up for each row: the scheduler saves a task before what belongs to it. A payload is the last column of its table, so that SQLite
reads the columns before it without reading the payload.

``row`` comes from a counter that never goes back (AUTOINCREMENT), so who remembers a row and reads on behind it misses nothing. What is
written in the order in which items finish is read in the order of their indices: hence the indexes ``..._by_item``, which also hold what
a start and the counts need. For 200,000 rows of 100 bytes in random order both indexes cost 3 µs a row (of 6); clustering the table by
item would cost 5, and a table without row ids gives packs of 48 kB back at a sixth of the speed.
"""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Connection,
    DDL,
    Double,
    Engine,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    event,
    select,
)

from marx.server.records import SchemaTooNew

#: The newest revision in ``migrations/versions``: what :data:`metadata` says. Revisions are numbered, so an older one is a smaller number.
VERSION = "0006"
MIGRATIONS = Path(__file__).with_name("migrations")

metadata = MetaData()


def _row() -> Column[int]:
    # SQLite counts only in a column of exactly this type.
    return Column("row", BigInteger().with_variant(Integer(), "sqlite"), primary_key=True, autoincrement=True)


def _text(name: str, nullable: bool = False) -> Column[str]:
    return Column(name, String, nullable=nullable)


def _number(name: str, nullable: bool = False) -> Column[int]:
    return Column(name, BigInteger, nullable=nullable)


def _real(name: str, nullable: bool = False) -> Column[float]:
    return Column(name, Double, nullable=nullable)


def _yes_or_no(name: str, nullable: bool = False) -> Column[bool]:
    return Column(name, Boolean, nullable=nullable)


def _bytes(name: str, nullable: bool = False) -> Column[bytes]:
    return Column(name, LargeBinary, nullable=nullable)


tasks = Table(
    "tasks",
    metadata,
    _row(),
    _text("id"),
    _text("user"),
    _text("name", nullable=True),
    _text("kind"),
    _real("submitted_utc"),
    _text("state"),
    _text("reason"),
    _number("exit_code", nullable=True),
    _real("started_utc", nullable=True),
    _real("ended_utc", nullable=True),
    _number("known", nullable=True),
    _yes_or_no("final", nullable=True),
    _number("done", nullable=True),
    _number("failed", nullable=True),
    _bytes("spec_json"),
    _yes_or_no("held", nullable=True),
    _number("size_bytes", nullable=True),
    _real("spent_seconds", nullable=True),
    sqlite_autoincrement=True,
)
Index("tasks_by_id", tasks.c.id, unique=True)
Index("tasks_by_user", tasks.c.user, tasks.c.row)
Index("tasks_by_end", tasks.c.ended_utc, tasks.c.row)

items = Table(
    "items",
    metadata,
    _row(),
    _text("task"),
    _number("portion"),
    _number("first"),
    _number("count"),
    _yes_or_no("final"),
    _text("codec"),
    _text("args"),
    _text("blob", nullable=True),
    _bytes("payload", nullable=True),
    sqlite_autoincrement=True,
)
Index("items_by_item", items.c.task, items.c.portion, items.c.first, items.c.count, items.c.final)

results = Table(
    "results",
    metadata,
    _row(),
    _text("task"),
    _number("portion"),
    _number("first"),
    _number("count"),
    _number("failed_count"),
    _number("pack_first"),
    _number("pack_count", nullable=True),
    _text("codec"),
    _text("worker"),
    _number("attempt"),
    _text("failed", nullable=True),
    _text("blob", nullable=True),
    _bytes("payload", nullable=True),
    _number("fence", nullable=True),
    sqlite_autoincrement=True,
)
Index("results_by_row", results.c.task, results.c.row)
Index("results_by_item", results.c.task, results.c.portion, results.c.first, results.c.count, results.c.failed_count)

outputs = Table(
    "outputs",
    metadata,
    _row(),
    _text("task"),
    _number("portion"),
    _number("first"),
    _number("last"),
    _text("worker"),
    _real("at_utc"),
    _number("size_bytes"),
    _bytes("payload"),
    sqlite_autoincrement=True,
)
Index("outputs_by_row", outputs.c.task, outputs.c.row, outputs.c.size_bytes)
Index("outputs_by_item", outputs.c.task, outputs.c.portion, outputs.c.first, outputs.c["last"])

artifacts = Table(
    "artifacts",
    metadata,
    _row(),
    _text("task"),
    _number("portion"),
    _number("item", nullable=True),
    _number("root"),
    # Bytes, since a file's name may hold what no text column takes: lone surrogates.
    _bytes("path"),
    _number("mode"),
    _number("length"),
    _real("mtime"),
    _text("blob", nullable=True),
    _yes_or_no("deleted"),
    _bytes("link", nullable=True),
    _text("source", nullable=True),
    _number("grown_from", nullable=True),
    _number("turn", nullable=True),
    _number("fence", nullable=True),
    sqlite_autoincrement=True,
)
Index("artifacts_by_item", artifacts.c.task, artifacts.c.portion, artifacts.c.item)
Index("artifacts_by_path", artifacts.c.task, artifacts.c.root, artifacts.c.path)
Index("artifacts_by_row", artifacts.c.task, artifacts.c.row)

portions = Table(
    "portions",
    metadata,
    Column("task", String, primary_key=True),
    Column("portion", BigInteger, primary_key=True, autoincrement=False),
    _text("place"),
    _text("reason"),
    _text("python"),
    _text("state", nullable=True),
    _text("files", nullable=True),
    _yes_or_no("dropped"),
    _text("call"),
    sqlite_with_rowid=False,
)

inputs = Table(
    "inputs",
    metadata,
    _row(),
    _text("task"),
    _number("offset"),
    _number("size_bytes"),
    _yes_or_no("final"),
    _bytes("payload"),
    sqlite_autoincrement=True,
)
Index("inputs_by_offset", inputs.c.task, inputs.c.offset, inputs.c.size_bytes, inputs.c.final)

attempts = Table(
    "attempts",
    metadata,
    _row(),
    _text("task"),
    _number("portion"),
    _number("first"),
    _number("count"),
    _text("worker"),
    _number("attempt"),
    _text("outcome"),
    _number("item", nullable=True),
    _text("reason"),
    _number("exit_code", nullable=True),
    _number("signal", nullable=True),
    _real("cpu_seconds"),
    _number("max_rss_kb"),
    _real("at_utc"),
    sqlite_autoincrement=True,
)
Index("attempts_by_task", attempts.c.task, attempts.c.row)

notes = Table("notes", metadata, _row(), _text("task"), _text("worker"), _text("text"), sqlite_autoincrement=True)
Index("notes_by_task", notes.c.task, notes.c.row)

blob_uses = Table(
    "blob_uses",
    metadata,
    Column("task", String, primary_key=True),
    Column("sha256", String, primary_key=True),
    sqlite_with_rowid=False,
)
Index("blob_uses_by_blob", blob_uses.c.sha256)

# Tasks that are gone. ``cleared``: nothing is left of their rows in the other tables.
forgotten = Table(
    "forgotten",
    metadata,
    Column("task", String, primary_key=True),
    _text("user"),
    _text("name", nullable=True),
    _text("reason"),
    _real("forgotten_utc"),
    _yes_or_no("cleared"),
    sqlite_with_rowid=False,
)
Index("forgotten_by_time", forgotten.c.cleared, forgotten.c.forgotten_utc)

epochs = Table("epochs", metadata, Column("number", BigInteger, primary_key=True, autoincrement=False), _real("started_utc"))

codes = Table(
    "codes",
    metadata,
    Column("digest", String, primary_key=True),
    _text("role"),
    _text("name", nullable=True),
    _yes_or_no("operator"),
    _number("uses"),
    _number("used"),
    _real("made_utc"),
    _real("expires_utc"),
    _yes_or_no("revoked"),
    CheckConstraint("used <= uses", name="codes_used_up"),
)

certificates = Table(
    "certificates",
    metadata,
    Column("serial", String, primary_key=True),
    _text("role"),
    _text("name"),
    _yes_or_no("operator"),
    _text("code"),
    _real("issued_utc"),
    _real("revoked_utc", nullable=True),
)

audit = Table(
    "audit",
    metadata,
    _row(),
    _real("at_utc"),
    _text("who"),
    _text("role"),
    _text("place"),
    _text("did"),
    _text("subject"),
    _text("detail"),
    sqlite_autoincrement=True,
)
Index("audit_by_time", audit.c.at_utc)

# Whoever gets as far as the database's own language still changes no line; and lines go from the oldest on, never from the middle.
_STAY = "a line of the audit stays as it is"
_ONLY_ADDED_TO = {
    "sqlite": (
        f"CREATE TRIGGER audit_stays BEFORE UPDATE ON audit BEGIN SELECT RAISE(ABORT, '{_STAY}'); END",
        'CREATE TRIGGER audit_goes_in_order BEFORE DELETE ON audit WHEN EXISTS (SELECT 1 FROM audit WHERE "row" < OLD."row")'
        " BEGIN SELECT RAISE(ABORT, 'only the oldest lines of the audit go'); END",
    ),
    "postgresql": (
        f"CREATE FUNCTION audit_stays() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RAISE EXCEPTION ''{_STAY}''; END'",
        "CREATE TRIGGER audit_stays BEFORE UPDATE ON audit FOR EACH ROW EXECUTE FUNCTION audit_stays()",
    ),
}
for _dialect, _statements in _ONLY_ADDED_TO.items():
    for _statement in _statements:
        event.listen(audit, "after_create", DDL(_statement).execute_if(dialect=_dialect))

# Alembic's own table: it must not be among those that migrations are compared with.
_stamps = MetaData()
_stamp = Table("alembic_version", _stamps, Column("version_num", String(32), primary_key=True))


def prepare(engine: Engine, version: str = VERSION, migrations: Path = MIGRATIONS) -> None:
    """
    Give a new database its tables, and bring an older one up to ``version``: each all or nothing.

    Raises :class:`SchemaTooNew`, or what the database says.
    """
    with engine.begin() as connection:
        stored = stored_version(connection)
        if stored is None:
            metadata.create_all(connection, checkfirst=False)
            _stamps.create_all(connection, checkfirst=False)
            connection.execute(_stamp.insert().values(version_num=version))
    if stored not in (None, version):
        _refuse_newer(stored, version)
        upgrade(engine, migrations)


def stored_version(connection: Connection) -> str | None:
    """The revision of a database's tables, None where it has none yet."""
    if not connection.dialect.has_table(connection, _stamp.name):
        return None
    return connection.execute(select(_stamp.c.version_num)).scalar_one()


def upgrade(engine: Engine, migrations: Path = MIGRATIONS) -> None:
    """Apply the revisions in ``migrations`` that a database lacks, in one transaction."""
    # Not above: 180 ms that a start whose tables are of this version does not pay.
    from alembic import command
    from alembic.config import Config

    with engine.begin() as connection:
        config = Config(attributes={"connection": connection})
        config.set_main_option("script_location", str(migrations).replace("%", "%%"))
        command.upgrade(config, "head")


def _refuse_newer(stored: str, known: str) -> None:
    if not stored.isdigit() or int(stored) > int(known):
        raise SchemaTooNew(
            f"the database has tables of version {stored}, and this Marx knows them up to {known}:"
            " a newer Marx made them; install that one, or restore a backup"
        )
