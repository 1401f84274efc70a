"""The store on SQLite: what it promises everywhere, and what its file, its disk and its process can do to it."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import pytest_twisted
from sqlalchemy import event
from twisted.internet.defer import gatherResults

from marx.server.records import StoreFailed, WriteRefused
from marx.server.schema import prepare
from marx.server.store import Store
from marx.server.store_engine import make_engine, sqlite_url
from tests.server.store_contract import MUCH, StoreContract, T, output, results, task
from tests.server.store_keeping_contract import KeepingContract
from tests.server.store_programs_contract import ProgramsContract

CHECKOUT = Path(__file__).parents[2]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where the database is; characters that mean something in a URL mean nothing here."""
    folder = tmp_path / "a ?#%20 folder"
    folder.mkdir()
    return folder / "marx.sqlite"


class TestStoreOnSQLite(StoreContract):
    """Everything that stores promise."""

    @pytest.fixture
    def url(self, path: Path) -> Any:
        return sqlite_url(path)


class TestProgramsOnSQLite(ProgramsContract):
    """The same for programs."""

    @pytest.fixture
    def url(self, path: Path) -> Any:
        return sqlite_url(path)


class TestKeepingOnSQLite(KeepingContract):
    """The same for keeping and forgetting."""

    @pytest.fixture
    def url(self, path: Path) -> Any:
        return sqlite_url(path)


def execute(path: Path, statement: str) -> list[Any]:
    """Run a statement on a connection of its own."""
    connection = sqlite3.connect(path, isolation_level=None)
    try:
        return connection.execute(statement).fetchall()
    finally:
        connection.close()


class Troubled:
    """A store whose writing connection gets ``pragma`` when it is opened; an empty one means that all is well."""

    def __init__(self, path: Path) -> None:
        from twisted.internet import reactor

        self.pragma = ""
        engine = make_engine(sqlite_url(path))
        event.listen(engine, "connect", lambda connection, _: connection.execute(self.pragma))
        prepare(engine)
        self.store = Store(engine, reactor)
        self.store.start()


@pytest.fixture
def troubled(path: Path) -> Iterator[Troubled]:
    troubled = Troubled(path)
    yield troubled
    pytest_twisted.blockon(troubled.store.close())


async def acknowledged_until_failure(store: Store, payload: bytes) -> tuple[list[int], str]:
    """Write results of one item each until a write fails: the items that were acknowledged, and why no more."""
    for item in range(10_000):
        try:
            await store.write(results(item, item + 1, payload=payload))
        except StoreFailed as failed:
            return list(range(item)), str(failed)
    raise AssertionError("nothing failed")


# What its disk and others can do to it


@pytest_twisted.ensureDeferred
async def test_a_full_disk_stops_all_writes_until_the_store_is_reopened_and_loses_nothing(troubled: Troubled) -> None:
    store = troubled.store
    troubled.pragma = "PRAGMA max_page_count=200"
    await store.reopen()
    stored, why = await acknowledged_until_failure(store, b"x" * 20_000)
    assert "the disk that holds it is full" in why and stored
    outcomes = await gatherResults([store.write(task(f"task{n}")).addErrback(lambda failure: failure.value) for n in range(3)])
    assert [str(outcome) for outcome in outcomes] == [why] * 3
    assert [row.first for row in await store.results_in_order(T, 0, 0, 100 * MUCH)] == stored
    troubled.pragma = ""
    await store.reopen()
    await store.write(task("after"), results(len(stored), len(stored) + 1))
    assert len(await store.results_in_order(T, 0, 0, 100 * MUCH)) == len(stored) + 1
    assert [record.id for record in await store.tasks(None, 9)] == ["after"]


@pytest_twisted.ensureDeferred
async def test_calls_that_wait_behind_a_failed_commit_fail_as_well_in_their_order(troubled: Troubled) -> None:
    troubled.pragma = "PRAGMA query_only=1"
    await troubled.store.reopen()
    answered: list[int] = []
    calls = [troubled.store.write(task(f"task{n}")).addErrback(lambda failure, n=n: answered.append(n)) for n in range(50)]
    await gatherResults(calls)
    assert answered == list(range(50))
    assert await troubled.store.tasks(None, 9) == []


@pytest_twisted.ensureDeferred
async def test_a_read_only_database_is_called_that(troubled: Troubled) -> None:
    troubled.pragma = "PRAGMA query_only=1"
    await troubled.store.reopen()
    with pytest.raises(StoreFailed, match="cannot be written: it is read-only"):
        await troubled.store.write(task())


@pytest_twisted.ensureDeferred
async def test_a_lock_that_somebody_else_holds_is_called_that(troubled: Troubled, path: Path) -> None:
    troubled.pragma = "PRAGMA busy_timeout=1"
    await troubled.store.reopen()
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    try:
        with pytest.raises(StoreFailed, match="another process has locked it"):
            await troubled.store.write(task())
    finally:
        other.close()
    await troubled.store.reopen()
    await troubled.store.write(task())


