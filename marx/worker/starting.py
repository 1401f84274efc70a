"""
Starts runners: from a task's id to a process that loads its program.

The task is learnt, its files are laid out for the slot, the sandbox makes the command; each of these can take its time, and all of it can
be cancelled until the process is there.
"""

from __future__ import annotations

import os
from collections import defaultdict
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Callable, Mapping

from twisted.internet.defer import Deferred, DeferredLock
from twisted.logger import Logger
from twisted.python.failure import Failure

from marx.wire.calls import WireError
from marx.worker.assignments import Assignments
from marx.worker.cache import BlobCache, WrongBlob
from marx.worker.conversation import RunnerListener
from marx.worker.folders import TMP, Folders, Layout
from marx.worker.interpreters import Interpreter
from marx.worker.launch import CannotLaunch, Sandbox
from marx.worker.mounting import OUR_PLACE
from marx.worker.orders import TaskOrder
from marx.worker.process import RunnerProcess
from marx.worker.recipes import CannotRun, Recipe, digests_of
from marx.worker.surroundings import HOME
from marx.worker.tasks import InThread, KnownTask, Tasks

log = Logger()

#: Libraries that would start a thread for each core in every slot: one slot is meant to use one core, and a process with threads cannot be forked.
ONE_THREAD = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMEXPR_NUM_THREADS", "VECLIB_MAXIMUM_THREADS")
#: Where programs find programs; the interpreter's own folder comes first.
PATH = "/usr/local/bin:/usr/bin:/bin"
#: Where a runner finds the kit that it is started from.
KIT = OUR_PLACE + "/kit"
#: Bytes of one result where the server names no limit.
MAX_VALUE = 64 << 20


@dataclass(frozen=True, slots=True)
class Ground:
    """What all runners of this worker stand on. ``kit``: gives the folder that carries the runner, made ready for an interpreter; blocks."""

    sandbox: Sandbox
    kit: Callable[[Interpreter], Path]
    folders: Folders
    cache: BlobCache
    tasks: Tasks
    max_value: Callable[[], int]


class Starter:
    """``reactor`` spawns; ``in_thread`` runs what waits for the disk."""

    def __init__(self, reactor: Any, ground: Ground, in_thread: InThread) -> None:
        self._reactor = reactor
        self._ground = ground
        self._in_thread = in_thread
        self._turns: defaultdict[int, DeferredLock] = defaultdict(DeferredLock)

    @property
    def shows_own_paths(self) -> bool:
        """Whether a program finds its files at the caller's own paths."""
        return self._ground.sandbox.level != "none"

    async def start(self, task: str, slot: int, listener: RunnerListener) -> RunnerProcess:
        """A runner for ``task`` on ``slot``, about to load; what happens to it is told to ``listener``. Raises :class:`CannotRun`."""
        known = await self._ground.tasks.learn(task)
        layout = await self._lay_out(known, slot)
        kit = await self._in_thread(self._ground.kit, known.interpreter)
        try:
            launch, order = self._command(known, layout, kit, slot)
        except CannotLaunch as error:
            raise CannotRun(str(error)) from error
        assignments = Assignments(len(known.recipe.roots), order.max_value)
        runner = RunnerProcess(self._reactor, listener, assignments, self._ground.sandbox.grip)
        runner.start(launch, order)
        return runner

    def forget(self, task: str) -> None:
        """No runner of ``task`` will be asked for any more."""
        self._ground.tasks.forget(task)

    def clear(self, task: str, slot: int) -> None:
        """The slot's runner of ``task`` is gone and none will follow: remove its files."""
        cleared = self._in_turn(slot, self._ground.folders.remove, task, slot)
        cleared.addErrback(lambda failure: log.failure("removing the files of task {task} failed", failure, task=task))

    async def _lay_out(self, known: KnownTask, slot: int) -> Layout:
        ground = self._ground
        digests = digests_of(known.files)
        try:
            with ground.cache.holding(*digests):
                await ground.cache.fetch_all(known.recipe.task, digests)
                return await self._in_turn(slot, ground.folders.lay_out, known.recipe, known.files, slot, ground.sandbox.owner(slot))
        except (OSError, WireError, WrongBlob) as error:
            raise CannotRun(f"the task's files could not be brought here: {error}") from error

    def _in_turn(self, slot: int, work: Callable[..., Any], *arguments: Any) -> Deferred[Any]:
        """Work on a slot's folder, one after the other: a thread goes on when whoever waited for it has been cancelled."""
        waited: Deferred[Any] = Deferred()
        done = self._turns[slot].run(self._in_thread, work, *arguments)
        done.addBoth(_pass_on, waited)
        return waited

    def _command(self, known: KnownTask, layout: Layout, kit: Path, slot: int) -> tuple[Any, TaskOrder]:
        sandbox, recipe = self._ground.sandbox, known.recipe
        mounts = replace(layout.mounts, read_only=((str(kit), KIT),))

        def place(path: str) -> str:
            return sandbox.place(mounts, path)

        env = environment(recipe, known.interpreter, home=place(HOME), tmp=place(TMP))
        order = TaskOrder(
            task=recipe.task,
            kind="map",
            program=place(recipe.program) if recipe.program else None,
            module=recipe.module,
            function=recipe.function,
            cwd=place(recipe.cwd),
            argv=list(recipe.argv),
            roots=[place(root) for root in recipe.roots],
            seed=recipe.seed,
            limits={},
            recursion_limit=None,
            max_value=self._ground.max_value(),
        )
        launch = sandbox.launch(known.interpreter, ["-s", place(KIT)], mounts, env, order.cwd, slot)
        return launch, order


def _pass_on(result: Any, waited: Deferred[Any]) -> None:
    if not waited.called:
        (waited.errback if isinstance(result, Failure) else waited.callback)(result)


def environment(recipe: Recipe, interpreter: Interpreter, home: str, tmp: str) -> Mapping[str, str]:
    """The whole environment of a runner; what the task brought along goes before what is made up."""
    made_up = {name: "1" for name in ONE_THREAD}
    made_up.update(PATH=f"{os.path.dirname(interpreter.path)}:{PATH}", HOME=home, USER="marx", LOGNAME="marx", LANG="C.UTF-8")
    if tmp != TMP:
        made_up["TMPDIR"] = tmp
    return {**made_up, **recipe.env, "PYTHONHASHSEED": str(recipe.hash_seed)}
