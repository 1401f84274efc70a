"""
The slot's side of one runner: for what it has loaded on one slot, from the wish for it until its process is gone.

It sends the packs that a chunk needs before the chunk, tells the reporter what the runner says, and the slot when there is room for more.
"""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass, replace
from typing import Callable, Iterator, Protocol, Sequence

from twisted.internet.defer import CancelledError, Deferred, ensureDeferred
from twisted.logger import Logger

from marx.wire.packs import Segment
from marx.worker import messages
from marx.worker.assignments import Chunk
from marx.worker.cache import BlobCache
from marx.worker.conversation import Gone
from marx.worker.deaths import death_of_chunk, evidence_of, printed_outside, too_much_to_load
from marx.worker.items import Items
from marx.worker.last_words import LastWords
from marx.worker.orders import LOOK_FRAME
from marx.worker.portions import Load, Portions
from marx.worker.process import RunnerProcess
from marx.worker.program_messages import Asked
from marx.worker.programs import Programs
from marx.worker.recipes import CannotRun
from marx.worker.reporting import Reporter
from marx.worker.scales import Closer, Scales
from marx.worker.standing import Standing
from marx.worker.starting import Started, Starter
from marx.worker.tasks import KnownTask

log = Logger()

#: Why a runner is killed that was told to end a chunk and has not.
STUCK = "it did not end a chunk that had used up what it may"

#: Chunks that a runner has at most: one at work, and two so that it never waits for this process to be scheduled.
GIVEN = 3


@dataclass(frozen=True, slots=True)
class Tools:
    """What all slots of a worker share. ``draw``: 16 random hexadecimal digits, new each time."""

    starter: Starter
    items: Items
    cache: BlobCache
    reporter: Reporter
    portions: Portions
    programs: Programs
    draw: Callable[[], str]


class RunnerOwner(Protocol):
    """A slot, as far as its runners need it."""

    def runner_moved(self, runner: SlotRunner) -> None:
        """It is ready, or has room for another chunk."""

    def brought(self, runner: SlotRunner, load: Load) -> None:
        """The folder that its task has on this slot holds the files of ``load``."""

    def not_brought(self, runner: SlotRunner, load: Load, why: CannotRun) -> None:
        """It could not be brought to those."""

    def chunk_over(self, chunk: Chunk) -> None:
        """Nothing more will come of this chunk; its end is reported."""

    def not_started(self, runner: SlotRunner, why: CannotRun) -> None:
        """There will be no such runner."""

    def runner_gone(self, runner: SlotRunner, gone: Gone) -> None:
        """Its process is gone; the slot decides what becomes of the chunks that it had."""

    def runner_stuck(self, runner: SlotRunner) -> None:
        """Its process does not die."""


