"""
The tasks of the server in memory (`tests.fakes.server_link`), as tests look at them.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any, Callable

ENDED = ("done", "failed", "cancelled")


def value_of(function: Callable[[Any], Any], item: Any) -> bytes:
    """The entry of one item: its value, or the error that `function` raised."""
    try:
        return json.dumps({"value": function(item)}).encode()
    except Exception as error:
        return json.dumps({"error": {"type": type(error).__name__, "message": str(error), "traceback": ""}}).encode()


@dataclass
class FakeTask:
    """
    One task: `items` as values, `entries` by index, `output` rows, `artifacts`.

    Of a run: its standard `input` as far as it came, what `signals` its program got, and the `portions` it opened.
    """

    id: str
    spec: dict[str, Any]
    state: str = "queued"
    reason: str = ""
    items: list[Any] = field(default_factory=list)
    final: bool = False
    entries: dict[int, bytes] = field(default_factory=dict)
    output: list[tuple[int, int, bytes]] = field(default_factory=list)
    artifacts: list[dict[str, Any]] = field(default_factory=list)
    why_waiting: str = ""
    slots: int = 0
    exit: int | None = None
    held: bool = False
    runs: bool = False
    input: bytes = b""
    has_all_input: bool = False
    feeders: int = 0
    signals: list[int] = field(default_factory=list)
    portions: list[dict[str, Any]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    @property
    def kind(self) -> str:
        return self.spec.get("kind", "map")

    def snapshot(self) -> dict[str, Any]:
        """As `server.status` gives it."""
        failed = sum(entry.startswith(b'{"error"') for entry in self.entries.values())
        counts = {"total": len(self.items), "final": self.final, "done": len(self.entries), "failed": failed}
        waiting = {"waiting": len(self.items) - len(self.entries), "leased": 0, "slots": self.slots, "why_waiting": self.why_waiting}
        named = {"id": self.id, "user": "ada", "name": self.spec.get("name"), "kind": self.kind, "state": self.state, "reason": self.reason}
        times = {"submitted_utc": 1000.0, "ended_utc": 1012.0 if self.has_ended else None}
        return {**named, "exit": self.exit, "held": self.held, **times, **counts, **waiting}

    @property
    def has_ended(self) -> bool:
        return self.state in ENDED
