"""Blobs on a real disk: sent, read, limited, swept."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import pytest_twisted
from twisted.internet.defer import Deferred, gatherResults
from twisted.internet.task import Clock

from marx.server.blob_upload import BlobWrong, NoRoom
from marx.server.blobs import BlobLimits, Blobs, BlobTooLarge, NoSuchBlob, Swept

LIMITS = BlobLimits(blob_bytes=1_000_000, total_bytes=2_000_000, free_bytes=0, idle_seconds=60.0)
NOT_DIGESTS = ["", "ab", "../../../etc/passwd", "AB" * 32, "zz" * 32, "ab/" + "a" * 61]


class Reactor(Clock):
    """Real threads, and time that the test moves."""

    def __init__(self) -> None:
        from twisted.internet import reactor

        super().__init__()
        self.getThreadPool: Callable[[], Any] = reactor.getThreadPool
        self.callFromThread: Callable[..., Any] = reactor.callFromThread


class Shelf:
    """Blobs in a folder; `open` is a start of the server."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.reactor = Reactor()

    def open(self, **limits: Any) -> Blobs:
        return Blobs(self.folder, self.reactor, replace(LIMITS, **limits))

    def files(self) -> set[str]:
        return {path.name for path in self.folder.rglob("*") if path.is_file()}


@pytest.fixture
def shelf(tmp_path: Path) -> Shelf:
    return Shelf(tmp_path / "state" / "blobs")


@pytest.fixture
def blobs(shelf: Shelf) -> Blobs:
    return shelf.open()


