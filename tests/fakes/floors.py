"""A worker's slots on a `Clock`, with played runners below and recorded reports above."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any

from marx.wire.packs import ItemPack
from marx.wire.reports import Report
from marx.worker.assignments import Chunk
from marx.worker.cache import BlobCache
from marx.worker.items import Items
from marx.worker.ledger import Ledger
from marx.worker.reporting import Reporter
from marx.worker.runners import Tools
from marx.worker.slots import Slots
from marx.worker.spool import SpoolFolder
from marx.worker.uplink import Uplink
from tests.fakes.processes import FakeProcesses
from tests.fakes.runners import FakeStarter, PlayedRunner


class RecordingSender:
    """Takes reports and remembers them with their payloads."""

    def __init__(self) -> None:
        self.sent: list[tuple[Report, bytes, int]] = []

    def put(self, report: Report, payload: bytes = b"", spooled: int = 0) -> None:
        self.sent.append((report, payload, spooled))

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

    def __init__(self, folder: Path, count: int = 1) -> None:
        self.reactor = FakeProcesses()
        self.starter = FakeStarter(self.reactor)
        self.sender = RecordingSender()
        self.spools = SpoolFolder(folder / "outgoing")
        self.uplink = Uplink(self.reactor)
        self.cache = BlobCache(folder / "blobs", 1 << 20, self.uplink)
        self.ledger = Ledger()
        self.reporter = Reporter(self.reactor, lambda: 1000.0, self.sender, self.spools)
        self.items = Items(lambda *key: self.slots.pack_removed(*key))
        digits = itertools.count(1)
        tools = Tools(self.starter, self.items, self.cache, self.reporter, lambda: "%016x" % next(digits))
        self.slots = Slots(count, self.reactor, tools, self.ledger)
        self._fences = itertools.count(1)

    def carry(self, task: str = "a", count: int = 1000) -> None:
        self.slots.carry(task, 0, ItemPack(0, count, "range", args=(0, 1)))

    def grant(self, *firsts: int, task: str = "a", count: int = 1, slot: int = 0) -> list[int]:
        """Grant chunks that begin at these items; their fences."""
        chunks = [Chunk(next(self._fences), task, 0, first, count, slot) for first in firsts]
        self.slots.grant(chunks)
        self.reactor.turn()
        return [chunk.fence for chunk in chunks]

    def runner(self, number: int = -1) -> PlayedRunner:
        """One of those that were started so far."""
        return self.starter.started[number]

    def state(self, slot: int = 0) -> str:
        return self.slots.states()[slot]["state"]
