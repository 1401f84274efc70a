"""
The one caller of the scheduler: feeds it events and carries out its actions, each in its ``do_<action>``.

What an action list saves is committed before anything of it is answered or told. A grant goes out at once, unless the items that it
names are not committed yet. When a commit fails, granting and answering stop, the workers' links are dropped, and the scheduler is built
anew from the store: nothing that is not on disk was ever shown.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass, field
from typing import Any, Callable, Sequence

from twisted.application.service import Service
from twisted.internet.defer import Deferred, ensureDeferred, fail, succeed
from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.logger import Logger
from twisted.python.failure import Failure

from marx.core import actions, events
from marx.core.model import Lease
from marx.core.scheduler import Scheduler
from marx.server.directory import Directory
from marx.server.items import ItemShelf
from marx.server.program_records import PortionDropped, TaskHeld, TaskSpent
from marx.server.records import ENDED_STATES, NewAttempt, NewResults, StoreFailed, TaskState
from marx.server.restoring import restore
from marx.server.store import Store
from marx.wire.calls import Unavailable
from marx.wire.packs import error_entry
from marx.wire.reports import EndReport

log = Logger()

#: Seconds between two tries to go on after a commit failed.
RECOVER_SECONDS = 5.0
#: What people are told beside the reason.
HOPE = "What runs goes on, and the server goes on by itself once that is mended: try again then"


@dataclass(slots=True)
class Batch:
    """What the actions of one or several events come to, before it is carried out."""

    writes: list[Any] = field(default_factory=list)
    answers: dict[Any, actions.Answer] = field(default_factory=dict)
    leases: dict[str, list[Lease]] = field(default_factory=lambda: defaultdict(list))
    tests: list[str] = field(default_factory=list)
    shortened: dict[str, list[tuple[int, int]]] = field(default_factory=lambda: defaultdict(list))
    revokes: dict[tuple[str, str, str, bool], list[int]] = field(default_factory=lambda: defaultdict(list))
    told: set[str] = field(default_factory=set)
    states: list[actions.SaveState] = field(default_factory=list)
    uncommitted: list[str] = field(default_factory=list)
    unsent: list[Lease] = field(default_factory=list)


class SchedulingService(Service):
    """
    ``make_scheduler``: a new scheduler with a new epoch, asynchronously since the store counts epochs. ``clock`` is monotonic; ``wall``
    gives seconds since 1970, for what is stored.
    """

    def __init__(
        self,
        make_scheduler: Callable[[], Deferred[Scheduler]],
        store: Store,
        shelf: ItemShelf,
        directory: Directory,
        clock: IReactorTime,
        wall: Callable[[], float],
    ) -> None:
        self._make_scheduler = make_scheduler
        self._store = store
        store.when_failed = self._suspend
        self._shelf = shelf
        self._directory = directory
        self._clock = clock
        self._wall = wall
        self._waking: IDelayedCall | None = None
        self._recovering: IDelayedCall | None = None
        self._uncommitted: Counter[str] = Counter()
        self._waiting_grants: dict[str, list[Lease]] = defaultdict(list)
        # Called with the id of each task that has ended, once that is durable.
        self.when_ended: list[Callable[[str], object]] = []
        self.scheduler: Scheduler
        self.suspended = "the server is starting"

    # The door

    async def begin(self) -> None:
        """Read the store and be ready for events; called once before anything listens, and again after a failed commit."""
        self.scheduler = await self._make_scheduler()
        self._uncommitted.clear()
        self._waiting_grants.clear()
        restored = await restore(self._store, self._shelf, self._directory)
        self.suspended = ""
        for event in restored:
            self.happened(event).addErrback(lambda failure: log.failure("restoring a task failed", failure))

    def happened(self, *happenings: events.Event, writes: Sequence[Any] = ()) -> Deferred[dict[Any, actions.Answer]]:
        """
        Tell the scheduler, and do what it asks for.

        ``writes`` are rows of tasks, of which the scheduler need not know. Fires with its answers by receipt once all that was saved is
        committed; fails with :class:`Unavailable` where it could not be.
        """
        if self.suspended:
            return fail(Unavailable(self.suspended))
        batch = Batch(writes=list(writes), told={row.task for row in writes})
        now = self._clock.seconds()
        for event in happenings:
            for action in self.scheduler.handle(event, now):
                _DOERS[type(action)](self, action, batch)
        return self._carry_out(batch)

    def settled(self) -> Deferred[None]:
        """Fires once all that was told before is committed; fails with :class:`Unavailable` where it could not be."""
        return self._store.write().addErrback(self._commit_failed)

    def _carry_out(self, batch: Batch) -> Deferred[dict[Any, actions.Answer]]:
        self._uncommitted.update(batch.uncommitted)
        self._send_grants(batch.leases)
        for (worker, task, reason, gently), fences in batch.revokes.items():
            if worker in self._directory.links:
                self._directory.links[worker].revoke(task, fences, reason, gently)
        for lease in batch.unsent:
            self._take_back(lease)
        for worker, wanted in batch.shortened.items():
            if worker in self._directory.links:
                self._directory.links[worker].shorten(wanted)
        for worker in batch.tests:
            if worker in self._directory.links:
                self._directory.links[worker].test()
        committed = self._store.write(*batch.writes) if batch.writes else succeed(None)
        return committed.addCallbacks(self._committed, self._commit_failed, callbackArgs=(batch,))

    def _take_back(self, lease: Lease) -> None:
        """It was revoked before it was sent: its worker knows nothing of it and would not end it."""
        self._waiting_grants[lease.task].remove(lease)
        ended = events.ChunkEnded(lease.worker, lease.fence, lease.task, "cancelled", reason="it was not sent yet")
        self.happened(ended).addErrback(lambda failure: log.failure("taking a grant back failed", failure))

    def _send_grants(self, leases: dict[str, list[Lease]]) -> None:
        for worker, granted in leases.items():
            ready = [lease for lease in granted if not self._uncommitted[lease.task]]
            for lease in granted:
                if self._uncommitted[lease.task]:
                    self._waiting_grants[lease.task].append(lease)
            link = self._directory.links.get(worker)
            if link is not None and ready:
                link.grant(ready)

    def _committed(self, _: None, batch: Batch) -> dict[Any, actions.Answer]:
        for task in batch.uncommitted:
            self._uncommitted[task] -= 1
            if not self._uncommitted[task]:
                del self._uncommitted[task]
                self._grant_what_waited(task)
        for action in batch.states:
            self._state_is_known(action)
        for task in batch.told:
            self._tell_watches(task)
        return batch.answers

    def _grant_what_waited(self, task: str) -> None:
        by_worker = defaultdict(list)
        for lease in self._waiting_grants.pop(task, ()):
            if not self.scheduler.is_live(lease.fence):
                continue  # lost while it waited
            by_worker[lease.worker].append(lease)
        self._send_grants(by_worker)

    def _state_is_known(self, action: actions.SaveState) -> None:
        live = self._directory.tasks.get(action.task)
        if live is None:
            return
        if action.state in ENDED_STATES:
            del self._directory.tasks[action.task]
            self._shelf.forget(action.task)
            for forget in self.when_ended:
                forget(action.task)
            for worker in live.workers & self._directory.links.keys():
                self._directory.links[worker].forget(action.task)
        for watch in list(live.watches):
            watch.ended() if action.state in ENDED_STATES else watch.moved(at_once=True)

    def _tell_watches(self, task: str) -> None:
        live = self._directory.tasks.get(task)
        for watch in list(live.watches) if live else ():
            watch.moved()

    # What the scheduler asks for

    def do_save_task(self, action: actions.SaveTask, batch: Batch) -> None:
        batch.writes.extend(action.cargo)
        batch.uncommitted.append(action.task)

    def do_save_items(self, action: actions.SaveItems, batch: Batch) -> None:
        batch.writes.extend(action.cargo)
        batch.uncommitted.append(action.task)

    def do_save_results(self, action: actions.SaveResults, batch: Batch) -> None:
        batch.writes.extend(action.cargo.rows(action.accepted, action.failed, action.attempt))

    def do_save_state(self, action: actions.SaveState, batch: Batch) -> None:
        batch.writes.append(TaskState(action.task, action.state, action.reason, None, self._wall()))
        batch.states.append(action)

    def do_save_attempt(self, action: actions.SaveAttempt, batch: Batch) -> None:
        end = action.cargo if isinstance(action.cargo, EndReport) else None
        batch.writes.append(
            NewAttempt(
                action.task,
                action.portion,
                action.first,
                action.count,
                action.worker,
                action.attempt,
                action.outcome,
                action.item,
                action.reason,
                end.exit_code if end else None,
                end.signal if end else None,
                end.cpu_seconds if end else 0.0,
                end.max_rss_kb if end else 0,
                self._wall(),
            )
        )

    def do_fail_item(self, action: actions.FailItem, batch: Batch) -> None:
        entry = error_entry(action.error["type"], action.error["message"])
        item = action.item
        batch.writes.append(
            NewResults(action.task, action.portion, item, 1, item, "entries", (item,), entry, None, action.worker, action.attempt, pack_count=1)
        )

    def do_grant(self, action: actions.Grant, batch: Batch) -> None:
        lease = action.lease
        batch.leases[lease.worker].append(lease)
        self._directory.tasks[lease.task].workers.add(lease.worker)

    def do_revoke(self, action: actions.Revoke, batch: Batch) -> None:
        for lease in self._waiting_grants.get(action.task, ()):
            if lease.fence == action.fence:
                batch.unsent.append(lease)
                return
        batch.revokes[action.worker, action.task, action.reason, action.gently].append(action.fence)

    def do_shorten(self, action: actions.Shorten, batch: Batch) -> None:
        batch.shortened[action.worker].append((action.fence, action.stop))

    def do_ask_to_test(self, action: actions.AskToTest, batch: Batch) -> None:
        batch.tests.append(action.worker)

    def do_save_portion(self, action: actions.SavePortion, batch: Batch) -> None:
        batch.writes.extend(action.cargo)

    def do_save_portion_end(self, action: actions.SavePortionEnd, batch: Batch) -> None:
        batch.writes.append(PortionDropped(action.task, action.portion))

    def do_save_held(self, action: actions.SaveHeld, batch: Batch) -> None:
        batch.writes.append(TaskHeld(action.task, action.held))

    def do_save_spent(self, action: actions.SaveSpent, batch: Batch) -> None:
        batch.writes.append(TaskSpent(action.task, action.seconds))

    def do_refuse_portion(self, action: actions.RefusePortion, batch: Batch) -> None:
        lease = self.scheduler.main_lease(action.task)
        link = self._directory.links.get(lease.worker) if lease is not None else None
        if lease is not None and link is not None:
            link.refuse(lease.fence, action.portion, action.reason)

    def do_answer(self, action: actions.Answer, batch: Batch) -> None:
        batch.answers[action.receipt] = action

    def do_tell(self, action: actions.Tell, batch: Batch) -> None:
        batch.told.add(action.task)

    def do_wake_at(self, action: actions.WakeAt, batch: Batch) -> None:
        if self._waking is not None and self._waking.active():
            if self._waking.getTime() <= action.at:
                return
            self._waking.cancel()
        self._waking = self._clock.callLater(max(0.0, action.at - self._clock.seconds()), self._tick)

    def _tick(self) -> None:
        self.happened(events.Ticked()).addErrback(lambda failure: log.failure("a tick failed", failure) if not failure.check(Unavailable) else None)

    # When a commit fails

    def _commit_failed(self, failure: Failure) -> Failure:
        self._suspend(failure)
        raise Unavailable(self.suspended)

    def _suspend(self, failure: Failure) -> None:
        if self.suspended:
            return
        self.suspended = f"the server takes nothing at present, since {failure.getErrorMessage()}. {HOPE}"
        if failure.check(StoreFailed):
            log.error("granting and answering stop until the store can be written again: {why}", why=failure.getErrorMessage())
        else:
            log.failure("a commit failed: granting and answering stop", failure)
        for link in list(self._directory.links.values()):
            link.hang_up()
        self._recover_later()

    def _recover_later(self) -> None:
        if self.running:
            self._recovering = self._clock.callLater(RECOVER_SECONDS, self._recover)

    def _recover(self) -> None:
        ensureDeferred(self.reopen()).addErrback(self._try_again)

    async def reopen(self) -> None:
        """Go on after a failed commit. Fails with :class:`~marx.server.records.StoreFailed` where it is too early."""
        _cancel(self._recovering)
        await self._store.reopen()
        await self.begin()
        log.info("the store can be written again")

    def _try_again(self, failure: Failure) -> None:
        log.info("the store can still not be written: {why}", why=failure.getErrorMessage())
        self._recover_later()

    def stopService(self) -> None:
        super().stopService()
        self.suspended = "the server is stopping"
        _cancel(self._waking)
        _cancel(self._recovering)


def _cancel(call: IDelayedCall | None) -> None:
    if call is not None and call.active():
        call.cancel()


_DOERS: dict[type, Callable[[SchedulingService, Any, Batch], None]] = {
    actions.SaveTask: SchedulingService.do_save_task,
    actions.SaveItems: SchedulingService.do_save_items,
    actions.SaveResults: SchedulingService.do_save_results,
    actions.SaveState: SchedulingService.do_save_state,
    actions.SaveAttempt: SchedulingService.do_save_attempt,
    actions.FailItem: SchedulingService.do_fail_item,
    actions.Grant: SchedulingService.do_grant,
    actions.Revoke: SchedulingService.do_revoke,
    actions.Shorten: SchedulingService.do_shorten,
    actions.AskToTest: SchedulingService.do_ask_to_test,
    actions.SavePortion: SchedulingService.do_save_portion,
    actions.SavePortionEnd: SchedulingService.do_save_portion_end,
    actions.SaveHeld: SchedulingService.do_save_held,
    actions.SaveSpent: SchedulingService.do_save_spent,
    actions.RefusePortion: SchedulingService.do_refuse_portion,
    actions.Answer: SchedulingService.do_answer,
    actions.Tell: SchedulingService.do_tell,
    actions.WakeAt: SchedulingService.do_wake_at,
}
