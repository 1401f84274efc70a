"""
One slot: room on this machine for one chunk at a time, the chunks that were granted to it, and the runners that it started.

Grants run in their order. The slot keeps one runner for each task that it works on; a few that are idle stay, since loading a program is
what takes long, and the one idle for longest is told to quit. A runner that dies takes the chunk at work with it; those behind it go to a
new one.
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
from marx.worker.recipes import CannotRun
from marx.worker.revoking import Revocations
from marx.worker.runners import SlotRunner, Tools

log = Logger()

#: Runners without work that a slot keeps.
IDLE_KEPT = 2

BROKEN = CannotRun("an earlier runner of this slot does not die")
STOPPING = "the worker is stopping"


class SlotOwner(Protocol):
    """What a slot tells the worker."""

    def is_ready(self, chunk: Chunk) -> bool:
        """Whether all of a chunk's items are on this machine; if not, :meth:`Slot.advance` is called when they are."""

    def chunk_over(self, chunk: Chunk) -> None:
        """This chunk is not the slot's any more; its end was reported, unless its task was forgotten."""

    def task_left(self, task: str, slot: int) -> None:
        """A forgotten task has nothing left on this slot but files."""

    def runner_left(self) -> None:
        """A runner of the slot is gone, or does not die."""


class Slot:
    """``number``: from 0. Calls to ``owner`` may come from within any method that is called here."""

    def __init__(self, number: int, clock: IReactorTime, owner: SlotOwner, tools: Tools) -> None:
        self.number = number
        self.is_broken = False
        self._owner = owner
        self._tools = tools
        self._queue: deque[Chunk] = deque()
        self._runners: OrderedDict[str, SlotRunner] = OrderedDict()
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
        for task in {chunk.task for chunk in queued}:
            waited.append(self._drop_if_unwanted(task))
        return waited

    def forget(self, task: str) -> None:
        """Nothing more of this task will come: its chunks and its runner go; the owner hears when they are gone."""
        self._forgetting.add(task)
        for chunk in self._taken_from_queue(task):
            self._over(chunk)
        runner = self._runners.get(task)
        if runner is None:
            self._tell_if_left(task)
        else:
            self._dismiss(runner, runner.quit if runner.is_idle else runner.kill)

    def drop_pack(self, task: str, portion: int, first: int) -> None:
        """The server counts on this pack no more."""
        if task in self._runners:
            self._runners[task].drop_pack(portion, first)

    # What the worker asks for

    @property
    def state(self) -> str:
        """idle, starting, busy, stopping or broken."""
        if self.is_broken:
            return "broken"
        if any(runner.given for runner in self.runners):
            return "busy"
        if any(runner.state == "starting" for runner in self._runners.values()):
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
        self.advance()

    def chunk_over(self, chunk: Chunk) -> None:
        self._revocations.over(chunk.fence)
        self._over(chunk)

    def not_started(self, runner: SlotRunner, why: CannotRun) -> None:
        if self._remove(runner):
            self._refuse_all(runner.task, why)
        self._settle(runner, processes=0)

    def runner_gone(self, runner: SlotRunner, gone: Gone) -> None:
        was_wanted = self._remove(runner)
        if runner.failure is not None:
            self._refuse_all(runner.task, CannotRun(str(runner.failure), fatal=runner.failure.what != "python"))
        elif was_wanted and not runner.was_ready:
            self._refuse_all(runner.task, CannotRun(failure_to_load(gone)))
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
        """Give the next chunks to the runner of their task, as far as it has room; start it if there is none."""
        while self._queue and not self.is_broken:
            chunk = self._queue[0]
            if self._active is not None and self._active.given and self._active.task != chunk.task:
                return
            runner = self._runners.get(chunk.task)
            if runner is None:
                self._start(chunk.task)
                return
            if not runner.has_room or not self._owner.is_ready(chunk):
                return
            self._queue.popleft()
            self._active = runner
            self._runners.move_to_end(runner.task)
            runner.give(chunk)

    def _start(self, task: str) -> None:
        idle = [runner for runner in self._runners.values() if runner.is_idle]
        for surplus in idle[: max(0, len(idle) - IDLE_KEPT)]:
            self._dismiss(surplus, surplus.quit)
        runner = self._runners[task] = SlotRunner(task, self.number, self, self._tools)
        if self._paused:
            runner.pause()
        runner.start()

    def _dismiss(self, runner: SlotRunner, how: Callable[[], None]) -> None:
        """Let a runner go, so that the next chunk of its task gets a new one."""
        if self._runners.get(runner.task) is runner:
            del self._runners[runner.task]
            self._leaving.append(runner)
        how()

    def _remove(self, runner: SlotRunner) -> bool:
        """Whether it was still wanted."""
        if self._active is runner:
            self._active = None
        if self._runners.get(runner.task) is runner:
            del self._runners[runner.task]
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
        runner.finish(chunk, "died", item, death_of_runner(gone))

    def _take_back(self, runner: SlotRunner, chunk: Chunk) -> None:
        if chunk.fence in self._revocations or chunk.task in self._forgetting:
            runner.finish(chunk, "cancelled", None, "")
        else:
            del runner.given[chunk.fence]
            self._queue.appendleft(chunk)

    def _refuse_all(self, task: str, why: CannotRun) -> None:
        for chunk in self._taken_from_queue(task):
            self.refuse(chunk, why)

    def _taken_from_queue(self, task: str) -> list[Chunk]:
        taken = [chunk for chunk in self._queue if chunk.task == task]
        self._queue = deque(chunk for chunk in self._queue if chunk.task != task)
        return taken

    def _end(self, chunk: Chunk, outcome: str, reason: str, fatal: bool = False) -> None:
        self._tools.reporter.ended(chunk, outcome, None, reason, fatal=fatal)
        self._over(chunk)

    def _over(self, chunk: Chunk) -> None:
        self._owner.chunk_over(chunk)

    # Revoking

    def _revoke_given(self, runner: SlotRunner, chunk: Chunk) -> Deferred[int]:
        is_new = chunk.fence not in self._revocations
        waited = self._revocations.revoke(chunk.fence, int(runner.has_begun(chunk.fence)), runner.kill)
        if is_new:
            runner.cancel(chunk.fence)
        return waited

    def _drop_if_unwanted(self, task: str) -> Deferred[int]:
        """A runner that still loads a program of which nothing is to be run any more counts as the task's process."""
        runner = self._runners.get(task)
        if runner is None or runner.was_ready or any(chunk.task == task for chunk in self._queue):
            return succeed(0)
        waited = self._waiting_gone[runner] = Deferred()
        self._dismiss(runner, runner.kill)
        return waited
