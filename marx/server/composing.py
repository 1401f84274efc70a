"""
How the server's parts are joined: one block, used by the daemon and by the embedded server of ``tasker --local``.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from time import monotonic
from typing import Any, Awaitable, Callable

from marx.config import ServerConfig
from marx.core.model import Policy
from marx.core.scheduler import Scheduler
from marx.server.auditing import Audit
from marx.server.blob_desk import BlobDesk
from marx.server.blobs import Blobs
from marx.server.ceilings import Ceilings
from marx.server.codes import CertificateRecord
from marx.server.directory import Directory
from marx.server.dismissal import Dismissal
from marx.server.forgetting import Forgetting
from marx.server.inputs import Inputs
from marx.server.items import ItemShelf
from marx.server.keeping import Keeping, KeepingLimits
from marx.server.link import Desk, Settings, no_renewal
from marx.server.output import OutputIntake
from marx.server.records import NewEpoch
from marx.server.programs import Programs
from marx.server.secrets import Secrets
from marx.server.service import SchedulingService
from marx.server.status import Status
from marx.server.steering import Steering
from marx.server.store import Store
from marx.server.submitting import Limits, Submissions
from marx.server.surroundings import Surroundings
from marx.server.tasker_link import Offices, TaskerFactory
from marx.server.watches import Watches
from marx.server.worker_link import Services, WorkerFactory
from marx.tls import Peer


@dataclass(frozen=True, slots=True)
class Gatekeeper:
    """
    Who may: ``is_revoked`` by a certificate's serial number, ``is_operator`` by a user's name; ``workers``: the names of all that may come.
    ``renew``: as in :class:`Desk`.
    """

    is_revoked: Callable[[str], bool]
    is_operator: Callable[[str], bool]
    workers: Callable[[], Collection[str]] = frozenset
    renew: Callable[[Peer, bytes], Awaitable[bytes]] = no_renewal


@dataclass(frozen=True, slots=True)
class Parts:
    """
    A server that is put together and has not begun. ``factories``: by role, for the gate. ``hang_up``: drops the links whose certificates
    have these serial numbers, or all links where none is named. ``dismiss``: what follows from revoked certificates.
    """

    store: Store
    service: SchedulingService
    directory: Directory
    status: Status
    keeping: Keeping
    factories: dict[str, Any]
    hang_up: Callable[[frozenset[str]], None]
    dismiss: Callable[[Sequence[CertificateRecord]], None]
    audit: Audit


def compose(config: ServerConfig, store: Store, blobs: Blobs, gatekeeper: Gatekeeper, secrets: Secrets, around: Surroundings) -> Parts:
    """Join everything behind the gate."""
    directory = Directory()
    shelf = ItemShelf(store, config.limits.memory_bytes)

    async def make_scheduler() -> Scheduler:
        epoch = await store.last_epoch() + 1
        await store.write(NewEpoch(epoch, around.wall()))
        return Scheduler(epoch, policy_of(config), gatekeeper.workers())

    service = SchedulingService(make_scheduler, store, shelf, directory, around.clock, around.wall)
    audit = Audit(store, around.wall)
    service.when_ended.append(secrets.forget)
    blob_desk = BlobDesk(blobs, store)
    desk = Desk(service, blob_desk, settings_of(config), around.clock, gatekeeper.is_revoked, audit, gatekeeper.renew)
    status = Status(service, store, directory, gatekeeper.is_operator)
    limits = limits_of(config)
    submissions = Submissions(service, directory, shelf, blob_desk, store, secrets, limits, around)
    watches = Watches(store, directory, status, around.clock)
    output = OutputIntake(store, directory, config.limits.output_bytes)
    programs = Programs(service, store, directory, secrets, around.clock)
    inputs = Inputs(service, store, directory, around.clock, config.limits.file_bytes)
    steering = Steering(service, store, directory, submissions, around.wall)
    forgetting = Forgetting(store, directory, around.wall)
    limits_kept = KeepingLimits(config.keeping.age_seconds, config.keeping.size_bytes, config.keeping.audit_seconds)
    keeping = Keeping(store, blobs, blob_desk, forgetting, limits_kept, around.wall, monotonic)
    factories = {
        "tasker": TaskerFactory(desk, Offices(submissions, steering, forgetting, inputs, status, watches)),
        "worker": WorkerFactory(desk, directory, shelf, Services(programs, inputs, output)),
    }
    dismissal = Dismissal(service, directory, desk.hang_up)
    return Parts(store, service, directory, status, keeping, factories, desk.hang_up, dismissal.of, audit)


def policy_of(config: ServerConfig) -> Policy:
    """The scheduler's numbers that can be configured."""
    leases = config.leases
    return Policy(
        lease_seconds=leases.lease_seconds,
        target_seconds=leases.target_chunk_seconds,
        item_losses=leases.item_losses,
        copy_times=leases.copy_times,
        copy_least_seconds=leases.copy_least_seconds,
        copy_share=leases.copy_percent / 100,
        weights=dict(config.weights),
    )


def limits_of(config: ServerConfig) -> Limits:
    """What one user, and one task, may ask for."""
    limits = config.limits
    most = config.ceilings
    ceilings = Ceilings(most.timeout_seconds, most.item_timeout_seconds, most.silence_seconds)
    return Limits(limits.open_tasks, limits.task_files, limits.task_total_bytes, ceilings=ceilings)


def settings_of(config: ServerConfig) -> Settings:
    """What links need of the configuration."""
    leases, limits = config.leases, config.limits
    return Settings(leases.heartbeat_seconds, leases.silent_after_seconds, leases.lease_seconds, limits.item_bytes, limits.result_bytes, limits.file_bytes)
