"""Programs: the portions that they open, their standard input, whose slot made a file, and whether a task is held."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """The tables and columns as they were when programs came."""
    op.add_column("tasks", sa.Column("held", sa.Boolean))
    op.add_column("artifacts", sa.Column("source", sa.String))
    op.create_index("artifacts_by_row", "artifacts", ["task", "row"])
    op.create_table(
        "portions",
        sa.Column("task", sa.String, primary_key=True),
        sa.Column("portion", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("place", sa.String, nullable=False),
        sa.Column("reason", sa.String, nullable=False),
        sa.Column("python", sa.String, nullable=False),
        sa.Column("state", sa.String),
        sa.Column("files", sa.String),
        sa.Column("dropped", sa.Boolean, nullable=False),
        sa.Column("call", sa.String, nullable=False),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "inputs",
        sa.Column("row", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), primary_key=True, autoincrement=True),
        sa.Column("task", sa.String, nullable=False),
        sa.Column("offset", sa.BigInteger, nullable=False),
        sa.Column("size_bytes", sa.BigInteger, nullable=False),
        sa.Column("final", sa.Boolean, nullable=False),
        sa.Column("payload", sa.LargeBinary, nullable=False),
        sqlite_autoincrement=True,
    )
    op.create_index("inputs_by_offset", "inputs", ["task", "offset", "size_bytes", "final"])
