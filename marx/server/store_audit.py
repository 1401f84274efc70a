"""
What is read of the audit.

It runs in a reading thread, in one transaction.
"""

from __future__ import annotations

from sqlalchemy import Connection, select

from marx.server.audit_records import AuditLine
from marx.server.schema import audit

_LINES = select(*(audit.c[name] for name in AuditLine.__slots__)).order_by(audit.c.row)


def audit_lines(connection: Connection, user: str | None, since_utc: float, after: int, limit: int) -> list[AuditLine]:
    """At most ``limit`` lines behind row ``after``, the oldest first: of what ``user`` did (None: of everybody), not before ``since_utc``."""
    query = _LINES.where(audit.c.row > after, audit.c.at_utc >= since_utc).limit(limit)
    if user is not None:
        query = query.where(audit.c.who == user)
    return [AuditLine(*row) for row in connection.execute(query)]
