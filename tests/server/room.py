"""
A whole server with a real store in a folder, and peers that a test plays itself, joined by socket pairs in this reactor.

Only the gate is left out: who a peer is, a test says. Clocks are the reactor's, so nothing here waits for a time limit.
"""

from __future__ import annotations

import hashlib
import itertools
import json
from collections import defaultdict
from pathlib import Path
from typing import Any, Callable

from twisted.internet.defer import Deferred, maybeDeferred
from twisted.internet.endpoints import connectProtocol

from marx.certificates import Peer
from marx.config import ServerConfig
from marx.embedded import PairEndpoint
from marx.server.blobs import Blobs
from marx.server.composing import Gatekeeper, Parts, compose
from marx.server.secrets import Secrets
from marx.server.store import Store
from marx.server.store_engine import sqlite_url
from marx.server.surroundings import Surroundings
from marx.wire import blobs, hello, tasker, worker
from marx.wire.calls import GuardedLink
from marx.wire.reports import as_list

SPEC = {"kind": "map", "program": "/home/ada/p.py", "function": "f", "cwd": "/home/ada", "roots": ["/home/ada"], "seed": 1, "hash_seed": 1, "codec": "json"}


RUN = {"kind": "run", "program": "/home/ada/p.py", "argv": ["p.py"], "cwd": "/home/ada", "roots": ["/home/ada"], "seed": 1, "hash_seed": 1}


class Played(GuardedLink):
    """A peer whose side a test plays; remembers what it was sent and lets the test wait for it."""

    def __init__(self, clock: Any) -> None:
        super().__init__(clock)
        self._waiting: list[tuple[Callable[[], Any], Deferred[Any]]] = []

    def until(self, true: Callable[[], Any]) -> Deferred[Any]:
        """Fire with ``true()`` as soon as it is."""
        waited: Deferred[Any] = Deferred()
        self._waiting.append((true, waited))
        self._look()
        return waited.addTimeout(20, self.clock)

    def _look(self) -> None:
        for true, waited in list(self._waiting):
            if found := true():
                self._waiting.remove((true, waited))
                waited.callback(found)

    def lost(self, reason: Any) -> None:
        self.reason = reason.value
        self._look()

    async def greet(self, **more: Any) -> dict[str, Any]:
        return await self.ask(hello.Greet, oldest=1, newest=1, software="a test", **more)

    async def put_blob(self, content: bytes, task: str | None = None) -> str:
        digest = hashlib.sha256(content).hexdigest()
        for offset in range(0, len(content), blobs.PART_BYTES):
            part = content[offset : offset + blobs.PART_BYTES]
            await self.ask(blobs.PutBlob, digest=digest, offset=offset, total=len(content), part=part, task=task)
        return digest


class PlayedWorker(Played):
    """Takes grants and reports what a test says."""

    def __init__(self, clock: Any) -> None:
        super().__init__(clock)
        self.grants: list[list[Any]] = []
        self.copies: list[int] = []
        self.shortened: list[list[int]] = []
        self.tests = 0
        self.trouble = ""
        self.items: dict[tuple[str, int], dict[str, Any]] = {}
        self.revoked: list[int] = []
        self.forgotten: list[str] = []
        self.dropped: list[Any] = []
        self.returned: list[dict[str, Any]] = []
        self.refused: dict[int, str] = {}
        self.signals: list[tuple[int, int]] = []

    async def offer(self, slots: int = 1, held: Any = (), tasks: Any = None, **more: Any) -> None:
        offer = {"slots": slots, "interpreters": [{"version": "3.11.7", "path": "/usr/bin/python3"}], "sandbox": "bwrap", **more}
        await self.ask(worker.OfferSlots, offer=offer, held=list(held), tasks=tasks)

    @worker.CarryItems.responder
    def on_carry_items(self, task: str, first: int, **pack: Any) -> None:
        self.items[task, first] = pack

    @worker.DropItems.responder
    def on_drop_items(self, packs: Any) -> None:
        self.dropped += packs

    @worker.GrantChunks.responder
    def on_grant_chunks(self, grants: Any, copies: Any) -> None:
        self.copies += copies or ()
        self.grants += grants
        self._look()

    @worker.RevokeChunks.responder
    def on_revoke_chunks(self, fences: Any, reason: str, gently: bool | None) -> dict[str, Any]:
        self.revoked += fences
        self._look()
        return {"processes": len(fences)}

    @worker.ShortenChunks.responder
    def on_shorten_chunks(self, wanted: Any) -> None:
        self.shortened += wanted
        self._look()

    @worker.TestYourself.responder
    def on_test_yourself(self) -> dict[str, Any]:
        self.tests += 1
        return {"trouble": self.trouble}

    @worker.ForgetTask.responder
    def on_forget_task(self, task: str) -> None:
        self.forgotten.append(task)
        self._look()

    @worker.CarryChange.responder
    def on_carry_change(self, fence: int, row: int, change: dict[str, Any]) -> None:
        self.returned.append(change)
        self._look()

    @worker.CarryReturns.responder
    def on_carry_returns(self, fence: int, **pack: Any) -> None:
        self.returned.append(pack)
        self._look()

    @worker.RefusePortion.responder
    def on_refuse_portion(self, fence: int, portion: int, reason: str) -> None:
        self.refused[portion] = reason
        self._look()

    @worker.SignalProgram.responder
    def on_signal_program(self, fence: int, signal: int) -> dict[str, Any]:
        self.signals.append((fence, signal))
        return {"delivered": True}

    async def report(self, *reports: Any, payload: bytes = b"") -> list[str]:
        answer = await self.ask(worker.ReportItems, reports=[as_list(report) for report in reports], payload=payload)
        return answer["verdicts"]


