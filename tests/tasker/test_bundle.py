"""Which files go along: whole folders while they are small and somebody's work, else what is named; never what is private."""

from __future__ import annotations

import json
import os
import stat
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from marx.tasker import bundle
from marx.tasker.bundle import Bundle, gather, is_below, is_system, travels_whole, walk
from marx.tasker.exits import NO_FILE, USAGE, Trouble
from marx.tasker.manifest import make_manifest, parts_of, parts_of_bytes
from marx.tasker.target import find_program, find_target


def make(folder: Path, *names: str, content: str = "") -> None:
    """Files by name; a name that ends in "/" is a folder."""
    for name in names:
        path = folder / name
        (path if name.endswith("/") else path.parent).mkdir(parents=True, exist_ok=True)
        if not name.endswith("/"):
            path.write_text(content)


def taken(folder: Path, program: str = "prog.py", home: str = "/home/ada", arguments: tuple[str, ...] = (), named: tuple[str, ...] = ()) -> Bundle:
    return gather(find_target(f"{program}:f", False, str(folder)), str(folder), home, arguments, named)


def names(bundle: Bundle, folder: Path) -> list[str]:
    return [os.path.relpath(entry.path, folder) for entry in bundle.entries]


def test_the_folder_travels_whole_but_for_what_is_hidden_or_made_anew(tmp_path: Path) -> None:
    make(tmp_path, "prog.py", "data/in.csv", "empty/", ".env", ".git/config", "__pycache__/prog.pyc", "venv/pyvenv.cfg", "venv/bin/python")
    assert names(taken(tmp_path), tmp_path) == ["data/in.csv", "empty", "prog.py"]


def test_what_gitignore_names_stays_at_home_in_folders_below_too(tmp_path: Path) -> None:
    make(tmp_path, "prog.py", "big.dat", "sub/x.tmp", "sub/keep.dat", "out/result")
    (tmp_path / ".gitignore").write_text("*.dat\n/out/\n")
    (tmp_path / "sub" / ".gitignore").write_text("*.tmp\n!keep.dat\n")
    assert names(taken(tmp_path), tmp_path) == ["prog.py", "sub/keep.dat"]


def test_gitignore_files_above_count_up_to_the_top_of_the_checkout(tmp_path: Path) -> None:
    make(tmp_path, "top/.git/HEAD", "top/work/prog.py", "top/work/a.dat", "top/work/b.tmp")
    (tmp_path / ".gitignore").write_text("*.tmp\n")
    (tmp_path / "top" / ".gitignore").write_text("*.dat\n")
    assert names(taken(tmp_path / "top" / "work"), tmp_path / "top" / "work") == ["b.tmp", "prog.py"]


def test_links_and_modes_travel_as_they_are(tmp_path: Path) -> None:
    make(tmp_path, "work/prog.py", "work/tool.sh", "work/deep/x", "elsewhere/secret.txt", content="text")
    work = tmp_path / "work"
    (work / "tool.sh").chmod(0o755)
    (work / "near").symlink_to("deep/x")
    (work / "folder").symlink_to("deep")
    (work / "far").symlink_to("../elsewhere/secret.txt")
    (work / "broken").symlink_to("nowhere")
    os.mkfifo(work / "pipe")
    entries = {os.path.relpath(entry.path, work): entry for entry in taken(work).entries}
    assert {name: entry.link for name, entry in entries.items() if stat.S_ISLNK(entry.mode)} == {
        "near": "deep/x",
        "folder": "deep",
        "broken": "nowhere",
    }
    assert stat.S_IMODE(entries["tool.sh"].mode) == 0o755
    assert stat.S_ISREG(entries["far"].mode) and entries["far"].size == 4
    assert "pipe" not in entries


@pytest.mark.parametrize("limit", ["WHOLE_FILES", "WHOLE_BYTES"])
def test_of_a_folder_that_is_too_large_goes_what_the_program_names(tmp_path: Path, limit: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bundle, limit, 3)
    source = "import sibling\nfrom pack import part\nopen('data/in.csv')\nopen('/etc/passwd')\n"
    make(tmp_path, "prog.py", content=source)
    make(tmp_path, "sibling.py", content="from pack.deep import *\nNAME = 'other.dat'\n")
    make(tmp_path, "pack/__init__.py", "pack/part.py", "pack/deep.py", "pack/unused.py")
    make(tmp_path, "data/in.csv", "other.dat", "arg.txt", "rest.txt", content="12345")
    found = taken(tmp_path, arguments=("arg.txt", "../x", "/etc/hosts", "nix"))
    wanted = ["arg.txt", "data/in.csv", "other.dat", "pack/__init__.py", "pack/deep.py", "pack/part.py", "prog.py", "sibling.py"]
    assert (names(found, tmp_path), found.left) == (wanted, (str(tmp_path),))


