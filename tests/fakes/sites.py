"""A whole worker with real runners in this process, below a played server."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Iterator

import pytest_twisted
from twisted.internet.defer import Deferred, ensureDeferred, maybeDeferred

from marx.wire.packs import ItemPack, unpack_output
from marx.worker.assignments import Chunk
from marx.worker.composing import Limits, Premises, Surroundings, compose
from marx.worker.kit import lay_out_kit
from marx.worker.offer import Offer
from marx.worker.probing import own_interpreter, probe_one
from marx.worker.sandbox import choose
from tests.fakes.servers import SPEC, FakeServer, RealEndpoint, Shop

#: Seconds that what a test waits for may take.
DEADLINE = 30


class Site:
    """One worker, and what its server saw. ``program``: the source of task "a". ``level``: of its sandbox."""

    def __init__(self, folder: Path, program: bytes, python: str | None = None, level: str = "none") -> None:
        from twisted.internet import reactor

        self.reactor: Any = reactor
        self.program = program
        self.shop = Shop()
        self.endpoint = RealEndpoint(reactor, lambda: FakeServer(reactor, self.shop))
        interpreter = probe_one(python) if python else own_interpreter()
        kit = lay_out_kit(folder / "kit")
        offer = Offer(slots=1, seats=1, sandbox=level, interpreters=[interpreter])
        digits = iter(range(1, 10_000))
        around = Surroundings(lambda: 1000.0, lambda: 0.5, lambda: "%016x" % next(digits))
        (folder / "state").mkdir()
        premises = Premises(folder / "state", choose(level, folder / "state"), lambda interpreter: kit)
        self.worker = compose(reactor, self.endpoint, premises, offer, Limits(drain_seconds=10.0), around)
        self.worker.startService()

    async def map(self, function: str, *items: Any) -> None:
        """One task of one chunk; its end is waited for by :meth:`ended`."""
        self.describe(function=function)
        await self.until(lambda: self.shop.offers)
        payload = b"\n".join(json.dumps(item).encode() for item in items)
        self.endpoint.server.carry("a", ItemPack(0, len(items), "json", payload))
        self.endpoint.server.grant(Chunk(1, "a", 0, 0, len(items)))

    async def run(self, *words: str, attempt: int = 1, **spec: Any) -> None:
        """The main program, on the worker's seat."""
        self.describe(kind="run", argv=["prog.py", *words], **spec)
        await self.until(lambda: self.shop.offers)
        self.endpoint.server.grant(Chunk(1, "a", 0, 0, 1, slot=-1, attempt=attempt))

    def describe(self, **spec: Any) -> None:
        program = [0, "prog.py", 0o644, len(self.program), self.shop.put(self.program), None]
        manifest = self.shop.put(json.dumps([program]).encode())
        self.shop.specs["a"] = {**SPEC, "manifest": manifest, **spec}

    async def ended(self) -> Any:
        await self.until(self.shop.ends)
        return self.of_kind("end")[0][0]

    async def ended_program(self) -> Any:
        """The end of the chunk on the seat, whatever else has ended."""
        await self.until(lambda: any(fence == 1 for fence, _ in self.shop.ends()))
        [end] = [report for report, _ in self.of_kind("end") if report.fence == 1]
        return end

    def of_kind(self, kind: str) -> list[tuple[Any, bytes]]:
        return [(report, payload) for report, payload in self.shop.reports if report.kind == kind]

    def printed(self, stream: int) -> bytes:
        packs = [(report, payload) for report, payload in self.of_kind("output")]
        segments = [segment for report, payload in packs for segment in unpack_output(payload, report.first)]
        return b"".join(segment.content for segment in segments if segment.stream == stream)

    def until(self, true: Any) -> Deferred[None]:
        waited: Deferred[None] = Deferred()

        def look() -> None:
            if true():
                waited.callback(None)
            elif not waited.called:
                self.reactor.callLater(0.005, look)

        look()
        return waited.addTimeout(DEADLINE, self.reactor)

    async def closed(self) -> None:
        await self.until(lambda: not self.endpoint.server.up)


def sites(folder: Path, program: bytes) -> Iterator[Any]:
    """For a fixture: a function that makes a site, all of which are gone afterwards."""
    made: list[Site] = []

    def make(python: str | None = None, level: str = "none") -> Site:
        made.append(Site(folder, program, python, level))
        return made[-1]

    yield make
    for one in made:
        one.worker.hurry()
        pytest_twisted.blockon(maybeDeferred(one.worker.stopService))
        pytest_twisted.blockon(ensureDeferred(one.closed()))
