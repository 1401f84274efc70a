"""The audit: who did what to what, when and from where."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"

KEEPS = {
    "sqlite": (
        "CREATE TRIGGER audit_stays BEFORE UPDATE ON audit BEGIN SELECT RAISE(ABORT, 'a line of the audit stays as it is'); END",
        "CREATE TRIGGER audit_goes_in_order BEFORE DELETE ON audit WHEN EXISTS (SELECT 1 FROM audit WHERE \"row\" < OLD.\"row\")"
        " BEGIN SELECT RAISE(ABORT, 'only the oldest lines of the audit go'); END",
    ),
    "postgresql": (
        "CREATE FUNCTION audit_stays() RETURNS trigger LANGUAGE plpgsql AS"
        " 'BEGIN RAISE EXCEPTION ''a line of the audit stays as it is''; END'",
        "CREATE TRIGGER audit_stays BEFORE UPDATE ON audit FOR EACH ROW EXECUTE FUNCTION audit_stays()",
    ),
}


def upgrade() -> None:
    """Nothing is known of what was done before."""
    op.create_table(
        "audit",
        sa.Column("row", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), primary_key=True, autoincrement=True),
        sa.Column("at_utc", sa.Double, nullable=False),
        *(sa.Column(name, sa.String, nullable=False) for name in ("who", "role", "place", "did", "subject", "detail")),
        sqlite_autoincrement=True,
    )
    op.create_index("audit_by_time", "audit", ["at_utc"])
    for statement in KEEPS.get(op.get_bind().dialect.name, ()):
        op.execute(statement)
