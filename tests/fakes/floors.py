"""A worker's slots on a `Clock`, with played runners below and recorded reports above."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any

from marx.wire.calls import GuardedLink
from marx.wire.packs import ItemPack
from marx.wire.reports import Report, blobs_of
from marx.worker.assignments import Chunk
from marx.worker.cache import BlobCache
from marx.worker.items import Items
from marx.worker.ledger import Ledger
from marx.worker.portions import Portions
from marx.worker.programs import Programs
from marx.worker.recipes import TaskFile
from marx.worker.reporting import Reporter
from marx.worker.runners import Tools
from marx.worker.slots import Slots
from marx.worker.spool import SpoolFolder
from marx.worker.uplink import Uplink
from tests.fakes.processes import FakeProcesses
from tests.fakes.runners import FakeStarter, known_task, pack_of
from tests.fakes.servers import FakeEndpoint, FakeServer, Shop


class RecordingSender:
    """Takes reports and remembers them with their payloads. Blobs that they name stay in `spools`, as if never answered."""

    def __init__(self, spools: SpoolFolder | None = None) -> None:
        self.spools = spools
        self.sent: list[tuple[Report, bytes, int]] = []

    def put(self, report: Report, payload: bytes = b"", spooled: int = 0) -> None:
        self.sent.append((report, payload, spooled))
        for blob in blobs_of(report) if self.spools else ():
            self.spools.want(blob)

    def of_kind(self, kind: str) -> list[Any]:
        return [report for report, _, _ in self.sent if report.kind == kind]

    @property
    def kinds(self) -> list[str]:
        return [report.kind for report, _, _ in self.sent]

    @property
    def ends(self) -> list[tuple[int, str]]:
        return [(report.fence, report.outcome) for report in self.of_kind("end")]


class Floor:
    """Slots, and all that a test needs to see of them."""

    def __init__(self, folder: Path, count: int = 1, seats: int = 0) -> None:
        self.reactor = FakeProcesses()
        self.starter = FakeStarter(self.reactor)
        self.spools = SpoolFolder(folder / "outgoing")
        self.sender = RecordingSender(self.spools)
        self.uplink = Uplink(self.reactor)
        self.cache = BlobCache(folder / "blobs", 1 << 20, self.uplink)
        self.ledger = Ledger()
        self.reporter = Reporter(self.reactor, lambda: 1000.0, self.sender, self.spools)
        self.items = Items(lambda *key: self.slots.pack_removed(*key))
        digits = itertools.count(1)
        self.portions = Portions(self.uplink)
        self.programs = Programs(self.uplink, self.cache, self.reporter, self.sender, self.spools)
        draw = lambda: "%016x" % next(digits)
        tools = Tools(self.starter, self.items, self.cache, self.reporter, self.portions, self.programs, draw)
        self.slots = Slots(count, seats, self.reactor, tools, self.ledger)
        self.shop = Shop()
        self.endpoint = FakeEndpoint(lambda: FakeServer(self.reactor, self.shop))
        self._fences = itertools.count(1)

    def connect(self) -> None:
        """Give it a played server, of which `shop` remembers everything."""
        factory = type("Factory", (), {"buildProtocol": lambda _, address: GuardedLink(self.reactor)})()
        self.endpoint.connect(factory).addCallback(self.connected)
        self.settle()

    def connected(self, link: GuardedLink) -> None:
        self.uplink.connected(link)
        self.programs.connected(link)

    def cut(self) -> None:
        """Lose the connection."""
        self.uplink.cut()
        self.endpoint.cut()

    def settle(self) -> None:
        """Let what is under way arrive."""
        for _ in range(3):
            self.endpoint.flush()
            self.reactor.turn()

    def carry(self, task: str = "a", count: int = 1000) -> None:
        self.slots.carry(task, 0, ItemPack(0, count, "range", args=(0, 1)))

    def open(self, portion: int, state: str | None = None, files: str | None = None, task: str = "a") -> None:
        """A program has opened a portion, of which the server knows, and its items are here."""
        self.starter.known[task] = known_task(task, "run")
        self.slots.carry(task, portion, ItemPack(0, 1000, "pickles", pack_of(*[b"."] * 1000)))
        self.shop.portions[task, portion] = {"state": state, "files": files, "python": "3.11", "call": {}}

    def grant(self, *firsts: int, task: str = "a", count: int = 1, slot: int = 0, portion: int = 0) -> list[int]:
        """Grant chunks that begin at these items; their fences."""
        chunks = [Chunk(next(self._fences), task, portion, first, count, slot) for first in firsts]
        self.slots.grant(chunks)
        self.settle()
        return [chunk.fence for chunk in chunks]

    def run(self, task: str = "a", attempt: int = 1, input: str | None = None, files: tuple[TaskFile, ...] = ()) -> int:
        """Grant a main program to the first seat; its fence."""
        self.starter.known[task] = known_task(task, "run", files, input)
        chunk = Chunk(next(self._fences), task, 0, 0, 1, slot=-1, attempt=attempt)
        self.slots.grant([chunk])
        self.settle()
        return chunk.fence

    def runner(self, number: int = -1) -> Any:
        """One of those that were started so far."""
        return self.starter.started[number]

    def state(self, slot: int = 0) -> str:
        [state] = [each["state"] for each in self.slots.states() if each["slot"] == slot]
        return state
