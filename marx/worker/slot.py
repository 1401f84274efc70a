"""
One slot: room on this machine for one chunk at a time, the chunks that were granted to it, and the runners that it started.

Grants run in their order. The slot keeps one runner for each program, or state of one, that it works on; a few that are idle stay, since
loading is what takes long, and the one idle for longest is told to quit. A runner that dies takes the chunk at work with it; those behind
it go to a new one. A seat is a slot with a negative number, whose chunks are main programs, each with a runner of its own.
"""

from __future__ import annotations

from collections import OrderedDict, deque
from typing import Callable, Iterable, Protocol

from twisted.internet.defer import Deferred, succeed
from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger

from marx.worker.assignments import Chunk
from marx.worker.conversation import Gone
from marx.worker.deaths import death_of_runner, failure_to_load
from marx.worker.portions import Key, Load
from marx.worker.recipes import CannotRun
from marx.worker.revoking import Revocations
from marx.worker.runners import SlotRunner, Tools
from marx.worker.seat import SeatRunner

log = Logger()

#: Runners without work that a slot keeps.
IDLE_KEPT = 2

BROKEN = CannotRun("an earlier runner of this slot does not die")
STOPPING = "the worker is stopping"


class SlotOwner(Protocol):
    """What a slot tells the worker."""

    def is_ready(self, chunk: Chunk) -> bool:
        """Whether all of a chunk's items are on this machine; if not, :meth:`Slot.advance` is called when they are."""

    def load_of(self, chunk: Chunk) -> Load | None:
        """What the runner of a chunk must have loaded; None if that is not known yet, as with :meth:`is_ready`."""

    def chunk_over(self, chunk: Chunk) -> None:
        """This chunk is not the slot's any more; its end was reported, unless its task was forgotten."""

    def task_left(self, task: str, slot: int) -> None:
        """A forgotten task has nothing left on this slot but files."""

    def runner_left(self) -> None:
        """A runner of the slot is gone, or does not die."""


