"""
What this worker offers to its server.
"""

from __future__ import annotations

import os
import platform
import socket
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Mapping, Sequence

import psutil

from marx.worker.interpreters import Interpreter


@dataclass(frozen=True, slots=True)
class Offer:
    """
    ``users``: whose tasks may run here; None: everybody's. ``sandbox``: the level in force. ``network``: whether programs that ask for it may
    use the network. ``machine``: facts for people. ``memory``: bytes that each slot or seat may have.
    """

    slots: int
    sandbox: str
    interpreters: Sequence[Interpreter]
    seats: int = 0
    labels: Mapping[str, str] = field(default_factory=dict)
    users: tuple[str, ...] | None = None
    machine: Mapping[str, Any] = field(default_factory=dict)
    paused: bool = False
    draining: bool = False
    network: bool = False
    memory: int | None = None

    def to_json(self) -> dict[str, Any]:
        """As ``OfferSlots`` says it."""
        return {
            "slots": self.slots,
            "seats": self.seats,
            "interpreters": [{"version": one.version_text, "path": one.path, "names": list(one.names)} for one in self.interpreters],
            "labels": dict(self.labels),
            "sandbox": self.sandbox,
            "network": self.network,
            "memory": self.memory,
            "users": None if self.users is None else list(self.users),
            "paused": self.paused,
            "draining": self.draining,
            "machine": dict(self.machine),
        }


def own_slots() -> int:
    """One for each core that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def own_seats(slots: int) -> int:
    """As many as slots, since a main program mostly waits for its chunks, and two at least: one that waits must not keep out the next."""
    return max(2, slots)


def own_memory() -> int:
    """All of this machine's, or what its control group leaves to it: bytes."""
    limits = (Path("/sys/fs/cgroup/memory.max"), Path("/sys/fs/cgroup/memory/memory.limit_in_bytes"))
    texts = [limit.read_text().strip() for limit in limits if limit.is_file()]
    return min([psutil.virtual_memory().total, *(int(text) for text in texts if text.isdigit())])


def describe_machine() -> dict[str, Any]:
    """What people want to know of this machine: name, kind, processor, cores, bytes of memory."""
    return {
        "host": socket.gethostname(),
        "system": f"{platform.system()} {platform.machine()}",
        "processor": _processor(),
        "cores": own_slots(),
        "memory": psutil.virtual_memory().total,
    }


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor()
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), platform.processor())
