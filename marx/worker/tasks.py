"""
What this worker knows of the tasks that it was granted chunks of: how to run each, and with which of its Pythons.

The server is asked once for each task, through cuts of the connection; all slots share the answer.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Callable, Sequence

from twisted.internet.defer import Deferred, succeed

from marx.wire.calls import WireError
from marx.wire.worker import DescribeTask
from marx.worker.cache import BlobCache, WrongBlob
from marx.worker.interpreters import Interpreter, best
from marx.worker.recipes import CannotRun, Recipe, TaskFile, read_manifest
from marx.worker.shared import SharedJobs
from marx.worker.uplink import Uplink

#: Runs a function with its arguments in a thread; fires with its result.
InThread = Callable[..., Deferred[Any]]


@dataclass(frozen=True, slots=True)
class KnownTask:
    """A task as this worker runs it. ``interpreter``: this machine's best Python for it."""

    recipe: Recipe
    files: tuple[TaskFile, ...]
    interpreter: Interpreter


class Tasks:
    """``interpreters``: what this worker offers."""

    def __init__(self, uplink: Uplink, cache: BlobCache, interpreters: Sequence[Interpreter], in_thread: InThread) -> None:
        self._uplink = uplink
        self._cache = cache
        self._interpreters = interpreters
        self._in_thread = in_thread
        self._known: dict[str, KnownTask] = {}
        self._learning: SharedJobs[KnownTask] = SharedJobs()

    def learn(self, task: str) -> Deferred[KnownTask]:
        """Fire with what is needed to run ``task``. Fails with :class:`~marx.worker.recipes.CannotRun`. May be cancelled."""
        if task in self._known:
            return succeed(self._known[task])
        return self._learning.wait(task, lambda: self._learn(task))

    def forget(self, task: str) -> None:
        """Nothing more of it will come; who still waits for it is told so by a CancelledError."""
        self._known.pop(task, None)
        self._learning.cancel(task)

    def stop(self) -> None:
        """Wait for nothing any more."""
        self._learning.stop()

    async def _learn(self, task: str) -> KnownTask:
        try:
            answer = await self._uplink.ask(DescribeTask, task=task)
            recipe = Recipe.of(task, answer["spec"])
            interpreter = self._interpreter_for(recipe.python)
            files = await self._files_of(recipe)
        except (WireError, WrongBlob, OSError) as error:
            raise CannotRun(f"what the task needs could not be brought here: {error}") from error
        known = self._known[task] = KnownTask(recipe, tuple(files), interpreter)
        return known

    def _interpreter_for(self, python: str) -> Interpreter:
        for wanted in [python.removesuffix(".x")] if python else ["3", "2"]:
            found = best(self._interpreters, wanted)
            if found is not None:
                return found
        raise CannotRun(f"this worker has no Python {python}".rstrip())

    async def _files_of(self, recipe: Recipe) -> list[TaskFile]:
        if recipe.manifest is None:
            return []
        with self._cache.holding(recipe.manifest):
            path = await self._cache.fetch(recipe.manifest, recipe.task)
            return read_manifest(await self._in_thread(path.read_bytes), len(recipe.roots))
