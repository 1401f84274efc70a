"""Files come home where a plain loop would have put them, and never anywhere else."""

from __future__ import annotations

import os
import stat
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from marx.tasker.artifacts import SentFiles, roots_at_home
from marx.tasker.landing import Artifact, Landing, Misplaced
from marx.tasker.surroundings import Place

SUBMITTED = 1_000_000.0
NOW = 2_000_000.0


async def fetch(digest: str) -> AsyncIterator[bytes]:
    """A blob whose digest is its text, in two parts."""
    yield digest[:2].encode()
    yield digest[2:].encode()


def artifact(path: str, **changes: Any) -> Artifact:
    entry = {"root": 0, "path": path, "mode": 0o100640, "length": 4, "mtime": 1_500_000.0, "blob": "ours", "deleted": False, "link": None}
    return Artifact.of({**entry, **changes, "unknown": "from a newer server"})


def land(folder: Path, *artifacts: Artifact, sent: dict[tuple[int, str], int] | None = None) -> list[str | None]:
    """What is said of each. ``sent``: dates of what had gone along."""

    async def dates() -> dict[tuple[int, str], int]:
        return sent or {}

    landing = Landing([str(folder)], "abc", SUBMITTED, lambda: NOW, fetch, dates)
    return [finished(landing.land(each)) for each in artifacts]


def finished(coroutine: Any) -> Any:
    """The result of a coroutine that waits for nothing."""
    with pytest.raises(StopIteration) as stopped:
        coroutine.send(None)
    return stopped.value.value


def old_file(path: Path, content: str, mtime: float) -> None:
    path.write_text(content)
    os.utime(path, (mtime, mtime))


def test_a_new_file_comes_with_its_folders_mode_and_time(tmp_path: Path) -> None:
    assert land(tmp_path, artifact("deep/er/file.txt", mode=0o104755)) == [None]
    found = (tmp_path / "deep" / "er" / "file.txt").stat()
    assert (stat.S_IMODE(found.st_mode), found.st_mtime) == (0o755, 1_500_000.0)
    assert (tmp_path / "deep/er/file.txt").read_text() == "ours"
    assert os.listdir(tmp_path / "deep" / "er") == ["file.txt"]


def test_a_time_ahead_of_our_clock_becomes_now(tmp_path: Path) -> None:
    land(tmp_path, artifact("file", mtime=NOW + 500))
    assert (tmp_path / "file").stat().st_mtime == NOW


def test_a_file_as_it_was_when_the_task_left_is_replaced(tmp_path: Path) -> None:
    old_file(tmp_path / "file", "before", SUBMITTED - 1)
    assert land(tmp_path, artifact("file")) == [None]
    assert (tmp_path / "file").read_text() == "ours"


def test_a_file_that_changed_meanwhile_is_kept_and_ours_lies_beside_it(tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    old_file(tmp_path / "sub" / "file", "mine", SUBMITTED + 1)
    assert land(tmp_path, artifact("sub/file")) == ["sub/file changed here meanwhile; the task's is sub/file.marx-abc"]
    assert (tmp_path / "sub" / "file").read_text() == "mine"
    assert (tmp_path / "sub" / "file.marx-abc").read_text() == "ours"


def test_a_change_made_after_the_clock_was_set_back_is_seen_by_the_date_that_was_sent(tmp_path: Path) -> None:
    for name in ("file", "gone", "same"):
        old_file(tmp_path / name, "mine", SUBMITTED - 500)
    sent = {(0, "file"): int(SUBMITTED - 900) * 10**9, (0, "gone"): int(SUBMITTED - 900) * 10**9, (0, "same"): int(SUBMITTED - 500) * 10**9}
    assert land(tmp_path, artifact("file"), artifact("gone", deleted=True, blob=None), artifact("same"), sent=sent) == [
        "file changed here meanwhile; the task's is file.marx-abc",
        "gone was deleted by the task, but changed here meanwhile; it is kept",
        None,
    ]
    assert [(tmp_path / name).read_text() for name in ("file", "gone", "same")] == ["mine", "mine", "ours"]


def test_what_was_sent_is_fetched_once_and_only_where_it_is_asked_for() -> None:
    fetched: list[str] = []

    async def manifest(digest: str) -> AsyncIterator[bytes]:
        fetched.append(digest)
        yield b'[[0, "a", 33188, 1, "d", null, 17'
        yield b'], [0, "b", 33188, 1, "d", null], [1, "c", 16877, 0, null, null, null]]'

    files = SentFiles("digest", manifest)
    assert fetched == []
    assert finished(files.dates()) == finished(files.dates()) == {(0, "a"): 17}
    assert fetched == ["digest"] and finished(SentFiles(None, manifest).dates()) == {}


def test_landing_twice_is_landing_once(tmp_path: Path) -> None:
    assert land(tmp_path, artifact("file"), artifact("file")) == [None, None]
    assert os.listdir(tmp_path) == ["file"]


def test_links_and_folders_come_too(tmp_path: Path) -> None:
    assert land(tmp_path, artifact("made", blob=None, mode=0o40750), artifact("link", blob=None, link="made")) == [None, None]
    assert (tmp_path / "made").is_dir() and os.readlink(tmp_path / "link") == "made"


def test_what_the_task_deleted_is_deleted_unless_it_changed_here(tmp_path: Path) -> None:
    old_file(tmp_path / "old", "", SUBMITTED - 1)
    old_file(tmp_path / "new", "", SUBMITTED + 1)
    (tmp_path / "empty").mkdir()
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "x").touch()
    gone = [artifact(name, deleted=True, blob=None) for name in ("old", "new", "empty", "full", "nix", "nix/x")]
    kept = "new was deleted by the task, but changed here meanwhile; it is kept"
    assert land(tmp_path, *gone) == [None, kept, None, None, None, None]
    assert sorted(os.listdir(tmp_path)) == ["full", "new"]


