"""The store on a real PostgreSQL: the same promises as on SQLite, and what its server can do to it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import pytest_twisted
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext

from marx.server import schema
from marx.server.records import SchemaTooNew, StoreFailed
from marx.server.schema import metadata, prepare, stored_version, upgrade
from marx.server.store import Store
from marx.server.store_engine import make_engine
from tests.postgresql import Cluster, running_cluster
from tests.server.store_contract import StoreContract, T, results, task
from tests.server.store_keeping_contract import KeepingContract
from tests.server.store_programs_contract import ProgramsContract

pytestmark = pytest.mark.needs_postgresql


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    """One server for all tests of this file."""
    with running_cluster() as cluster:
        yield cluster


@pytest.fixture
def url(cluster: Cluster) -> str:
    """An empty database."""
    return cluster.new_database()


class TestStoreOnPostgreSQL(StoreContract):
    """Everything that stores promise."""


class TestProgramsOnPostgreSQL(ProgramsContract):
    """The same for programs."""


class TestKeepingOnPostgreSQL(KeepingContract):
    """The same for keeping and forgetting."""


@pytest_twisted.ensureDeferred
async def test_a_second_start_finds_what_the_first_stored(url: str) -> None:
    from twisted.internet import reactor

    for number in (1, 2):
        store = Store.open(url, reactor)
        await store.write(task(f"task{number}"))
        found = [record.id for record in await store.tasks(None, 9)]
        await store.close()
    assert found == ["task2", "task1"]


def test_migrations_make_the_tables_that_a_new_database_has(url: str) -> None:
    engine = make_engine(url)
    upgrade(engine)
    with engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), metadata) == []
        assert stored_version(connection) == schema.VERSION
    engine.dispose()


def test_a_database_of_a_newer_marx_is_refused_in_a_sentence(url: str) -> None:
    engine = make_engine(url)
    prepare(engine)
    with engine.begin() as connection:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'")
    with pytest.raises(SchemaTooNew, match="tables of version 9999.*install that one"):
        prepare(engine)
    engine.dispose()


@pytest_twisted.ensureDeferred
async def test_a_server_that_drops_its_connections_loses_nothing_that_was_acknowledged(cluster: Cluster, url: str) -> None:
    from twisted.internet import reactor

    store = Store.open(url, reactor)
    await store.write(task(), results(0, 1))
    cluster.say("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()")
    with pytest.raises(StoreFailed, match="cannot be written"):
        await store.write(results(1, 2))
    await store.reopen()
    await store.write(results(2, 3))
    assert [row.first for row in await store.results_after(T, 0, 1_000_000)] == [0, 2]
    await store.close()


@pytest_twisted.ensureDeferred
async def test_a_read_only_database_is_called_that(cluster: Cluster, url: str) -> None:
    from twisted.internet import reactor

    store = Store.open(url, reactor)
    cluster.say("ALTER ROLE marx SET default_transaction_read_only = on")
    await store.reopen()
    with pytest.raises(StoreFailed, match="cannot be written: it is read-only"):
        await store.write(task())
    cluster.say("SET transaction_read_only = off; ALTER ROLE marx RESET default_transaction_read_only")
    await store.reopen()
    await store.write(task())
    await store.close()


def test_no_server_is_said_in_a_sentence() -> None:
    from twisted.internet import reactor

    with pytest.raises(StoreFailed, match="the store cannot be opened: "):
        Store.open("postgresql+psycopg://marx@/marx?host=/nowhere", reactor)
