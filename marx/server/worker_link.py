"""
A worker's link: its offer, the grants that it is sent, its reports.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Iterable, Sequence

from twisted.logger import Logger
from twisted.python.failure import Failure

from marx.core import events
from marx.core.model import Held, Interpreter, Lease, WorkerOffer
from marx.server.carrier import Carrier
from marx.server.directory import Directory
from marx.server.inputs import Inputs
from marx.server.intake import Intake
from marx.server.items import ItemShelf
from marx.server.link import Desk, ServerLink
from marx.server.output import OutputIntake
from marx.server.programs import Programs
from marx.server.returns import Returns
from marx.tls import Peer
from marx.wire import worker as wire
from marx.wire.calls import BadRequest, NotFound, WireError

log = Logger()

#: Seconds that a worker may take to end a chunk's processes: its own ladder of 10 s for each rung, and some.
REVOKE_SECONDS = 60.0
#: Seconds that a worker may take to test itself: each of a dozen interpreters may need twenty.
TEST_SECONDS = 600.0
#: Seconds between two renewals of a worker's leases by what it says; well below the time of a lease.
RENEW_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class Services:
    """Who does what workers ask for, or takes what they bring."""

    programs: Programs
    inputs: Inputs
    output: OutputIntake


class WorkerProtocol(ServerLink):
    """One connected worker."""

    def __init__(self, peer: Peer, desk: Desk, directory: Directory, shelf: ItemShelf, services: Services) -> None:
        super().__init__(peer, desk)
        self.name = peer.name
        self._programs = services.programs
        self._inputs = services.inputs
        self._offer: dict[str, Any] = {}
        self._directory = directory
        self._carrier = Carrier(self, shelf)
        self._intake = Intake(peer.name, desk.service, directory, shelf, desk.blobs, services.output)
        self._returns: dict[int, Returns] = {}
        self._offered = False
        self._renewed_at = desk.clock.seconds()

    # What the scheduler's service asks for

    def grant(self, leases: Sequence[Lease]) -> None:
        """Send chunks, each behind the items that it needs."""
        self._carrier.grant(leases)

    def revoke(self, task: str, fences: Sequence[int], reason: str, gently: bool) -> None:
        """Ask for chunks to be ended; their end reports follow. How many processes went with them is added to their task."""
        asked = self.ask(wire.RevokeChunks, within_seconds=REVOKE_SECONDS, fences=list(fences), reason=reason, gently=gently)
        asked.addCallback(self._revoked, task)
        asked.addErrback(lambda failure: log.debug("revoking at {name}: {why}", name=self.name, why=failure.value))
        if task in self._directory.tasks:
            self._directory.tasks[task].revoking.append(asked)

    def shorten(self, wanted: Sequence[tuple[int, int]]) -> None:
        """Ask for what has not begun of chunks at work; a report says what is given back. Workers of an earlier version give nothing."""
        asked = self.ask(wire.ShortenChunks, wanted=[list(each) for each in wanted])
        asked.addErrback(lambda failure: log.debug("shortening at {name}: {why}", name=self.name, why=failure.value))

    def test(self) -> None:
        """Ask the worker whether its machine works; one that does not know how, or does not answer, leaves it to time."""
        log.warn("worker {name} is asked to test itself: what is run there does not go well", name=self.name)
        asked = self.ask(wire.TestYourself, within_seconds=TEST_SECONDS)
        asked.addCallbacks(lambda answer: self._tested(not answer["trouble"], answer["trouble"]), lambda _: self._tested(None, ""))

    def _tested(self, passed: bool | None, trouble: str) -> None:
        self._happened(events.WorkerTested(self.name, passed, trouble))

    def forget(self, task: str) -> None:
        """Nothing more of this task will come."""
        self._carrier.forget(task)
        self.tell(wire.ForgetTask, task=task)

    def refuse(self, fence: int, portion: int, reason: str) -> None:
        """A program of this worker's must see to a portion itself."""
        self.tell(wire.RefusePortion, fence=fence, portion=portion, reason=reason)

    async def signal(self, fence: int, signal: int) -> bool:
        """Send a program of this worker's a signal; whether it got it."""
        return bool((await self.ask(wire.SignalProgram, fence=fence, signal=signal))["delivered"])

    def offer_again(self) -> Any:
        """What the worker offers, with what an operator has said about it meanwhile."""
        return self.desk.service.happened(events.WorkerChanged(self._read_offer(self._offer)))

    def _revoked(self, answer: dict[str, Any], task: str) -> None:
        if task in self._directory.tasks:
            self._directory.tasks[task].processes += answer["processes"]

    # What the worker calls

    def own_task(self, task: str, arguments: dict[str, Any], late: bool) -> dict[str, Any]:
        scheduler = self.desk.service.scheduler
        if not (scheduler.holds_any(self.name, task) or (late and scheduler.may_run(self.name, task))):
            raise NotFound(f"worker {self.name} holds no lease of task {task}")
        return arguments

    @wire.OfferSlots.responder
    async def on_offer_slots(self, offer: dict[str, Any], held: list[Any], tasks: list[str] | None) -> None:
        offered, holding = self._read_offer(offer), _all_held(held)
        known = {lease.task for lease in holding}.union(tasks or ())
        self._offer = offer
        if self._offered:
            await self.desk.service.happened(events.WorkerChanged(offered))
            return
        before = self._directory.links.get(self.name)
        if before is not None:
            log.info("worker {name} connected again: its old connection is closed", name=self.name)
            before.hang_up()
        self._offered = True
        self._directory.links[self.name] = self
        log.info("worker {name} offers {slots} slots", name=self.name, slots=offered.slots)
        self._intake.returned(lease.fence for lease in holding)
        await self.desk.service.happened(events.WorkerJoined(offered, holding))
        self._sort_out(known)

    def _sort_out(self, tasks: Iterable[str]) -> None:
        """What the worker has of tasks that ended while it was away goes; the others' ends are told to it, who may have been granted them by another server."""
        for task in tasks:
            live = self._directory.tasks.get(task)
            if live is None or not self.desk.service.scheduler.may_run(self.name, task):
                self.forget(task)
            else:
                live.workers.add(self.name)

    @wire.DescribeTask.responder
    async def on_describe_task(self, task: str) -> dict[str, Any]:
        return await self._programs.describe_task(task)

    @wire.DescribePortion.responder
    async def on_describe_portion(self, task: str, portion: int) -> dict[str, Any]:
        return {"portion": await self._programs.describe_portion(task, portion)}

    @wire.DescribeRecord.responder
    async def on_describe_record(self, task: str) -> dict[str, Any]:
        return {"portions": await self._programs.record(task)}

    @wire.ReadInput.responder
    async def on_read_input(self, task: str, offset: int) -> dict[str, Any]:
        return await self._inputs.read(task, offset)

    @wire.WatchReturns.responder
    def on_watch_returns(self, task: str, fence: int, result_row: int, file_row: int) -> None:
        lease = self.desk.service.scheduler.main_lease(task)
        if lease is None or (lease.fence, lease.worker) != (fence, self.name):
            raise NotFound(f"worker {self.name} does not run the program of task {task}")
        before = self._returns.pop(fence, None)
        if before is not None:
            before.stop()
        returns = self._returns[fence] = self._programs.returns(self, task, fence, (result_row, file_row))
        for portion, reason in self.desk.service.scheduler.refusals(task).items():
            self.refuse(fence, portion, reason)
        # Its first box must not overtake the answer.
        self.clock.callLater(0, self._bring, fence, returns)

    def _bring(self, fence: int, returns: Returns) -> None:
        returns.start().addBoth(lambda _: self._returns.pop(fence, None) if self._returns.get(fence) is returns else None)

    @wire.ReportItems.responder
    async def on_report_items(self, reports: list[Any], payload: bytes) -> dict[str, Any]:
        return {"verdicts": await self._intake.take(reports, payload)}

    def dataReceived(self, data: bytes) -> None:
        """Whatever comes is a sign of life: a worker that asks for something often enough has no need to beat as well."""
        super().dataReceived(data)
        now = self.clock.seconds()
        if self._offered and now - self._renewed_at >= RENEW_SECONDS:
            self._renewed_at = now
            self.heard()

    def heard(self) -> None:
        self._happened(events.WorkerHeard(self.name))

    def left(self) -> Any:
        if self._directory.links.get(self.name) is self:
            del self._directory.links[self.name]
            return self.desk.service.happened(events.WorkerLeft(self.name)).addCallback(lambda _: None)

    def lost(self, reason: Failure) -> None:
        for returns in list(self._returns.values()):
            returns.stop()
        if self._directory.links.get(self.name) is self:
            del self._directory.links[self.name]
            log.info("worker {name} is cut off: {why}", name=self.name, why=reason.getErrorMessage())
            self._happened(events.WorkerCut(self.name))

    def _happened(self, event: events.Event) -> None:
        failed = self.desk.service.happened(event)
        failed.addErrback(lambda failure: None if failure.check(WireError) else log.failure("telling the scheduler failed", failure))

    def _read_offer(self, offer: dict[str, Any]) -> WorkerOffer:
        try:
            return WorkerOffer(
                name=self.name,
                boot=self.boot,
                slots=int(offer["slots"]),
                seats=int(offer.get("seats", 0)),
                interpreters=tuple(map(_interpreter, offer["interpreters"])),
                labels=frozenset((str(key), str(value)) for key, value in (offer.get("labels") or {}).items()),
                sandbox=str(offer["sandbox"]),
                network=bool(offer.get("network")),
                memory=None if offer.get("memory") is None else int(offer["memory"]),
                users=None if offer.get("users") is None else frozenset(map(str, offer["users"])),
                paused=bool(offer.get("paused")),
                draining=bool(offer.get("draining")) or self.name in self._directory.drained,
            )
        except (KeyError, TypeError, ValueError, AttributeError, OverflowError) as error:
            raise BadRequest(f"the offer makes no sense: {str(error)[:200]}") from error


