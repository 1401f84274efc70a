"""
A whole lab in this process, for ``tasker --local``: a server and a worker, joined by socket pairs, gone afterwards.

The fourth composition root beside the two taps and the tasker's command; only that command imports it, and only when it is asked for a
local run. Everything behind the connection is what a real lab runs; only the gate is left out, since nobody can reach a socket pair.
"""

from __future__ import annotations

import os
import random
import secrets
import shutil
import socket
import tempfile
import time
from contextlib import suppress
from pathlib import Path
from typing import Any, Callable

import platformdirs
from twisted.internet.defer import Deferred, maybeDeferred
from twisted.internet.interfaces import IProtocol, IProtocolFactory, IStreamClientEndpoint
from twisted.internet.protocol import Factory
from twisted.internet.threads import deferToThread
from zope.interface import implementer

from marx.certificates import Peer
from marx.config import ServerConfig
from marx.server.blobs import Blobs
from marx.server.composing import Gatekeeper, Parts
from marx.server.composing import compose as compose_server
from marx.server.ids import make_id
from marx.server.secrets import Secrets
from marx.server.store import Store
from marx.server.store_engine import sqlite_url
from marx.server.surroundings import Surroundings as ServerSurroundings
from marx.server.surroundings import own_user
from marx.worker.composing import Limits, Premises
from marx.worker.composing import Surroundings as WorkerSurroundings
from marx.worker.composing import compose as compose_worker
from marx.worker.interpreters import Interpreter
from marx.worker.kit import compile_kit, lay_out_kit
from marx.worker.launch import Sandbox
from marx.worker.offer import Offer, own_memory
from marx.worker.probing import NotAnInterpreter, probe_one
from marx.worker.sandbox import NoSandbox, choose
from marx.worker.service import WorkerService

WORKER_NAME = "local"


class _OneProtocol(Factory):
    """A factory for a connection that is there already."""

    noisy = False

    def __init__(self, build: Callable[[Any], IProtocol | None], connected: Deferred[IProtocol] | None = None) -> None:
        self._build = build
        self._connected = connected

    def buildProtocol(self, address: Any) -> IProtocol | None:
        protocol = self._build(address)
        if self._connected is not None:
            self._connected.callback(protocol)
        return protocol


@implementer(IStreamClientEndpoint)
class PairEndpoint:
    """Connects to the embedded server as ``peer``: each connection is a new socket pair with both ends in this reactor."""

    def __init__(self, reactor: Any, parts: Parts, peer: Peer) -> None:
        self._reactor = reactor
        self._parts = parts
        self._peer = peer

    def connect(self, protocolFactory: IProtocolFactory) -> Deferred[IProtocol]:
        here, there = socket.socketpair()
        serving = self._parts.factories[self._peer.role]
        self._adopt(there, _OneProtocol(lambda _: serving.buildProtocol(self._peer)))
        connected: Deferred[IProtocol] = Deferred()
        self._adopt(here, _OneProtocol(protocolFactory.buildProtocol, connected))
        return connected

    def _adopt(self, end: socket.socket, factory: Factory) -> None:
        end.setblocking(False)
        self._reactor.adoptStreamConnection(end.fileno(), socket.AF_UNIX, factory)
        # The reactor has a duplicate of its own.
        end.close()


class CannotEmbed(Exception):
    """This machine has no such sandbox or interpreter. The text is one sentence."""


