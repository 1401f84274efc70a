"""A server's end of a worker's connection, played by a test: remembers what it was told, and answers as the test says."""

from __future__ import annotations

import hashlib
import socket
from typing import Any, Callable

from twisted.internet.defer import Deferred, fail, succeed
from twisted.internet.interfaces import IStreamClientEndpoint
from twisted.internet.protocol import Factory
from twisted.internet.task import Clock
from twisted.test import iosim
from zope.interface import implementer

from marx.wire import blobs, hello
from marx.wire import worker as wire
from marx.wire.calls import GuardedLink, NotFound
from marx.wire.packs import ItemPack
from marx.wire.reports import Report, from_list
from marx.worker.assignments import Chunk

SPEC: dict[str, Any] = {
    "kind": "map",
    "program": "/home/alice/work/prog.py",
    "function": "f",
    "cwd": "/home/alice/work",
    "roots": ["/home/alice/work"],
    "seed": 7,
    "hash_seed": 5,
    "codec": "json",
}


def digest_of(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


class Shop:
    """What a played server has and was given, over all of its connections. `heard`: called with each report as it comes."""

    def __init__(self) -> None:
        self.specs: dict[str, dict[str, Any]] = {"a": SPEC}
        self.slots = 2
        self.portions: dict[tuple[str, int], dict[str, Any]] = {}
        self.records: dict[str, list[Any]] = {}
        self.watched: list[tuple[int, int, int]] = []
        self.readers: list[tuple[int, Deferred[dict[str, Any]]]] = []
        self.blobs: dict[str, bytes] = {}
        self.arriving: dict[str, bytearray] = {}
        self.calls: list[str] = []
        self.offers: list[dict[str, Any]] = []
        self.held: list[list[Any]] = []
        self.tasks: list[list[str] | None] = []
        self.boots: list[str] = []
        self.reports: list[tuple[Report, bytes]] = []
        self.verdict = ""
        self.refuses: dict[str, Exception] = {}
        self.holds: dict[str, Deferred[None]] = {}
        self.heard: Callable[[FakeServer, Report, bytes], None] = lambda server, report, payload: None

    def put(self, content: bytes) -> str:
        self.blobs[digest_of(content)] = content
        return digest_of(content)

    def ends(self) -> list[tuple[int, str]]:
        return [(report.fence, report.outcome) for report, _ in self.reports if report.kind == "end"]


class FakeServer(GuardedLink):
    """One connection of a worker to `shop`."""

    def __init__(self, clock: Clock, shop: Shop) -> None:
        super().__init__(clock)
        self.shop = shop

    def admit(self, command: type, arguments: dict[str, Any]) -> Any:
        """Every call is remembered; the shop says which are refused or kept waiting."""
        self.shop.calls.append(command.__name__)
        if command.__name__ in self.shop.refuses:
            raise self.shop.refuses[command.__name__]
        held = self.shop.holds.get(command.__name__)
        if held is None:
            return arguments
        waited: Deferred[dict[str, Any]] = Deferred()
        held.addCallback(lambda _: waited.callback(arguments))
        return waited

    @hello.Greet.responder
    def on_greet(self, oldest: int, newest: int, software: str, boot: str | None) -> dict[str, Any]:
        self.shop.boots.append(boot or "")
        settings = {"heartbeat": 15.0, "lease": 60.0}
        return {"version": newest, "software": "a test", "name": "lab-1", "settings": settings}

    @hello.Beat.responder
    def on_beat(self) -> None:
        """Alive."""

    @hello.SayGoodbye.responder
    def on_say_goodbye(self, reason: str) -> None:
        """Gone."""

    @wire.OfferSlots.responder
    def on_offer_slots(self, offer: dict[str, Any], held: list[Any], tasks: list[str] | None) -> None:
        self.shop.offers.append(offer)
        self.shop.tasks.append(tasks)
        self.shop.held.append(held)

    @wire.DescribeTask.responder
    def on_describe_task(self, task: str) -> dict[str, Any]:
        if task not in self.shop.specs:
            raise NotFound(f"task {task} has ended")
        return {"spec": self.shop.specs[task], "slots": self.shop.slots}

    @wire.DescribePortion.responder
    def on_describe_portion(self, task: str, portion: int) -> dict[str, Any]:
        if (task, portion) not in self.shop.portions:
            raise NotFound(f"task {task} has no portion {portion}")
        return {"portion": self.shop.portions[task, portion]}

    @wire.DescribeRecord.responder
    def on_describe_record(self, task: str) -> dict[str, Any]:
        return {"portions": self.shop.records.get(task, [])}

    @wire.WatchReturns.responder
    def on_watch_returns(self, task: str, fence: int, result_row: int, file_row: int) -> None:
        self.shop.watched.append((fence, result_row, file_row))

    @wire.ReadInput.responder
    def on_read_input(self, task: str, offset: int) -> Deferred[dict[str, Any]]:
        waited: Deferred[dict[str, Any]] = Deferred()
        self.shop.readers.append((offset, waited))
        return waited

    @wire.ReportItems.responder
    def on_report_items(self, reports: list[Any], payload: bytes) -> dict[str, Any]:
        at = 0
        for raw in reports:
            report = from_list(raw)
            self.shop.reports.append((report, payload[at : at + report.size]))
            self.shop.heard(self, report, payload[at : at + report.size])
            at += report.size
        assert at == len(payload)
        return {"verdicts": [self.shop.verdict] * len(reports)}

    @blobs.AskBlobs.responder
    def on_ask_blobs(self, digests: list[str], task: str | None) -> dict[str, Any]:
        return {"missing": [digest for digest in digests if digest not in self.shop.blobs]}

    @blobs.PutBlob.responder
    def on_put_blob(self, digest: str, offset: int, total: int, part: bytes, task: str | None) -> None:
        arriving = self.shop.arriving.setdefault(digest, bytearray())
        if offset == 0:
            arriving.clear()
        assert offset == len(arriving), "parts come in order"
        arriving += part
        if len(arriving) == total:
            assert digest_of(bytes(arriving)) == digest
            self.shop.blobs[digest] = bytes(self.shop.arriving.pop(digest))

    @blobs.GetBlob.responder
    def on_get_blob(self, digest: str, offset: int, task: str) -> dict[str, Any]:
        if digest not in self.shop.blobs:
            raise NotFound(f"task {task} has no blob {digest[:12]}")
        content = self.shop.blobs[digest]
        return {"total": len(content), "part": content[offset : offset + blobs.PART_BYTES]}

    # What a server tells a worker

    def carry(self, task: str, pack: ItemPack, portion: int = 0) -> None:
        content = {"codec": pack.codec, "args": list(pack.args), "payload": pack.payload, "blob": pack.blob}
        self.tell(wire.CarryItems, task=task, portion=portion, first=pack.first, count=pack.count, **content)

    def grant(self, *chunks: Chunk) -> None:
        grants = [[chunk.fence, chunk.task, chunk.portion, chunk.first, chunk.count, chunk.slot, chunk.attempt] for chunk in chunks]
        self.tell(wire.GrantChunks, grants=grants, copies=[chunk.fence for chunk in chunks if chunk.is_copy] or None)


@implementer(IStreamClientEndpoint)
class FakeEndpoint:
    """Each connection is a new pair of fake transports; `refuses` fails the next ones."""

    def __init__(self, make_server: Callable[[], GuardedLink]) -> None:
        self._make_server = make_server
        self.refuses: Exception | None = None
        self.pump: Any = None
        self.server: Any = None
        self.dialled = 0

    def connect(self, factory: Any) -> Deferred[Any]:
        self.dialled += 1
        if self.refuses is not None:
            return fail(self.refuses)
        self.server = self._make_server()
        client = factory.buildProtocol(None)
        transports = iosim.makeFakeServer(self.server), iosim.makeFakeClient(client)
        # Without a flush: who dials hears of the connection before anything travels over it.
        self.pump = iosim.connect(self.server, transports[0], client, transports[1], greet=False)
        return succeed(client)

    def flush(self) -> None:
        if self.pump is not None:
            self.pump.flush()

    def cut(self) -> None:
        """The connection breaks; what was under way is lost."""
        for transport in (self.pump.clientIO, self.pump.serverIO):
            transport.stream.clear()
        self.server.hang_up()
        self.flush()


class _There(Factory):
    """A factory for a connection that is there already."""

    noisy = False

    def __init__(self, build: Callable[[Any], Any]) -> None:
        self._build = build

    def buildProtocol(self, address: Any) -> Any:
        return self._build(address)


@implementer(IStreamClientEndpoint)
class RealEndpoint:
    """Each connection is a socket pair in the real reactor, with a played server at its other end."""

    def __init__(self, reactor: Any, make_server: Callable[[], GuardedLink]) -> None:
        self._reactor = reactor
        self._make_server = make_server
        self.server: Any = None

    def connect(self, factory: Any) -> Deferred[Any]:
        here, there = socket.socketpair()
        self.server = self._make_server()
        self._adopt(there, _There(lambda address: self.server))
        connected: Deferred[Any] = Deferred()

        def build(address: Any) -> Any:
            client = factory.buildProtocol(address)
            self._reactor.callLater(0, connected.callback, client)
            return client

        self._adopt(here, _There(build))
        return connected

    def _adopt(self, end: socket.socket, factory: Factory) -> None:
        end.setblocking(False)
        self._reactor.adoptStreamConnection(end.fileno(), socket.AF_UNIX, factory)
        end.close()
