"""
Starts runners: from what is to be loaded to a process that loads it.

The task is learnt, its files are laid out for the slot, the sandbox makes the command; each of these can take its time, and all of it can
be cancelled until the process is there. A runner of portions finds its files as they were when the portion was opened.
"""

from __future__ import annotations

import os
from collections import defaultdict
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Callable, Mapping, Sequence

from twisted.internet.defer import Deferred, DeferredLock, ensureDeferred
from twisted.logger import Logger
from twisted.python.failure import Failure

from marx.wire.calls import WireError
from marx.worker.bounds import Bounds
from marx.worker.cache import BlobCache, WrongBlob
from marx.worker.cgroups import Group, Groups
from marx.worker.conversation import RunnerListener
from marx.worker.folders import TMP, Folders, Layout
from marx.worker.interpreters import Interpreter
from marx.worker.launch import CannotLaunch, Launch, Mounts, Sandbox
from marx.worker.mounting import OUR_PLACE
from marx.worker.orders import ProgramOrder, TaskOrder
from marx.worker.portions import Load
from marx.worker.process import RunnerProcess
from marx.worker.recipes import CannotRun, Recipe, TaskFile, digests_of
from marx.worker.roles import Role, assignments_for, order_for, role_of
from marx.worker.standing import Standing
from marx.worker.surroundings import HOME
from marx.worker.tasks import InThread, KnownTask, Tasks
from marx.worker.throttle import OUTPUT_RATE

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
    """
    What all runners of this worker stand on. ``kit``: gives the folder that carries the runner, made ready for an interpreter; blocks.
    ``network``: whether programs that ask for it may use the network. ``most``: what a task's items may take. ``groups``: what holds them to it.
    """

    sandbox: Sandbox
    kit: Callable[[Interpreter], Path]
    folders: Folders
    cache: BlobCache
    tasks: Tasks
    max_value: Callable[[], int]
    network: bool = False
    most: Bounds = Bounds()
    output_rate: int = OUTPUT_RATE
    groups: Groups = Groups()


