"""Files to which items append: with how much each began, and which of two of one folder is newer."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Both are unknown of what was stored before."""
    op.add_column("artifacts", sa.Column("grown_from", sa.BigInteger))
    op.add_column("artifacts", sa.Column("turn", sa.BigInteger))
