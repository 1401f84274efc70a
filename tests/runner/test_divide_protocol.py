"""The analysis as a process: it runs nothing of the program, imports nothing from its folder, and says what it cannot read."""

from __future__ import annotations

import json
import os
import sysconfig
from pathlib import Path

import pytest

from marx.runner.divide.answer import answer
from tests.pythons import UserPython
from tests.runner.dividing import ask, look, portions, request, write


@pytest.fixture
def newest(interpreters: tuple[UserPython, ...]) -> UserPython:
    return interpreters[-1]


def test_nothing_of_the_program_is_run(user_python: UserPython, tmp_path: Path) -> None:
    touch = "open('was run', 'w').close()\n"
    found = look(user_python, tmp_path, touch + "import other\nfrom multiprocessing import Pool\nPool().map(len, [])\n", other=touch)
    assert portions(found) == [(4, "Pool.map", "len")]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["other.py", "prog.py"]


def test_modules_of_the_folder_that_are_named_like_ours_are_not_taken(user_python: UserPython, tmp_path: Path) -> None:
    mine = {name: "raise SystemExit('taken')\n" for name in ("ast", "json", "os", "io", "marx", "sitecustomize", "collections", "rounds")}
    found = look(user_python, tmp_path, "import ast, json\nfrom multiprocessing import Pool\nPool().map(ast.f, [])\n", **mine)
    assert portions(found) == [(3, "Pool.map", "ast.f")]


def test_a_mistake_is_told_with_its_line(user_python: UserPython, tmp_path: Path) -> None:
    found = look(user_python, tmp_path, "x = 1\n\ndef f(:\n")
    assert found["error"]["line"] == 3 and found["error"]["text"]


NO_PROGRAMS = {"null bytes": b"x = 1\0\n", "no text": bytes(range(128, 255)), "a wrong coding": b"# coding: nix\n", "an image": b"\x89PNG\r\n\x1a\n\0"}


@pytest.mark.parametrize("what", NO_PROGRAMS)
def test_what_is_no_program_is_told(what: str, interpreters: tuple[UserPython, ...], tmp_path: Path) -> None:
    for python in (interpreters[0], interpreters[-1]):
        assert look(python, tmp_path, NO_PROGRAMS[what])["error"]["text"]


def test_code_that_is_nested_very_deeply_is_told_or_read(user_python: UserPython, tmp_path: Path) -> None:
    found = look(user_python, tmp_path, "x = " + "(" * 150 + "1" + ")" * 150 + "\n" + "x = " + "-" * 3000 + "1\n")
    assert "deep" in found["error"]["text"] if "error" in found else found["portions"] == []


def test_a_file_that_is_not_there_is_told(newest: UserPython, tmp_path: Path) -> None:
    assert "No such file" in ask(newest, tmp_path, "nix.py")["error"]["text"]


def test_a_module_that_this_python_cannot_read_is_named_and_the_rest_is_read(user_python: UserPython, tmp_path: Path) -> None:
    found = look(user_python, tmp_path, "import bad, good\ngood.P().map(bad.f, [])\n", bad="def f(:\n", good="from multiprocessing import Pool as P\n")
    assert portions(found) == [(2, "Pool.map", "bad.f")]
    [row] = found["unread"]
    assert (row["file"], row["line"]) == (str(tmp_path / "bad.py"), 1)


def test_names_and_paths_of_any_alphabet_go_through(user_python: UserPython, tmp_path: Path) -> None:
    folder = tmp_path / "größe \udcff"
    folder.mkdir()
    found = look(user_python, folder, "# -*- coding: utf-8 -*-\nimport multiprocessing\nmultiprocessing.Pool().map(len, [])\nopen(u'é')\n")
    assert found["portions"][0]["file"] == str(folder / "prog.py")
    assert [each["path"] for each in found["opens"]] == ["é"]


def test_modules_are_read_up_to_a_bound(newest: UserPython, tmp_path: Path) -> None:
    names = [f"m{number}" for number in range(9)]
    write(tmp_path, {f"{name}.py": "import multiprocessing\nmultiprocessing.Pool().map(len, [])\n" for name in names})
    write(tmp_path, {"prog.py": f"import {', '.join(names)}\n"})
    assert len(ask(newest, tmp_path, most_files=4)["portions"]) == 3


def test_the_same_source_always_gets_the_same_answer(newest: UserPython, tmp_path: Path) -> None:
    source = "import multiprocessing as m\npool = m.Pool() if x else m.dummy.Pool()\nfor g in (len, str, max):\n    pool.map(g, [])\n"
    assert len({json.dumps(look(newest, tmp_path, source)) for _ in range(5)}) == 1


LARGE = ("multiprocessing", "email", "asyncio", "unittest")


@pytest.mark.parametrize("package", ["concurrent", "json", *(pytest.param(each, marks=pytest.mark.slow) for each in LARGE)])
def test_the_standard_library_is_read_without_a_fault(package: str) -> None:
    """Nobody's programs are stranger; a fault would be an exception."""
    for folder, _, names in os.walk(os.path.join(sysconfig.get_paths()["stdlib"], package)):
        for name in names:
            if name.endswith(".py"):
                json.dumps(answer(request(Path(folder), name, most_files=2)))
