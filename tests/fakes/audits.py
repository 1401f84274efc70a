"""An audit in memory."""

from __future__ import annotations

from twisted.internet.defer import Deferred, succeed


class RecordingAudit:
    """`lines` has what was noted: who, role, place, and what was said."""

    def __init__(self) -> None:
        self.lines: list[tuple[str, str, str, tuple[str, str, str]]] = []

    def note(self, who: str, role: str, place: str, said: tuple[str, str, str]) -> Deferred[None]:
        self.lines.append((who, role, place, said))
        return succeed(None)
