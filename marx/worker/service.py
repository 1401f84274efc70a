"""
The running worker: dials its server, introduces itself over each new connection, goes on working while there is none, and leaves cleanly.

    connected    greet, offer slots with the leases that are held, then send what is unanswered
    cut          keep computing; what is reported waits in the outbox; dial again, later each time
    leaving      take nothing new, let what runs finish, send everything, say goodbye
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Callable, Iterable, Mapping, Sequence

from twisted.application.internet import ClientService
from twisted.application.service import Service
from twisted.internet.defer import CancelledError, Deferred, ensureDeferred
from twisted.internet.defer import TimeoutError as DeferredTimeout
from twisted.internet.interfaces import IDelayedCall, IReactorTime, IStreamClientEndpoint
from twisted.logger import Logger
from twisted.python.failure import Failure

from marx.trouble import explain
from marx.wire.calls import GuardedLink, WireError
from marx.wire.hello import SayGoodbye
from marx.wire.packs import ItemPack
from marx.wire.worker import OfferSlots
from marx.worker.assignments import Chunk
from marx.worker.backing_off import BackOff, SpokenEndpoint
from marx.worker.cache import BlobCache
from marx.worker.items import Key
from marx.worker.ledger import Ledger
from marx.worker.link import WorkerLink, WorkerLinkFactory
from marx.worker.offer import Offer
from marx.worker.program_orders import Given
from marx.worker.programs import Programs
from marx.worker.reporting import Reporter
from marx.worker.sending import ReportSender
from marx.worker.slots import Slots
from marx.worker.tasks import Tasks
from marx.worker.uplink import Uplink
from marx.worker.watching import Watch

log = Logger()

#: Seconds for the last reports, and again for the goodbye, once nothing runs any more; then the outbox's file keeps them.
FAREWELL_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class Parts:
    """A worker that is put together and has no connection."""

    slots: Slots
    sender: ReportSender
    reporter: Reporter
    ledger: Ledger
    uplink: Uplink
    tasks: Tasks
    cache: BlobCache
    programs: Programs
    test: Callable[[], Deferred[str]]
    watch: Watch


class WorkerService(Service):
    """
    ``endpoint``: where the server is, identity included. ``boot``: new at each start of the daemon. ``random``: from 0 to 1.

    ``drain_seconds``: how long chunks may go on when the service is stopped. Also what the server asks for arrives here (see
    :class:`~marx.worker.link.Duties`).
    """

    def __init__(
        self,
        clock: IReactorTime,
        endpoint: IStreamClientEndpoint,
        parts: Parts,
        offer: Offer,
        boot: str,
        drain_seconds: float,
        random: Callable[[], float],
    ) -> None:
        self._clock = clock
        self._parts = parts
        self._offer = offer
        self._boot = boot
        self._drain_seconds = drain_seconds
        self._back_off = BackOff(random)
        factory = WorkerLinkFactory(clock, self)
        self._client = ClientService(SpokenEndpoint(endpoint), factory, retryPolicy=self._back_off, clock=clock)
        self._resuming: IDelayedCall | None = None
        self._waiting: Deferred[Any] | None = None
        self._is_hurried = False
        self.server_name = ""

    # Starting and leaving

    def startService(self) -> None:
        super().startService()
        self._parts.sender.resume()
        self._parts.watch.start()
        self._client.startService()

    def stopService(self) -> Deferred[None]:
        """Drain; fires when everything is over. :meth:`hurry` shortens it."""
        super().stopService()
        return ensureDeferred(self._leave())

    def hurry(self) -> None:
        """Wait for nothing any more: what runs is ended, and runs again elsewhere."""
        self._is_hurried = True
        if self._waiting is not None:
            self._waiting.cancel()

    async def _leave(self) -> None:
        parts = self._parts
        self._change_offer(draining=True)
        if not await self._at_most(self._drain_seconds, parts.slots.wait_quiet()):
            log.info("chunks at work are ended, since the time for them is up; they will run again elsewhere")
        await parts.slots.stop()
        parts.watch.stop()
        parts.reporter.stop()
        if parts.uplink.link is not None:
            await self._at_most(FAREWELL_SECONDS, parts.sender.wait_empty())
            await self._say_goodbye(parts.uplink.link)
        if self._resuming is not None:
            self._resuming.cancel()
        parts.sender.stop()
        parts.tasks.stop()
        parts.cache.stop()
        await self._client.stopService()

    async def _at_most(self, seconds: float, waited: Deferred[Any]) -> bool:
        """Whether it happened within so many seconds, and nobody was in a hurry."""
        if self._is_hurried:
            return waited.called
        self._waiting = waited.addTimeout(seconds, self._clock)
        try:
            await waited
            return True
        except (DeferredTimeout, CancelledError):
            return False
        finally:
            self._waiting = None

    async def _say_goodbye(self, link: GuardedLink | None) -> None:
        if link is None:
            return
        try:
            await link.ask(SayGoodbye, within_seconds=FAREWELL_SECONDS, reason="the worker was told to stop")
        except WireError as error:
            log.info("the server did not take the goodbye: {error}", error=error)

    # What the worker's owner asks for

    def pause(self, seconds: float | None) -> None:
        """Take nothing new, for ``seconds`` or (None) until :meth:`resume`; what runs goes on."""
        self.resume()
        self._change_offer(paused=True)
        if seconds is not None:
            self._resuming = self._clock.callLater(seconds, self.resume)

    def resume(self) -> None:
        """End a pause."""
        if self._resuming is not None and self._resuming.active():
            self._resuming.cancel()
        self._resuming = None
        if self._offer.paused:
            self._change_offer(paused=False)

    def status(self) -> dict[str, Any]:
        """What this worker is and does now."""
        return {
            "name": self.server_name,
            "connected": self._parts.uplink.link is not None,
            "paused": self._offer.paused,
            "draining": self._offer.draining,
            "sandbox": self._offer.sandbox,
            "pythons": [one.version_text for one in self._offer.interpreters],
            "slots": self._parts.slots.states(),
            "leases": len(self._parts.ledger),
            "unanswered": self._parts.sender.unanswered,
        }

    def _change_offer(self, **changes: Any) -> None:
        self._offer = replace(self._offer, **changes)
        if self._parts.uplink.link is not None:
            self._parts.uplink.link.tell(OfferSlots, offer=self._offer.to_json(), held=self._parts.ledger.held())

    # The connection

    def opened(self, link: WorkerLink) -> None:
        introduced = ensureDeferred(self._introduce(link))
        introduced.addErrback(lambda failure: log.failure("introducing this worker failed", failure))

    def closed(self, link: WorkerLink, why: Failure) -> None:
        if self._parts.uplink.link is not link:
            return
        if self.running:
            log.info("the connection to the server is lost: {why}", why=explain(why))
        self._parts.uplink.cut()
        self._parts.sender.cut()
        self._parts.slots.cut()

    async def _introduce(self, link: WorkerLink) -> None:
        offer = self._offer
        try:
            answer = await link.greet(self._boot)
            self._parts.uplink.settings = answer["settings"]
            offer = self._offer
            tasks = self._parts.slots.known_tasks()
            await link.ask(OfferSlots, offer=offer.to_json(), held=self._parts.ledger.held(), tasks=tasks)
        except WireError as error:
            log.error("the server does not take this worker: {error}", error=error)
            link.hang_up()
            return
        self.server_name = answer["name"]
        lent = {"slots": offer.slots, "seats": offer.seats, "sandbox": offer.sandbox}
        log.info("connected as {name}: {slots} slots, {seats} seats, sandbox {sandbox}", name=self.server_name, **lent)
        self._back_off.reset()
        self._parts.uplink.connected(link)
        self._parts.sender.connected(link)
        self._parts.programs.connected(link)
        if self._offer is not offer:
            self._change_offer()

    # What the server asks for

    def carry(self, task: str, portion: int, pack: ItemPack) -> None:
        self._parts.slots.carry(task, portion, pack)

    def drop(self, keys: Iterable[Key]) -> None:
        self._parts.slots.drop(keys)

    def grant(self, chunks: Sequence[Chunk]) -> None:
        self._parts.slots.grant(chunks)

    def revoke(self, fences: Sequence[int], gently: bool) -> Deferred[int]:
        return self._parts.slots.revoke(fences, gently)

    def shorten(self, wanted: Sequence[Sequence[int]]) -> None:
        self._parts.slots.shorten(wanted)

    def test(self) -> Deferred[str]:
        log.info("the server asks whether this machine works, since nothing that it runs goes well here")
        return self._parts.test().addCallback(self._tested)

    def _tested(self, trouble: str) -> str:
        log.warn("something does not work here: {trouble}", trouble=trouble) if trouble else log.info("everything that was tried works")
        return trouble

    def forget(self, task: str) -> None:
        self._parts.slots.forget(task)

    def carry_change(self, fence: int, row: int, change: Mapping[str, Any]) -> Deferred[None]:
        return self._parts.programs.carry_change(fence, row, change)

    def carry_returns(self, fence: int, row: int, given: Given, pack_first: int, payload: bytes, blob: str | None) -> Deferred[None]:
        return self._parts.programs.carry_returns(fence, row, given, pack_first, payload, blob)

    def refuse_portion(self, fence: int, portion: int, reason: str) -> None:
        self._parts.programs.refuse_portion(fence, portion, reason)

    def signal(self, fence: int, number: int) -> bool:
        return self._parts.programs.signal(fence, number)
