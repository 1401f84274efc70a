"""A slot's folder is brought from one list of files to the next: only what differs, and never outside of it."""

from __future__ import annotations

import os
import stat
import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from marx.worker.folders import Folders, Plan
from marx.worker.recipes import CannotRun, Recipe, TaskFile
from tests.fakes.servers import digest_of

WORK = "/home/alice/work"


class Disk:
    """One task's folder on slot 0, over a cache of blobs."""

    def __init__(self, folder: Path, roots: tuple[str, ...] = (WORK,), cwd: str = WORK) -> None:
        self.blobs = folder / "blobs"
        self.blobs.mkdir()
        self.folders = Folders(folder / "slots", lambda digest: self.blobs / digest)
        self.folders.sweep()
        self.recipe = Recipe("task", WORK + "/prog.py", None, "", ("prog.py",), cwd, roots, "", 1, 1, kind="run")
        self.work = folder / "slots" / "0" / "task" / "roots" / "0"

    def file(self, path: str, content: bytes = b"x", mode: int = 0o644, root: int = 0) -> TaskFile:
        digest = digest_of(content)
        (self.blobs / digest).write_bytes(content)
        return TaskFile(root, path, mode, len(content), digest, None)

    def bring(self, *files: TaskFile) -> Plan:
        plan = self.folders.plan(self.recipe, files, 0, None, afresh=False)
        self.folders.carry_out(plan)
        return plan

    def put(self, *files: TaskFile) -> list[str]:
        """Bring it to these; which had to be put."""
        return [file.path for file in self.bring(*files).put]

    @property
    def found(self) -> dict[str, Any]:
        """Everything below the first root: content, target, or None for a folder."""
        return {str(path.relative_to(self.work)): content_of(path) for path in self.work.rglob("*")}


def content_of(path: Path) -> Any:
    if path.is_symlink():
        return os.readlink(path)
    return None if path.is_dir() else path.read_bytes()


@pytest.fixture
def disk(tmp_path: Path) -> Disk:
    return Disk(tmp_path)


def test_only_what_differs_is_put(disk: Disk) -> None:
    one, two = disk.file("a.txt", b"one"), disk.file("sub/b.txt", b"two")
    assert disk.put(one, two) == ["a.txt", "sub/b.txt"]
    assert disk.put(one, two) == []
    assert disk.put(one, disk.file("sub/b.txt", b"new")) == ["sub/b.txt"]
    assert disk.found == {"a.txt": b"one", "sub": None, "sub/b.txt": b"new"}


def test_what_an_item_changed_made_or_removed_is_mended(disk: Disk) -> None:
    files = [disk.file("changed", b"aaa"), disk.file("gone"), disk.file("same", b"same")]
    disk.bring(*files)
    (disk.work / "changed").write_bytes(b"bbb")
    (disk.work / "gone").unlink()
    (disk.work / "same").write_bytes(b"same")
    (disk.work / "made" / "deep").mkdir(parents=True)
    (disk.work / "made" / "deep" / "file").write_bytes(b"x")
    plan = disk.bring(*files)
    assert sorted(file.path for file in plan.put) == ["changed", "gone"], "what has the right content stays, whoever wrote it"
    assert disk.found == {"changed": b"aaa", "gone": b"x", "same": b"same"}


def test_a_file_of_an_item_that_is_in_the_next_list_needs_no_fetching_and_counts_from_then_on(disk: Disk) -> None:
    disk.bring()
    (disk.work / "out.txt").write_bytes(b"made here")
    listed = TaskFile(0, "out.txt", 0o644, 9, digest_of(b"made here"), None)
    (disk.work / "out.txt").chmod(0o644)
    assert disk.put(listed) == [] and disk.put(listed) == []
    (disk.work / "out.txt").write_bytes(b"MADE HERE")
    assert [file.path for file in disk.folders.plan(disk.recipe, [listed], 0, None, afresh=False).put] == ["out.txt"]


