"""
The main programs that run on this worker's seats: what each asks for on its way to the server, and what the server has for it.

A program is here from when it has begun until its attempt ends. The server names it by the fence of its lease.
"""

from __future__ import annotations

from typing import Any, Callable, Mapping, Protocol

from twisted.internet.defer import CancelledError, Deferred
from twisted.logger import Logger
from twisted.python.failure import Failure

from marx.wire.calls import GuardedLink, NotFound
from marx.wire.reports import ArtifactReport, ItemsReport, PortionReport
from marx.wire.worker import WatchReturns
from marx.worker.assignments import Chunk
from marx.worker.cache import BlobCache
from marx.worker.feed import Course
from marx.worker.filestate import FileState
from marx.worker.portion_reporting import PortionReporter
from marx.worker.program_input import ProgramInput, TakesInput
from marx.worker.program_messages import Asked, Placed
from marx.worker.program_orders import Given, signal_frame
from marx.worker.reporting import Reporter, Sender
from marx.worker.returns import Returns
from marx.worker.spool import SpoolFolder
from marx.worker.tasks import KnownTask
from marx.worker.uplink import Uplink

log = Logger()

#: The largest number of a signal.
LAST_SIGNAL = 64


class Keeper(TakesInput, Protocol):
    """The process that keeps a program."""

    def tell(self, course: Course) -> None:
        """Send it frames."""


class MainProgram:
    """One attempt of a main program."""

    def __init__(self, chunk: Chunk, keeper: Keeper, portions: PortionReporter, returns: Returns, input: ProgramInput) -> None:
        self.chunk = chunk
        self.returns = returns
        self._keeper = keeper
        self._portions = portions
        self._input = input

    def begin(self, link: GuardedLink | None) -> None:
        """It has begun."""
        self.watch(link)
        self._input.begin()

    def watch(self, link: GuardedLink | None) -> None:
        """Ask to be brought what comes behind the last that came; without a link that is done when there is one."""
        if link is None:
            return
        rows = {"result_row": self.returns.result_row, "file_row": self.returns.file_row}
        watching = link.ask(WatchReturns, task=self.chunk.task, fence=self.chunk.fence, **rows)
        watching.addErrback(self._not_watched)

    def hear(self, asked: Asked) -> None:
        """It opens a portion, sends what it needs, or gives it up; or its keeper has placed a file. Raises OSError where the disk is full."""
        if isinstance(asked, Placed):
            self.returns.placed(asked.row, asked.stands)
        else:
            self._portions.hear(asked)

    def changed(self, report: ArtifactReport) -> None:
        """It changed a file."""
        self._portions.changed(report)

    def keep(self, portion: int, why: str) -> None:
        """What a portion needs cannot be sent: it must serve the items itself, and they are not reported."""
        self._portions.refuse(portion)
        self.returns.refuse(portion, why)

    def signal(self, number: int) -> None:
        """Send its processes a signal."""
        self._keeper.tell(signal_frame(number))

    def stop(self) -> None:
        """It has ended."""
        self._input.stop()
        self.returns.stop()
        self._portions.stop()

    def _not_watched(self, failure: Failure) -> None:
        if not failure.check(CancelledError):
            log.info("a program is brought nothing for now: {why}", why=failure.getErrorMessage())


class Programs:
    """All of this worker's, by the fence of their lease."""

    def __init__(self, uplink: Uplink, cache: BlobCache, reporter: Reporter, sender: Sender, spools: SpoolFolder) -> None:
        self._uplink = uplink
        self._cache = cache
        self._reporter = reporter
        self._sender = sender
        self._spools = spools
        self._running: dict[int, MainProgram] = {}

    # What a seat tells

    def begin(self, chunk: Chunk, known: KnownTask, keeper: Keeper, fail: Callable[[str], None]) -> MainProgram:
        """A program has begun. ``fail``: called with a sentence when it cannot go on for what could not be brought here."""
        files, recipe = FileState(known.files), known.recipe
        portions = PortionReporter(chunk, self._reporter, self._sender, self._spools, files)
        returns = Returns(recipe.task, len(recipe.roots), self._cache, keeper.tell, files, fail)
        source = ProgramInput(recipe.task, recipe.input, keeper, self._uplink, self._cache, fail)
        program = self._running[chunk.fence] = MainProgram(chunk, keeper, portions, returns, source)
        program.begin(self._uplink.link)
        return program

    def end(self, chunk: Chunk) -> None:
        """Its attempt is over, if it had begun."""
        program = self._running.pop(chunk.fence, None)
        if program is not None:
            program.stop()

    # What the worker tells

    def connected(self, link: GuardedLink) -> None:
        """The server knows of the leases that are held here: each program is to be brought what it has missed."""
        for program in self._running.values():
            program.watch(link)

    def unsent(self, report: PortionReport | ItemsReport, why: str) -> None:
        """The server will never take what a portion needs."""
        if report.fence in self._running:
            self._running[report.fence].keep(report.portion, f"what its items need could not be sent: {why}")

    # What the server asks for

    def carry_change(self, fence: int, row: int, change: Mapping[str, Any]) -> Deferred[None]:
        """A file that an item made; fires when the program was sent it."""
        return self._of(fence).returns.carry_change(row, change)

    def carry_returns(self, fence: int, row: int, given: Given, pack_first: int, payload: bytes, blob: str | None) -> Deferred[None]:
        """Results; fires when the program was sent them."""
        return self._of(fence).returns.carry_returns(row, given, pack_first, payload, blob)

    def refuse_portion(self, fence: int, portion: int, reason: str) -> None:
        """No worker can load what this portion's items need."""
        if fence in self._running:
            self._running[fence].returns.refuse(portion, reason)

    def signal(self, fence: int, number: int) -> bool:
        """Whether the program runs and was sent the signal."""
        if fence not in self._running or not 0 < number <= LAST_SIGNAL:
            return False
        self._running[fence].signal(number)
        return True

    def _of(self, fence: int) -> MainProgram:
        program = self._running.get(fence)
        if program is None:
            raise NotFound(f"no program runs here under lease {fence}")
        return program
