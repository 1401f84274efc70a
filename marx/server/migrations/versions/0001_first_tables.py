"""The first tables."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

ROW = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Make all of them."""
    for make in (_tasks, _items, _results, _outputs, _artifacts, _attempts_and_notes, _blob_uses_and_epochs, _identity):
        make()


def _tasks() -> None:
    op.create_table(
        "tasks",
        sa.Column("row", ROW, primary_key=True, autoincrement=True),
        sa.Column("id", sa.String, nullable=False),
        sa.Column("user", sa.String, nullable=False),
        sa.Column("name", sa.String),
        sa.Column("kind", sa.String, nullable=False),
        sa.Column("submitted_utc", sa.Double, nullable=False),
        sa.Column("state", sa.String, nullable=False),
        sa.Column("reason", sa.String, nullable=False),
        sa.Column("exit_code", sa.BigInteger),
        sa.Column("started_utc", sa.Double),
        sa.Column("ended_utc", sa.Double),
        sa.Column("known", sa.BigInteger),
        sa.Column("final", sa.Boolean),
        sa.Column("done", sa.BigInteger),
        sa.Column("failed", sa.BigInteger),
        sa.Column("spec_json", sa.LargeBinary, nullable=False),
        sqlite_autoincrement=True,
    )
    op.create_index("tasks_by_id", "tasks", ["id"], unique=True)
    op.create_index("tasks_by_user", "tasks", ["user", "row"])
    op.create_index("tasks_by_end", "tasks", ["ended_utc", "row"])


def _items() -> None:
    op.create_table(
        "items",
        sa.Column("row", ROW, primary_key=True, autoincrement=True),
        sa.Column("task", sa.String, nullable=False),
        sa.Column("portion", sa.BigInteger, nullable=False),
        sa.Column("first", sa.BigInteger, nullable=False),
        sa.Column("count", sa.BigInteger, nullable=False),
        sa.Column("final", sa.Boolean, nullable=False),
        sa.Column("codec", sa.String, nullable=False),
        sa.Column("args", sa.String, nullable=False),
        sa.Column("blob", sa.String),
        sa.Column("payload", sa.LargeBinary),
        sqlite_autoincrement=True,
    )
    op.create_index("items_by_item", "items", ["task", "portion", "first", "count", "final"])


def _results() -> None:
    op.create_table(
        "results",
        sa.Column("row", ROW, primary_key=True, autoincrement=True),
        sa.Column("task", sa.String, nullable=False),
        sa.Column("portion", sa.BigInteger, nullable=False),
        sa.Column("first", sa.BigInteger, nullable=False),
        sa.Column("count", sa.BigInteger, nullable=False),
        sa.Column("failed_count", sa.BigInteger, nullable=False),
        sa.Column("pack_first", sa.BigInteger, nullable=False),
        sa.Column("pack_count", sa.BigInteger),
        sa.Column("codec", sa.String, nullable=False),
        sa.Column("worker", sa.String, nullable=False),
        sa.Column("attempt", sa.BigInteger, nullable=False),
        sa.Column("failed", sa.String),
        sa.Column("blob", sa.String),
        sa.Column("payload", sa.LargeBinary),
        sqlite_autoincrement=True,
    )
    op.create_index("results_by_row", "results", ["task", "row"])
    op.create_index("results_by_item", "results", ["task", "portion", "first", "count", "failed_count"])


def _outputs() -> None:
    op.create_table(
        "outputs",
        sa.Column("row", ROW, primary_key=True, autoincrement=True),
        sa.Column("task", sa.String, nullable=False),
        sa.Column("portion", sa.BigInteger, nullable=False),
        sa.Column("first", sa.BigInteger, nullable=False),
        sa.Column("last", sa.BigInteger, nullable=False),
        sa.Column("worker", sa.String, nullable=False),
        sa.Column("at_utc", sa.Double, nullable=False),
        sa.Column("size_bytes", sa.BigInteger, nullable=False),
        sa.Column("payload", sa.LargeBinary, nullable=False),
        sqlite_autoincrement=True,
    )
    op.create_index("outputs_by_row", "outputs", ["task", "row", "size_bytes"])
    op.create_index("outputs_by_item", "outputs", ["task", "portion", "first", "last"])