class SlotRunner:
    """
    A runner of ``load`` on slot number ``slot``. ``state``: starting, ready, bringing (its files), stopping or gone.

    Is what :class:`~marx.worker.process.RunnerProcess` tells everything.
    """

    def __init__(self, load: Load, slot: int, owner: RunnerOwner, tools: Tools) -> None:
        self.load = load
        self.task = load.task
        self.slot = slot
        self.state = "starting"
        self.given: dict[int, Chunk] = {}
        self.failure: messages.LoadFailed | None = None
        self.was_ready = False
        self._owner = owner
        self._tools = tools
        self._begun: set[int] = set()
        self._fed: dict[tuple[int, int], ExitStack] = {}
        self._paused = False
        self._process: RunnerProcess | None = None
        self._known: KnownTask | None = None
        self._standing: Standing | None = None
        self._starting: Deferred[None] | None = None
        self._scales = Scales()
        self._must_go = False
        self._last_words = LastWords()
        self._notes: list[str] = []
        self._holding_state = ExitStack()
        if load.portion is not None and load.portion.state is not None:
            self._holding_state.enter_context(tools.cache.holding(load.portion.state))

    # What the slot asks for

    def start(self) -> None:
        """Begin; the owner hears of it when it is ready, or when it could not be started."""
        starting = ensureDeferred(self._start())
        if self.state == "starting" and self._process is None:
            self._starting = starting
        starting.addErrback(lambda failure: log.failure("starting a runner failed", failure))

    @property
    def has_room(self) -> bool:
        """Whether it can be given a chunk."""
        return self.state == "ready" and len(self.given) < GIVEN and not self._must_go

    @property
    def is_idle(self) -> bool:
        """Whether it is ready and has nothing to do."""
        return self.state == "ready" and not self.given

    @property
    def is_spent(self) -> bool:
        """Whether it must not be given anything any more, and has nothing."""
        return self._must_go and not self.given

    def has_begun(self, fence: int) -> bool:
        """Whether this chunk of its is at work."""
        return fence in self._begun

    def bring(self, load: Load) -> None:
        """Before a chunk of another portion, while it has nothing to do: let its files be that portion's; the owner hears when they are."""
        self.state = "bringing"
        ensureDeferred(self._bring(load)).addErrback(lambda failure: log.failure("bringing files failed", failure))

    def give(self, chunk: Chunk) -> None:
        """Let it run a chunk whose items are here, behind those that it has."""
        assert self._process is not None
        self._feed(chunk)
        self.given[chunk.fence] = chunk
        self._process.run_chunk(chunk, self._tools.draw(), self._tools.draw())
        for text in self._notes:
            self._tools.reporter.note(chunk, text)
        self._notes.clear()

    def cancel(self, fence: int) -> None:
        """Stop one of its chunks; its end follows."""
        if self._process is not None:
            self._process.cancel(fence)

    def shorten(self, fence: int, stop: int) -> None:
        """Have it give back what it has not begun of the chunk at work from that item on; one that waits is cancelled or stays whole."""
        if self._process is not None and self.has_begun(fence):
            self._process.shorten(fence, stop)

    def drop_pack(self, portion: int, first: int) -> None:
        """The server counts on this pack no more."""
        holding = self._fed.pop((portion, first), None)
        if holding is not None:
            holding.close()
            if self._process is not None:
                self._process.drop_pack(portion, first)

    def quit(self) -> None:
        """Let it go, politely."""
        self._stop(lambda process: process.quit())

    def kill(self, fault: str = "") -> None:
        """End it."""
        self._stop(lambda process: process.kill(fault))

    def pause(self) -> None:
        """Take nothing from it for the time being."""
        self._paused = True
        if self._process is not None:
            self._process.pause()

    def resume(self) -> None:
        """Take from it again."""
        self._paused = False
        if self._process is not None:
            self._process.resume()

    def look(self, now: float) -> Closer | None:
        """Whether what is at work keeps to its bounds; to be called twice a second. What must look closer, if anything."""
        at_work = next((chunk for chunk in self.given.values() if chunk.fence in self._begun), None)
        if self._process is None or (at_work is None and self.was_ready):
            return None
        cause, closer = self._scales.look(self._process, at_work.fence if at_work else None, self._paused, now)
        if cause:
            self._end_for(at_work, cause)
        return closer

    def _end_for(self, chunk: Chunk | None, cause: str) -> None:
        """A chunk has passed a bound: its runner is to end it, or ends with it; without one, what is loaded has."""
        assert self._process is not None
        if chunk is None:
            self.kill(too_much_to_load(self._scales.used_bytes, self._scales.bounds))
        elif cause == "stuck":
            self.kill(STUCK)
        else:
            if cause == "scratch":
                self._leave_behind(chunk)
            self._process.cancel(chunk.fence, cause, at_once=cause in ("memory", "scratch"))

    def _leave_behind(self, full: Chunk) -> None:
        """A chunk has filled the folder or the memory: those behind it get a new runner, for which both are made afresh."""
        assert self._process is not None
        self._must_go = True
        for chunk in self.given.values():
            if chunk is not full:
                self._process.cancel(chunk.fence)

    # Its start

    async def _start(self) -> None:
        try:
            started = await self._tools.starter.start(self.load, self.slot, self)
        except CannotRun as why:
            self._never(why)
        except CancelledError:
            self._never(CannotRun("its start was cancelled"))
        except Exception:
            log.failure("a runner of task {task} could not be started", task=self.task)
            self._never(CannotRun("a fault of the worker, whose log says why"))
        else:
            self._started(started)

    def _started(self, started: Started) -> None:
        self._starting = None
        if self.state == "gone":
            return  # it could not be spawned, and has said so already
        self._process, self._known, self._standing = started.process, started.known, started.standing
        self._scales = Scales(started.bounds, started.folder, started.group)
        if self._paused:
            self._process.pause()
        self._owner.brought(self, self.load)

    def _never(self, why: CannotRun) -> None:
        self._starting, self.state = None, "gone"
        self._holding_state.close()
        self._owner.not_started(self, why)

    async def _bring(self, load: Load) -> None:
        why: CannotRun | None = None
        try:
            self._standing = await self._tools.starter.bring(load, self.slot)
        except CannotRun as error:
            why = error
        except Exception:
            log.failure("files of task {task} could not be brought", task=self.task)
            why = CannotRun("a fault of the worker, whose log says why")
        if self.state != "bringing" or self._process is None:
            return  # it was told to end meanwhile
        self.state = "ready"
        self._process.tell(LOOK_FRAME)
        if why is None:
            self._owner.brought(self, load)
        else:
            self._owner.not_brought(self, load, why)

    def _stop(self, how: Callable[[RunnerProcess], None]) -> None:
        if self._starting is not None:
            self._starting.cancel()
        elif self._process is not None and self.state != "gone":
            self.state = "stopping"
            how(self._process)

    def _feed(self, chunk: Chunk) -> None:
        assert self._process is not None
        for pack in self._tools.items.needed(chunk):
            key = (chunk.portion, pack.first)
            if key in self._fed:
                continue
            holding = self._fed[key] = ExitStack()
            path = None
            if pack.blob is not None:
                holding.enter_context(self._tools.cache.holding(pack.blob))
                path = self._tools.cache.path(pack.blob)
            self._process.keep_pack(chunk.portion, pack, path)

    # What the process tells

    def loaded(self, loaded: messages.Loaded) -> None:
        self.state = "ready"
        self.was_ready = True
        self._notes += _unlike_plain(loaded, self._tools.starter.shows_own_paths)
        self._owner.runner_moved(self)

    def load_failed(self, failed: messages.LoadFailed) -> None:
        self.failure = failed
        self.state = "stopping"

    def noted(self, text: str) -> None:
        for chunk in self.given.values():
            self._tools.reporter.note(chunk, text)
            return
        self._notes.append(text)

    def begun(self, chunk: Chunk) -> None:
        self._begun.add(chunk.fence)

    def results(self, chunk: Chunk, results: messages.Results) -> None:
        self._scales.guard.reported()
        self._tools.reporter.results(chunk, results)

    def given_back(self, chunk: Chunk) -> None:
        self._tools.reporter.given_back(chunk)

    def value_part(self, chunk: Chunk, part: messages.ValuePart) -> None:
        self._spool(lambda: self._tools.reporter.value_part(chunk, part))

    def artifact_part(self, chunk: Chunk, part: messages.ArtifactPart) -> None:
        self._spool(lambda: self._tools.reporter.artifact_part(chunk, part, self._standing))

    def asked(self, chunk: Chunk, asked: Asked) -> None:
        """Only who keeps a main program is asked anything; see :class:`~marx.worker.seat.SeatRunner`."""

    def output(self, chunk: Chunk, segments: Sequence[Segment]) -> None:
        self._last_words.hear(chunk.fence, segments)
        self._tools.reporter.output(chunk, segments)

    def ended(self, chunk: Chunk, ended: messages.Ended) -> None:
        if self._scales.was_overfull():
            ended = self._blamed(chunk, ended)
        reason = death_of_chunk(ended, self._scales.bounds, self._scales.used_bytes) if ended.outcome == "died" else ""
        if self._process is not None and (stray := self._process.take_stray()):
            self._tools.reporter.note(chunk, printed_outside(stray))
        self.finish(chunk, ended.outcome, ended.item, reason, ended)
        self._owner.runner_moved(self)

    def _blamed(self, chunk: Chunk, ended: messages.Ended) -> messages.Ended:
        """The end of a chunk that had somebody killed who wanted too much memory; if it can go on without, it may."""
        if ended.outcome == "died":
            # Files in memory that it has left would be in the way of those behind it.
            self._leave_behind(chunk)
            ended = replace(ended, cause=ended.cause or "memory")
        return ended

    def gone(self, gone: Gone) -> None:
        gone = self._scales.explained(gone, self.was_ready)
        self.state = "gone"
        for holding in self._fed.values():
            holding.close()
        self._fed.clear()
        self._holding_state.close()
        self._owner.runner_gone(self, gone)

    def stuck(self) -> None:
        where = "seat" if self.slot < 0 else "slot"
        for chunk in list(self.given.values())[:1]:
            self._tools.reporter.note(chunk, f"a process of this task does not die, though it was killed; until it is gone its {where} is broken")
        self._owner.runner_stuck(self)

    def finish(self, chunk: Chunk, outcome: str, item: int | None, reason: str, said: messages.Ended | None = None, cause: str = "") -> None:
        """Report the end of one of its chunks; see :meth:`Reporter.ended`."""
        del self.given[chunk.fence]
        self._begun.discard(chunk.fence)
        last_lines = self._last_words.of(chunk.fence, item)
        self._last_words.forget(chunk.fence)
        evidence = evidence_of(said, last_lines) if outcome == "died" else ""
        self._tools.reporter.ended(chunk, outcome, item, reason, said, evidence=evidence, cause=cause)
        self._owner.chunk_over(chunk)

    def _spool(self, write: Callable[[], None]) -> None:
        try:
            write()
        except OSError as error:
            log.error("what a runner made cannot be kept: {error}", error=error)
            self.kill(f"the worker's disk does not take what it made: {error}")


def _unlike_plain(loaded: messages.Loaded, shows_own_paths: bool) -> Iterator[str]:
    """What the task's user should know of how its chunks are run."""
    if not loaded.fork:
        yield f"each chunk gets a fresh interpreter: {loaded.why}"
    if not shows_own_paths:
        yield "at this worker's sandbox level the program finds its files in a folder of the worker's, not at their own paths"
