"""
What the server brings to a main program, handed to its keeper in the order in which it came: files first, then the results of their items.

Each is answered when the program's pipe has taken it, so a program that does not read costs a window and no more. What comes again after the
connection was lost is recognised by its row.
"""

from __future__ import annotations

import stat
from collections import deque
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Callable, Iterator, Mapping

from twisted.internet.defer import CancelledError, Deferred, succeed
from twisted.logger import Logger
from twisted.python.failure import Failure

from marx.wire.calls import BadRequest, NotFound
from marx.worker.cache import BlobCache
from marx.worker.feed import Course
from marx.worker.filestate import FileState
from marx.worker.program_orders import CHANGE_FIELDS, Given, change_frames, refusal_frame, results_frames, results_frames_of_file
from marx.worker.recipes import TaskFile, task_file
from marx.worker.records import part_of

log = Logger()

Frames = Callable[[], Iterator[bytes]]


@dataclass(slots=True, eq=False)
class _Delivery:
    """Frames on their way. ``is_here``: whether their content is on this machine. ``told``: fires when the pipe has taken them."""

    frames: Frames
    is_here: bool
    holding: ExitStack = field(default_factory=ExitStack)
    told: Deferred[None] = field(default_factory=Deferred)


class Returns:
    """
    For one attempt of a program of ``task`` with ``roots`` roots. ``tell``: writes to its keeper. ``files``: its list of files, kept up to date.

    ``fail``: called with a sentence when something that the program must have cannot be brought.
    """

    def __init__(
        self, task: str, roots: int, cache: BlobCache, tell: Callable[[Course], None], files: FileState, fail: Callable[[str], None]
    ) -> None:
        self._task = task
        self._roots = roots
        self._cache = cache
        self._tell = tell
        self._files = files
        self._fail = fail
        self._waiting: deque[_Delivery] = deque()
        self._open: set[_Delivery] = set()
        self._fetching: set[Deferred[Any]] = set()
        self._unplaced: dict[int, tuple[bool, TaskFile]] = {}
        self.result_row = 0
        self.file_row = 0

    def carry_change(self, row: int, change: Mapping[str, Any]) -> Deferred[None]:
        """A file that an item made. Raises BadRequest for one that makes no sense."""
        if row <= self.file_row:
            return succeed(None)
        file = _file_of(change, self._roots)
        self.file_row = row
        self._unplaced[row] = change["deleted"], file
        path = self._cache.path(file.digest) if file.digest is not None else None
        return self._deliver(lambda: change_frames(row, change, path), file.digest)

    def placed(self, row: int, stands: bool) -> None:
        """
        The keeper has taken a change; where it ``stands`` in the program's folder, portions that are opened from now on begin with it.

        They come in the order in which the program asked for the items, which in a replay is not that of the rows.
        """
        is_deleted, file = self._unplaced.pop(row, (False, None))
        if file is None or not stands:
            return
        if is_deleted:
            self._files.remove(file.root, file.path)
        else:
            self._files.put(file)

    def carry_returns(self, row: int, given: Given, pack_first: int, payload: bytes, blob: str | None) -> Deferred[None]:
        """Results, of which the program gets just those that are meant. Raises BadRequest where there are not so many."""
        if row <= self.result_row:
            return succeed(None)
        if blob is None:
            payload = _part(given, payload, given.first - pack_first)
            self.result_row = row
            return self._deliver(lambda: results_frames(given, payload), None)
        if (given.first, given.count) != (pack_first, 1):
            raise BadRequest("a result that is a blob is that of one item")
        self.result_row = row
        return self._deliver(lambda: results_frames_of_file(given, self._cache.path(blob)), blob)

    def refuse(self, portion: int, reason: str) -> None:
        """The program must serve a portion itself; what came before is told before."""
        self._deliver(lambda: iter([refusal_frame(portion, reason)]), None).addErrback(lambda gone: None)

    def stop(self) -> None:
        """The program has ended: who still waits is told so."""
        self._waiting.clear()
        for fetching in list(self._fetching):
            fetching.cancel()
        for delivery in list(self._open):
            self._close(delivery)
            delivery.told.errback(Failure(NotFound("the program has ended")))

    def _deliver(self, frames: Frames, blob: str | None) -> Deferred[None]:
        delivery = _Delivery(frames, blob is None)
        self._open.add(delivery)
        self._waiting.append(delivery)
        if blob is not None:
            delivery.holding.enter_context(self._cache.holding(blob))
            fetching = self._cache.fetch(blob, self._task)
            self._fetching.add(fetching)
            fetching.addBoth(self._fetched, delivery, fetching)
        self._advance()
        return delivery.told

    def _fetched(self, result: Path | Failure, delivery: _Delivery, fetching: Deferred[Any]) -> None:
        self._fetching.discard(fetching)
        if not isinstance(result, Failure):
            delivery.is_here = True
            self._advance()
        elif not result.check(CancelledError):
            self._fail(f"what items of its portions gave could not be brought here: {result.getErrorMessage()}")

    def _advance(self) -> None:
        while self._waiting and self._waiting[0].is_here:
            self._tell(self._course(self._waiting.popleft()))

    def _course(self, delivery: _Delivery) -> Iterator[bytes]:
        """The frames; that they are asked for no more means that the pipe has taken them all."""
        try:
            yield from delivery.frames()
        except OSError as error:
            log.error("a blob cannot be read: {error}", error=error)
            self._fail(f"what items of its portions gave could not be read: {error}")
            return
        if delivery in self._open:
            self._close(delivery)
            delivery.told.callback(None)

    def _close(self, delivery: _Delivery) -> None:
        self._open.discard(delivery)
        delivery.holding.close()


def _file_of(change: Mapping[str, Any], roots: int) -> TaskFile:
    """What stands there now. It comes from another worker: looked at as a manifest is."""
    try:
        missing = [name for name in CHANGE_FIELDS if name not in change]
        if missing:
            raise ValueError(f"it lacks {missing[0]}")
        if not (change["deleted"] or change["blob"] or change["link"] or stat.S_ISDIR(change["mode"])):
            raise ValueError("it has no content")
        return task_file([change[name] for name in ("root", "path", "mode", "length", "blob", "link")], roots)
    except (KeyError, TypeError, ValueError) as error:
        raise BadRequest(f"a changed file that makes no sense: {error}") from error


def _part(given: Given, payload: bytes, skipped: int) -> bytes:
    try:
        if skipped < 0 or given.count < 1:
            raise ValueError(f"items {given.first} to {given.first + given.count} are not in it")
        if given.codec == "pickles":
            return part_of(payload, skipped, given.count)
        lines = payload.split(b"\n")[skipped : skipped + given.count]
        if len(lines) != given.count:
            raise ValueError(f"{len(lines)} lines where {given.count} are awaited")
        return b"\n".join(lines)
    except ValueError as error:
        raise BadRequest(f"results that make no sense: {error}") from error
