"""How a database comes to its tables: new ones at once, old ones by migrations, and both the same."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Engine

from marx.server import schema
from marx.server.records import SchemaTooNew
from marx.server.schema import MIGRATIONS, metadata, prepare, stored_version, upgrade
from marx.server.store_engine import make_engine, sqlite_url

CHECKOUT = Path(__file__).parents[2]


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    """A new database."""
    engine = make_engine(sqlite_url(tmp_path / "new.sqlite"))
    yield engine
    engine.dispose()


@pytest.fixture
def migrated(tmp_path: Path) -> Iterator[Engine]:
    """A database whose tables were all made by migrations."""
    engine = make_engine(sqlite_url(tmp_path / "migrated.sqlite"))
    upgrade(engine)
    yield engine
    engine.dispose()


def tables_of(engine: Engine) -> dict[str, str]:
    """The statements that made everything that is in a database, without the spaces that alembic and SQLite write otherwise."""
    with engine.connect() as connection:
        made = connection.exec_driver_sql("SELECT name, sql FROM sqlite_master WHERE sql IS NOT NULL AND name != 'alembic_version'")
        return {name: re.sub(r"\s*([(),])\s*", r"\1", " ".join(sql.split())) for name, sql in made}


def version_of(engine: Engine) -> str | None:
    with engine.connect() as connection:
        return stored_version(connection)


def stamp(engine: Engine, version: str) -> None:
    with engine.begin() as connection:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = ?", (version,))


def test_a_new_database_gets_all_tables_and_todays_version(engine: Engine) -> None:
    assert version_of(engine) is None
    prepare(engine)
    assert version_of(engine) == schema.VERSION
    assert set(metadata.tables) < set(tables_of(engine))


def test_preparing_again_changes_nothing(engine: Engine) -> None:
    prepare(engine)
    before = tables_of(engine)
    prepare(engine)
    assert tables_of(engine) == before


def test_migrations_make_the_same_tables_as_a_new_database_has(engine: Engine, migrated: Engine) -> None:
    prepare(engine)
    assert tables_of(migrated) == tables_of(engine)
    assert version_of(migrated) == schema.VERSION


def test_alembic_sees_no_difference_between_the_migrations_and_the_tables(migrated: Engine) -> None:
    with migrated.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), metadata) == []


#: The version behind that of today.
AFTER = f"{int(schema.VERSION) + 1:04}"


@pytest.mark.parametrize("version", [AFTER, "9999", "ab12cd34"])
def test_a_database_of_a_newer_marx_is_refused_in_a_sentence_and_left_alone(engine: Engine, version: str) -> None:
    prepare(engine)
    stamp(engine, version)
    with pytest.raises(SchemaTooNew, match=f"tables of version {version}.*up to {schema.VERSION}.*install that one"):
        prepare(engine)
    assert version_of(engine) == version


NEXT = f"""
import sqlalchemy as sa
from alembic import op

revision = "{AFTER}"
down_revision = "{schema.VERSION}"


def upgrade() -> None:
    op.add_column("tasks", sa.Column("colour", sa.String, server_default="red", nullable=False))
    with op.batch_alter_table("notes") as notes:
        notes.alter_column("text", new_column_name="sentence")
    %s
"""


@pytest.fixture
def next_migrations(tmp_path: Path) -> Path:
    """Migrations as they may look one day: one more, in a folder with a nasty name."""
    folder = tmp_path / "100% migrations"
    shutil.copytree(MIGRATIONS, folder, ignore=shutil.ignore_patterns("__pycache__"))
    (folder / "versions" / f"{AFTER}_next.py").write_text(NEXT % "")
    return folder


def a_kept_database(engine: Engine) -> None:
    """What a server of today leaves."""
    prepare(engine)
    with engine.begin() as connection:
        connection.exec_driver_sql("INSERT INTO notes (task, worker, text) VALUES ('abcdefgh', 'lab7', 'kept')")


def test_an_older_database_is_brought_up_to_date_and_keeps_what_it_has(engine: Engine, next_migrations: Path) -> None:
    a_kept_database(engine)
    upgrade(engine, next_migrations)
    assert version_of(engine) == AFTER
    with engine.connect() as connection:
        assert connection.exec_driver_sql("SELECT sentence FROM notes").scalar() == "kept"
    assert "colour" in tables_of(engine)["tasks"]


def test_a_migration_that_fails_changes_nothing(engine: Engine, next_migrations: Path) -> None:
    a_kept_database(engine)
    (next_migrations / "versions" / f"{AFTER}_next.py").write_text(NEXT % "raise ZeroDivisionError")
    before = tables_of(engine)
    with pytest.raises(ZeroDivisionError):
        upgrade(engine, next_migrations)
    assert version_of(engine) == schema.VERSION and tables_of(engine) == before


def test_a_start_upgrades_by_itself(engine: Engine, next_migrations: Path) -> None:
    a_kept_database(engine)
    prepare(engine, AFTER, next_migrations)
    assert version_of(engine) == AFTER


def loaded_after(path: Path) -> set[str]:
    """The modules that a start with the database at `path` has loaded."""
    program = (
        "import sys; from marx.server.schema import prepare; from marx.server.store_engine import *;"
        "prepare(make_engine(sqlite_url(sys.argv[1]))); print(*sys.modules)"
    )
    answer: Any = subprocess.run([sys.executable, "-c", program, str(path)], cwd=CHECKOUT, capture_output=True, text=True, check=True)
    return set(answer.stdout.split())


def test_a_start_without_an_upgrade_loads_neither_alembic_nor_what_the_store_does_not_need(tmp_path: Path) -> None:
    for _ in ("new", "kept"):
        modules = loaded_after(tmp_path / "marx.sqlite")
        assert "sqlalchemy.engine" in modules
        assert not modules & {"alembic", "sqlalchemy.orm", "sqlalchemy.dialects.postgresql", "psycopg"}
