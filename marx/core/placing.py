"""Which worker can run what, and if not, why not. Capability only: whether it is free is another matter."""

from __future__ import annotations

from typing import NamedTuple

from marx.core.model import Interpreter, TaskTerms, WorkerOffer

SANDBOX_LEVELS = ("none", "landlock", "bwrap")
"""From the weakest to the strongest; a level that is not named here only satisfies itself."""


class Demand(NamedTuple):
    """All that a task asks of a worker; tasks with equal demands can run on the same workers.

    minor: the version that its program turned out to run under ("3.11"): whatever it sends must be read by the same.
    """

    user: str
    python: str
    labels: frozenset[tuple[str, str]]
    workers: frozenset[str]
    sandbox: str | None
    minor: str = ""
    network: bool = False
    memory: int | None = None

    @classmethod
    def of(cls, terms: TaskTerms) -> Demand:
        """What these terms demand."""
        return cls(terms.user, terms.python, terms.labels, terms.workers, terms.sandbox, network=terms.network, memory=terms.memory)


def objection(demand: Demand, offer: WorkerOffer) -> str | None:
    """Why this worker can never run such a task, to follow its name in a sentence; None if it can."""
    if offer.users is not None and demand.user not in offer.users:
        return f"does not work for {demand.user}"
    if demand.workers and offer.name not in demand.workers:
        return "is not among the workers that the task names"
    if not any(satisfies(demand.python, found) and satisfies(demand.minor, found) for found in offer.interpreters):
        return f"has no Python {demand.minor or demand.python}".rstrip()
    missing = demand.labels - offer.labels
    if missing:
        return "lacks " + ", ".join(f"{key}={value}" for key, value in sorted(missing))
    if demand.sandbox is not None and not _strong_enough(demand.sandbox, offer.sandbox):
        return f"offers the sandbox {offer.sandbox}, not {demand.sandbox}"
    if demand.network and not offer.network:
        return "does not let programs use the network"
    if demand.memory is not None and offer.memory is not None and demand.memory > offer.memory:
        return f"lends {_gigabytes(offer.memory)} of memory, not {_gigabytes(demand.memory)}"
    return None


def satisfies(wanted: str, found: Interpreter) -> bool:
    """Whether an interpreter is what ``TaskTerms.python`` asks for."""
    if wanted.startswith("/"):
        return wanted == found.path or wanted in found.names
    parts = [part for part in wanted.split(".") if part not in ("", "x")]
    return found.version.split(".")[: len(parts)] == parts


def _gigabytes(size: int) -> str:
    return f"{size / (1 << 30):.3g} GB"


def _strong_enough(wanted: str, offered: str) -> bool:
    if wanted in SANDBOX_LEVELS and offered in SANDBOX_LEVELS:
        return SANDBOX_LEVELS.index(offered) >= SANDBOX_LEVELS.index(wanted)
    return wanted == offered
