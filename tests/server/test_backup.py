"""Backups of a running server: whole, private, consistent, and a server goes on from one."""

from __future__ import annotations

import os
import sqlite3
import stat
import tarfile
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
import pytest_twisted
from twisted.internet.defer import Deferred

from marx.server.authority import Authority
from marx.server.backup import Backup
from marx.server.secrets import Secrets
from marx.server.store_copy import EPOCHS_AHEAD
from marx.wire import blobs, tasker
from marx.wire.calls import BadRequest, Unavailable
from tests.server.room import Room
from tests.server.test_straight_line import ended, printed, results, run_all


def backup_of(room: Room) -> Backup:
    Authority.open(room.folder, 1000.0)
    return Backup(room.folder, room.store, room.blobs, room.reactor)


def unpacked(archive: Path, folder: Path) -> Path:
    """What `tar -xf` makes of an archive in an empty folder."""
    folder.mkdir()
    with tarfile.open(archive) as packed:
        packed.extractall(folder, filter="data")
    return folder


async def begun(room: Room, tmp_path: Path) -> Room:
    """A server on what was restored."""
    restored = Room(unpacked(tmp_path / "backup.tar", tmp_path / "restored"), room.reactor)
    await restored.begin()
    return restored


@pytest_twisted.ensureDeferred
async def test_a_server_goes_on_from_a_backup_with_all_that_was_there(room: Room, tmp_path: Path) -> None:
    ada, lab = await room.tasker(), await room.worker()
    digest = await ada.put_blob(b"data")
    manifest = await ada.put_blob(b'[[0, "d.bin", 33188, 4, "%s", 0.0]]' % digest.encode())
    done = await ada.submit(1, 2, 3, manifest=manifest)
    await run_all(lab, done)
    half = await ada.submit(*range(4), chunk_items=2)
    await lab.until(lambda: any(grant[1] == half for grant in lab.grants))
    grant = next(grant for grant in lab.grants if grant[1] == half)
    made = await backup_of(room).make(tmp_path / "backup.tar", False)
    assert (made.database, made.blobs, made.size_bytes) == (True, 2, (tmp_path / "backup.tar").stat().st_size)
    assert stat.S_IMODE((tmp_path / "backup.tar").stat().st_mode) == 0o600

    restored = await begun(room, tmp_path)
    try:
        ada, lab = await restored.tasker(), await restored.worker(held=[grant[:5]])
        report, payload = results(grant, grant[3], *(item * item for item in range(grant[3], grant[3] + grant[4])))
        assert await lab.report(report, ended(grant), payload=payload) == ["", ""]
        await run_all(lab, half)
        watch = await ada.watch(half)
        await ada.until_complete(watch)
        assert [line["value"] for line in printed(ada.results[watch])] == [0, 1, 4, 9]
        assert (await ada.ask(blobs.GetBlob, digest=digest, offset=0, task=done))["part"] == b"data"
        assert (await ada.ask(tasker.ShowTask, task=done))["shown"]["done"] == 3
        assert Authority.open(restored.folder, 1000.0).certificate == Authority.open(room.folder, 1000.0).certificate
    finally:
        await restored.end()


@pytest_twisted.ensureDeferred
async def test_secrets_of_open_tasks_are_in_it_for_those_who_restore(room: Room, tmp_path: Path) -> None:
    await Secrets(room.folder / "secrets", room.reactor).keep("task0000", {"TOKEN": "s3cret"})
    await backup_of(room).make(tmp_path / "backup.tar", False)
    assert b"s3cret" not in (tmp_path / "backup.tar").read_bytes()
    folder = unpacked(tmp_path / "backup.tar", tmp_path / "restored")
    assert await Secrets(folder / "secrets", room.reactor).of("task0000") == {"TOKEN": "s3cret"}
    assert {stat.S_IMODE(path.stat().st_mode) for path in folder.rglob("*") if path.is_file()} == {0o600}


@pytest_twisted.ensureDeferred
async def test_no_fence_that_the_lost_server_may_have_given_is_given_again(room: Room, tmp_path: Path) -> None:
    before = await room.store.last_epoch()
    await backup_of(room).make(tmp_path / "backup.tar", False)
    assert await room.store.last_epoch() == before
    restored = await begun(room, tmp_path)
    after = await restored.store.last_epoch()
    await restored.end()
    assert after == before + EPOCHS_AHEAD + 1