@pytest.mark.parametrize("path", ["../x", "/etc/x", "a/../../x", "a//x", "", ".", "a/.", "a\0b", "a/"])
def test_paths_that_lead_elsewhere_are_refused(tmp_path: Path, path: str) -> None:
    (tmp_path / "a").mkdir()
    with pytest.raises(Misplaced, match="not a path below"):
        land(tmp_path, artifact(path))


def test_unknown_roots_are_refused(tmp_path: Path) -> None:
    for root in (-1, 1):
        with pytest.raises(Misplaced):
            land(tmp_path, artifact("x", root=root))


def test_no_link_is_followed_on_the_way_not_even_one_that_the_task_made(tmp_path: Path) -> None:
    outside, home = tmp_path / "outside", tmp_path / "home"
    outside.mkdir()
    home.mkdir()
    assert land(home, artifact("way", blob=None, link=str(outside))) == [None]
    for thing in (artifact("way/x"), artifact("way/x/y"), artifact("way/x", blob=None, mode=0o40755), artifact("way/x", blob=None, link="y")):
        with pytest.raises(Misplaced, match="way/x.* was not saved"):
            land(home, thing)
    (outside / "precious").touch()
    with pytest.raises(Misplaced):
        land(home, artifact("way/precious", deleted=True, blob=None))
    assert os.listdir(outside) == ["precious"]


def test_a_link_in_the_place_of_the_file_is_replaced_not_written_through(tmp_path: Path) -> None:
    (tmp_path / "target").write_text("precious")
    (tmp_path / "file").symlink_to("target")
    os.utime(tmp_path / "file", (1, 1), follow_symlinks=False)
    land(tmp_path, artifact("file"))
    assert ((tmp_path / "target").read_text(), (tmp_path / "file").read_text(), (tmp_path / "file").is_symlink()) == ("precious", "ours", False)


def test_a_file_where_a_folder_is_needed_is_said(tmp_path: Path) -> None:
    (tmp_path / "a").touch()
    with pytest.raises(Misplaced, match="a/b was not saved: Not a directory"):
        land(tmp_path, artifact("a/b"))


@given(st.lists(st.sampled_from(["a", "b", "..", ".", "", "link", "x\0"]), min_size=1, max_size=4).map("/".join), st.booleans())
@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_nothing_outside_the_root_is_ever_touched(tmp_path_factory: pytest.TempPathFactory, path: str, deleted: bool) -> None:
    around = tmp_path_factory.mktemp("around")
    (around / "a").write_text("precious")
    home = around / "home"
    home.mkdir()
    (home / "link").symlink_to("..")
    try:
        land(home, artifact(path, deleted=deleted, blob=None if deleted else "ours"))
    except Misplaced:
        pass
    assert sorted(os.listdir(around)) == ["a", "home"] and (around / "a").read_text() == "precious"


ORIGIN = {"host": "desk", "folder": "/lab/here", "roots": ["/lab/here", "/lab/programs"]}


@pytest.mark.parametrize(
    ("place", "artifacts", "roots"),
    [
        (Place("/lab/here", "/home/ada", "desk"), None, ["/lab/here", "/lab/programs"]),
        (Place("/lab/elsewhere", "/home/ada", "desk"), None, None),
        (Place("/lab/here", "/home/ada", "laptop"), None, None),
        (Place("/lab/elsewhere", "/home/ada", "laptop"), "out", ["/lab/elsewhere/out", "/lab/elsewhere/out/programs"]),
        (Place("/lab/elsewhere", "/home/ada", "laptop"), "/out", ["/out", "/out/programs"]),
    ],
)
def test_files_land_where_the_task_was_started_or_where_the_person_says(place: Place, artifacts: str | None, roots: list[str] | None) -> None:
    assert roots_at_home(ORIGIN, artifacts, place) == roots
