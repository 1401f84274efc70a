"""
What chunks of portions need beside their task's specification: the state that a program opened the portion with, and its files by then.

The server is asked once for each portion while chunks of it are here, and for the record of a program that was started before.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from typing import Any, Mapping

from marx.wire.worker import DescribePortion, DescribeRecord
from marx.worker.assignments import Chunk
from marx.worker.digests import is_digest
from marx.worker.program_orders import Record
from marx.worker.recipes import CannotRun
from marx.worker.shared import SharedJobs
from marx.worker.uplink import Uplink

#: Portions that are remembered; a program may open a hundred thousand, a few at a time.
REMEMBERED = 1000

Key = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Portion:
    """
    ``state``: digest of what its items see of their program; None for a plain one. ``files``: digest of the list of files, None for the task's
    own. ``python``: the minor version that must load it, "" for any.
    """

    state: str | None
    files: str | None
    python: str

    @classmethod
    def of(cls, described: Mapping[str, Any]) -> Portion:
        """As the server describes it. Raises :class:`CannotRun`."""
        state, files, python = (described.get(name) for name in ("state", "files", "python"))
        if not all(digest is None or is_digest(digest) for digest in (state, files)):
            raise CannotRun("what is known of the portion makes no sense")
        return cls(state, files, str(python or ""))


@dataclass(frozen=True, slots=True)
class Load:
    """What the runner of a chunk has loaded: a task's program (``portion`` None) or what items of a portion see of it."""

    task: str
    portion: Portion | None = None

    @property
    def key(self) -> Key:
        """Runners are kept by it: several portions may share one."""
        return (self.task, self.portion.state or "" if self.portion else "")

    @property
    def files(self) -> str:
        """The list that the task's folder must be brought to; "" for the task's own."""
        return self.portion.files or "" if self.portion else ""


class Portions:
    """What chunks that are here need beside their task, and what is known of portions for those that follow."""

    def __init__(self, uplink: Uplink) -> None:
        self._uplink = uplink
        self._known: OrderedDict[tuple[str, int], Portion] = OrderedDict()
        self._learning: SharedJobs[Portion] = SharedJobs()
        self._loads: dict[int, Load] = {}
        self._records: dict[int, Record] = {}

    def hold(self, chunk: Chunk) -> bool:
        """A chunk is here until :meth:`release`. Whether what it needs is known; if not, it is to be learnt."""
        if chunk.slot < 0:
            return chunk.attempt == 1
        portion = self._known.get((chunk.task, chunk.portion))
        if portion is not None:
            self._loads[chunk.fence] = Load(chunk.task, portion)
        return portion is not None or chunk.portion == 0

    def release(self, chunk: Chunk) -> None:
        """A chunk has ended."""
        self._records.pop(chunk.fence, None)
        self._loads.pop(chunk.fence, None)

    def load_of(self, chunk: Chunk) -> Load | None:
        """What the runner of a chunk must have loaded; None as long as it was not learnt."""
        return Load(chunk.task) if chunk.portion == 0 else self._loads.get(chunk.fence)

    def record(self, chunk: Chunk) -> Record:
        """What earlier attempts of this program asked for."""
        return self._records.get(chunk.fence, ())

    async def learn(self, chunk: Chunk) -> None:
        """Ask what a chunk needs. Raises WireError or :class:`CannotRun`."""
        if chunk.slot < 0:
            self._records[chunk.fence] = (await self._uplink.ask(DescribeRecord, task=chunk.task))["portions"]
            return
        key = (chunk.task, chunk.portion)
        portion = await self._learning.wait(f"{chunk.task} {chunk.portion}", lambda: self._ask(key))
        self._loads[chunk.fence] = Load(chunk.task, portion)

    def forget(self, task: str) -> None:
        """Nothing more of this task will come."""
        for key in [key for key in self._known if key[0] == task]:
            del self._known[key]

    async def _ask(self, key: tuple[str, int]) -> Portion:
        answer = await self._uplink.ask(DescribePortion, task=key[0], portion=key[1])
        found = self._known[key] = Portion.of(answer["portion"])
        if len(self._known) > REMEMBERED:
            self._known.popitem(last=False)
        return found
