"""
What a worker that runs a program, or chunks of its portions, asks the server for: what a portion needs, and what was asked for before.
"""

from __future__ import annotations

from itertools import groupby
from typing import Any

from twisted.internet.interfaces import IReactorTime

from marx.server.directory import Directory
from marx.server.returns import Returns, open_returns
from marx.server.secrets import Secrets
from marx.server.service import SchedulingService
from marx.server.store import Store
from marx.wire.calls import GuardedLink, NotFound

#: Packs that a record names at most: what fits a box with room to spare.
RECORDED_PACKS = 15_000


class Programs:
    """Reads what is stored of programs."""

    def __init__(self, service: SchedulingService, store: Store, directory: Directory, secrets: Secrets, clock: IReactorTime) -> None:
        self._service = service
        self._store = store
        self._directory = directory
        self._secrets = secrets
        self._clock = clock

    async def describe_task(self, task: str) -> dict[str, Any]:
        """What :class:`marx.wire.worker.DescribeTask` answers."""
        live = self._directory.tasks.get(task)
        if live is None:
            raise NotFound(f"task {task} has ended")
        secrets = await self._secrets.of(task) if live.spec.get("secrets") else None
        if task not in self._directory.tasks:
            raise NotFound(f"task {task} has ended")
        return {"spec": live.spec, "slots": max(1, self._service.scheduler.slots_for(task)), "secrets": secrets}

    async def describe_portion(self, task: str, portion: int) -> dict[str, Any]:
        """What :class:`marx.wire.worker.DescribePortion` answers."""
        opened = await self._store.portion(task, portion)
        if opened is None:
            raise NotFound(f"task {task} has no portion {portion}")
        return {"state": opened.state, "files": opened.files, "python": opened.python or None, "call": opened.call}

    async def record(self, task: str) -> list[Any]:
        """
        What :class:`marx.wire.worker.DescribeRecord` answers: every portion, with its packs as long as all of them fit.

        One that was dropped with items undone, or whose packs do not fit, has "unknown" for its place: nobody would grant the rest of the
        first, so the program asks for either anew, under a number that was not used.
        """
        opened = await self._store.portions(task)
        counts = await self._store.portion_counts(task)
        packs, final = await self._store.packs(task, RECORDED_PACKS)
        by_portion = {number: list(group) for number, group in groupby(packs, key=lambda pack: pack.portion)}
        record: list[Any] = []
        room = RECORDED_PACKS
        for portion in opened:
            own = by_portion.get(portion.portion, [])
            known, done, _ = counts.get(portion.portion, (0, 0, 0))
            room -= len(own) + 1
            is_known = room >= 0 and not (portion.dropped and done < known)
            named = [[pack.first, pack.count, pack.digest] for pack in own] if is_known else []
            record.append([portion.portion, portion.call, portion.place if is_known else "unknown", portion.portion in final, named])
        return record

    def returns(self, link: GuardedLink, task: str, fence: int, rows: tuple[int, int]) -> Returns:
        """What a program is brought over ``link`` behind ``rows``; not started."""
        return open_returns(link, self._store, self._directory, self._clock, task, fence, rows)
