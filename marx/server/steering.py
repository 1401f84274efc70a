"""
What a person does to a task that is there: hold and release it, send its program a signal, run it again.
"""

from __future__ import annotations

from typing import Callable

from twisted.internet.defer import DeferredLock

from marx.core import events
from marx.server.directory import Directory
from marx.server.ids import keyed_id
from marx.server.program_records import NewInput
from marx.server.service import SchedulingService
from marx.server.store import Store
from marx.server.submitting import Submissions
from marx.wire.calls import BadRequest, NotFound, WireError
from marx.wire.packs import ItemPack

#: Bytes of standard input that are copied at a time.
COPIED_BYTES = 1_000_000
#: Signals that people send, and Linux has.
SIGNALS = range(1, 65)


class Steering:
    """Steers tasks on behalf of people; whose task it is was looked at before."""

    def __init__(
        self, service: SchedulingService, store: Store, directory: Directory, submissions: Submissions, wall: Callable[[], float]
    ) -> None:
        self._service = service
        self._store = store
        self._directory = directory
        self._submissions = submissions
        self._wall = wall
        self._turns: dict[str, DeferredLock] = {}

    async def hold(self, task: str, by: str) -> str:
        """Begin nothing new of an open task; its state."""
        return await self._hear(task, events.HoldAsked(task, by))

    async def release(self, task: str, by: str) -> str:
        """Go on with it; its state."""
        return await self._hear(task, events.ReleaseAsked(task, by))

    async def interrupt(self, task: str, signal: int) -> bool:
        """Send a task's main program a signal; whether it runs, and got it."""
        if signal not in SIGNALS:
            raise BadRequest(f"there is no signal {signal}")
        lease = self._service.scheduler.main_lease(task) if task in self._directory.tasks else None
        link = self._directory.links.get(lease.worker) if lease is not None else None
        return lease is not None and link is not None and await link.signal(lease.fence, signal)

    async def rerun(self, task: str, user: str, key: str | None = None) -> str:
        """Submit a task again, with its files, its items and its standard input; the id of the new one, or of that of this ``key``."""
        if key is None:
            return await self._rerun(task, user, None)
        # Who asks again over a new connection waits for what the lost one began.
        place = keyed_id(user, key)
        turn = self._turns.setdefault(place, DeferredLock())
        await turn.acquire()
        try:
            return await self._rerun(task, user, key)
        finally:
            turn.release()
            if not turn.locked:
                self._turns.pop(place, None)

    async def _rerun(self, task: str, user: str, key: str | None) -> str:
        spec = await self._store.spec(task)
        if spec is None:
            raise NotFound(f"task {task} was forgotten")
        if spec.get("secrets"):
            raise BadRequest(f"task {task} had secrets, which are not kept for another: submit it again with tasker {spec['kind']} --secret")
        known, final = (await self._store.totals(task)).get(0, (0, False))
        if spec["kind"] == "map" and not final:
            raise BadRequest(f"not all items of task {task} are known, so it cannot be run again")
        # Files are known to be of this run by when it was submitted; what was sent with the first may have been changed by that.
        submitted_from = {**(spec.get("submitted_from") or {}), "utc": self._wall(), "manifest": None}
        again = await self._submissions.submit(user, {**spec, "rerun_of": task, "submitted_from": submitted_from}, key)
        if ((await self._store.spec(again)) or {}).get("rerun_of") != task:
            raise BadRequest(f"this key is that of task {again}, which is not {task} again")
        try:
            if spec["kind"] == "map":
                await self._copy_items(task, again, known)
            elif spec.get("stdin") == "stream":
                await self._copy_input(task, again)
            # A task is gone before the first of its rows: what was copied of one that is still there is whole.
            if await self._store.task(task) is None:
                raise NotFound(f"task {task} was forgotten while it was copied")
        except WireError:
            await self._submissions.cancel(again, user)
            raise
        return again

    async def _hear(self, task: str, event: events.HoldAsked | events.ReleaseAsked) -> str:
        if task not in self._directory.tasks:
            raise NotFound(f"task {task} has ended")
        await self._service.happened(event)
        return self._service.scheduler.snapshot(task).state

    async def _copy_items(self, task: str, again: str, known: int) -> None:
        """All of them, unless they were copied before a server died that had not answered yet; some that were are known."""
        if (await self._store.totals(again)).get(0, (0, False))[1]:
            return
        for first in await self._store.item_firsts(task, 0):
            pack = await self._store.item_pack(task, 0, first)
            if pack is None:
                raise NotFound(f"task {task} was forgotten while it was copied")
            await self._submissions.add_pack(again, pack, final=first + pack.count == known)
        if not known:
            await self._submissions.add_pack(again, ItemPack(0, 0, "json"), final=True)

    async def _copy_input(self, task: str, again: str) -> None:
        offset, final = await self._store.input_end(again)
        while not final:
            part, final = await self._store.input_from(task, offset, COPIED_BYTES)
            # A task that ended before its input did reads, when it is run again, what there is.
            final = final or not part
            await self._service.happened(writes=[NewInput(again, offset, final, part)])
            offset += len(part)
