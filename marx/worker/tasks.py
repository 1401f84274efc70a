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

#: Lists of files of portions that are kept parsed: all slots come to a new one at about the same time, and it may name 20,000 files.
LISTS = 4

#: Runs a function with its arguments in a thread; fires with its result.
InThread = Callable[..., Deferred[Any]]


@dataclass(frozen=True, slots=True)
class KnownTask:
    """
    A task as this worker runs it. ``interpreter``: this machine's best Python for it. ``slots``: how many the lab may lend it, as far as the
    server knew.
    """

    recipe: Recipe
    files: tuple[TaskFile, ...]
    interpreter: Interpreter
    slots: int = 1


class Tasks:
    """``interpreters``: what this worker offers."""

    def __init__(self, uplink: Uplink, cache: BlobCache, interpreters: Sequence[Interpreter], in_thread: InThread) -> None:
        self._uplink = uplink
        self._cache = cache
        self._interpreters = interpreters
        self._in_thread = in_thread
        self._known: dict[str, KnownTask] = {}
        self._lists: dict[tuple[str, str], tuple[TaskFile, ...]] = {}
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
            recipe = Recipe.of(task, answer["spec"], answer.get("secrets"))
            interpreter = self.interpreter_for(recipe)
            files = await self._files(recipe, recipe.manifest) if recipe.manifest else ()
        except (WireError, WrongBlob, OSError) as error:
            raise CannotRun(f"what the task needs could not be brought here: {error}") from error
        known = self._known[task] = KnownTask(recipe, files, interpreter, answer.get("slots") or 1)
        return known

    def interpreter_for(self, recipe: Recipe, minor: str = "") -> Interpreter:
        """
        This machine's best Python for a task, of version ``minor`` ("3.11") where a portion's items demand that. Raises :class:`CannotRun`.

        A program that names a path had that Python where it runs; its items may have another of the same version.
        """
        offered = [one for one in self._interpreters if one.matches(minor)] if minor else self._interpreters
        python = recipe.python
        for wanted in [python.removesuffix(".x")] if python else ["3", "2"]:
            found = best(offered, wanted)
            if found is not None:
                return found
        found = best(offered, minor) if minor else None
        if found is None:
            raise CannotRun(f"this worker has no Python {minor or python}".rstrip())
        return found

    async def files_of(self, known: KnownTask, manifest: str) -> tuple[TaskFile, ...]:
        """The files of a list that a program of this task made; "" is the task's own. Raises :class:`CannotRun`."""
        if not manifest:
            return known.files
        key = (known.recipe.task, manifest)
        if key not in self._lists:
            try:
                self._lists[key] = await self._files(known.recipe, manifest)
            except (WireError, WrongBlob, OSError) as error:
                raise CannotRun(f"the list of files could not be brought here: {error}") from error
            if len(self._lists) > LISTS:
                del self._lists[next(iter(self._lists))]
        return self._lists[key]

    async def _files(self, recipe: Recipe, manifest: str) -> tuple[TaskFile, ...]:
        with self._cache.holding(manifest):
            path = await self._cache.fetch(manifest, recipe.task)
            return tuple(await self._in_thread(lambda: read_manifest(path.read_bytes(), len(recipe.roots))))
