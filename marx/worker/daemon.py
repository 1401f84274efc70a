"""
The worker as a daemon: opens its state, joins if it has not yet, proves its sandbox, finds its interpreters, and then works.

What can be wrong on this machine is found before anything is offered, and ends the start with a sentence and an exit code.
"""

from __future__ import annotations

import fcntl
import os
import signal
import socket
import sys
from pathlib import Path
from typing import Any, Mapping, Sequence

from twisted.application.service import Service
from twisted.internet.defer import Deferred, ensureDeferred, maybeDeferred
from twisted.internet.task import LoopingCall
from twisted.logger import Logger
from twisted.python.failure import Failure

from marx.config import WorkerCeilings, WorkerConfig
from marx.credentials import Credentials, DamagedCredentials
from marx.join_code import JoinError, read_code
from marx.joining import enrol
from marx.owners_socket import listen_to_owner
from marx.private_files import make_private_folder
from marx.renewing import RenewingConnector, daily, why_ended
from marx.worker.bounds import Bounds
from marx.worker.cgroups import Groups
from marx.worker.composing import Limits, Premises, Surroundings, compose
from marx.worker.containing import contain
from marx.worker.finding import find_interpreters
from marx.worker.interpreters import Interpreter
from marx.worker.kit import compile_kit, lay_out_kit
from marx.worker.launch import Sandbox
from marx.worker.offer import Offer, describe_machine, own_memory, own_seats, own_slots
from marx.worker.owner import OwnerFactory
from marx.worker.probing import NotAnInterpreter
from marx.worker.sandbox import NoSandbox, choose
from marx.worker.service import WorkerService
from marx.worker.trying import try_all

log = Logger()

#: Exit code of a configuration, state or machine that cannot be used (EX_CONFIG of sysexits.h).
EX_CONFIG = 78


class CannotStart(Exception):
    """The text is a sentence for the worker's owner; ``exit_code`` is the daemon's."""

    def __init__(self, sentence: str, exit_code: int = EX_CONFIG) -> None:
        super().__init__(sentence)
        self.exit_code = exit_code


def _say_what_is_not_offered(refusal: str) -> None:
    log.warn("a Python of this machine is not offered: {refusal}", refusal=refusal)


def bounds_of(ceilings: WorkerCeilings) -> Bounds:
    """What the items of a task may take here."""
    return Bounds(
        ceilings.item_timeout_seconds,
        ceilings.silence_seconds,
        ceilings.memory_bytes,
        ceilings.scratch_bytes,
        ceilings.processes,
        ceilings.open_files,
        ceilings.file_bytes,
        ceilings.cpu_seconds,
    )


