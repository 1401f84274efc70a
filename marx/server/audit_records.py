"""
Lines of the audit: what is written of who did what, and what is read of it.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class NewAuditLine:
    """
    ``who`` did (``did``, as in "submitted") something to ``subject``, a task's id or a member's name, ``place``: from where.

    ``role``: tasker, worker, or owner for who steered the daemon on its own machine. ``detail``: what else there is to say, never a secret.
    """

    at_utc: float
    who: str
    role: str
    place: str
    did: str
    subject: str
    detail: str = ""


@dataclass(frozen=True, slots=True)
class DropAuditLines:
    """Delete the lines from before ``before_utc``: the one way in which any goes."""

    before_utc: float


@dataclass(frozen=True, slots=True)
class AuditLine:
    """A line as it was stored. Its ``row`` grows with time."""

    row: int
    at_utc: float
    who: str
    role: str
    place: str
    did: str
    subject: str
    detail: str

    def as_json(self) -> dict[str, Any]:
        """Its fields by their names."""
        return asdict(self)
