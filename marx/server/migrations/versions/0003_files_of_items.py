"""Files of items: with how much each began, which of two of one folder is newer, and under which lease it was made, as results were."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """All are unknown of what was stored before."""
    op.add_column("artifacts", sa.Column("grown_from", sa.BigInteger))
    op.add_column("artifacts", sa.Column("turn", sa.BigInteger))
    op.add_column("artifacts", sa.Column("fence", sa.BigInteger))
    op.add_column("results", sa.Column("fence", sa.BigInteger))
    op.create_index("artifacts_by_item", "artifacts", ["task", "portion", "item"])