def _artifacts() -> None:
    op.create_table(
        "artifacts",
        sa.Column("row", ROW, primary_key=True, autoincrement=True),
        sa.Column("task", sa.String, nullable=False),
        sa.Column("portion", sa.BigInteger, nullable=False),
        sa.Column("item", sa.BigInteger),
        sa.Column("root", sa.BigInteger, nullable=False),
        sa.Column("path", sa.LargeBinary, nullable=False),
        sa.Column("mode", sa.BigInteger, nullable=False),
        sa.Column("length", sa.BigInteger, nullable=False),
        sa.Column("mtime", sa.Double, nullable=False),
        sa.Column("blob", sa.String),
        sa.Column("deleted", sa.Boolean, nullable=False),
        sa.Column("link", sa.LargeBinary),
        sqlite_autoincrement=True,
    )
    op.create_index("artifacts_by_path", "artifacts", ["task", "root", "path"])


def _attempts_and_notes() -> None:
    op.create_table(
        "attempts",
        sa.Column("row", ROW, primary_key=True, autoincrement=True),
        sa.Column("task", sa.String, nullable=False),
        sa.Column("portion", sa.BigInteger, nullable=False),
        sa.Column("first", sa.BigInteger, nullable=False),
        sa.Column("count", sa.BigInteger, nullable=False),
        sa.Column("worker", sa.String, nullable=False),
        sa.Column("attempt", sa.BigInteger, nullable=False),
        sa.Column("outcome", sa.String, nullable=False),
        sa.Column("item", sa.BigInteger),
        sa.Column("reason", sa.String, nullable=False),
        sa.Column("exit_code", sa.BigInteger),
        sa.Column("signal", sa.BigInteger),
        sa.Column("cpu_seconds", sa.Double, nullable=False),
        sa.Column("max_rss_kb", sa.BigInteger, nullable=False),
        sa.Column("at_utc", sa.Double, nullable=False),
        sqlite_autoincrement=True,
    )
    op.create_index("attempts_by_task", "attempts", ["task", "row"])

    op.create_table(
        "notes",
        sa.Column("row", ROW, primary_key=True, autoincrement=True),
        sa.Column("task", sa.String, nullable=False),
        sa.Column("worker", sa.String, nullable=False),
        sa.Column("text", sa.String, nullable=False),
        sqlite_autoincrement=True,
    )
    op.create_index("notes_by_task", "notes", ["task", "row"])


def _blob_uses_and_epochs() -> None:
    op.create_table(
        "blob_uses",
        sa.Column("task", sa.String, primary_key=True),
        sa.Column("sha256", sa.String, primary_key=True),
        sqlite_with_rowid=False,
    )
    op.create_index("blob_uses_by_blob", "blob_uses", ["sha256"])

    op.create_table(
        "epochs",
        sa.Column("number", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("started_utc", sa.Double, nullable=False),
    )


def _identity() -> None:
    op.create_table(
        "codes",
        sa.Column("digest", sa.String, primary_key=True),
        sa.Column("role", sa.String, nullable=False),
        sa.Column("name", sa.String),
        sa.Column("operator", sa.Boolean, nullable=False),
        sa.Column("uses", sa.BigInteger, nullable=False),
        sa.Column("used", sa.BigInteger, nullable=False),
        sa.Column("made_utc", sa.Double, nullable=False),
        sa.Column("expires_utc", sa.Double, nullable=False),
        sa.Column("revoked", sa.Boolean, nullable=False),
        sa.CheckConstraint("used <= uses", name="codes_used_up"),
    )

    op.create_table(
        "certificates",
        sa.Column("serial", sa.String, primary_key=True),
        sa.Column("role", sa.String, nullable=False),
        sa.Column("name", sa.String, nullable=False),
        sa.Column("operator", sa.Boolean, nullable=False),
        sa.Column("code", sa.String, nullable=False),
        sa.Column("issued_utc", sa.Double, nullable=False),
        sa.Column("revoked_utc", sa.Double),
    )