def test_from_a_home_only_what_is_named_goes_along(tmp_path: Path) -> None:
    make(tmp_path, "prog.py", content="import sibling\nopen('diary.txt')\n")
    make(tmp_path, "sibling.py", "diary.txt", "book.txt", "notes/a.txt", ".ssh/id")
    found = taken(tmp_path, home=str(tmp_path), arguments=("book.txt",), named=("notes",))
    assert names(found, tmp_path) == ["book.txt", "notes/a.txt", "prog.py", "sibling.py"]
    assert found.roots == (str(tmp_path),)


def test_the_programs_own_folder_goes_along_from_elsewhere(tmp_path: Path) -> None:
    make(tmp_path, "here/data.csv", "there/prog.py", "there/sibling.py", "there/unrelated.txt")
    found = taken(tmp_path / "here", program="../there/prog.py")
    assert found.roots == (str(tmp_path / "here"), str(tmp_path / "there"))
    assert names(found, tmp_path) == ["here/data.csv", "there/prog.py", "there/sibling.py", "there/unrelated.txt"]
    assert [found.root_of(entry.path) for entry in found.entries] == [0, 1, 1, 1]


def test_a_root_never_lies_in_another(tmp_path: Path) -> None:
    make(tmp_path, "work/prog.py", "work/sub/data.csv")
    assert taken(tmp_path / "work" / "sub", program="../prog.py").roots == (str(tmp_path / "work"),)


def test_named_files_bring_their_folder_as_a_root_and_nothing_else_of_it(tmp_path: Path) -> None:
    make(tmp_path, "work/prog.py", "data/in.csv", "data/other.csv", "data/.hidden/x")
    assert taken(tmp_path / "work", named=("../data/in.csv",)).roots == (str(tmp_path / "work"), str(tmp_path / "data"))
    assert names(taken(tmp_path / "work", named=("../data/in.csv",)), tmp_path) == ["data/in.csv", "work/prog.py"]
    everything = ["data/.hidden/x", "data/in.csv", "data/other.csv", "work/prog.py"]
    assert names(taken(tmp_path / "work", named=("../data",)), tmp_path) == everything


def test_an_argument_brings_a_file_from_elsewhere_and_nothing_else_of_its_folder(tmp_path: Path) -> None:
    make(tmp_path, "work/prog.py", "data/in.csv", "data/other.csv")
    found = taken(tmp_path / "work", arguments=("../data/in.csv", "../data", "/etc/hosts", "../nix", "in.csv"))
    assert (found.roots, names(found, tmp_path)) == ((str(tmp_path / "work"), str(tmp_path / "data")), ["data/in.csv", "work/prog.py"])


def test_what_only_the_source_names_elsewhere_stays_and_is_found(tmp_path: Path) -> None:
    source = "import sibling\nopen('../data/in.csv')\nopen('../data/nix')\nopen('/etc/passwd')\nplaces = '/', '../', '/tmp', './in.csv', 'a/b'\n"
    make(tmp_path, "work/prog.py", content=source)
    make(tmp_path, "work/sibling.py", content=f"NAME = '{tmp_path}/data'\n")
    make(tmp_path, "data/in.csv", "work/in.csv")
    assert taken(tmp_path / "work").outside == ("../data/in.csv", f"{tmp_path}/data")
    assert taken(tmp_path / "work", arguments=("../data",)).outside == ("../data", "../data/in.csv", f"{tmp_path}/data")
    assert taken(tmp_path / "work", named=("../data",)).outside == ()


def test_a_module_brings_its_packages_from_a_folder_that_is_too_large(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bundle, "WHOLE_FILES", 2)
    make(tmp_path, "pack/__init__.py", content="from pack import base\n")
    make(tmp_path, "pack/inner/__init__.py", "pack/inner/__main__.py", "pack/base.py", "pack/unused.py")
    found = gather(find_program("pack.inner", True, str(tmp_path)), str(tmp_path), "/home/ada")
    assert names(found, tmp_path) == ["pack/__init__.py", "pack/base.py", "pack/inner/__init__.py", "pack/inner/__main__.py"]


