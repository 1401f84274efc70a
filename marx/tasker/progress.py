"""
The live line: done of all, failed, slots at work, items a second, or why it waits. A program that runs and has asked for no items yet has
none, since a person may be typing its input there. Pure but for the clock it is given.
"""

from __future__ import annotations

from collections import deque
from typing import Any, Mapping

#: Seconds over which the rate is taken: long enough to be calm, short enough to follow a change.
RATE_SECONDS = 10.0
_BOLD, _RED, _DIM, _PLAIN = "\x1b[1m", "\x1b[31m", "\x1b[2m", "\x1b[0m"


class Progress:
    """Turns a task's snapshots into its line. ``colour``: whether the terminal wants it (NO_COLOR)."""

    def __init__(self, colour: bool) -> None:
        self._colour = colour
        self._samples: deque[tuple[float, int]] = deque()

    def line(self, task: Mapping[str, Any], now: float, width: int) -> bytes:
        """The line at ``now`` (seconds, monotonic), never wider than ``width`` columns; empty where there is nothing to be said."""
        text = self._text(task, self._rate(task["done"], now))
        if len(text) > width - 1:
            text = text[: max(0, width - 2)] + "…"
        return self._coloured(text, task["failed"]).encode("utf-8", "replace")

    def _text(self, task: Mapping[str, Any], rate: float | None) -> str:
        if not task["total"] and task["kind"] == "run":
            return f"{task['state']} · {task['why_waiting']}" if task["why_waiting"] else ""
        total = f"{task['total']:,}" + ("" if task["final"] else "+")
        parts = [f"{task['done']:,}/{total}"]
        if task["failed"]:
            parts.append(f"{task['failed']:,} failed")
        parts.append(f"{task['slots']} slot{'' if task['slots'] == 1 else 's'} at work")
        if rate is not None:
            parts.append(f"{_rounded(rate)} items/s")
        if task.get("why_waiting") and not task["slots"]:
            parts.append(task["why_waiting"])
        return " · ".join(parts)

    def _rate(self, done: int, now: float) -> float | None:
        """Items a second over the last seconds; None until there is anything to say."""
        self._samples.append((now, done))
        while len(self._samples) > 2 and now - self._samples[1][0] >= RATE_SECONDS:
            self._samples.popleft()
        then, before = self._samples[0]
        return (done - before) / (now - then) if now > then and done > before else None

    def _coloured(self, text: str, failed: int) -> str:
        if not self._colour or not text:
            return text
        counts, dot, rest = text.partition(" · ")
        if failed:
            wrong, dot_2, others = rest.partition(" · ")
            rest = f"{_RED}{wrong}{_PLAIN}{_DIM}{dot_2}{others}"
        return f"{_BOLD}{counts}{_PLAIN}{_DIM}{dot}{rest}{_PLAIN}"


def _rounded(rate: float) -> str:
    return f"{rate:,.0f}" if rate >= 10 else f"{rate:.1f}"
