"""
What can be configured: every key of ``etc/marx-server.toml`` and ``etc/marx-worker.toml`` with its default and bounds.

Those two files say in words what each key is for and what goes wrong at both ends of its range; a test holds them to the defaults here.
Options of the daemons override the file.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Iterator, Mapping

import platformdirs

from marx.addresses import DEFAULT_PORT, Address
from marx.config_file import (
    ConfigError,
    Kind,
    Mistake,
    choice,
    count,
    duration,
    flag,
    folder,
    key,
    listed,
    load,
    or_none,
    parse_duration,
    parse_size,
    section,
    size,
    table,
    text,
)

__all__ = [
    "ConfigError",
    "Mistake",
    "ServerConfig",
    "WorkerConfig",
    "load_server",
    "load_worker",
    "parse_duration",
    "parse_size",
    "state_folder",
]

_KIB, _MIB, _GIB = 1 << 10, 1 << 20, 1 << 30


def _plain(name: str) -> str:
    if not name or any(letter.isspace() or letter == "," for letter in name):
        raise ValueError(f"{name!r} is not a name")
    return name


def _weight(raw: Any) -> float:
    if isinstance(raw, bool) or not isinstance(raw, (int, float)) or not 0 < raw <= 1000:
        raise ValueError
    return float(raw)


@dataclass(frozen=True, slots=True)
class Listen:
    """
    Where the server listens. ``interface``: "" is all of them. ``addresses``: where join codes say that it is (port 0: the one above);
    empty: this machine's own.
    """

    port: int = key(DEFAULT_PORT, count(0, 65535))
    interface: str = key("", text("the IP address of an interface"))
    addresses: tuple[Address, ...] = key((), listed(lambda one: Address.parse(one, 0), "a list of HOST or HOST:PORT"))


@dataclass(frozen=True, slots=True)
class Joining:
    """The worker code of the first start."""

    worker_uses: int = key(100, count(1, 100_000))
    expires_seconds: float = key(7 * 86400.0, duration("1m", "3650d"))


@dataclass(frozen=True, slots=True)
class Leases:
    """How long chunks are lent, and what silence means."""

    lease_seconds: float = key(60.0, duration("5s", "1d"))
    heartbeat_seconds: float = key(15.0, duration("1s", "10m"))
    silent_after_seconds: float = key(45.0, duration("2s", "1h"))
    target_chunk_seconds: float = key(0.5, duration("10ms", "10m"))
    item_losses: int = key(3, count(1, 1000))
    copy_times: int = key(3, count(0, 1000))
    copy_least_seconds: float = key(5.0, duration("100ms", "1d"))
    copy_percent: int = key(25, count(1, 100))

    def contradictions(self) -> Iterator[tuple[str, str]]:
        """Keys that do not go together, and why."""
        if not self.heartbeat_seconds < self.silent_after_seconds:
            yield "silent_after", "silent_after must be longer than heartbeat, or every quiet peer is taken for lost"
        if not self.silent_after_seconds <= self.lease_seconds:
            yield "lease", "lease must not be shorter than silent_after, or chunks are given away while their worker is believed to live"


@dataclass(frozen=True, slots=True)
class ServerLimits:
    """What one user or task may take, and what the server keeps in memory for all of them."""

    item_bytes: int = key(64 * _MIB, size("1k", "1T"))
    result_bytes: int = key(64 * _MIB, size("1k", "1T"))
    output_bytes: int = key(1 * _GIB, size("1k", "1T"))
    file_bytes: int = key(10 * _GIB, size("1k", "10T"))
    task_files: int = key(20_000, count(1, 10_000_000))
    task_total_bytes: int = key(10 * _GIB, size("1k", "100T"))
    open_tasks: int = key(1000, count(1, 1_000_000))
    memory_bytes: int = key(64 * _MIB, size("1M", "1T"))


@dataclass(frozen=True, slots=True)
class Ceilings:
    """How much time a task may ask for at the most; None: as long as it takes."""

    timeout_seconds: float | None = key(None, or_none(duration("1s", "3650d")))
    item_timeout_seconds: float | None = key(None, or_none(duration("1s", "3650d")))
    silence_seconds: float | None = key(None, or_none(duration("1s", "3650d")))


@dataclass(frozen=True, slots=True)
class StoreConfig:
    """Where tasks, items and results are kept, and how much is committed at a time. ``url``: "" is SQLite in the state folder."""

    url: str = key("", text("a database URL"))
    commit_time_seconds: float = key(0.02, duration("1ms", "1s"))
    commit_size_bytes: int = key(2 * _MIB, size("64k", "256M"))


@dataclass(frozen=True, slots=True)
class KeepingConfig:
    """For how long tasks are kept after their end, and how much of them at the most; for how long lines of the audit are."""

    age_seconds: float = key(180 * 86400.0, duration("1m", "36500d"))
    size_bytes: int = key(200 * _GIB, size("1M", "1000T"))
    audit_seconds: float = key(730 * 86400.0, duration("1d", "36500d"))


@dataclass(frozen=True, slots=True)
class ServerConfig:
    """All of the server's. ``state``: None is :func:`state_folder`'s. ``weights``: shares of users; 1.0 for those not named."""

    state: Path | None = key(None, folder())
    listen: Listen = section(Listen)
    joining: Joining = section(Joining)
    leases: Leases = section(Leases)
    limits: ServerLimits = section(ServerLimits)
    ceilings: Ceilings = section(Ceilings)
    store: StoreConfig = section(StoreConfig)
    keeping: KeepingConfig = section(KeepingConfig)
    weights: Mapping[str, float] = key({}, table(Kind("a number above 0 and up to 1000", _weight), "a table of user = weight"))


@dataclass(frozen=True, slots=True)
class Lending:
    """
    What of the machine is lent, and to whom. ``slots`` 0: one for each core. ``seats`` 0: as many as slots, at least 2. ``users``: empty is
    everybody. ``network``: whether tasks that ask for it reach what this machine reaches.
    """

    slots: int = key(0, count(0, 4096))
    seats: int = key(0, count(0, 4096))
    sandbox: str = key("auto", choice("auto", "bwrap", "landlock", "none"))
    network: bool = key(False, flag())
    pythons: tuple[str, ...] = key((), listed(str, "a list of paths of Python interpreters"))
    users: tuple[str, ...] = key((), listed(_plain, "a list of names"))
    labels: Mapping[str, str] = key({}, table(text(), 'a table of KEY = "VALUE"'))

    def contradictions(self) -> Iterator[tuple[str, str]]:
        """Keys that do not go together, and why."""
        if self.sandbox == "none" and not self.users:
            yield "sandbox", '"none" lets programs do whatever this worker\'s user can: name in users whose programs you trust'


@dataclass(frozen=True, slots=True)
class WorkerLimits:
    """What the worker keeps on disk and in memory, what one runner may print in a second, and how long the worker takes to leave."""

    outbox_bytes: int = key(1 * _GIB, size("1M", "1T"))
    unanswered_bytes: int = key(8 * _MIB, size("1M", "1G"))
    blob_cache_bytes: int = key(2 * _GIB, size("1M", "100T"))
    output_rate_bytes: int = key(16 * _MIB, size("256k", "1T"))
    drain_seconds: float = key(60.0, duration("1ms", "7d"))


@dataclass(frozen=True, slots=True)
class WorkerCeilings:
    """How much the items of a task may take here; None: as much as it takes."""

    item_timeout_seconds: float | None = key(None, or_none(duration("1s", "3650d")))
    silence_seconds: float | None = key(None, or_none(duration("1s", "3650d")))
    memory_bytes: int | None = key(None, or_none(size("16M", "100T")))
    scratch_bytes: int | None = key(None, or_none(size("1M", "1000T")))
    processes: int | None = key(None, or_none(count(8, 1_000_000)))
    open_files: int | None = key(None, or_none(count(32, 10_000_000)))
    file_bytes: int | None = key(None, or_none(size("1M", "1000T")))
    cpu_seconds: float | None = key(None, or_none(duration("1s", "3650d")))


@dataclass(frozen=True, slots=True)
class WorkerConfig:
    """All of a worker's. ``join``: FILE, - or CODE, needed until it has joined once."""

    state: Path | None = key(None, folder())
    join: str = key("", text("the name of a file with a join code"))
    lending: Lending = section(Lending)
    limits: WorkerLimits = section(WorkerLimits)
    ceilings: WorkerCeilings = section(WorkerCeilings)


def load_server(path: Path | None, options: Mapping[str, tuple[str, Any]]) -> ServerConfig:
    """As :func:`marx.config_file.load`."""
    return load(ServerConfig, path, options)


def load_worker(path: Path | None, options: Mapping[str, tuple[str, Any]]) -> WorkerConfig:
    """As :func:`marx.config_file.load`."""
    return load(WorkerConfig, path, options)


def state_folder(configured: Path | None, program: str) -> Path:
    """Where ``program`` (marx-server, marx-worker) keeps its state: as configured, else the system's or the user's place for it."""
    if configured is not None:
        return configured.absolute()
    if os.geteuid() == 0:
        return Path("/var/lib", program)
    return platformdirs.user_state_path(program, appauthor=False)