class PlayedTasker(Played):
    """Submits, and remembers what its watches were sent."""

    def __init__(self, clock: Any) -> None:
        super().__init__(clock)
        self.results: dict[int, list[dict[str, Any]]] = defaultdict(list)
        self.output: dict[int, list[dict[str, Any]]] = defaultdict(list)
        self.changes: dict[int, list[tuple[dict[str, Any], bool]]] = defaultdict(list)
        self._numbers = itertools.count(1)

    @tasker.CarryResults.responder
    def on_carry_results(self, watch: int, **pack: Any) -> None:
        self.results[watch].append(pack)
        self._look()

    @tasker.CarryOutput.responder
    def on_carry_output(self, watch: int, **pack: Any) -> None:
        self.output[watch].append(pack)
        self._look()

    @tasker.TaskChanged.responder
    def on_task_changed(self, watch: int, task: Any, complete: bool) -> None:
        self.changes[watch].append((task, complete))
        self._look()

    async def submit(self, *items: Any, final: bool = True, **spec: Any) -> str:
        task = (await self.ask(tasker.SubmitTask, spec={**SPEC, **spec}))["task"]
        await self.add(task, 0, *items, final=final)
        return task

    async def run(self, **spec: Any) -> str:
        """Submit a program."""
        return (await self.ask(tasker.SubmitTask, spec={**RUN, **spec}))["task"]

    async def add(self, task: str, first: int, *items: Any, final: bool = True) -> None:
        payload = b"\n".join(json.dumps(item).encode() for item in items)
        await self.ask(
            tasker.AddItems, task=task, portion=0, first=first, count=len(items), codec="json", args=[], payload=payload, final=final
        )

    async def watch(self, task: str, results: str = "ordered", output: bool = True, live: bool = True, **more: Any) -> int:
        number = next(self._numbers)
        await self.ask(tasker.WatchTask, task=task, watch=number, results=results, output=output, live=live, **more)
        return number

    def until_complete(self, watch: int) -> Deferred[Any]:
        return self.until(lambda: any(complete for _, complete in self.changes[watch]))


class Room:
    """A running server; :meth:`restart` begins another on the same folder."""

    def __init__(self, folder: Path, reactor: Any) -> None:
        self.folder = folder
        self.reactor = reactor
        self.operators: set[str] = set()
        self.revoked: set[str] = set()
        self.config = ServerConfig()
        self.wall_offset = 1000.0
        self.peers: list[Played] = []
        self._ids = (f"task{number:04d}" for number in itertools.count())
        self.parts: Parts
        self.store: Store
        self.blobs: Blobs

    async def begin(self) -> None:
        self.store = Store.open(sqlite_url(self.folder / "marx.sqlite"), self.reactor)
        self.blobs = stored = Blobs(self.folder / "blobs", self.reactor)
        secrets = Secrets(self.folder / "secrets", self.reactor)
        around = Surroundings(self.reactor, lambda: self.wall_offset + self.reactor.seconds(), lambda: next(self._ids))
        self.parts = compose(self.config, self.store, stored, self.gatekeeper(), secrets, around)
        self.parts.service.startService()
        await self.parts.service.begin()
        secrets.sweep(self.parts.directory.tasks)

    def gatekeeper(self) -> Gatekeeper:
        """Who may, as the test says."""
        return Gatekeeper(self.revoked.__contains__, self.operators.__contains__)

    async def end(self) -> None:
        await maybeDeferred(self.parts.service.stopService)
        self.parts.hang_up(frozenset())
        for peer in self.peers:
            await peer.until(lambda peer=peer: not peer.up)
        await self.store.close()

    async def restart(self) -> None:
        await self.end()
        self.peers.clear()
        await self.begin()

    async def connect(self, peer: Played, role: str, name: str) -> Any:
        endpoint = PairEndpoint(self.reactor, self.parts, Peer(role, name, f"serial-{name}"))
        self.peers.append(await connectProtocol(endpoint, peer))
        return peer

    async def worker(self, name: str = "lab-1", boot: str = "boot-1", **offer: Any) -> PlayedWorker:
        peer = await self.connect(PlayedWorker(self.reactor), "worker", name)
        await peer.greet(boot=boot)
        await peer.offer(**offer)
        return peer

    async def tasker(self, name: str = "ada") -> PlayedTasker:
        peer = await self.connect(PlayedTasker(self.reactor), "tasker", name)
        await peer.greet()
        return peer