@pytest_twisted.ensureDeferred
async def test_a_backup_is_of_one_moment_however_much_is_written_meanwhile(room: Room, tmp_path: Path) -> None:
    ada = await room.tasker()
    backup = backup_of(room)
    made: Any = Deferred.fromCoroutine(backup.make(tmp_path / "backup.tar", False))
    written = 0
    while not made.called:
        digest = await ada.put_blob(b"file %d" % written)
        await ada.submit(*range(50), manifest=await ada.put_blob(b'[[0, "f", 33188, 4, "%s", 0.0]]' % digest.encode()))
        written += 1
    await made
    folder = unpacked(tmp_path / "backup.tar", tmp_path / "restored")
    with closing(sqlite3.connect(folder / "marx.sqlite")) as copy:
        assert copy.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        tasks = {id for (id,) in copy.execute("SELECT id FROM tasks")}
        assert {id for (id,) in copy.execute("SELECT task FROM items")} <= tasks
        named = {digest for (digest,) in copy.execute("SELECT sha256 FROM blob_uses")}
    assert {path.name for path in (folder / "blobs").rglob("*") if path.is_file()} == named


@pytest_twisted.ensureDeferred
async def test_what_is_there_is_replaced_only_when_told_so(room: Room, tmp_path: Path) -> None:
    backup, path = backup_of(room), tmp_path / "backup.tar"
    path.write_text("precious")
    with pytest.raises(BadRequest, match="is there already: give another name, or --force"):
        await backup.make(path, False)
    assert path.read_text() == "precious"
    await backup.make(path, True)
    assert tarfile.is_tarfile(path) and stat.S_IMODE(path.stat().st_mode) == 0o600


@pytest.mark.parametrize("place", ["blobs/ab/backup.tar", "nowhere/backup.tar", "blobs"])
@pytest_twisted.ensureDeferred
async def test_a_place_where_no_backup_can_be_is_refused(room: Room, place: str) -> None:
    before = sorted(room.folder.rglob("*"))
    with pytest.raises(BadRequest):
        await backup_of(room).make(room.folder / place, True)
    assert set(room.folder.rglob("*")) - set(before) <= {room.folder / "authority.pem"}


@pytest_twisted.ensureDeferred
async def test_a_backup_that_fails_leaves_neither_a_part_nor_the_old_one_broken(room: Room, tmp_path: Path) -> None:
    ada = await room.tasker()
    digest = await ada.put_blob(b"data")
    await ada.submit(1, manifest=await ada.put_blob(b'[[0, "d", 33188, 4, "%s", 0.0]]' % digest.encode()))
    backup, folder = backup_of(room), tmp_path / "backups"
    folder.mkdir()
    await backup.make(folder / "backup.tar", False)
    whole = (folder / "backup.tar").read_bytes()
    os.unlink(room.folder / "blobs" / digest[:2] / digest)
    with pytest.raises(Unavailable, match="the backup cannot be written: .*No such file"):
        await backup.make(folder / "backup.tar", True)
    backup.stop()
    with pytest.raises(Unavailable, match="the server is stopping"):
        await backup.make(folder / "other.tar", False)
    assert [path.name for path in folder.iterdir()] == ["backup.tar"] and (folder / "backup.tar").read_bytes() == whole


@pytest_twisted.ensureDeferred
async def test_nothing_is_swept_while_a_backup_is_made(room: Room, tmp_path: Path) -> None:
    ada, lab = await room.tasker(), await room.worker()
    digest = await ada.put_blob(b"data")
    task = await ada.submit(1, manifest=await ada.put_blob(b'[[0, "d", 33188, 4, "%s", 0.0]]' % digest.encode()))
    await run_all(lab, task)
    copy = room.store.copy_database

    async def forgetful(target: Path) -> Any:
        copied = await copy(target)
        await ada.ask(tasker.ForgetEndedTask, task=task)
        swept.append(Deferred.fromCoroutine(room.blobs.sweep_unused(frozenset(), -1.0)))
        return copied

    swept: list[Any] = []
    room.store.copy_database = forgetful
    assert (await backup_of(room).make(tmp_path / "backup.tar", False)).blobs == 2
    assert digest in (await swept[0]).deleted
    with tarfile.open(tmp_path / "backup.tar") as archive:
        assert any(digest in name for name in archive.getnames())
