"""
The running server: opens its state, listens, and ends cleanly.

What can be wrong with a configuration or a state folder is found before anything listens, and ends the start with a sentence and exit
code 78; a database that cannot be used at present with 75.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, Sequence

from twisted.application.service import Service
from twisted.internet.defer import Deferred, ensureDeferred, maybeDeferred
from twisted.internet.endpoints import TCP4ServerEndpoint, TCP6ServerEndpoint, wrapServerTLS
from twisted.internet.error import CannotListenError
from twisted.internet.task import LoopingCall
from twisted.logger import Logger
from twisted.python.failure import Failure

import marx
from marx.addresses import Address, in_words
from marx.config import ServerConfig
from marx.owners_socket import listen_to_owner
from marx.private_files import make_private_folder, why_not_private
from marx.renewing import daily
from marx.server.admin import AdminFactory
from marx.server.authority import Authority, BrokenAuthority
from marx.server.backup import BLOBS, DATABASE, SECRETS_FOLDER, Backup
from marx.server.blobs import BlobLimits, Blobs
from marx.server.composing import Gatekeeper, Parts, compose
from marx.server.enrolment import TASKER_CODE_FILE, WORKER_CODE_FILE, Enrolment
from marx.server.gate import Gate
from marx.server.identity import Identity
from marx.server.identity_records import IdentityRecords
from marx.server.reach import addresses_to_tell
from marx.server.records import StoreAway, StoreError
from marx.server.secrets import KEY_FILE, Secrets
from marx.server.store import Store
from marx.server.store_engine import sqlite_url
from marx.server.surroundings import Surroundings, own_user
from marx.server.sweeping import Sweeper

log = Logger()

#: Exit code of a configuration or state that cannot be used (EX_CONFIG of sysexits.h).
EX_CONFIG = 78
#: And of one that cannot be used at present, so that whoever started the server tries again (EX_TEMPFAIL).
EX_TEMPFAIL = 75
#: Connections that wait to be accepted: after a restart every worker of a large lab dials at once.
BACKLOG = 1024
PORT_FILE = "port"
#: What of the state only its owner may read; looked at when the server starts.
SECRETS = ("authority.pem", "server.pem", DATABASE, f"{DATABASE}-wal", WORKER_CODE_FILE, TASKER_CODE_FILE, f"{SECRETS_FOLDER}/{KEY_FILE}")


def exit_code_of(error: BaseException) -> int:
    """That of a start that failed so."""
    return EX_TEMPFAIL if isinstance(error, StoreAway) else EX_CONFIG


class ServerDaemon(Service):
    """``folder``: the state; everything that must survive is below it, or in the database that the configuration names."""

    def __init__(self, config: ServerConfig, folder: Path, reactor: Any, around: Surroundings) -> None:
        self._config = config
        self._folder = folder
        self._reactor = reactor
        self._around = around
        self._ports: list[Any] = []
        self._address: Any = None
        self._parts: Parts | None = None
        self._sweeper: Sweeper | None = None
        self._backup: Backup | None = None
        self._renewing: LoopingCall | None = None

    def startService(self) -> None:
        """Open the state, which may end the start, then begin; nothing listens before the store was read."""
        super().startService()
        try:
            make_private_folder(self._folder)
            wrong = why_not_private(self._folder, SECRETS)
            if wrong is not None:
                raise BrokenAuthority(wrong)
            self._authority = Authority.open(self._folder, self._around.wall())
            self._blobs = Blobs(self._folder / BLOBS, self._reactor, BlobLimits(self._config.limits.file_bytes))
            stored = self._config.store
            url = stored.url or sqlite_url(self._folder / DATABASE)
            self._store = Store.open(url, self._reactor, stored.commit_time_seconds, stored.commit_size_bytes)
        except (OSError, BrokenAuthority, StoreError) as error:
            log.critical("marx-server cannot start: {why}", why=str(error))
            raise SystemExit(exit_code_of(error)) from error
        ensureDeferred(self._begin()).addErrback(self._give_up)

    async def _begin(self) -> None:
        identity = Identity(IdentityRecords(self._store), self._around.wall)
        await identity.open()
        enrolment = Enrolment(self._authority, identity, self._addresses, self._around.wall)
        secrets = Secrets(self._folder / SECRETS_FOLDER, self._reactor)
        gatekeeper = Gatekeeper(identity.is_revoked, identity.is_operator, lambda: identity.good_names("worker"), enrolment.renew)
        parts = self._parts = compose(self._config, self._store, self._blobs, gatekeeper, secrets, self._around)
        identity.when_revoked(parts.dismiss)
        parts.service.startService()
        await parts.service.begin()
        secrets.sweep(parts.directory.tasks)
        self._sweeper = Sweeper(self._blobs, parts.keeping, self._reactor)
        self._sweeper.startService()
        await self._listen(Gate(identity, enrolment, parts.factories, self._reactor, parts.audit))
        self._backup = Backup(self._folder, self._store, self._blobs, self._reactor)
        admin = AdminFactory(identity, enrolment, parts, self._backup, self._reactor)
        self._ports.append(listen_to_owner(self._reactor, self._folder, admin))
        joining = self._config.joining
        files = await enrolment.write_first_codes(self._folder, own_user(), joining.worker_uses, joining.expires_seconds)
        for file in files:
            log.info("a join code was written to {file}", file=str(file))
        # Last: whoever waits for this file finds everything else there.
        (self._folder / PORT_FILE).write_text(f"{self._address.port}\n")
        log.info("Marx {version} serves at {addresses}", version=marx.__version__, addresses=in_words(self._addresses()))

    async def _listen(self, gate: Gate) -> None:
        listen = self._config.listen
        kind = TCP6ServerEndpoint if ":" in listen.interface else TCP4ServerEndpoint
        endpoint = kind(self._reactor, listen.port, backlog=BACKLOG, interface=listen.interface)
        connections = self._authority.connections(self._folder, self._around.wall())
        port = await wrapServerTLS(connections, endpoint, self._reactor).listen(gate)
        self._ports.append(port)
        self._address = port.getHost()
        self._renewing = daily(self._reactor, lambda: self._authority.renew(connections, self._folder, self._around.wall()))

    def _addresses(self) -> Sequence[Address]:
        listen = self._config.listen
        return addresses_to_tell(listen.addresses, listen.interface, self._address.port)

    def _give_up(self, failure: Failure) -> None:
        """What only shows once the reactor runs: a port in use, a store that cannot be read."""
        if failure.check(CannotListenError, OSError, StoreError):
            log.critical("marx-server cannot start: {why}", why=failure.getErrorMessage())
        else:
            log.failure("marx-server cannot start", failure)
        self._reactor.addSystemEventTrigger("after", "shutdown", os._exit, exit_code_of(failure.value))
        self._reactor.stop()

    def stopService(self) -> Deferred[None]:
        """Take nothing more, then close the store when all that was taken is committed."""
        super().stopService()
        return ensureDeferred(self._end())

    async def _end(self) -> None:
        for port in self._ports:
            await maybeDeferred(port.stopListening)
        if self._sweeper is not None:
            self._sweeper.stopService()
        if self._backup is not None:
            self._backup.stop()
        if self._renewing is not None:
            self._renewing.stop()
        if self._parts is not None:
            await maybeDeferred(self._parts.service.stopService)
            self._parts.hang_up(frozenset())
        await self._store.close()
        (self._folder / PORT_FILE).unlink(missing_ok=True)