class WorkerDaemon(Service):
    """``folder``: the state. ``environ``: where interpreters are looked for."""

    def __init__(self, config: WorkerConfig, folder: Path, reactor: Any, environ: Mapping[str, str], around: Surroundings) -> None:
        self._config = config
        self._folder = folder
        self._reactor = reactor
        self._environ = environ
        self._around = around
        self._port: Any = None
        self._worker: WorkerService | None = None
        self._lock: int | None = None
        self._renewing: LoopingCall | None = None
        self._groups = Groups()

    def startService(self) -> None:
        """Look at this machine, which may end the start; then join and work."""
        super().startService()
        try:
            self._open_state()
            premises, offer = self._look_around()
        except CannotStart as error:
            log.critical("marx-worker cannot start: {why}", why=str(error))
            raise SystemExit(error.exit_code) from error
        ensureDeferred(self._begin(premises, offer)).addErrback(self._give_up)

    def stopService(self) -> Deferred[None]:
        """Drain and leave; a second signal meanwhile ends everything at once."""
        super().stopService()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._hurry)
        return ensureDeferred(self._end())

    def _open_state(self) -> None:
        try:
            make_private_folder(self._folder)
            self._lock = os.open(self._folder / "lock", os.O_RDWR | os.O_CREAT, 0o600)
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise CannotStart(f"another worker runs in {self._folder}: give each its own --state") from error
        except OSError as error:
            raise CannotStart(f"its state cannot be kept in {self._folder}: {error.strerror}") from error

    def _look_around(self) -> tuple[Premises, Offer]:
        lending, folder = self._config.lending, self._folder
        try:
            sandbox = choose(lending.sandbox, folder)
            found = find_interpreters(lending.pythons, self._environ, folder / "interpreters.json", tell=_say_what_is_not_offered)
            interpreters = self._those_that_start(sandbox, found)
            kit = lay_out_kit(folder / "kit")
        except (NoSandbox, NotAnInterpreter) as error:
            raise CannotStart(str(error)) from error
        except OSError as error:
            raise CannotStart(f"its state cannot be kept in {folder}: {error}") from error
        if not interpreters:
            raise CannotStart("no Python was found to run programs with: name one by --python PATH")
        slots = lending.slots or own_slots()
        offer = Offer(
            slots=slots,
            seats=lending.seats or own_seats(slots),
            sandbox=sandbox.level,
            network=lending.network,
            interpreters=interpreters,
            labels=lending.labels,
            users=lending.users or None,
            machine=describe_machine(),
            memory=self._config.ceilings.memory_bytes or own_memory(),
        )

        def compiled(interpreter: Interpreter) -> Path:
            compile_kit(kit, interpreter)
            return kit

        self._groups, contained_or_not = contain(sandbox, folder)
        log.info("{sentence}", sentence=contained_or_not)
        return Premises(folder, sandbox, compiled, self._groups), offer

    def _those_that_start(self, sandbox: Sandbox, found: Sequence[Interpreter]) -> list[Interpreter]:
        """In the sandbox. Raises NotAnInterpreter for one that was named and does not."""
        refusals = {path: f"{path} cannot be offered: {why}" for path, why in try_all(sandbox, found, self._folder).items()}
        for one in found:
            if one.path in refusals and {one.path, *one.names} & set(self._config.lending.pythons):
                raise NotAnInterpreter(refusals[one.path])
        for refusal in refusals.values():
            _say_what_is_not_offered(refusal)
        return [one for one in found if one.path not in refusals]

    async def _begin(self, premises: Premises, offer: Offer) -> None:
        credentials = await self._credentials()
        limits = self._config.limits
        most = bounds_of(self._config.ceilings)
        kept = limits.outbox_bytes, limits.unanswered_bytes, limits.blob_cache_bytes
        bounds = Limits(*kept, limits.output_rate_bytes, limits.drain_seconds, most)
        connector = RenewingConnector(self._reactor, credentials, self._folder, self._around.wall)
        # It also dials when a connection is lost; one that lasts for a year would outlive its certificate.
        self._renewing = daily(self._reactor, connector.renew_when_due)
        worker = compose(self._reactor, connector, premises, offer, bounds, self._around)
        self._port = listen_to_owner(self._reactor, self._folder, OwnerFactory(worker, self._reactor))
        versions = ", ".join(one.version_text for one in offer.interpreters)
        log.info("worker {name}: {slots} slots, Python {versions}", name=credentials.name, slots=offer.slots, versions=versions)
        worker.startService()
        self._worker = worker

    async def _credentials(self) -> Credentials:
        """Those in the state folder, or new ones by the join code. Raises :class:`CannotStart`."""
        try:
            kept = Credentials.load(self._folder)
            ended = why_ended(kept, self._around.wall()) if kept is not None else None
            if kept is not None and ended is None:
                return kept
            if not self._config.join:
                raise CannotStart(ended or "it has not joined a server yet: give it a join code by --join FILE")
            joined = await enrol(self._reactor, read_code(self._config.join, "worker", sys.stdin), socket.gethostname())
            joined.save(self._folder)
        except JoinError as error:
            raise CannotStart(str(error), error.exit_code) from error
        except (DamagedCredentials, OSError) as error:
            raise CannotStart(str(error)) from error
        log.info("joined as worker {name}", name=joined.name)
        return joined

    def _give_up(self, failure: Failure) -> None:
        """What only shows once the reactor runs."""
        exit_code = EX_CONFIG
        if failure.check(CannotStart):
            exit_code = failure.value.exit_code
            log.critical("marx-worker cannot start: {why}", why=failure.getErrorMessage())
        elif failure.check(OSError):
            log.critical("marx-worker cannot start: {why}", why=failure.getErrorMessage())
        else:
            log.failure("marx-worker cannot start", failure)
        self._reactor.addSystemEventTrigger("after", "shutdown", os._exit, exit_code)
        self._reactor.stop()

    def _hurry(self, number: int, frame: Any) -> None:
        if self._worker is not None:
            self._reactor.callFromThread(self._worker.hurry)

    async def _end(self) -> None:
        if self._port is not None:
            await maybeDeferred(self._port.stopListening)
        if self._renewing is not None and self._renewing.running:
            self._renewing.stop()
        if self._worker is not None:
            await self._worker.stopService()
        self._groups.close()
        if self._lock is not None:
            os.close(self._lock)