def digest_of(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


async def put(blobs: Blobs, content: bytes, sender: str = "anna", part: int = 100_000) -> str:
    """Send all of `content` in parts; its digest."""
    digest = digest_of(content)
    upload = blobs.upload(sender, digest, len(content))
    written = await gatherResults([upload.write(at, content[at : at + part]) for at in range(0, len(content) or 1, part)])
    assert written[-1]
    return digest


@pytest_twisted.ensureDeferred
async def test_what_was_sent_is_read_back_in_parts(blobs: Blobs) -> None:
    content = os.urandom(450_000)
    digest = await put(blobs, content)
    assert await blobs.exists(digest) and await blobs.size(digest) == len(content)
    parts = [await blobs.read(digest, at, 200_000) for at in (0, 200_000, 400_000, 600_000)]
    assert b"".join(parts) == content and [len(part) for part in parts] == [200_000, 200_000, 50_000, 0]


@pytest_twisted.ensureDeferred
async def test_blobs_outlive_the_server_and_uploads_do_not(shelf: Shelf) -> None:
    before = shelf.open()
    digest = await put(before, b"whole")
    await before.upload("anna", digest_of(b"half"), 4).write(0, b"ha")
    assert len(shelf.files()) == 2
    after = shelf.open()
    assert shelf.files() == {digest}
    assert await after.read(digest, 0, 10) == b"whole"


@pytest.mark.parametrize("digest", [*NOT_DIGESTS, digest_of(b"never sent")])
@pytest_twisted.ensureDeferred
async def test_what_is_not_there_is_no_blob_whatever_its_name(blobs: Blobs, digest: str) -> None:
    assert await blobs.exists(digest) is False and await blobs.present([digest]) == set()
    for asked in (blobs.size(digest), blobs.read(digest, 0, 10)):
        with pytest.raises(NoSuchBlob):
            await asked


@pytest.mark.parametrize(("digest", "total"), [*((digest, 10) for digest in NOT_DIGESTS), (digest_of(b""), -1)])
def test_an_upload_needs_a_digest_and_a_size(blobs: Blobs, shelf: Shelf, digest: str, total: int) -> None:
    with pytest.raises(BlobWrong, match="cannot be a blob"):
        blobs.upload("anna", digest, total)
    assert shelf.files() == set()


def test_nobody_else_can_look_into_the_folder(blobs: Blobs, shelf: Shelf) -> None:
    assert {path.stat().st_mode & 0o777 for path in (shelf.folder, *shelf.folder.iterdir())} == {0o700}


# One upload after the other, and several at a time


@pytest_twisted.ensureDeferred
async def test_an_upload_goes_on_where_it_was_and_each_sender_has_their_own(blobs: Blobs) -> None:
    content, digest = b"abcdef", digest_of(b"abcdef")
    annas = blobs.upload("anna", digest, 6)
    await annas.write(0, b"abc")
    assert blobs.upload("anna", digest, 6) is annas and blobs.upload("ben", digest, 6) is not annas
    await put(blobs, content, "ben")
    assert annas.taken == 3 and await annas.write(3, b"def")
    assert blobs.upload("anna", digest, 6) is not annas


@pytest_twisted.ensureDeferred
async def test_beginning_again_with_another_size_ends_what_was_begun(blobs: Blobs) -> None:
    digest = digest_of(b"abc")
    lied = blobs.upload("anna", digest, 2)
    await lied.write(0, b"a")
    await put(blobs, b"abc")
    with pytest.raises(BlobWrong, match="another size"):
        await lied.write(1, b"b")
    assert await blobs.exists(digest)


@pytest_twisted.ensureDeferred
async def test_an_upload_that_was_replaced_while_it_was_written_does_not_end_the_new_one(blobs: Blobs) -> None:
    digest = digest_of(b"abc")
    first_part = blobs.upload("anna", digest, 2).write(0, b"a")
    new = blobs.upload("anna", digest, 3)
    await first_part
    assert blobs.upload("anna", digest, 3) is new and await new.write(0, b"abc")


@pytest_twisted.ensureDeferred
async def test_after_a_wrong_upload_the_sender_can_begin_anew(blobs: Blobs, shelf: Shelf) -> None:
    digest = digest_of(b"right")
    with pytest.raises(BlobWrong, match="another hash"):
        await blobs.upload("anna", digest, 5).write(0, b"wrong")
    assert not await blobs.exists(digest)
    await put(blobs, b"right")
    assert shelf.files() == {digest}


@pytest_twisted.ensureDeferred
async def test_many_uploads_at_a_time_come_out_whole(blobs: Blobs) -> None:
    contents = [os.urandom(1000 + number) for number in range(60)]
    uploads = [blobs.upload("anna", digest_of(content), len(content)) for content in contents]
    written: list[Deferred[bool]] = []
    for at in range(0, 1100, 100):
        written += [upload.write(at, content[at : at + 100]) for upload, content in zip(uploads, contents) if at < len(content)]
    assert sum(await gatherResults(written)) >= 60
    for content in contents:
        assert await blobs.read(digest_of(content), 0, 2000) == content


# Limits


@pytest_twisted.ensureDeferred
async def test_a_blob_may_have_a_size_and_not_a_byte_more(blobs: Blobs) -> None:
    await put(blobs, b"x" * 1_000_000)
    with pytest.raises(BlobTooLarge, match="1,000,001 bytes, and one file or value may have 1,000,000"):
        blobs.upload("anna", digest_of(b""), 1_000_001)


@pytest_twisted.ensureDeferred
async def test_all_blobs_together_are_limited_with_what_is_on_its_way(shelf: Shelf) -> None:
    blobs = shelf.open(total_bytes=100)
    await put(blobs, b"x" * 40)
    blobs.upload("ben", digest_of(b"y"), 30)
    with pytest.raises(NoRoom, match="keeps 70 bytes.*may keep 100"):
        blobs.upload("anna", digest_of(b"z"), 31)
    again = shelf.open(total_bytes=100)
    await put(again, b"z" * 60)
    with pytest.raises(NoRoom):
        again.upload("anna", digest_of(b"a"), 1)


@pytest_twisted.ensureDeferred
async def test_a_blob_that_is_sent_twice_counts_once(shelf: Shelf) -> None:
    blobs = shelf.open(total_bytes=100)
    await put(blobs, b"x" * 50)
    await put(blobs, b"x" * 50, "ben")
    await put(blobs, b"y" * 50)


def test_some_of_the_disk_stays_free(shelf: Shelf) -> None:
    stat = os.statvfs(shelf.folder.parent.parent)
    blobs = shelf.open(free_bytes=stat.f_bavail * stat.f_frsize + (1 << 40))
    with pytest.raises(NoRoom, match="disk has .* bytes free, of which .* must stay so"):
        blobs.upload("anna", digest_of(b"x"), 1)


# Sweeping


@pytest_twisted.ensureDeferred
async def test_an_upload_whose_sender_fell_silent_is_given_up_and_others_go_on(blobs: Blobs, shelf: Shelf) -> None:
    silent = blobs.upload("anna", digest_of(b"silent"), 6)
    await silent.write(0, b"sil")
    shelf.reactor.advance(40)
    steady = blobs.upload("ben", digest_of(b"steady"), 6)
    await steady.write(0, b"ste")
    assert blobs.sweep_uploads() == 0
    shelf.reactor.advance(40)
    assert blobs.sweep_uploads() == 1 and blobs.sweep_uploads() == 0
    with pytest.raises(BlobWrong, match="given up: nothing came of it for 60 s"):
        await silent.write(3, b"ent")
    assert await blobs.upload("ben", digest_of(b"steady"), 6).write(3, b"ady")
    await put(blobs, b"silent")
    assert shelf.files() == {digest_of(b"silent"), digest_of(b"steady")}


@pytest_twisted.ensureDeferred
async def test_unused_blobs_are_swept_unless_somebody_sent_or_asked_for_them_lately(shelf: Shelf) -> None:
    blobs = shelf.open(total_bytes=20)
    used, unused, asked, young = [await put(blobs, name) for name in (b"used.", b"not..", b"asked", b"young")]
    shelf.reactor.advance(2000.0)
    await blobs.exists(asked)
    assert await blobs.present([young]) == {young}
    assert await blobs.sweep_unused(frozenset({used}), 1000.0) == Swept(frozenset({unused}), 5)
    assert shelf.files() == {used, asked, young}
    await put(blobs, b"fits.")
    shelf.reactor.advance(1001.0)
    assert (await blobs.sweep_unused(frozenset(), 1000.0)).deleted == {used, asked, young, digest_of(b"fits.")}
    assert shelf.files() == set() and await blobs.total_size([used, asked]) == 0


@pytest_twisted.ensureDeferred
async def test_after_a_restart_nothing_is_young_since_all_who_sent_something_begin_again(shelf: Shelf) -> None:
    digest = await put(shelf.open(), b"sent before")
    assert (await shelf.open().sweep_unused(frozenset(), 1000.0)).deleted == {digest}


@pytest_twisted.ensureDeferred
async def test_a_blob_under_way_is_never_swept_however_slow_its_sender(shelf: Shelf) -> None:
    blobs = shelf.open(idle_seconds=1e9)
    content, digest = b"slow", digest_of(b"slow")
    for at in range(4):
        shelf.reactor.advance(900.0)
        whole = await blobs.upload("anna", digest, 4).write(at, content[at : at + 1])
        await blobs.sweep_unused(frozenset(), 1000.0)
    assert whole and await blobs.read(digest, 0, 9) == content


@pytest_twisted.ensureDeferred
async def test_who_was_told_that_a_blob_is_here_finds_it_whatever_a_sweep_does_meanwhile(shelf: Shelf) -> None:
    """The sweep and those who ask run in different threads, as they do in a server."""
    blobs = shelf.open()
    contents = [b"%d" % number for number in range(300)]
    digests = [await put(blobs, content) for content in contents]
    shelf.reactor.advance(2000.0)
    swept = blobs.sweep_unused(frozenset(), 1000.0)
    told = [await asked for asked in [blobs.exists(digest) for digest in digests]]
    deleted = (await swept).deleted
    for digest, here in zip(digests, told):
        assert here == (digest not in deleted) and ((digest in shelf.files()) == here)
