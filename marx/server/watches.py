"""
Opening watches: which cursors a tasker's wishes come to, and who wakes them.
"""

from __future__ import annotations

from typing import Any

from twisted.internet.interfaces import IReactorTime

from marx.server.cursors import Cursor, OrderedResults, OutputAsItCame, ResultsAsTheyCame
from marx.server.directory import Directory
from marx.server.status import Status
from marx.server.store import Store
from marx.server.watching import Watch
from marx.wire.calls import BadRequest, GuardedLink


class WatchedTask:
    """One task as its watches see it."""

    def __init__(self, task: str, directory: Directory, status: Status) -> None:
        self._task = task
        self._directory = directory
        self._status = status

    def has_ended(self) -> bool:
        return self._task not in self._directory.tasks

    async def describe(self) -> dict[str, Any]:
        return await self._status.describe(self._task)


class Watches:
    """Opens watches on behalf of links."""

    def __init__(self, store: Store, directory: Directory, status: Status, clock: IReactorTime) -> None:
        self._store = store
        self._directory = directory
        self._status = status
        self._clock = clock

    async def open(
        self,
        link: GuardedLink,
        number: int,
        task: str,
        results: str,
        first_item: int | None,
        output: bool,
        after_output: int | None,
        tail_bytes: int | None,
        live: bool,
    ) -> Watch:
        """A watch, not started; it is woken by what happens to the task until it stops."""
        cursors: list[Cursor] = []
        if results == "ordered":
            cursors.append(OrderedResults(self._store, task, 0, first_item or 0))
        elif results == "unordered":
            cursors.append(ResultsAsTheyCame(self._store, task))
        elif results:
            raise BadRequest(f"results come ordered or unordered, not {results!r}")
        if output:
            row = after_output or 0
            if tail_bytes is not None:
                row = max(row, await self._store.output_tail(task, tail_bytes))
            cursors.append(OutputAsItCame(self._store, task, row))
        watch = Watch(link, number, cursors, WatchedTask(task, self._directory, self._status), live, self._clock)
        live_task = self._directory.tasks.get(task)
        if live_task is not None:
            live_task.watches.add(watch)
            watch.on_stop(lambda: live_task.watches.discard(watch))
        return watch
