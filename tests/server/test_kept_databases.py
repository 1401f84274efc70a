"""
Databases of every earlier version, as a server of that version left them: upgraded, and then used.

`kept/NNNN.sql` is what `sqlite3 marx.sqlite .dump` prints of one that the code of that version wrote: a map that has ended, one under way,
from 0002 on a program, and who belongs to the lab. Who adds a version keeps one of the version before it.
"""

from __future__ import annotations

import re
import signal
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
import pytest_twisted

from marx.server import schema
from marx.server.keeping_records import ForgetTask
from marx.server.records import Counts
from marx.server.schema import prepare
from marx.server.store import Store
from marx.server.store_engine import make_engine, sqlite_url
from marx.wire import tasker
from tests.server.room import Room
from tests.server.test_schema import tables_of
from tests.server.test_straight_line import printed, run_all

CHECKOUT = Path(__file__).parents[2]
KEPT = sorted(Path(__file__).with_name("kept").glob("*.sql"))
OLDER = [path.stem for path in KEPT if path.stem < schema.VERSION]
BLOB = "b10b" * 16
MUCH = 1_000_000


def unpack(version: str, path: Path) -> Path:
    """The database of `version`, at `path`."""
    with closing(sqlite3.connect(path)) as database:
        database.executescript((CHECKOUT / "tests" / "server" / "kept" / f"{version}.sql").read_text())
    return path


def dump_of(path: Path) -> list[str]:
    with closing(sqlite3.connect(path)) as database:
        return list(database.iterdump())


def version_in(dump: list[str]) -> str:
    return re.findall(r"\"alembic_version\" VALUES\('(\w+)'\)", "\n".join(dump))[0]


def test_one_is_kept_of_every_version_before_this_one() -> None:
    assert OLDER == [f"{number:04}" for number in range(1, int(schema.VERSION))]
    assert [version_in([path.read_text()]) for path in KEPT] == [path.stem for path in KEPT]


@pytest.mark.parametrize("version", OLDER)
def test_an_upgraded_database_has_the_tables_of_a_new_one(version: str, tmp_path: Path) -> None:
    kept, new = (make_engine(sqlite_url(path)) for path in (unpack(version, tmp_path / "kept.sqlite"), tmp_path / "new.sqlite"))
    for engine in (kept, new):
        prepare(engine)
    assert tables_of(kept) == tables_of(new)
    kept.dispose()
    new.dispose()


@pytest.mark.parametrize("version", [path.stem for path in KEPT])
@pytest_twisted.ensureDeferred
async def test_everything_that_was_kept_is_there_after_the_upgrade(version: str, tmp_path: Path) -> None:
    from twisted.internet import reactor

    store = Store.open(sqlite_url(unpack(version, tmp_path / "marx.sqlite")), reactor)
    ended = await store.task("ended234")
    assert (ended.state, ended.ended_utc, ended.counts, ended.held) == ("done", 1110.0, Counts(8, True, 8, 0), False)
    assert (await store.spec("ended234"))["function"] == "f"
    assert b"\n".join(row.payload for row in await store.results_in_order("ended234", 0, 0, MUCH)) == b"0\n1\n4\n9\n16\n25\n36\n49"
    assert [row.payload for row in await store.output_after("ended234", 0, MUCH)] == [b"printed"]
    assert [one.reason for one in await store.attempts("ended234", 9)] == ["worker lab-2 was lost"]
    assert [note.text for note in await store.notes("ended234")] == ["a note"]
    assert [(file.path, file.blob) for file in await store.artifacts("ended234", None, 9)] == [("a.txt", BLOB)]
    assert await store.blobs_owned([BLOB], "anna") == {BLOB} and await store.last_epoch() == 2
    codes, certificates = await store.load_identity()
    assert [code["used"] for code in codes] == [1] and [one["name"] for one in certificates] == ["anna"]
    [unfinished] = await store.load_unfinished()
    assert [portion.done for portion in unfinished.portions] == [((0, 2), (4, 5))]
    if version > "0001":
        assert (await store.task("prog9abc")).exit_code == 3 and [one.portion for one in await store.portions("prog9abc")] == [1]
        assert await store.input_from("prog9abc", 0, 99) == (b"typed", True)
    await store.write(ForgetTask("ended234", "by anna", 2000.0))
    assert await store.rows_to_clear("ended234") is not None
    assert (BLOB in await store.blobs_used()) == (version > "0001"), "the program names it, too"
    await store.close()


@pytest.mark.parametrize("version", OLDER)
@pytest_twisted.ensureDeferred
async def test_a_server_goes_on_with_what_an_earlier_version_began(version: str, tmp_path: Path) -> None:
    from twisted.internet import reactor

    unpack(version, tmp_path / "marx.sqlite")
    room = Room(tmp_path, reactor)
    await room.begin()
    anna, lab = await room.tasker("anna"), await room.worker()
    watch = await anna.watch("open5678")
    await run_all(lab, "open5678")
    await anna.until_complete(watch)
    assert sorted(index for grant in lab.grants for index in range(grant[3], grant[3] + grant[4])) == [2, 3, 5]
    assert [line["value"] for line in printed(anna.results[watch])] == [0, 1, 4, 9, 16, 25]
    await run_all(lab, await anna.submit(1, 2))
    assert len((await anna.ask(tasker.ListTasks, limit=99))["tasks"]) == (3 if version == "0001" else 4)
    await room.end()


KILLED = """
import os, signal, sys
from sqlalchemy import event
from marx.server.schema import prepare
from marx.server.store_engine import make_engine, sqlite_url

engine = make_engine(sqlite_url(sys.argv[1]))
left = [int(sys.argv[2])]

def count(*_):
    left[0] -= 1
    if not left[0]:
        os.kill(os.getpid(), signal.SIGKILL)

event.listen(engine, "after_cursor_execute", count)
event.listen(engine, "commit", count)
prepare(engine)
"""


@pytest.mark.parametrize("statements", [3, 6, 9, 13, 18, 24, 1000])
def test_an_upgrade_that_is_killed_leaves_the_old_or_the_new_and_goes_on_at_the_next_start(statements: int, tmp_path: Path) -> None:
    path = unpack("0001", tmp_path / "marx.sqlite")
    before = dump_of(path)
    killed: Any = subprocess.run([sys.executable, "-c", KILLED, str(path), str(statements)], cwd=CHECKOUT, capture_output=True, text=True)
    assert killed.returncode in (0, -signal.SIGKILL), killed.stderr
    after = dump_of(path)
    assert after == before or version_in(after) == schema.VERSION
    assert (killed.returncode == 0) == (version_in(after) == schema.VERSION)
    engine = make_engine(sqlite_url(path))
    prepare(engine)
    engine.dispose()
    assert version_in(dump_of(path)) == schema.VERSION
