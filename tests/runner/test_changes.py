"""Files that items make, change or delete below the task's roots come back, before the results of the items."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from marx.worker.messages import ArtifactPart, Results
from tests.pythons import UserPython
from tests.runner.conftest import ZOO
from tests.runner.driving import Driver, Outcome

PROGRAM = """
import os, shutil, time
def f(steps):
    for step, arguments in steps:
        globals()[step](*arguments)
def write(path, text):
    with open(path, "w") as file: file.write(text)
def rewrite(path, text):
    with open(path, "r+") as file: file.write(text)
def big(path, size):
    with open(path, "wb") as file: file.write(b"ab" * (size // 2))
def odd(path):
    open(path.encode("latin-1"), "wb").close()
pause, unlink, mkdir, symlink = time.sleep, os.unlink, os.mkdir, os.symlink
chmod, rename, mkfifo, rmtree = os.chmod, os.rename, os.mkfifo, shutil.rmtree
"""

Run = Callable[..., Outcome]


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """The folder whose changes count; the program stands elsewhere."""
    folder = tmp_path / "root"
    folder.mkdir()
    return folder


@pytest.fixture
def run(kit: Path, user_python: UserPython, tmp_path: Path, root: Path) -> Iterator[Run]:
    """Runs items, each a list of steps, as one chunk; the first call starts the runner."""
    program = tmp_path / "program.py"
    program.write_text(PROGRAM)
    started: list[Driver] = []

    def run_steps(*items: list[tuple[str, list[object]]]) -> Outcome:
        if not started:
            started.append(Driver(user_python, kit, program, cwd=str(root), roots=[str(root)]))
            started[0].loaded()
        outcome = started[0].map(list(items))
        assert outcome.values == [None] * len(items)
        return outcome

    yield run_steps
    for driver in started:
        driver.close()


def test_new_files_come_with_mode_size_and_time_in_folders_too(run: Run, root: Path) -> None:
    folders, place = [("mkdir", ["sub"]), ("mkdir", ["sub/inner"])], "sub/inner/new"
    outcome = run([*folders, ("write", [place, "text"]), ("chmod", [place, 0o640]), ("write", ["empty", ""])])
    assert outcome.files == {place: b"text", "empty": b""}
    [new] = [part for part in outcome.artifacts if part.path == place]
    status = (root / place).stat()
    assert (new.root, new.item, new.mode, new.size, new.link, new.last) == (0, 0, 0o640, 4, None, True)
    assert new.mtime == pytest.approx(status.st_mtime, abs=1e-3)


def test_files_that_were_there_and_stay_are_not_sent(run: Run, root: Path) -> None:
    (root / "input").write_text("given")
    assert run([]).files == {}
    assert run([("write", ["output", "x"])]).files == {"output": b"x"}
    assert run([]).files == {}, "what was sent once is not sent again"


def test_changed_and_deleted_files_come_back(run: Run, root: Path) -> None:
    for name in ("changed", "deleted", "renamed", "kept"):
        (root / name).write_text("before")
    (root / "folder").mkdir()
    (root / "folder" / "within").touch()
    outcome = run([("write", ["changed", "after!"]), ("unlink", ["deleted"]), ("rename", ["renamed", "new name"]), ("rmtree", ["folder"])])
    assert outcome.files == {"changed": b"after!", "deleted": None, "renamed": None, "new name": b"before", "folder/within": None}


def test_a_link_comes_as_a_link_wherever_it_leads(run: Run) -> None:
    outcome = run([("symlink", ["/etc/passwd", "link"]), ("symlink", ["nowhere", "dangling"]), ("symlink", [".", "loop"])])
    assert {part.path: part.link for part in outcome.artifacts} == {"link": "/etc/passwd", "dangling": "nowhere", "loop": "."}
    assert all(part.part == b"" and part.size == 0 for part in outcome.artifacts)


def test_a_large_file_comes_in_parts_of_bounded_size(run: Run) -> None:
    outcome = run([("big", ["large", 1_000_000])])
    assert outcome.files == {"large": b"ab" * 500_000}
    assert [part.last for part in outcome.artifacts] == [False, False, False, True]
    assert max(len(part.part) for part in outcome.artifacts) == 256 << 10


def test_a_name_that_is_no_text_travels(run: Run, root: Path) -> None:
    outcome = run([("odd", ["caf\xe9 \xff"])])
    assert outcome.files == {"caf\udce9 \udcff": b""}
    assert os.listdir(os.fsencode(root)) == [b"caf\xe9 \xff"]


def test_what_is_neither_file_nor_link_is_left_out(run: Run) -> None:
    assert run([("mkfifo", ["pipe"]), ("mkdir", ["empty folder"])]).files == {}


def test_a_slow_items_files_are_its_own_and_come_before_its_result(run: Run) -> None:
    outcome = run(*[[("write", [f"out{number}", "x"]), ("pause", [0.01])] for number in range(4)])
    assert {part.path: part.item for part in outcome.artifacts} == {f"out{number}": number for number in range(4)}
    seen: set[str] = set()
    for message in outcome.messages:
        if type(message) is ArtifactPart:
            seen.add(message.path)
        if type(message) is Results:
            assert {f"out{number}" for number in range(message.first + message.count)} <= seen


def test_files_of_fast_items_all_come_before_their_results(run: Run) -> None:
    outcome = run(*[[("write", [f"out{number}", str(number)])] for number in range(300)])
    assert outcome.files == {f"out{number}": b"%d" % number for number in range(300)}
    seen: set[str] = set()
    for message in outcome.messages:
        if type(message) is ArtifactPart:
            assert message.item is None or message.path == f"out{message.item}"
            seen.add(message.path)
        if type(message) is Results:
            assert {f"out{number}" for number in range(message.first + message.count)} <= seen


def test_the_last_of_many_changes_of_the_same_length_in_no_time_is_what_comes(run: Run) -> None:
    for round in range(5):
        last = {}
        for number in range(4):
            last.update(run([("write" if number == 0 else "rewrite", ["same", f"{round}{number}"])]).files)
        assert last == {"same": b"%d3" % round}


def test_several_roots_have_their_numbers_and_one_within_another_counts_once(
    kit: Path, user_python: UserPython, tmp_path: Path, root: Path
) -> None:
    inner, other = root / "inner", tmp_path / "other"
    inner.mkdir()
    other.mkdir()
    with Driver(user_python, kit, ZOO, "act", cwd=str(root), roots=[str(root), str(inner), str(other)]) as driver:
        driver.loaded()
        places = [root / "a", inner / "b", other / "c"]
        outcome = driver.map([["write", str(place), "x"] for place in places])
    assert sorted((part.root, part.path) for part in outcome.artifacts) == [(0, "a"), (1, "b"), (2, "c")]


def test_a_root_that_is_not_there_is_empty(kit: Path, user_python: UserPython, tmp_path: Path) -> None:
    with Driver(user_python, kit, ZOO, "act", roots=[str(tmp_path / "nowhere")]) as driver:
        driver.loaded()
        assert driver.map([["square", 2]]).values == [4]


def test_what_an_item_had_written_before_it_died_is_seen_by_the_next_chunk(kit: Path, user_python: UserPython, root: Path) -> None:
    with Driver(user_python, kit, ZOO, "act", cwd=str(root), roots=[str(root)]) as driver:
        driver.loaded()
        assert driver.map([["write_and_die", "left"]]).files == {}
        assert driver.map([["square", 1]]).files == {"left": b"x"}


def test_a_file_made_when_the_program_was_loaded_comes_with_the_first_chunk(
    kit: Path, user_python: UserPython, tmp_path: Path, root: Path
) -> None:
    program = tmp_path / "program.py"
    program.write_text("open('log', 'w').close()\ndef f(x): return x")
    with Driver(user_python, kit, program, cwd=str(root), roots=[str(root)]) as driver:
        driver.loaded()
        driver.give_range(2)
        assert driver.run(0, 1).files == {"log": b""}
        assert driver.run(1, 1).files == {}