@dataclass(frozen=True, slots=True)
class Started:
    """
    A runner that is about to load, and the task that it is for. ``standing``: what its folder holds, where items of portions share that.
    ``bounds``: how much its chunks may take. ``folder``: where its files lie on this machine. ``group``: what holds it.
    """

    process: RunnerProcess
    known: KnownTask
    standing: Standing | None
    bounds: Bounds = Bounds()
    folder: Path | None = None
    group: Group = Group()


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
        return self._ground.sandbox.shows_own_paths

    async def start(self, load: Load, slot: int, listener: RunnerListener) -> Started:
        """A runner of ``load`` on ``slot``, about to load; what happens to it is told to ``listener``. Raises :class:`CannotRun`."""
        ground = self._ground
        known = await ground.tasks.learn(load.task)
        role = role_of(known.recipe, load, slot)
        interpreter = ground.tasks.interpreter_for(known.recipe, load.portion.python) if load.portion else known.interpreter
        layout, standing = await self._lay_out(known, load, slot)
        kit = await self._in_thread(ground.kit, interpreter)
        state = load.portion.state if load.portion else None
        try:
            path = await self._fetched(load.task, state) if state else None
            mounts = replace(layout.mounts, read_only=((str(kit), KIT),))
            bounds = known.recipe.bounds.within(ground.most)
            bounds = bounds.of_program() if role is Role.PROGRAM else bounds
            order = order_for(known, role, lambda inside: ground.sandbox.place(mounts, inside), ground.max_value(), path is not None, bounds)
            launch = self._launch(known, interpreter, order, mounts, slot)
        except CannotLaunch as error:
            raise CannotRun(str(error)) from error
        grip, group = ground.sandbox.grip, self._group(bounds, launch)
        runner = RunnerProcess(self._reactor, listener, assignments_for(order, role), grip, output_rate=ground.output_rate, group=group)
        runner.start(launch, order, path, has_input=role is Role.PROGRAM and known.recipe.input is not None)
        return Started(runner, known, standing, bounds, layout.folder, group)

    async def bring(self, load: Load, slot: int) -> Standing | None:
        """Bring the folder that runners of a task's portions share on ``slot`` to the files of ``load``. Raises :class:`CannotRun`."""
        _, standing = await self._lay_out(await self._ground.tasks.learn(load.task), load, slot)
        return standing

    def forget(self, task: str) -> None:
        """No runner of ``task`` will be asked for any more."""
        self._ground.tasks.forget(task)

    def clear(self, task: str, slot: int) -> None:
        """The slot's runner of ``task`` is gone and none will follow: remove its files."""
        cleared = self._in_turn(slot, Deferred(), lambda: self._in_thread(self._ground.folders.remove, task, slot))
        cleared.addErrback(lambda failure: log.failure("removing the files of task {task} failed", failure, task=task))

    async def _lay_out(self, known: KnownTask, load: Load, slot: int) -> tuple[Layout, Standing | None]:
        files = await self._ground.tasks.files_of(known, load.files)
        waited: Deferred[Layout] = Deferred()
        try:
            layout = await self._in_turn(slot, waited, lambda: ensureDeferred(self._settle(known.recipe, files, load, slot, waited)))
        except (OSError, WireError, WrongBlob) as error:
            raise CannotRun(f"the task's files could not be brought here: {error}") from error
        return layout, Standing(files) if load.portion is not None else None

    async def _settle(self, recipe: Recipe, files: Sequence[TaskFile], load: Load, slot: int, waited: Deferred[Layout]) -> Layout | None:
        """Let the slot's folder hold these files, unless nobody waits for it any more."""
        ground, owner, afresh = self._ground, self._ground.sandbox.owner(slot), load.portion is None
        if waited.called:
            return None
        plan = await self._in_thread(ground.folders.plan, recipe, files, slot, owner, afresh)
        digests = digests_of(plan.put)
        with ground.cache.holding(*digests):
            if digests and not waited.called:
                await ground.cache.fetch_all(recipe.task, digests)
            return None if waited.called else await self._in_thread(ground.folders.carry_out, plan)

    async def _fetched(self, task: str, state: str) -> Path:
        try:
            return await self._ground.cache.fetch(state, task)
        except (OSError, WireError, WrongBlob) as error:
            raise CannotRun(f"what the items see of their program could not be brought here: {error}") from error

    def _in_turn(self, slot: int, waited: Deferred[Any], work: Callable[[], Deferred[Any]]) -> Deferred[Any]:
        """
        Work on a slot's folder, one after the other: a thread goes on when whoever waited for it has been cancelled. Gives ``waited``, which
        fires with the outcome.
        """
        self._turns[slot].run(work).addBoth(_pass_on, waited)
        return waited

    def _launch(self, known: KnownTask, interpreter: Interpreter, order: TaskOrder, mounts: Mounts, slot: int) -> Launch:
        if known.recipe.network and not self._ground.network:
            raise CannotRun("this worker's owner does not let programs use the network")
        sandbox = self._ground.sandbox
        home, tmp = sandbox.place(mounts, HOME), sandbox.place(mounts, TMP)
        is_program = isinstance(order, ProgramOrder)
        env = environment(known.recipe, interpreter, home, tmp, one_thread=not is_program)
        # What the variables ask of Python is for the program, which the keeper executes, and not for the keeper.
        flags = ["-E", "-s"] if is_program else ["-s"]
        return sandbox.launch(interpreter, [*flags, sandbox.place(mounts, KIT)], mounts, env, order.cwd, slot, known.recipe.network)

    def _group(self, bounds: Bounds, launch: Launch) -> Group:
        try:
            return self._ground.groups.make(bounds)
        except OSError as error:
            launch.close()
            raise CannotRun(f"no cgroup could be made for it: {error}") from error


def _pass_on(result: Any, waited: Deferred[Any]) -> None:
    if not waited.called:
        (waited.errback if isinstance(result, Failure) else waited.callback)(result)


def environment(recipe: Recipe, interpreter: Interpreter, home: str, tmp: str, one_thread: bool = True) -> Mapping[str, str]:
    """The whole environment of a runner; what the task brought along goes before what is made up."""
    made_up = {name: "1" for name in ONE_THREAD} if one_thread else {}
    made_up.update(PATH=f"{os.path.dirname(interpreter.path)}:{PATH}", HOME=home, USER="marx", LOGNAME="marx", LANG="C.UTF-8")
    if tmp != TMP:
        made_up["TMPDIR"] = tmp
    needed = dict(interpreter.variables)
    for name in needed.keys() & recipe.env.keys():
        needed[name] += os.pathsep + recipe.env[name]
    # Python 2 draws no seed: there sets and dictionaries have the same order in every plain run.
    hash_seed = recipe.hash_seed if interpreter.version[0] > 2 or "PYTHONHASHSEED" in recipe.env else 0
    return {**made_up, **recipe.env, **recipe.secrets, **needed, "PYTHONHASHSEED": str(hash_seed)}