@pytest_twisted.ensureDeferred
async def test_a_statement_that_fails_half_way_through_a_call_leaves_nothing_of_it(troubled: Troubled, path: Path) -> None:
    execute(path, "CREATE TRIGGER no_output BEFORE INSERT ON outputs WHEN NEW.first = 3 BEGIN SELECT RAISE(ABORT, 'no threes'); END")
    store = troubled.store
    calls = [store.write(results(n, n + 1), output(n, n)) for n in range(6)]
    outcomes = await gatherResults([call.addErrback(lambda failure: failure.value) for call in calls])
    assert [type(outcome) for outcome in outcomes] == [type(None)] * 3 + [WriteRefused] + [type(None)] * 2
    assert "no threes" in str(outcomes[3])
    assert [row.first for row in await store.results_after(T, 0, MUCH)] == [0, 1, 2, 4, 5]
    assert [row.first for row in await store.output_after(T, 0, MUCH)] == [0, 1, 2, 4, 5]


@pytest_twisted.ensureDeferred
async def test_a_damaged_database_fails_the_reader_with_a_sentence(troubled: Troubled, path: Path) -> None:
    await troubled.store.write(task())
    execute(path, "DROP TABLE notes")
    with pytest.raises(StoreFailed, match="the store cannot be read: no such table"):
        await troubled.store.notes(T)


# Opening


@pytest.mark.parametrize(
    ("make", "why"),
    [
        (lambda path: path.write_text("this is not a database, but long enough to look like one" * 20), "its file is not a database"),
        (lambda path: path.parent.rmdir(), "its file cannot be opened"),
        (lambda path: path.mkdir(), "its file cannot be opened"),
    ],
    ids=["a text", "no folder", "a folder"],
)
def test_what_cannot_be_opened_is_said_in_a_sentence(path: Path, make: Any, why: str) -> None:
    from twisted.internet import reactor

    make(path)
    with pytest.raises(StoreFailed, match=f"the store cannot be opened: {why}"):
        Store.open(sqlite_url(path), reactor)


@pytest_twisted.ensureDeferred
async def test_a_second_start_finds_what_the_first_stored(path: Path) -> None:
    from twisted.internet import reactor

    for number in (1, 2):
        store = Store.open(sqlite_url(path), reactor)
        await store.write(task(f"task{number}"))
        found = [record.id for record in await store.tasks(None, 9)]
        await store.close()
    assert found == ["task2", "task1"]
    assert [file.name for file in path.parent.iterdir()] == [path.name]


@pytest_twisted.ensureDeferred
async def test_nobody_else_can_read_the_database(path: Path) -> None:
    from twisted.internet import reactor

    store = Store.open(sqlite_url(path), reactor)
    await store.write(task())
    assert {file.stat().st_mode & 0o777 for file in path.parent.iterdir()} == {0o600}
    await store.close()


@pytest.mark.parametrize(("durable", "synchronous"), [(True, 2), (False, 0)])
def test_a_commit_is_on_the_disk_unless_the_store_is_told_otherwise(path: Path, durable: bool, synchronous: int) -> None:
    engine = make_engine(sqlite_url(path), durable)
    with engine.connect() as connection:
        assert connection.exec_driver_sql("PRAGMA synchronous").scalar() == synchronous
        assert connection.exec_driver_sql("PRAGMA journal_mode").scalar() == "wal"
    engine.dispose()


# Groups


@pytest_twisted.ensureDeferred
async def test_many_calls_share_few_commits(path: Path) -> None:
    from twisted.internet import reactor

    engine = make_engine(sqlite_url(path))
    prepare(engine)
    commits: list[None] = []
    event.listen(engine, "commit", lambda _: commits.append(None))
    store = Store(engine, reactor)
    store.start()
    await gatherResults([store.write(results(n, n + 1), output(n, n)) for n in range(1000)])
    assert len(commits) <= 50
    await store.close()


# The process

WRITER = """
import sys
from twisted.internet import reactor
from marx.server.store import Store
from tests.server.store_contract import output, results

store = Store.open("sqlite:///" + sys.argv[1], reactor)

def say(item):
    sys.stdout.write("%d\\n" % item)
    sys.stdout.flush()

def go_on(item):
    for each in range(item, item + 100):
        store.write(results(each, each + 1), output(each, each)).addCallback(lambda _, each=each: say(each))
    reactor.callLater(0.001, go_on, item + 100)

reactor.callWhenRunning(go_on, 0)
reactor.run()
"""


@pytest_twisted.ensureDeferred
async def test_what_was_acknowledged_is_there_after_the_process_was_killed_and_no_call_is_there_by_half(tmp_path: Path) -> None:
    from twisted.internet import reactor

    path = tmp_path / "killed.sqlite"
    with subprocess.Popen([sys.executable, "-c", WRITER, str(path)], cwd=CHECKOUT, stdout=subprocess.PIPE) as writer:
        said = [int(writer.stdout.readline()) for _ in range(2000)]
        os.kill(writer.pid, signal.SIGKILL)
        said += [int(line) for line in writer.stdout.read().splitlines(keepends=True) if line.endswith(b"\n")]
    store = Store.open(sqlite_url(path), reactor)
    stored = [row.first for row in await store.results_after(T, 0, 1000 * MUCH)]
    assert set(said) <= set(stored) and stored == list(range(len(stored)))
    assert stored == [row.first for row in await store.output_after(T, 0, 1000 * MUCH)]
    await store.close()