class Slot:
    """``number``: from 0; a seat's from -1 down. Calls to ``owner`` may come from within any method that is called here."""

    def __init__(self, number: int, clock: IReactorTime, owner: SlotOwner, tools: Tools) -> None:
        self.number = number
        self.is_broken = False
        self._owner = owner
        self._tools = tools
        self._queue: deque[Chunk] = deque()
        self._runners: OrderedDict[Key, SlotRunner] = OrderedDict()
        self._standing: dict[str, tuple[SlotRunner, str]] = {}
        self._leaving: list[SlotRunner] = []
        self._active: SlotRunner | None = None
        self._revocations = Revocations(clock)
        self._waiting_gone: dict[SlotRunner, Deferred[int]] = {}
        self._forgetting: set[str] = set()
        self._paused = False

    # What the server asks for

    def grant(self, chunk: Chunk) -> None:
        """Run this after what was granted before."""
        if self.is_broken:
            self.refuse(chunk, BROKEN)
            return
        self._queue.append(chunk)
        self.advance()

    def revoke(self, fences: Iterable[int], gently: bool) -> list[Deferred[int]]:
        """Stop those of these that are here (``gently``: and have not begun); each fires with the processes that it ended."""
        revoked = set(fences)
        queued = [chunk for chunk in self._queue if chunk.fence in revoked]
        runner = self._active
        given = [chunk for chunk in runner.given.values() if chunk.fence in revoked] if runner else []
        waited = [self._revoke_given(runner, chunk) for chunk in given if runner and not (gently and runner.has_begun(chunk.fence))]
        for chunk in queued:
            self._queue.remove(chunk)
            self._end(chunk, "cancelled", "")
        waited += [self._drop_if_unwanted(task) for task in {chunk.task for chunk in queued}]
        if queued:
            self.advance()
        return waited

    def shorten(self, fence: int, stop: int) -> None:
        """Give back what the chunk at work has not begun from that item on, if it is here."""
        if self._active is not None and fence in self._active.given and fence not in self._revocations:
            self._active.shorten(fence, stop)

    def forget(self, task: str) -> None:
        """Nothing more of this task will come: its chunks and its runner go; the owner hears when they are gone."""
        self._forgetting.add(task)
        for chunk in self._taken_from_queue(lambda chunk: chunk.task == task):
            self._over(chunk)
        for runner in self._of_task(task):
            self._dismiss(runner, runner.quit if runner.is_idle else runner.kill)
        self._tell_if_left(task)

    def distrust(self, task: str) -> None:
        """Something that items of this task did here does not count: later ones must not find it."""
        self._standing.pop(task, None)

    def drop_pack(self, task: str, portion: int, first: int) -> None:
        """The server counts on this pack no more."""
        for runner in self._of_task(task):
            runner.drop_pack(portion, first)

    # What the worker asks for

    @property
    def state(self) -> str:
        """idle, starting, busy, stopping or broken."""
        if self.is_broken:
            return "broken"
        if any(runner.given for runner in self.runners):
            return "busy"
        if any(runner.state in ("starting", "bringing") for runner in self._runners.values()):
            return "starting"
        return "stopping" if self._leaving else "idle"

    @property
    def tasks(self) -> list[str]:
        """Those whose chunks wait or run here, what runs first."""
        given = [chunk.task for runner in self.runners for chunk in runner.given.values()]
        return list(dict.fromkeys([*given, *(chunk.task for chunk in self._queue)]))

    @property
    def runners(self) -> list[SlotRunner]:
        """All whose process may still be there."""
        return [*self._runners.values(), *self._leaving]

    def pause(self) -> None:
        """Take nothing from runners until :meth:`resume`."""
        self._paused = True
        for runner in self.runners:
            runner.pause()

    def resume(self) -> None:
        """Go on."""
        self._paused = False
        for runner in self.runners:
            runner.resume()

    def stop(self) -> None:
        """The worker stops: end all runners; what had not succeeded is reported as cancelled."""
        for chunk in list(self._queue):
            self._queue.remove(chunk)
            self._end(chunk, "cancelled", STOPPING)
        for runner in list(self._runners.values()):
            for fence in runner.given:
                self._revocations.mark(fence)
            self._dismiss(runner, runner.quit if runner.is_idle else runner.kill)

    def refuse(self, chunk: Chunk, why: CannotRun) -> None:
        """Report that a chunk cannot be run here."""
        if chunk in self._queue:
            self._queue.remove(chunk)
        self._end(chunk, "refused", str(why), why.fatal)

    # What runners tell

    def runner_moved(self, runner: SlotRunner) -> None:
        if runner.is_spent and self._runners.get(runner.load.key) is runner:
            self._dismiss(runner, runner.quit)
        self.advance()

    def brought(self, runner: SlotRunner, load: Load) -> None:
        self._standing[runner.task] = (runner, load.files)
        self.advance()

    def not_brought(self, runner: SlotRunner, load: Load, why: CannotRun) -> None:
        for chunk in self._taken_from_queue(lambda chunk: self._owner.load_of(chunk) == load):
            self.refuse(chunk, why)
        self.advance()

    def chunk_over(self, chunk: Chunk) -> None:
        self._revocations.over(chunk.fence)
        self._over(chunk)

    def not_started(self, runner: SlotRunner, why: CannotRun) -> None:
        if self._remove(runner):
            self._refuse_all(runner.load.key, why)
        self._settle(runner, processes=0)

    def runner_gone(self, runner: SlotRunner, gone: Gone) -> None:
        was_wanted = self._remove(runner)
        if runner.failure is not None:
            self._refuse_all(runner.load.key, CannotRun(str(runner.failure), fatal=runner.failure.what != "python"))
        elif was_wanted and not runner.was_ready:
            self._refuse_all(runner.load.key, CannotRun(failure_to_load(gone)))
        if gone.at_work is not None:
            self._end_at_work(runner, gone.at_work, gone)
        for chunk in reversed(gone.waiting):
            self._take_back(runner, chunk)
        self._settle(runner, processes=1)

    def runner_stuck(self, runner: SlotRunner) -> None:
        log.error("slot {number} is broken: a runner of task {task} does not die", number=self.number, task=runner.task)
        self.is_broken = True
        for chunk in list(self._queue):
            self.refuse(chunk, BROKEN)
        self._owner.runner_left()

    # Who runs what

    def advance(self) -> None:
        """Give the next chunks to the runner that they need, as far as it has room; start it if there is none."""
        while self._queue and not self.is_broken:
            chunk = self._queue[0]
            load = self._owner.load_of(chunk)
            if load is None or (self._active is not None and self._active.given and self._active.load.key != load.key):
                return
            runner = self._runners.get(load.key)
            if runner is None:
                self._start(load)
                return
            if not runner.has_room or not self._owner.is_ready(chunk) or not self._has_files(runner, load):
                return
            self._queue.popleft()
            self._active = runner
            self._runners.move_to_end(load.key)
            runner.give(chunk)

    def _has_files(self, runner: SlotRunner, load: Load) -> bool:
        """Whether the files are those of a portion, as this runner saw them last; if not they are brought, once it has nothing to do."""
        if load.portion is None or self._standing.get(load.task) == (runner, load.files):
            return True
        if runner.is_idle:
            self._standing.pop(load.task, None)
            runner.bring(load)
        return False

    def _start(self, load: Load) -> None:
        if any(runner.task == load.task for runner in self._leaving):
            return  # its processes may still write to the task's folder; its end calls again
        idle = [runner for runner in self._runners.values() if runner.is_idle]
        for surplus in idle[: max(0, len(idle) - IDLE_KEPT)]:
            self._dismiss(surplus, surplus.quit)
        kind = SeatRunner if self.number < 0 else SlotRunner
        runner = self._runners[load.key] = kind(load, self.number, self, self._tools)
        if self._paused:
            runner.pause()
        runner.start()

    def _dismiss(self, runner: SlotRunner, how: Callable[[], None]) -> None:
        """Let a runner go, so that the next chunk of its task gets a new one."""
        if self._runners.get(runner.load.key) is runner:
            del self._runners[runner.load.key]
            self._leaving.append(runner)
        how()

    def _remove(self, runner: SlotRunner) -> bool:
        """Whether it was still wanted."""
        if self._active is runner:
            self._active = None
        if self._standing.get(runner.task, (None,))[0] is runner:
            del self._standing[runner.task]
        if self._runners.get(runner.load.key) is runner:
            del self._runners[runner.load.key]
            return True
        self._leaving.remove(runner)
        return False

    def _settle(self, runner: SlotRunner, processes: int) -> None:
        """A runner is gone: what waited for that may happen now."""
        self.is_broken = self.is_broken and bool(self._leaving)
        waited = self._waiting_gone.pop(runner, None)
        if waited is not None:
            waited.callback(processes)
        self._tell_if_left(runner.task)
        self._owner.runner_left()
        self.advance()

    def _tell_if_left(self, task: str) -> None:
        if task in self._forgetting and all(runner.task != task for runner in self.runners):
            self._forgetting.discard(task)
            self._owner.task_left(task, self.number)

    # Ends that no runner reports

    def _end_at_work(self, runner: SlotRunner, chunk: Chunk, gone: Gone) -> None:
        if chunk.fence in self._revocations or chunk.task in self._forgetting:
            runner.finish(chunk, "cancelled", None, "")
            return
        # Which item was at work went with the runner; with one left there is no doubt.
        item = chunk.stop - 1 if gone.unreported == 1 else None
        runner.finish(chunk, "died", item, death_of_runner(gone), cause=gone.cause)

    def _take_back(self, runner: SlotRunner, chunk: Chunk) -> None:
        if chunk.fence in self._revocations or chunk.task in self._forgetting:
            runner.finish(chunk, "cancelled", None, "")
        else:
            del runner.given[chunk.fence]
            self._queue.appendleft(chunk)

    def _refuse_all(self, key: Key, why: CannotRun) -> None:
        for chunk in self._taken_from_queue(lambda chunk: self._needs(chunk, key)):
            self.refuse(chunk, why)

    def _needs(self, chunk: Chunk, key: Key) -> bool:
        load = self._owner.load_of(chunk)
        return load is not None and load.key == key

    def _taken_from_queue(self, is_meant: Callable[[Chunk], bool]) -> list[Chunk]:
        taken = [chunk for chunk in self._queue if is_meant(chunk)]
        self._queue = deque(chunk for chunk in self._queue if chunk not in taken)
        return taken

    def _of_task(self, task: str) -> list[SlotRunner]:
        return [runner for runner in self._runners.values() if runner.task == task]

    def _end(self, chunk: Chunk, outcome: str, reason: str, fatal: bool = False) -> None:
        self._tools.reporter.ended(chunk, outcome, None, reason, fatal=fatal)
        self._over(chunk)

    def _over(self, chunk: Chunk) -> None:
        self._owner.chunk_over(chunk)

    # Revoking

    def _revoke_given(self, runner: SlotRunner, chunk: Chunk) -> Deferred[int]:
        self.distrust(chunk.task)
        is_new = chunk.fence not in self._revocations
        waited = self._revocations.revoke(chunk.fence, int(runner.has_begun(chunk.fence)), runner.kill)
        if is_new:
            runner.cancel(chunk.fence)
        return waited

    def _drop_if_unwanted(self, task: str) -> Deferred[int]:
        """A runner that still loads what nothing is to be run of any more counts as the task's process."""
        for runner in self._of_task(task):
            if not runner.was_ready and not any(self._needs(chunk, runner.load.key) for chunk in self._queue):
                waited = self._waiting_gone[runner] = Deferred()
                self._dismiss(runner, runner.kill)
                return waited
        return succeed(0)
