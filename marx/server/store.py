"""
The server's durable memory: what it has acknowledged is on disk.

One thread writes, in groups (:mod:`marx.server.commits`); a few read. A read that is asked for after a write's Deferred fired sees what was
written. The database is SQLite in a file, or PostgreSQL by its URL.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial, wraps
from typing import Any, Concatenate, ParamSpec, TypeVar

from sqlalchemy import Connection, Engine
from sqlalchemy.engine import URL
from sqlalchemy.exc import SQLAlchemyError
from twisted.internet.defer import Deferred, fail, succeed
from twisted.internet.threads import deferToThreadPool
from twisted.python.failure import Failure
from twisted.python.threadpool import ThreadPool

from marx.server import store_audit, store_copy, store_keeping, store_packs, store_programs, store_restart, store_tasks
from marx.server.commits import GROUP_BYTES, GROUP_SECONDS, GroupCommit
from marx.server.records import StoreFailed, Write
from marx.server.schema import prepare
from marx.server.store_engine import failed, make_engine
from marx.server.store_writes import Writes

#: Reads at a time: a long one must not hold up the short ones, and more would only wait for each other's Python.
READERS = 3

Asked = ParamSpec("Asked")
Answer = TypeVar("Answer")


def _reading(query: Callable[Concatenate[Connection, Asked], Answer]) -> Callable[Concatenate[Store, Asked], Deferred[Answer]]:
    """A method that asks ``query`` in a reading thread; it fails with :class:`StoreFailed`."""

    @wraps(query)
    def ask(self: Store, *asked: Asked.args, **named: Asked.kwargs) -> Deferred[Answer]:
        return self._ask(lambda connection: query(connection, *asked, **named))

    return ask


class Store:
    """
    Everything is called in the reactor's thread, and fires there. What each question answers stands at the function of that name.

    ``reactor`` has ``callFromThread`` and ``seconds``. Threads run from :meth:`open` to :meth:`close`.
    """

    def __init__(self, engine: Engine, reactor: Any, group_seconds: float = GROUP_SECONDS, group_bytes: int = GROUP_BYTES) -> None:
        self._engine = engine
        self._reactor = reactor
        self._commits = GroupCommit(partial(Writes, engine), reactor, group_seconds, group_bytes)
        self._readers = ThreadPool(0, READERS, "store reader")
        self._closed = False
        #: Called with the failure when nothing can be written any more, whoever wrote; :meth:`reopen` is then needed.
        self.when_failed: Callable[[Failure], object] = lambda failure: None

    @classmethod
    def open(
        cls, url: str | URL, reactor: Any, group_seconds: float = GROUP_SECONDS, group_bytes: int = GROUP_BYTES, durable: bool = True
    ) -> Store:
        """
        A store on the database at ``url``, whose tables are made or brought up to date first.

        A group of writes is committed after ``group_seconds`` of work or ``group_bytes``. ``durable``: False for what need not outlive
        a crash of the machine. Raises :class:`marx.server.records.StoreError`.
        """
        engine = make_engine(url, durable)
        try:
            prepare(engine)
        except Exception as error:
            engine.dispose()
            raise failed(error, "opened") from error
        store = cls(engine, reactor, group_seconds, group_bytes)
        store.start()
        return store

    def start(self) -> None:
        """Start the threads."""
        self._commits.start()
        self._readers.start()

    def write(self, *writes: Write) -> Deferred[None]:
        """
        Fire once all of ``writes`` are durable, and after all earlier calls.

        Fails with :class:`WriteRefused` where their values cannot be stored, and with :class:`StoreFailed` where nothing can be stored until
        :meth:`reopen`; none of them is stored then. Without any it fires when what was written before is durable.
        """
        return self._commits.submit(writes).addErrback(self._look_at)

    def _look_at(self, failure: Failure) -> Failure:
        if failure.check(StoreFailed) and not self._closed:
            self.when_failed(failure)
        return failure

    def reopen(self) -> Deferred[None]:
        """Take writes again after a failed commit. Fails with :class:`StoreFailed` where the database still cannot be opened."""
        return self._commits.reopen()

    def close(self) -> Deferred[None]:
        """Commit what was written, answer what was asked, end the threads and close the database."""
        if self._closed:
            return succeed(None)
        self._closed = True
        return self._commits.close().addCallback(self._close_readers)

    def _close_readers(self, _: None) -> None:
        self._readers.stop()
        self._engine.dispose()

    task = _reading(store_tasks.task)
    tasks = _reading(store_tasks.tasks_newest_first)
    ids_by_prefix = _reading(store_tasks.ids_by_prefix)
    spec = _reading(store_tasks.spec)
    attempts = _reading(store_tasks.attempts_of)
    notes = _reading(store_tasks.notes_of)
    artifacts = _reading(store_tasks.artifacts_of)
    blobs_owned = _reading(store_tasks.blobs_owned)
    blob_used_by = _reading(store_tasks.blob_used_by)
    blobs_used = _reading(store_tasks.blobs_used)

    totals = _reading(store_packs.totals)
    item_firsts = _reading(store_packs.item_firsts)
    item_weights = _reading(store_packs.item_weights)
    item_pack = _reading(store_packs.item_pack)
    results_in_order = _reading(store_packs.results_in_order)
    results_after = _reading(store_packs.results_after)
    output_after = _reading(store_packs.output_after)
    output_of_items = _reading(store_packs.output_of_items)
    output_size_of_items = _reading(store_packs.output_size_of_items)
    output_of_item_after = _reading(store_packs.output_of_item_after)
    output_tail = _reading(store_packs.output_tail)

    portions = _reading(store_programs.portions_of)
    portion_counts = _reading(store_programs.portion_counts)
    portion = _reading(store_programs.portion)
    packs = _reading(store_programs.packs_of)
    returns_after = _reading(store_programs.returns_after)
    changes_of_results = _reading(store_programs.changes_of_results)
    changes_of_nobody = _reading(store_programs.changes_of_nobody)
    input_from = _reading(store_programs.input_from)
    input_end = _reading(store_programs.input_end)

    ended_first = _reading(store_keeping.ended_first)
    unmeasured = _reading(store_keeping.unmeasured)
    task_bytes = _reading(store_keeping.task_bytes)
    kept_bytes = _reading(store_keeping.kept_bytes)
    copy_database = _reading(store_copy.copy_database)
    pages = _reading(store_keeping.pages)
    own_blobs = _reading(store_keeping.own_blobs)
    forgotten_by_prefix = _reading(store_keeping.forgotten_by_prefix)
    uncleared = _reading(store_keeping.uncleared)
    rows_to_clear = _reading(store_keeping.rows_to_clear)

    audit_lines = _reading(store_audit.audit_lines)

    load_unfinished = _reading(store_restart.load_unfinished)
    load_identity = _reading(store_restart.load_identity)
    last_epoch = _reading(store_restart.last_epoch)

    def _ask(self, query: Callable[[Connection], Answer]) -> Deferred[Answer]:
        if self._closed:
            return fail(StoreFailed("the store is closed"))
        return deferToThreadPool(self._reactor, self._readers, self._answer, query)

    def _answer(self, query: Callable[[Connection], Answer]) -> Answer:
        try:
            with self._engine.connect() as connection:
                return query(connection)
        except SQLAlchemyError as error:
            raise failed(error, "read") from error
