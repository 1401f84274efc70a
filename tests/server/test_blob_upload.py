"""An upload: whatever way the bytes are cut, sent again or cut off, what stands under a hash has that hash."""

from __future__ import annotations

import errno
import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from twisted.internet.defer import Deferred, execute

from marx.server.blob_upload import ROUND_BYTES, BlobUpload, BlobWrong, NoRoom, PartialFile

CONTENT = b"what a program made"


class Threads:
    """Work for threads, done one by one when the test says so."""

    def __init__(self) -> None:
        self.waiting: list[Callable[[], None]] = []

    def __call__(self, work: Callable[..., Any], *arguments: Any) -> Deferred[Any]:
        done: Deferred[Any] = Deferred()
        self.waiting.append(lambda: execute(work, *arguments).chainDeferred(done))
        return done

    def work(self) -> None:
        """Do all that waits, and what comes of it."""
        while self.waiting:
            self.waiting.pop(0)()


class Desk:
    """Begins uploads of `content`; `ended` has what each reported at its end."""

    def __init__(self, folder: Path, content: bytes = CONTENT) -> None:
        self.folder = folder
        self.content = content
        self.digest = hashlib.sha256(content).hexdigest()
        self.kept = folder / self.digest[:2] / self.digest
        self.kept.parent.mkdir(exist_ok=True)
        self.threads = Threads()
        self.ended: list[int] = []
        self.outcomes: list[Any] = []

    def begin(self, name: str = "partial", total: int | None = None) -> BlobUpload:
        file = PartialFile(self.folder / name, self.kept, durable=True)
        total = len(self.content) if total is None else total
        return BlobUpload(total, file, self.threads, lambda _, more_bytes: self.ended.append(more_bytes))

    def write(self, upload: BlobUpload, offset: int, part: bytes) -> None:
        """Send a part; what comes of it stands in `outcomes`, an exception as it is."""
        upload.write(offset, part).addErrback(lambda failure: failure.value).addCallback(self.outcomes.append)

    def files(self) -> set[str]:
        """Everything below the folder."""
        return {str(path.relative_to(self.folder)) for path in self.folder.rglob("*") if path.is_file()}


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


def test_a_blob_stands_under_its_hash_after_its_last_part_and_not_before(desk: Desk) -> None:
    upload = desk.begin()
    desk.write(upload, 0, CONTENT[:7])
    desk.threads.work()
    assert desk.outcomes == [False] and desk.files() == {"partial"}
    desk.write(upload, 7, CONTENT[7:])
    assert desk.outcomes == [False]
    desk.threads.work()
    assert desk.outcomes == [False, True] and desk.ended == [len(CONTENT)]
    assert desk.files() == {f"{desk.digest[:2]}/{desk.digest}"} and desk.kept.read_bytes() == CONTENT
    assert desk.kept.stat().st_mode & 0o777 == 0o600


def test_an_empty_blob_needs_one_empty_part(tmp_path: Path) -> None:
    desk = Desk(tmp_path, b"")
    desk.write(desk.begin(), 0, b"")
    desk.threads.work()
    assert desk.outcomes == [True] and desk.kept.read_bytes() == b""


def test_parts_that_come_while_the_thread_is_busy_are_written_together(desk: Desk) -> None:
    upload = desk.begin()
    for at in range(0, len(CONTENT), 2):
        desk.write(upload, at, CONTENT[at : at + 2])
    assert len(desk.threads.waiting) == 1
    desk.threads.waiting.pop(0)()
    assert desk.outcomes == [False] and len(desk.threads.waiting) == 1
    desk.threads.waiting.pop(0)()
    assert desk.outcomes[1:] == [True] * 9 and not desk.threads.waiting


def test_a_round_of_the_thread_is_bounded(tmp_path: Path) -> None:
    desk = Desk(tmp_path, b"x" * (4 * ROUND_BYTES))
    upload = desk.begin()
    half = ROUND_BYTES // 2
    for at in range(0, len(desk.content), half):
        desk.write(upload, at, desk.content[at : at + half])
    answered = []
    while desk.threads.waiting:
        desk.threads.waiting.pop(0)()
        answered.append(len(desk.outcomes))
    assert answered == [1, 3, 5, 7, 8]


@settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(content=st.binary(max_size=40), steps=st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9), st.booleans())))
def test_however_the_bytes_are_cut_and_repeated_what_is_kept_is_what_was_sent(
    tmp_path: Path, content: bytes, steps: list[tuple[int, int, bool]]
) -> None:
    desk = Desk(tmp_path, content)
    desk.kept.unlink(missing_ok=True)
    upload = desk.begin()
    for again, fresh, worked in steps:
        start, stop = max(0, upload.taken - again), min(upload.taken + fresh, len(content))
        desk.write(upload, start, content[start:stop])
        if worked:
            desk.threads.work()
    if not desk.ended:
        desk.write(upload, upload.taken, content[upload.taken :])
        desk.threads.work()
    assert desk.kept.read_bytes() == content and desk.ended == [len(content)]


def test_a_sender_may_begin_again_from_the_first_byte(desk: Desk) -> None:
    upload = desk.begin()
    desk.write(upload, 0, CONTENT[:10])
    desk.threads.work()
    for at in range(0, len(CONTENT), 4):
        desk.write(upload, at, CONTENT[at : at + 4])
        desk.threads.work()
    assert desk.outcomes == [False] * 5 + [True] and desk.kept.read_bytes() == CONTENT


def test_a_part_that_is_sent_again_while_the_last_is_written_is_answered(desk: Desk) -> None:
    upload = desk.begin()
    desk.write(upload, 0, CONTENT)
    desk.write(upload, 4, CONTENT[4:])
    desk.threads.work()
    assert desk.outcomes == [True, True] and desk.ended == [len(CONTENT)]


@pytest.mark.parametrize(("offset", "part"), [(8, b"x"), (-1, b"x"), (7, b"x" * 13)], ids=["a gap", "before the first byte", "too much"])
def test_a_part_that_cannot_follow_ends_the_upload(desk: Desk, offset: int, part: bytes) -> None:
    upload = desk.begin()
    desk.write(upload, 0, CONTENT[:7])
    desk.threads.work()
    desk.write(upload, offset, part)
    desk.write(upload, 7, CONTENT[7:])
    desk.threads.work()
    assert [type(outcome) for outcome in desk.outcomes] == [bool, BlobWrong, BlobWrong]
    assert "does not follow 7 of 19" in str(desk.outcomes[1])
    assert desk.files() == set() and desk.ended == [0]


def test_what_has_another_hash_is_not_kept(desk: Desk) -> None:
    desk.write(desk.begin(), 0, CONTENT[::-1])
    desk.threads.work()
    [wrong] = desk.outcomes
    assert isinstance(wrong, BlobWrong) and "another hash" in str(wrong)
    assert desk.files() == set() and desk.ended == [0]


def test_two_senders_of_one_blob_do_not_disturb_each_other(desk: Desk) -> None:
    one, two = desk.begin("one"), desk.begin("two")
    desk.write(one, 0, CONTENT[:3])
    desk.write(two, 0, CONTENT)
    desk.write(one, 3, CONTENT[3:])
    desk.threads.work()
    assert desk.outcomes == [False, True, True]
    assert desk.kept.read_bytes() == CONTENT and sorted(desk.ended) == [0, len(CONTENT)]


def test_an_abandoned_upload_fails_what_waits_and_leaves_no_file(desk: Desk) -> None:
    upload = desk.begin()
    desk.write(upload, 0, CONTENT[:3])
    desk.write(upload, 3, CONTENT[3:6])
    upload.abandon("too slow")
    assert [str(outcome) for outcome in desk.outcomes] == ["too slow"]
    desk.threads.work()
    assert [str(outcome) for outcome in desk.outcomes] == ["too slow", "False"]
    assert desk.files() == set() and desk.ended == [0]
    desk.write(upload, 6, CONTENT[6:])
    upload.abandon("once more")
    assert str(desk.outcomes[-1]) == "too slow" and desk.ended == [0]


class FullDisk(PartialFile):
    """A file on a disk without room."""

    def append(self, parts: list[bytes]) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")


@pytest.mark.parametrize("abandoned", [False, True])
def test_a_full_disk_fails_the_upload_and_leaves_no_file(desk: Desk, abandoned: bool) -> None:
    file = FullDisk(desk.folder / "partial", desk.kept, durable=True)
    upload = BlobUpload(len(CONTENT), file, desk.threads, lambda _, more_bytes: desk.ended.append(more_bytes))
    desk.write(upload, 0, CONTENT[:3])
    if abandoned:
        upload.abandon("too slow")
    desk.threads.work()
    [full] = desk.outcomes
    assert isinstance(full, NoRoom) and "disk is full" in str(full)
    assert desk.files() == set() and desk.ended == [0]
