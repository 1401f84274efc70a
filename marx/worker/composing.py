"""
How a worker's parts are joined: one block, used by the daemon and by the embedded worker of ``tasker --local``.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Callable

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IStreamClientEndpoint
from twisted.internet.threads import deferToThreadPool
from twisted.logger import Logger

from marx.worker.bounds import Bounds
from marx.worker.bubblewrap import START
from marx.worker.cache import BlobCache
from marx.worker.cgroups import Groups
from marx.worker.folders import Folders
from marx.worker.grip import end_orphans
from marx.worker.interpreters import Interpreter
from marx.worker.items import Items
from marx.worker.journal import Journal
from marx.worker.launch import Sandbox
from marx.worker.ledger import Ledger
from marx.worker.offer import Offer
from marx.worker.outbox import Outbox, OutboxLimits
from marx.worker.portions import Portions
from marx.worker.programs import Programs
from marx.worker.reporting import Reporter
from marx.worker.runners import Tools
from marx.worker.sending import ReportSender
from marx.worker.service import Parts, WorkerService
from marx.worker.slots import Slots
from marx.worker.spool import SpoolFolder
from marx.worker.starting import MAX_VALUE, Ground, Starter
from marx.worker.tasks import InThread, Tasks
from marx.worker.throttle import OUTPUT_RATE
from marx.worker.trial import trouble_here
from marx.worker.uplink import Uplink
from marx.worker.watching import Watch


log = Logger()


@dataclass(frozen=True, slots=True)
class Premises:
    """
    What a worker stands on. ``folder``: its state, of which it uses ``slots``, ``blobs``, ``outgoing`` and the file ``outbox``.

    ``kit``: gives the folder that carries the runner, ready for an interpreter; it may block. ``groups``: what holds runners to their memory.
    """

    folder: Path
    sandbox: Sandbox
    kit: Callable[[Interpreter], Path]
    groups: Groups = Groups()


@dataclass(frozen=True, slots=True)
class Limits:
    """Bytes and seconds; see etc/marx-worker.toml. ``output_rate``: bytes a second. ``most``: what a task's items may take."""

    outbox_bytes: int = 1 << 30
    unanswered_bytes: int = 8 << 20
    blob_cache_bytes: int = 2 << 30
    output_rate: int = OUTPUT_RATE
    drain_seconds: float = 60.0
    most: Bounds = Bounds()


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What the outside gives: seconds since 1970, random numbers from 0 to 1, and 16 hexadecimal digits that nobody can guess."""

    wall: Callable[[], float]
    random: Callable[[], float]
    draw: Callable[[], str]


def compose(
    reactor: Any, endpoint: IStreamClientEndpoint, premises: Premises, offer: Offer, limits: Limits, around: Surroundings
) -> WorkerService:
    """Join everything; what an earlier daemon left in the slots' folders is removed, which blocks. Raises OSError."""

    def in_thread(work: Callable[..., Any], *arguments: Any) -> Any:
        return deferToThreadPool(reactor, reactor.getThreadPool(), work, *arguments)

    parts = join_parts(reactor, premises, offer, limits, around, in_thread)
    return WorkerService(reactor, endpoint, parts, offer, around.draw(), limits.drain_seconds, around.random)


def join_parts(reactor: Any, premises: Premises, offer: Offer, limits: Limits, around: Surroundings, in_thread: InThread) -> Parts:
    """The parts without a connection; ``in_thread`` runs what waits for the disk."""
    folder = premises.folder
    uplink, ledger = Uplink(reactor), Ledger()
    cache = BlobCache(folder / "blobs", limits.blob_cache_bytes, uplink)
    spools = SpoolFolder(folder / "outgoing")
    folders = Folders(folder / "slots", cache.path)
    folders.sweep()
    if orphans := end_orphans(START):
        log.info("{count} sandboxes that had lost their worker before they began were ended", count=orphans)
    tasks = Tasks(uplink, cache, offer.interpreters, in_thread)

    def max_value() -> int:
        return int(uplink.settings.get("result", MAX_VALUE))

    most = limits.most, limits.output_rate, premises.groups
    ground = Ground(premises.sandbox, premises.kit, folders, cache, tasks, max_value, offer.network, *most)
    outbox = Outbox(OutboxLimits(under_way_bytes=limits.unanswered_bytes, spooled_bytes=limits.outbox_bytes))
    slots: Slots
    programs: Programs
    sender = ReportSender(
        reactor,
        outbox,
        Journal(folder / "outbox"),
        spools,
        uplink,
        ledger,
        pressure=lambda hard: slots.press(hard),
        unsent=lambda report, why: programs.unsent(report, why),
        unwanted=lambda task: slots.distrust(task),
    )
    reporter = Reporter(reactor, around.wall, sender, spools)
    items = Items(lambda task, portion, first: slots.pack_removed(task, portion, first))
    programs = Programs(uplink, cache, reporter, sender, spools)
    tools = Tools(Starter(reactor, ground, in_thread), items, cache, reporter, Portions(uplink), programs, around.draw)
    slots = Slots(offer.slots, offer.seats, reactor, tools, ledger)

    def test() -> Deferred[str]:
        return in_thread(trouble_here, premises.sandbox, premises.kit, offer.interpreters, folder)

    watch = Watch(reactor, lambda: slots.runners, in_thread)
    return Parts(slots, sender, reporter, ledger, uplink, tasks, cache, programs, test, watch)