def test_a_file_that_is_written_at_once_with_as_many_bytes_is_noticed(disk: Disk) -> None:
    listed = disk.file("a", b"123")
    for _ in range(20):
        disk.bring(listed)
        with open(disk.work / "a", "r+b") as file:
            file.write(b"456")
        assert disk.put(listed) == ["a"]


@pytest.mark.parametrize("before", ["file", "folder", "link"])
@pytest.mark.parametrize("after", ["file", "folder", "link"])
def test_anything_can_become_anything(disk: Disk, before: str, after: str) -> None:
    kinds = {
        "file": disk.file("x", b"content"),
        "folder": TaskFile(0, "x", 0o755, 0, None, None),
        "link": TaskFile(0, "x", 0o777, 0, None, "elsewhere"),
    }
    disk.bring(kinds[before])
    if before == "folder":
        (disk.work / "x" / "inside").write_bytes(b"x")
    disk.bring(kinds[after])
    assert disk.found == {"x": {"file": b"content", "folder": None, "link": "elsewhere"}[after]}


def test_modes_are_mended_and_folders_that_are_listed_stay_empty(disk: Disk) -> None:
    files = [disk.file("run.sh", mode=0o755), TaskFile(0, "empty", 0o750, 0, None, None)]
    disk.bring(*files)
    (disk.work / "run.sh").chmod(0o600)
    (disk.work / "empty").rmdir()
    disk.bring(*files)
    assert stat.S_IMODE((disk.work / "run.sh").stat().st_mode) == 0o755 and (disk.work / "empty").is_dir()
    assert stat.S_IMODE((disk.work / "empty").stat().st_mode) == 0o750


def test_the_working_folder_and_mount_points_stay_whatever_the_list_says(tmp_path: Path) -> None:
    disk = Disk(tmp_path, roots=(WORK, WORK + "/inner"), cwd=WORK + "/deep/er")
    disk.bring()
    assert disk.found == {"deep": None, "deep/er": None, "inner": None}
    inode = (disk.work / "inner").stat().st_ino
    disk.bring(disk.file("a"))
    assert (disk.work / "inner").stat().st_ino == inode, "something may be mounted there"


@pytest.mark.parametrize("trap", ["sub", "sub/deep"])
def test_nothing_is_written_read_or_removed_through_a_link_of_an_item(disk: Disk, tmp_path: Path, trap: str) -> None:
    outside = tmp_path / "outside"
    (outside / "deep").mkdir(parents=True)
    for place in ("b.txt", "deep/b.txt", "kept"):
        (outside / place).write_bytes(b"private")
    listed = disk.file("sub/deep/b.txt", b"private")
    disk.bring(listed)
    place = disk.work / trap
    place.rename(disk.work / "moved")
    place.symlink_to(outside if trap == "sub" else outside / "deep")
    plan = disk.bring(listed)
    assert [file.path for file in plan.put] == ["sub/deep/b.txt"]
    assert {str(path.relative_to(outside)) for path in outside.rglob("*")} == {"b.txt", "deep", "deep/b.txt", "kept"}
    assert not place.is_symlink() and disk.found == {"sub": None, "sub/deep": None, "sub/deep/b.txt": b"private"}


def test_a_link_where_a_file_was_planned_is_replaced_and_not_followed(disk: Disk, tmp_path: Path) -> None:
    (tmp_path / "victim").write_bytes(b"untouched")
    listed = disk.file("a", b"ours")
    plan = disk.folders.plan(disk.recipe, [listed], 0, None, afresh=False)
    (disk.work / "a").symlink_to(tmp_path / "victim")
    disk.folders.carry_out(plan)
    assert (tmp_path / "victim").read_bytes() == b"untouched" and disk.found == {"a": b"ours"}


def test_a_pipe_of_an_item_blocks_nobody(disk: Disk) -> None:
    listed = disk.file("a", b"x" * 3)
    disk.bring(listed)
    (disk.work / "a").unlink()
    os.mkfifo(disk.work / "a", 0o644)
    os.mkfifo(disk.work / "b")
    assert disk.put(listed) == ["a"] and disk.found == {"a": b"xxx"}


