"""How long a task has been in its state, so that a restart goes on to count."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """Nothing is known of what was stored before: tasks had no limit of their time."""
    op.add_column("tasks", sa.Column("spent_seconds", sa.Double))