def _interpreter(python: dict[str, Any]) -> Interpreter:
    return Interpreter(str(python["version"]), str(python["path"]), frozenset(map(str, python.get("names", ()))))


def _all_held(held: Any) -> tuple[Held, ...]:
    try:
        return tuple(_held(raw) for raw in held)
    except (TypeError, ValueError, LookupError) as error:
        raise BadRequest(f"what is held makes no sense: {str(held)[:200]}") from error


def _held(raw: Any) -> Held:
    fence, task, portion, first, count = raw[:5]
    slot = raw[5] if len(raw) > 5 else None
    numbers = (fence, portion, first, count, *(() if slot is None else (slot,)))
    if not all(type(number) is int and abs(number) < 1 << 63 for number in numbers):
        raise ValueError("no whole number of 64 bits")
    return Held(fence, str(task), portion, first, count, slot)


class WorkerFactory:
    """Builds the protocol of a worker whose certificate the gate has read."""

    def __init__(self, desk: Desk, directory: Directory, shelf: ItemShelf, services: Services) -> None:
        self._desk = desk
        self._directory = directory
        self._shelf = shelf
        self._services = services

    def buildProtocol(self, peer: Peer) -> WorkerProtocol:
        """The protocol for one connection."""
        return WorkerProtocol(peer, self._desk, self._directory, self._shelf, self._services)
