"""
What is kept, and for how long: one round after the other forgets what is too old or too much, the tasks that ended first before the others.

Open tasks are never touched. The clock decides about age, so a round that finds it stepped leaves that to the next one.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Callable

from twisted.logger import Logger

from marx.server.audit_records import DropAuditLines
from marx.server.blob_desk import BlobDesk
from marx.server.blobs import Blobs
from marx.server.forgetting import Forgetting
from marx.server.keeping_records import EndedRecord, GiveBackPages, TaskSize
from marx.server.store import Store
from marx.wire.calls import NotFound

log = Logger()

#: Seconds that a blob is kept for the task that will name it: the files of a task may take their time over a slow line.
YOUNG_SECONDS = 86400.0
#: Tasks that one round forgets or measures at the most. The next round comes soon; a clock that is wrong costs no more until somebody sees it.
TASKS_A_ROUND = 500
#: Pages (of 8 kB) without use that a database keeps for what comes next, beside a quarter of it; and what is given back in one write, which
#: takes the writer some milliseconds.
FREE_PAGES, PAGES_AT_ONCE = 8192, 256
#: Seconds by which the wall clock may go on otherwise than the steady one between two rounds, before it counts as having stepped.
STEP_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class KeepingLimits:
    """
    How long a task is kept after its end, and how many bytes all tasks that have ended may take together, files included; how long
    lines of the audit are.
    """

    age_seconds: float
    size_bytes: int
    audit_seconds: float


class Keeping:
    """``wall``: seconds since 1970; ``steady``: seconds on a clock that nobody sets."""

    def __init__(
        self,
        store: Store,
        blobs: Blobs,
        desk: BlobDesk,
        forgetting: Forgetting,
        limits: KeepingLimits,
        wall: Callable[[], float],
        steady: Callable[[], float],
    ) -> None:
        self._store = store
        self._blobs = blobs
        self._desk = desk
        self._forgetting = forgetting
        self._limits = limits
        self._wall = wall
        self._steady = steady
        self._clocks_apart: float | None = None

    async def keep(self) -> None:
        """One round. What it does not get done is left to the next."""
        await self._forgetting.clear_rest()
        await self._measure()
        if not self._clock_stepped():
            await self._forget_old()
            await self._store.write(DropAuditLines(self._wall() - self._limits.audit_seconds))
        named_bytes = await self.sweep_unused()
        if await self._forget_much(named_bytes):
            await self.sweep_unused()
        await self._give_back()

    async def sweep_unused(self) -> int:
        """Delete the blobs that no task names; how many bytes the others have."""
        swept = await self._blobs.sweep_unused(await self._store.blobs_used(), YOUNG_SECONDS)
        if swept.deleted:
            self._desk.swept(swept.deleted)
            log.info("{count} files that no task names were deleted", count=len(swept.deleted))
        return swept.named_bytes

    async def _measure(self) -> None:
        for task in await self._store.unmeasured(TASKS_A_ROUND):
            await self._store.write(TaskSize(task, await self._store.task_bytes(task)))

    def _clock_stepped(self) -> bool:
        before, self._clocks_apart = self._clocks_apart, self._wall() - self._steady()
        # At the first round nothing is known: after a start the clock may still be on its way to the right time.
        stepped = before is None or abs(self._clocks_apart - before) > STEP_SECONDS
        if stepped and before is not None:
            log.info("the clock was set by {seconds:.0f} s: no task is forgotten for its age this time", seconds=self._clocks_apart - before)
        return stepped

    async def _forget_old(self) -> None:
        seconds = self._limits.age_seconds
        reason = f"by the server, which keeps tasks for {seconds / 86400:g} days (keeping.age)"
        for ended in await self._store.ended_first(self._wall() - seconds, TASKS_A_ROUND):
            await self._forget(ended, reason)

    async def _forget_much(self, named_bytes: int) -> bool:
        """Whether any was forgotten."""
        surplus = await self._store.kept_bytes() + named_bytes - self._limits.size_bytes
        reason = f"by the server, which keeps {self._limits.size_bytes:,} bytes of tasks that have ended (keeping.size)"
        forgotten = False
        for ended in await self._store.ended_first(None, TASKS_A_ROUND) if surplus > 0 else ():
            if surplus <= 0:
                break
            freed = (ended.size_bytes or 0) + await self._blobs.total_size(await self._store.own_blobs(ended.id))
            await self._forget(ended, reason)
            surplus -= freed
            forgotten = True
        return forgotten

    async def _give_back(self) -> None:
        while (pages := await self._store.pages()).free > max(FREE_PAGES, pages.all // 4):
            await self._store.write(GiveBackPages(PAGES_AT_ONCE))

    async def _forget(self, ended: EndedRecord, reason: str) -> None:
        try:
            await self._forgetting.forget(ended.id, reason)
        except NotFound:
            return  # somebody was faster
        log.info("task {task} of {user} was forgotten {reason}", task=ended.id, user=ended.user, reason=reason)
