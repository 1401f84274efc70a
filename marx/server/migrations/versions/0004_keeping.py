"""Keeping and forgetting: the tasks that are gone, and how many bytes a task that has ended takes."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """No task of before is forgotten, and none is measured yet."""
    op.add_column("tasks", sa.Column("size_bytes", sa.BigInteger))
    op.create_table(
        "forgotten",
        sa.Column("task", sa.String, primary_key=True),
        sa.Column("user", sa.String, nullable=False),
        sa.Column("name", sa.String),
        sa.Column("reason", sa.String, nullable=False),
        sa.Column("forgotten_utc", sa.Double, nullable=False),
        sa.Column("cleared", sa.Boolean, nullable=False),
        sqlite_with_rowid=False,
    )
    op.create_index("forgotten_by_time", "forgotten", ["cleared", "forgotten_utc"])
