"""The list of files as a program sees them: what was submitted, with everything since on top."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from marx.worker.filestate import FileState
from marx.worker.recipes import TaskFile, read_manifest

ONE = "1" * 64


def file(path: str, digest: str | None = ONE, link: str | None = None, mode: int = 0o644) -> TaskFile:
    return TaskFile(0, path, mode, 3, digest, link)


def rows(state: FileState) -> list[Any]:
    return [[path, mode, digest or link] for _, path, mode, _, digest, link in json.loads(state.manifest())]


def test_what_was_submitted_keeps_its_time_and_what_came_later_has_none() -> None:
    state = FileState([TaskFile(0, "a", 0o644, 3, ONE, None, 77), TaskFile(0, "b", 0o644, 3, ONE, None, 78)])
    state.put(file("b"))
    assert [(row[1], row[6:]) for row in json.loads(state.manifest())] == [("a", [77]), ("b", [])]


def test_it_begins_with_what_was_submitted_and_the_folders_above_it() -> None:
    state = FileState([file("sub/deep/a"), file("run.sh", mode=0o755)])
    assert not state.is_changed
    assert rows(state) == [["run.sh", 0o100755, ONE], ["sub", 0o40755, None], ["sub/deep", 0o40755, None], ["sub/deep/a", 0o100644, ONE]]


def test_changes_links_folders_and_deletions_go_over_it() -> None:
    state = FileState([file("a"), file("b")])
    state.put(file("a", "2" * 64))
    state.put(file("link", None, "a", 0o777))
    state.put(file("out", None, None, 0o750))
    state.remove(0, "b")
    state.remove(0, "never")
    assert state.is_changed
    assert rows(state) == [["a", 0o100644, "2" * 64], ["link", 0o120777, "a"], ["out", 0o40750, None]]


def test_a_folder_whose_files_are_gone_is_still_there() -> None:
    state = FileState([file("sub/a")])
    state.remove(0, "sub/a")
    assert rows(state) == [["sub", 0o40755, None]]


def test_of_a_file_and_a_folder_of_one_name_one_is_listed() -> None:
    state = FileState([])
    state.put(file("x"))
    state.put(file("x/inside"))
    assert rows(state) == [["x", 0o100644, ONE]]


PATHS = st.lists(st.sampled_from("ab"), min_size=1, max_size=3).map("/".join)


@given(st.lists(st.tuples(PATHS, st.sampled_from(["file", "link", "folder", "gone"]))))
def test_whatever_happened_workers_can_read_the_list(happened: list[tuple[str, str]]) -> None:
    state = FileState([file("a/b")])
    for path, what in happened:
        if what == "gone":
            state.remove(0, path)
        else:
            state.put(file(path, ONE if what == "file" else None, "x" if what == "link" else None))
    listed = read_manifest(state.manifest(), roots=1)
    plain = {one.path for one in listed if one.digest or one.link}
    assert not any(one.path.startswith(above + "/") for one in listed for above in plain)
