"""A task's files stand where its program looks for them, as copies, and leave nothing behind."""

from __future__ import annotations

import os
import stat
from dataclasses import replace
from pathlib import Path

import pytest

from marx.worker.folders import Folders, Layout, remove_tree
from marx.worker.recipes import CannotRun, Recipe, TaskFile
from marx.worker.surroundings import HOME
from tests.fakes.servers import digest_of

PROGRAM = b"def f(x):\n    return x\n"


class Disk:
    """Folders over a cache of a few blobs."""

    def __init__(self, folder: Path) -> None:
        self.blobs = folder / "blobs"
        self.blobs.mkdir()
        self.base = folder / "slots"
        self.folders = Folders(self.base, lambda digest: self.blobs / digest)
        self.folders.sweep()

    def file(self, path: str, content: bytes = PROGRAM, mode: int = 0o644, root: int = 0) -> TaskFile:
        digest = digest_of(content)
        (self.blobs / digest).write_bytes(content)
        return TaskFile(root, path, mode, len(content), digest, None)

    def lay_out(self, *files: TaskFile, roots: tuple[str, ...] = ("/home/alice/work",), cwd: str = "/home/alice/work", slot: int = 0) -> Layout:
        recipe = Recipe("task", "/home/alice/work/prog.py", None, "f", ("prog.py",), cwd, roots, "", 1, 1)
        return self.settle(recipe, list(files), slot)

    def settle(self, recipe: Recipe, files: list[TaskFile], slot: int = 0, owner: int | None = None, afresh: bool = True) -> Layout:
        return self.folders.carry_out(self.folders.plan(recipe, files, slot, owner, afresh))


@pytest.fixture
def disk(tmp_path: Path) -> Disk:
    return Disk(tmp_path)


def where(layout: Layout, inside: str) -> Path:
    return Path(layout.mounts.host_of(inside))


def test_files_stand_below_their_roots_with_their_modes(disk: Disk) -> None:
    layout = disk.lay_out(
        TaskFile(0, "sub", 0o750, 0, None, None),
        disk.file("prog.py"),
        disk.file("sub/run.sh", b"#!/bin/sh\n", 0o755),
        disk.file("data.csv", b"1,2\n", 0o444, root=1),
        TaskFile(0, "latest", 0o777, 0, None, "sub/run.sh"),
        roots=("/home/alice/work", "/srv/data"),
    )
    assert where(layout, "/home/alice/work/prog.py").read_bytes() == PROGRAM
    assert where(layout, "/srv/data/data.csv").read_bytes() == b"1,2\n"
    assert stat.S_IMODE(where(layout, "/home/alice/work/sub/run.sh").stat().st_mode) == 0o755
    assert stat.S_IMODE(where(layout, "/srv/data/data.csv").stat().st_mode) == 0o444
    assert stat.S_IMODE(where(layout, "/home/alice/work/sub").stat().st_mode) == 0o750
    assert os.readlink(where(layout, "/home/alice/work/latest")) == "sub/run.sh"


def test_a_file_was_written_when_it_was_written_at_its_users(disk: Disk) -> None:
    then_ns = 1_234_567_890_123_456_789
    layout = disk.lay_out(replace(disk.file("data.csv"), mtime_ns=then_ns), disk.file("prog.py"))
    assert where(layout, "/home/alice/work/data.csv").stat().st_mtime_ns == then_ns < where(layout, "/home/alice/work/prog.py").stat().st_mtime_ns


def test_a_copy_is_the_programs_own(disk: Disk) -> None:
    prog = disk.file("prog.py")
    one, two = disk.lay_out(prog, slot=0), disk.lay_out(prog, slot=1)
    where(one, "/home/alice/work/prog.py").write_bytes(b"changed")
    assert where(two, "/home/alice/work/prog.py").read_bytes() == PROGRAM
    assert (disk.blobs / str(prog.digest)).read_bytes() == PROGRAM


def test_home_and_tmp_are_scratch_and_the_working_folder_is_always_there(disk: Disk) -> None:
    layout = disk.lay_out(cwd="/elsewhere/deep")
    for place in (HOME, "/tmp", "/elsewhere/deep"):
        assert list(where(layout, place).iterdir()) == []
    places = [inside for _, inside in disk.lay_out().mounts.writable]
    assert places == ["/home/alice/work", HOME, "/tmp"]


def test_the_working_folder_is_there_where_no_file_travels_from_it(disk: Disk) -> None:
    layout = disk.lay_out(disk.file("prog.py"), cwd="/home/alice/work/deep/er")
    assert where(layout, "/home/alice/work/deep/er").is_dir()


def test_a_root_that_is_tmp_itself_takes_its_place(disk: Disk) -> None:
    layout = disk.lay_out(disk.file("prog.py"), roots=("/tmp",), cwd="/tmp")
    assert [inside for _, inside in layout.mounts.writable] == ["/tmp", HOME]
    assert where(layout, "/tmp/prog.py").exists()


def test_a_layout_begins_empty_even_where_one_was(disk: Disk) -> None:
    where(disk.lay_out(), "/home/alice/work").joinpath("left").write_text("over")
    assert list(where(disk.lay_out(), "/home/alice/work").iterdir()) == []


@pytest.mark.parametrize("second", ["a", "a/b"])
def test_two_files_in_one_place_are_the_tasks_own_fault(disk: Disk, second: str) -> None:
    files = [disk.file("a"), TaskFile(0, second, 0o777, 0, None, "target")]
    with pytest.raises(CannotRun, match="want the place") as refused:
        disk.lay_out(*files)
    assert refused.value.fatal


def test_no_file_is_written_through_a_link(disk: Disk, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    with pytest.raises(CannotRun):
        disk.lay_out(disk.file("trap/evil"), TaskFile(0, "trap", 0o777, 0, None, str(outside)))
    assert list(outside.iterdir()) == []


def test_what_a_program_closed_goes_all_the_same(disk: Disk) -> None:
    closed = where(disk.lay_out(), "/home/alice/work") / "closed" / "deeper"
    closed.mkdir(parents=True)
    (closed / "file").write_text("x")
    closed.chmod(0)
    closed.parent.chmod(0o555)
    disk.folders.remove("task", 0)
    assert not (disk.base / "0" / "task").exists()
    disk.folders.remove("task", 0)


def test_removing_follows_no_links(tmp_path: Path) -> None:
    (tmp_path / "kept").mkdir()
    (tmp_path / "kept" / "file").write_text("x")
    folder = tmp_path / "gone"
    folder.mkdir()
    (folder / "link").symlink_to(tmp_path / "kept")
    remove_tree(folder)
    assert (tmp_path / "kept" / "file").exists() and not folder.exists()


def test_what_an_earlier_daemon_left_is_swept(disk: Disk) -> None:
    disk.lay_out(disk.file("prog.py"))
    Folders(disk.base, lambda digest: disk.blobs / digest).sweep()
    assert list(disk.base.iterdir()) == []


@pytest.mark.needs_root
def test_all_of_it_belongs_to_the_slots_user(disk: Disk) -> None:
    recipe = Recipe("task", None, "m", "f", ("m",), "/w", ("/w",), "", 1, 1)
    files = [disk.file("sub/a"), TaskFile(0, "link", 0o777, 0, None, "/etc/passwd")]
    layout = disk.settle(recipe, files, owner=60700)
    owners = {os.lstat(path).st_uid for path in [layout.folder, *layout.folder.rglob("*")]}
    assert owners == {60700} and os.stat("/etc/passwd").st_uid == 0
