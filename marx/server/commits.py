"""
The thread that writes, and what it writes together.

It commits as soon as it is free; what arrives meanwhile is the next group. So a lone call waits for its own commit and nothing else, and many
share one. A group is cut where it gets large, since those in front wait for those behind. One call into the reactor's thread tells of a
whole group.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from queue import Empty, SimpleQueue
from threading import Thread
from typing import Any, Protocol

from twisted.internet.defer import Deferred, fail
from twisted.logger import Logger
from twisted.python.failure import Failure

from marx.server.records import StoreError, StoreFailed, Write, WriteRefused

log = Logger()

#: Seconds of work after which a group is committed: without it groups of small rows grew until each call waited for half a second.
GROUP_SECONDS = 0.02
GROUP_BYTES = 2_000_000


class IWrites(Protocol):
    """A connection that writes; see :class:`marx.server.store_writes.Writes`."""

    def save(self, writes: Sequence[Write]) -> int:
        """Take the writes of one call; about how many bytes they are."""

    def save_alone(self, writes: Sequence[Write]) -> None:
        """Take the writes of one call, or nothing of them where it raises WriteRefused."""

    def commit(self) -> None:
        """Make what was saved durable."""

    def rollback(self) -> None:
        """Forget what was saved."""

    def close(self) -> None:
        """Let go of the connection."""


class Call:
    """The writes of one call, who waits for them, and what they came to: None, or the exception."""

    __slots__ = ("writes", "done", "error")

    def __init__(self, writes: Sequence[Write]) -> None:
        self.writes = writes
        self.done: Deferred[None] = Deferred()
        self.error: StoreError | None = None

    def tell(self) -> None:
        """Fire; in the reactor's thread."""
        if self.error is None:
            self.done.callback(None)
        else:
            self.done.errback(Failure(self.error))


class GroupCommit:
    """
    The public methods are called in the reactor's thread and their Deferreds fire there, in the order of the calls.

    ``open_writes`` is called in the writing thread. ``reactor`` has ``callFromThread`` and ``seconds``. After a failed commit, what waits
    and what comes later fails with the same :class:`StoreFailed` until :meth:`reopen`.
    """

    def __init__(
        self, open_writes: Callable[[], IWrites], reactor: Any, group_seconds: float = GROUP_SECONDS, group_bytes: int = GROUP_BYTES
    ) -> None:
        self._open_writes = open_writes
        self._reactor = reactor
        self._group_seconds = group_seconds
        self._group_bytes = group_bytes
        self._queue: SimpleQueue[Call | Callable[[], None]] = SimpleQueue()
        self._thread = Thread(target=self._run, name="store writer", daemon=True)
        self._closed: Deferred[None] | None = None
        # Below: the writing thread's alone.
        self._order: Callable[[], None] | None = None
        self._running = True
        self._writes: IWrites | None = None
        self._failed: StoreFailed | None = None

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def submit(self, writes: Sequence[Write]) -> Deferred[None]:
        """Fire once all of ``writes`` are durable; fail with WriteRefused or StoreFailed where none of them is. Without any: a place in the queue."""
        if self._closed is not None:
            return fail(StoreFailed("the store is closed"))
        call = Call(writes)
        self._queue.put(call)
        return call.done

    def reopen(self) -> Deferred[None]:
        """Connect again, whatever happened; fails with StoreFailed where that is not possible."""
        if self._closed is not None:
            return fail(StoreFailed("the store is closed"))
        reopened = Call(())
        self._queue.put(lambda: self._reopen(reopened))
        return reopened.done

    def close(self) -> Deferred[None]:
        """Commit what waits, and end the thread; to be called once."""
        self._closed = Deferred()
        self._queue.put(self._stop)
        return self._closed

    # The writing thread

    def _run(self) -> None:
        while self._running:
            order, self._order = self._order, None
            job = order or self._queue.get()
            if isinstance(job, Call):
                self._commit_from(job)
            else:
                job()

    def _next_call(self) -> Call | None:
        """The next call that waits; None where none does, or where an order comes first."""
        if self._order is not None:
            return None
        try:
            job = self._queue.get_nowait()
        except Empty:
            return None
        if isinstance(job, Call):
            return job
        self._order = job
        return None

    def _commit_from(self, first: Call) -> None:
        group = [first]
        if self._failed is None:
            try:
                self._commit(group)
            except StoreFailed as failed:
                self._fail(str(failed))
            except Exception as error:
                log.failure("the store's writer has a fault")
                self._fail(f"the store cannot be written: {error!r}")
        if self._failed is not None:
            for call in group:
                call.error = self._failed
        self._reactor.callFromThread(_tell, group)

    def _commit(self, group: list[Call]) -> None:
        if self._writes is None:
            self._writes = self._open_writes()
        writes = self._writes
        try:
            self._save_group(writes, group)
            writes.commit()
        except WriteRefused:
            writes.rollback()
            self._save_one_by_one(writes, group)
            writes.commit()

    def _save_group(self, writes: IWrites, group: list[Call]) -> None:
        """Save the first call of ``group``, and add what waits behind it until that is enough."""
        began = self._reactor.seconds()
        size = writes.save(group[0].writes)
        while size < self._group_bytes and self._reactor.seconds() - began < self._group_seconds:
            call = self._next_call()
            if call is None:
                break
            group.append(call)
            size += writes.save(call.writes)

    @staticmethod
    def _save_one_by_one(writes: IWrites, group: list[Call]) -> None:
        """Somebody in the group is refused: find out who; the others are saved."""
        for call in group:
            try:
                writes.save_alone(call.writes)
            except WriteRefused as refused:
                call.error = refused

    def _fail(self, reason: str) -> None:
        # Not the exception that was caught: its frames would keep the group's payloads for as long as the store stays so.
        self._failed = StoreFailed(reason)
        self._disconnect()

    def _reopen(self, reopened: Call) -> None:
        self._disconnect()
        self._failed = None
        self._commit_from(reopened)

    def _disconnect(self) -> None:
        writes, self._writes = self._writes, None
        if writes is not None:
            writes.close()

    def _stop(self) -> None:
        self._disconnect()
        self._running = False
        self._reactor.callFromThread(self._closed.callback, None)


def _tell(group: list[Call]) -> None:
    for call in group:
        call.tell()