def test_a_python_2_program_brings_what_lies_beside_it(tmp_path: Path) -> None:
    make(tmp_path, "prog.py", content="import sibling, os\nfrom pack import part as p\nprint 'x'\n")
    make(tmp_path, "sibling.py", "pack/__init__.py", "pack/part.py", "rest.txt")
    found = taken(tmp_path, home=str(tmp_path))
    assert names(found, tmp_path) == ["pack/__init__.py", "pack/part.py", "prog.py", "sibling.py"]


@pytest.mark.parametrize(
    ("folder", "whole"),
    [(place, False) for place in ("/", "/home", "/home/ada", "/root", "/tmp", "/usr/share/x", "/etc", "/var", "/users/ada")]
    + [(place, True) for place in ("/home/ada/work", "/tmp/x", "/srv/data", "/root/x")],
)
def test_homes_and_system_folders_never_travel_whole(folder: str, whole: bool) -> None:
    assert travels_whole(folder, home="/users/ada") is whole


def test_files_in_system_folders_cannot_be_named(tmp_path: Path) -> None:
    make(tmp_path, "prog.py")
    with pytest.raises(Trouble) as caught:
        taken(tmp_path, named=("/etc/passwd",))
    assert (caught.value.code, str(caught.value)) == (USAGE, "--file /etc/passwd lies in a system folder; copy it to a folder of your own")
    with pytest.raises(Trouble) as caught:
        taken(tmp_path, named=("nix",))
    assert caught.value.code == NO_FILE
    assert is_system("/usr/local/bin") and not is_system("/home/ada")


def test_the_manifest_lists_each_file_once_with_its_digest(tmp_path: Path) -> None:
    make(tmp_path, "prog.py", "copy.py", content="x = 1\n")
    make(tmp_path, "empty/")
    (tmp_path / "link").symlink_to("copy.py")
    manifest = make_manifest(taken(tmp_path))
    rows = json.loads(manifest.text)
    wanted = [(0, "copy.py", 6, None), (0, "empty", 0, None), (0, "link", 0, "copy.py"), (0, "prog.py", 6, None)]
    assert [(row[0], row[1], row[3], row[5]) for row in rows] == wanted
    assert rows[0][4] == rows[3][4] and rows[1][4] is None and len(manifest.files) == 1


def test_the_manifest_says_when_a_file_was_written(tmp_path: Path) -> None:
    make(tmp_path, "prog.py", "empty/")
    os.utime(tmp_path / "prog.py", ns=(5, 1_234_567_890_123_456_789))
    empty, prog = json.loads(make_manifest(taken(tmp_path)).text)
    assert prog[6] == 1_234_567_890_123_456_789 and len(empty) == 6


@given(st.binary(max_size=50), st.integers(1, 20))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_file_is_the_sum_of_its_parts(tmp_path: Path, content: bytes, size: int) -> None:
    (tmp_path / "file").write_bytes(content)
    for parts in (list(parts_of(str(tmp_path / "file"), size)), list(parts_of_bytes(content, size))):
        assert b"".join(part for _, _, part in parts) == content
        assert {total for _, total, _ in parts} == {len(content)}
        assert [offset for offset, _, _ in parts] == list(range(0, max(1, len(content)), size))


@given(st.lists(st.tuples(st.sampled_from(["a", "b", ".c", "d.py", "__pycache__"]), st.sampled_from(["x", ".y", "z"])), max_size=8))
@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_walk_finds_all_that_is_not_hidden_and_nothing_else(tmp_path_factory: pytest.TempPathFactory, places: list[tuple[str, str]]) -> None:
    folder = tmp_path_factory.mktemp("walk")
    make(folder, *(f"{first}/{second}" for first, second in places))
    wanted = {f"{first}/{second}" for first, second in places if not first.startswith((".", "__")) and not second.startswith(".")}
    found = {os.path.relpath(path, folder) for path, _ in walk(str(folder))}
    assert {each for each in found if (folder / each).is_file()} == wanted
    assert all(is_below(str(folder / each), str(folder)) for each in found)
