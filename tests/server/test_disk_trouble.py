"""
A whole server whose database cannot be written: nothing is taken, nothing is answered, nothing is lost, and it goes on by itself.

The disk is a real one of a few megabytes, the lock is held by a real other process.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import pytest_twisted
from twisted.internet.task import deferLater

from marx.server.daemon import EX_CONFIG, EX_TEMPFAIL, exit_code_of
from marx.server.records import SchemaTooNew, StoreError, StoreFailed
from marx.server.store import Store
from marx.server.store_engine import sqlite_url
from marx.wire import tasker
from marx.wire.calls import Unavailable
from marx.wire.hello import Greet
from tests.server.room import Room
from tests.server.test_straight_line import ended, printed, results, run_all

LOCKER = """
import sqlite3, sys
lock = sqlite3.connect(sys.argv[1], isolation_level=None, timeout=20)
lock.execute("BEGIN EXCLUSIVE")
print("locked", flush=True)
sys.stdin.read()
"""


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Another process holds the database for itself."""
    with subprocess.Popen([sys.executable, "-c", LOCKER, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as other:
        assert other.stdout.readline() == b"locked\n"
        yield
        other.stdin.close()


@contextmanager
def filled(folder: Path) -> Iterator[None]:
    """The disk that `folder` is on has no byte left."""
    ballast = folder / "ballast"
    with open(ballast, "wb", buffering=0) as file:
        try:
            while file.write(b"x" * 4096):
                pass
        except OSError:
            pass
    yield
    ballast.unlink()


@contextmanager
def small_disk(folder: Path, size: str) -> Iterator[Path]:
    folder.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size},mode=700", "tmpfs", str(folder)], check=True)
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


async def until_it_goes_on(room: Room) -> None:
    while room.parts.service.suspended:
        await deferLater(room.reactor, 0.05)


async def refused_until_suspended(ada: Any) -> str:
    """Submit until that is refused; why. What was written before a disk had no room for more was taken."""
    for _ in range(5000):
        try:
            await ada.submit(*range(100))
        except Unavailable as refused:
            return str(refused)
    raise AssertionError("nothing was refused")


async def goes_through_trouble(room: Room, trouble: Any, why: str, errors: Any) -> None:
    """A chunk runs while the trouble comes, ends in it, and counts after it."""
    ada, lab = await room.tasker(), await room.worker()
    task = await ada.submit(7)
    watch = await ada.watch(task)
    await lab.until(lambda: lab.grants)
    [grant] = lab.grants
    with trouble:
        said = await refused_until_suspended(ada)
        assert why in said and "goes on by itself" in said and len(said) < 400
        await lab.until(lambda: not lab.up)
        # Who comes meanwhile is told at the door.
        stranger = await room.connect(type(ada)(room.reactor), "tasker", "ben")
        with pytest.raises(Unavailable, match="takes nothing at present"):
            await stranger.ask(Greet, oldest=1, newest=1, software="a test")
        # Whoever watches sees what is there; a report is not answered.
        late = await room.connect(type(lab)(room.reactor), "worker", "lab-1")
        with pytest.raises(Unavailable):
            await late.greet(boot="boot-1")
    await until_it_goes_on(room)
    lab = await room.connect(type(lab)(room.reactor), "worker", "lab-1")
    await lab.greet(boot="boot-1")
    await lab.offer(held=[grant[:5]])
    report, payload = results(grant, 0, 49)
    assert await lab.report(report, ended(grant), payload=payload) == ["", ""]
    await ada.until_complete(watch)
    assert printed(ada.results[watch]) == [{"index": 0, "value": 49}]
    after = await ada.submit(1, 2)
    await run_all(lab, after)
    assert (await ada.ask(tasker.ShowTask, task=after))["shown"]["state"] == "done"
    assert all("granting and answering stop" in str(event) for event in errors.flush())


@pytest.mark.slow
@pytest_twisted.ensureDeferred
async def test_a_database_that_another_process_has_locked(room: Room, logged_failures: Any) -> None:
    await goes_through_trouble(room, locked(room.folder / "marx.sqlite"), "another process has locked it", logged_failures)


@pytest.mark.slow
@pytest.mark.needs_root
@pytest_twisted.ensureDeferred
async def test_a_disk_that_is_full(tmp_path: Path, logged_failures: Any) -> None:
    from twisted.internet import reactor

    with small_disk(tmp_path / "disk", "6m") as folder:
        room = Room(folder, reactor)
        await room.begin()
        await goes_through_trouble(room, filled(folder), "the disk that holds it is full", logged_failures)
        await room.end()


@pytest.mark.parametrize(("error", "code"), [(StoreFailed("damaged"), EX_CONFIG), (SchemaTooNew("newer"), EX_CONFIG), (OSError(), EX_CONFIG)])
def test_a_start_that_cannot_succeed_later_is_a_matter_of_configuration(error: Exception, code: int) -> None:
    assert exit_code_of(error) == code


def test_a_start_that_finds_its_database_locked_is_to_be_tried_again(tmp_path: Path) -> None:
    from twisted.internet import reactor

    path = tmp_path / "marx.sqlite"
    with locked(path), pytest.raises(StoreError, match="another process has locked it") as failed:
        Store.open(sqlite_url(path), reactor)
    assert exit_code_of(failed.value) == EX_TEMPFAIL