def test_folders_that_an_item_closed_are_opened_again(disk: Disk) -> None:
    listed = disk.file("sub/deep/a")
    disk.bring(listed)
    (disk.work / "made" / "inner").mkdir(parents=True)
    (disk.work / "made" / "inner" / "file").write_bytes(b"x")
    for place, mode in (("made/inner", 0), ("made", 0o500), ("sub/deep", 0), ("sub", 0o400), ("", 0o100)):
        (disk.work / place).chmod(mode)
    disk.bring(disk.file("sub/deep/b"))
    assert disk.found == {"sub": None, "sub/deep": None, "sub/deep/b": b"x"}


def test_afresh_begins_empty_and_a_forgotten_folder_is_made_anew(disk: Disk) -> None:
    listed = disk.file("a")
    disk.bring(listed)
    (disk.work.parent.parent / "tmp" / "left").write_bytes(b"over")
    disk.folders.carry_out(disk.folders.plan(disk.recipe, [listed], 0, None, afresh=True))
    assert not (disk.work.parent.parent / "tmp" / "left").exists()
    disk.folders.remove("task", 0)
    assert disk.put(listed) == ["a"]


def test_seats_have_folders_of_their_own(disk: Disk) -> None:
    layouts = [disk.folders.carry_out(disk.folders.plan(disk.recipe, [], slot, None)) for slot in (1, -1)]
    assert [layout.folder.parent.name for layout in layouts] == ["1", "seat-1"]


def test_lists_that_contradict_themselves_are_refused(disk: Disk) -> None:
    with pytest.raises(CannotRun, match="want the place a/b"):
        disk.bring(disk.file("a"), disk.file("a/b"))


@pytest.mark.needs_root
def test_what_is_brought_belongs_to_the_slots_user(disk: Disk) -> None:
    for files in ([], [disk.file("sub/a"), TaskFile(0, "link", 0o777, 0, None, "/etc/passwd")]):
        disk.folders.carry_out(disk.folders.plan(disk.recipe, files, 0, 60700, afresh=False))
    owners = {path.lstat().st_uid for path in [disk.work, *disk.work.rglob("*")]}
    assert owners == {60700} and os.stat("/etc/passwd").st_uid == 0


NAMES = st.sampled_from("abc")
PATHS = st.lists(NAMES, min_size=1, max_size=3).map("/".join)
LISTS = st.dictionaries(PATHS, st.sampled_from([b"one", b"two", None, "link"]), max_size=5)


def is_possible(listed: dict[str, Any]) -> bool:
    return not any(listed.get(path.rsplit("/", depth)[0]) is not None for path in listed for depth in range(1, path.count("/") + 1))


@settings(max_examples=60, deadline=None)
@given(st.lists(LISTS.filter(is_possible), min_size=1, max_size=4), st.lists(st.tuples(PATHS, st.booleans()), max_size=4))
def test_whatever_was_there_the_list_is_there_afterwards(lists: list[dict[str, Any]], doings: list[tuple[str, bool]]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        disk = Disk(Path(folder))
        for listed in lists:
            disk.bring(*(entry(disk, path, what) for path, what in sorted(listed.items())))
            folders = {path.rsplit("/", depth)[0]: None for path in listed for depth in range(1, path.count("/") + 1)}
            assert disk.found == {**folders, **listed}
            for path, makes in doings:
                meddle(disk.work / path, makes)


def entry(disk: Disk, path: str, what: bytes | str | None) -> TaskFile:
    if isinstance(what, bytes):
        return disk.file(path, what)
    return TaskFile(0, path, 0o755, 0, None, what)


def meddle(path: Path, makes: bool) -> None:
    """What an item might do, where it can."""
    try:
        if makes:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(b"two")
        else:
            path.unlink()
    except OSError:
        return
