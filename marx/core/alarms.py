"""Instants at which a task has to be looked at again although nothing happens to it."""

from __future__ import annotations

from heapq import heappop, heappush


class Alarms:
    """Instants with the tasks they are about, the earliest first."""

    def __init__(self) -> None:
        self._heap: list[tuple[float, str]] = []

    def set(self, at: float, task: str) -> None:
        """Look at the task at that instant."""
        heappush(self._heap, (at, task))

    def next(self) -> float | None:
        """The earliest instant that is set."""
        return self._heap[0][0] if self._heap else None

    def due(self, now: float) -> list[str]:
        """The tasks whose instants have come, each said once per instant."""
        tasks = []
        while self._heap and self._heap[0][0] <= now:
            tasks.append(heappop(self._heap)[1])
        return tasks
