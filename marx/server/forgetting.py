"""
Forgetting tasks: at once for everybody, and then bit by bit on the disk.

A task is gone when one row says so. Its rows are deleted in small steps, each a write like any other, so that nobody waits for them; what a
stop of the server leaves of them is found again. Blobs that no task names are the sweeper's.
"""

from __future__ import annotations

from typing import Callable

from twisted.internet.defer import Deferred, DeferredLock
from twisted.logger import Logger
from twisted.python.failure import Failure

from marx.server.directory import Directory
from marx.server.keeping_records import DropMemories, ForgetTask, TaskCleared
from marx.server.records import StoreFailed, WriteRefused
from marx.server.store import Store
from marx.wire.calls import BadRequest, NotFound

log = Logger()

#: Seconds after which nothing that was on its way to the store when a task was forgotten can still add to it.
SETTLED_SECONDS = 600.0
#: Seconds for which it is remembered that a task was there, so that who asks for it is told when and why it went.
REMEMBERED_SECONDS = 365 * 86400.0


class Forgetting:
    """``wall``: seconds since 1970."""

    def __init__(self, store: Store, directory: Directory, wall: Callable[[], float]) -> None:
        self._store = store
        self._directory = directory
        self._wall = wall
        self._clearing = DeferredLock()

    async def forget(self, task: str, reason: str) -> None:
        """
        Forget a task that has ended; whose it is was looked at before. ``reason``: who or what wants it, as in "by anna".

        Fires when it is durable that the task is gone. Raises :class:`BadRequest` where it has not ended.
        """
        if task in self._directory.tasks:
            raise BadRequest(f"task {task} has not ended: end it with tasker cancel {task}, or wait for it, and forget it then")
        try:
            await self._store.write(ForgetTask(task, reason, self._wall()))
        except WriteRefused as error:
            raise NotFound(f"there is no task {task!r}") from error
        Deferred.fromCoroutine(self._clear(task)).addErrback(_not_cleared, task)

    async def clear_rest(self) -> None:
        """Delete what is left of tasks that were forgotten some time ago, and what was remembered for long enough."""
        now = self._wall()
        for task in await self._store.uncleared(now - SETTLED_SECONDS):
            await self._clear(task)
            await self._store.write(TaskCleared(task))
        await self._store.write(DropMemories(now - REMEMBERED_SECONDS))

    async def _clear(self, task: str) -> None:
        # One after the other: side by side they would take the writer's time from everybody else.
        async with self._clearing:
            while (step := await self._store.rows_to_clear(task)) is not None:
                await self._store.write(step)


def _not_cleared(failure: Failure, task: str) -> None:
    """Its rows are looked for again later."""
    if failure.check(StoreFailed):
        log.info("task {task} is forgotten, and its rows are deleted later: {why}", task=task, why=failure.getErrorMessage())
    else:
        log.failure("clearing task {task} failed", failure, task=task)