class Embedded:
    """A running lab. ``level``: the sandbox that its programs run in. It ends with the reactor, if :meth:`stop` was not called before."""

    def __init__(self, reactor: Any, folder: Path, store: Store, parts: Parts, worker: WorkerService, level: str) -> None:
        self.level = level
        self._reactor = reactor
        self._trigger: Any = reactor.addSystemEventTrigger("before", "shutdown", lambda: Deferred.fromCoroutine(self.stop()))
        self._folder = folder
        self._store = store
        self._parts = parts
        self._worker = worker
        self._user = PairEndpoint(reactor, parts, Peer("tasker", own_user(), ""))

    def connect(self, factory: IProtocolFactory) -> Deferred[IProtocol]:
        """A tasker's connection."""
        return self._user.connect(factory)

    async def stop(self) -> None:
        """End every process and remove every file. May be called again."""
        if self._trigger is None:
            return
        trigger, self._trigger = self._trigger, None
        with suppress(ValueError):  # it is what calls
            self._reactor.removeSystemEventTrigger(trigger)
        self._worker.hurry()
        await maybeDeferred(self._worker.stopService)
        await maybeDeferred(self._parts.service.stopService)
        self._parts.hang_up(frozenset())
        await self._store.close()
        shutil.rmtree(self._folder, ignore_errors=True)


async def start_embedded(reactor: Any, slots: int, python: str, sandbox: str | None) -> Embedded:
    """
    A lab with ``slots`` slots and one interpreter, the one at path ``python``.

    ``sandbox``: the level that was asked for; None takes the best that works. Raises :class:`CannotEmbed`.
    """
    folder = Path(tempfile.mkdtemp(prefix="marx-local-"))
    try:
        # Other processes start and answer here, which the server's own beginning does not have to wait for.
        premises = deferToThread(_look_around, folder, python, sandbox)
        store, parts = await _begin_server(reactor, folder)
        confined, interpreter, kit = await premises
        offer = Offer(slots=slots, seats=1, sandbox=confined.level, interpreters=[interpreter], network=True, memory=own_memory())
        endpoint = PairEndpoint(reactor, parts, Peer("worker", WORKER_NAME, ""))
        around = WorkerSurroundings(time.time, random.random, lambda: secrets.token_hex(8))
        worker = compose_worker(reactor, endpoint, Premises(folder / "worker", confined, lambda _: kit), offer, Limits(), around)
        worker.startService()
    except (NoSandbox, NotAnInterpreter) as error:
        await maybeDeferred(store.close)
        shutil.rmtree(folder, ignore_errors=True)
        raise CannotEmbed(str(error)) from error
    return Embedded(reactor, folder, store, parts, worker, confined.level)


async def _begin_server(reactor: Any, folder: Path) -> tuple[Store, Parts]:
    """What it keeps need not outlive this process, so it does not wait for the disk."""
    store = Store.open(sqlite_url(folder / "marx.sqlite"), reactor, durable=False)
    blobs = Blobs(folder / "blobs", reactor, durable=False)
    around = ServerSurroundings(reactor, time.time, make_id)
    parts = compose_server(ServerConfig(), store, blobs, Gatekeeper(lambda serial: False, lambda user: False), Secrets(folder / "secrets", reactor), around)
    parts.service.startService()
    await parts.service.begin()
    return store, parts


def _look_around(folder: Path, python: str, sandbox: str | None) -> tuple[Sandbox, Interpreter, Path]:
    state = folder / "worker"
    state.mkdir(mode=0o700)
    confined = choose(sandbox, state) if sandbox else _best(state)
    interpreter = probe_one(python)
    kit = lay_out_kit(_kit_folder(state))
    compile_kit(kit, interpreter)
    return confined, interpreter, kit


def _best(state: Path) -> Sandbox:
    """The best sandbox that works here, which may be none: it is the person's own program."""
    for level in ("bwrap", "landlock"):
        try:
            return choose(level, state)
        except NoSandbox:
            continue
    return choose("none", state)


def _kit_folder(state: Path) -> Path:
    """Where the runner lies compiled from one local run to the next; where nothing can be kept, in this one's own folder."""
    cache = platformdirs.user_cache_path("marx", appauthor=False)
    try:
        cache.mkdir(parents=True, exist_ok=True)
    except OSError:
        return state / "kit"
    return cache / "kit" if os.access(cache, os.W_OK) else state / "kit"
