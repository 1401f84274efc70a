"""What is to be run, and which Python its source asks for."""

from __future__ import annotations

from pathlib import Path

import pytest

from marx.tasker.exits import NO_FILE, Trouble
from marx.tasker.imports import names_in
from marx.tasker.target import find_program, find_target, local_python, python_wanted

WANTED = [
    ("print 'hello'", "2.7"),
    ("print('hello')", "3"),
    ("#!/usr/bin/env python2\nprint('hello')", "2.7"),
    ("#!/usr/bin/python2.7\n", "2.7"),
    ("#!/usr/bin/env python3\n", "3"),
    ("#!/usr/bin/env -S python3.9 -u\n", "3.9"),
    ("#!/bin/sh\n", "3"),
    ("try:\n    f()\nexcept ValueError, error:\n    pass", "2.7"),
    ("raise ValueError, 'x'", "2.7"),
    ("exec 'x = 1'", "2.7"),
    ("x = 0777", "2.7"),
    ("x = a <> b", "2.7"),
    ("x = `a`", "2.7"),
    ("x = ur'a'", "2.7"),
    ("print >>f, 'x'", "2.7"),
    ("def f(:", "3"),
    ("type X = int", "3"),
    ("# /// script\n# requires-python = '>=3.11'\n# ///\n", "3"),
    ("# /// script\n# requires-python = '==3.9.*'\n# ///\n", "3.9"),
    ("# /// script\n# requires-python = '~=3.8.1'\n# ///\n", "3.8"),
    ("# /// script\n# requires-python = '>=2.7, <3'\n# ///\n", "2.7"),
    ("", "3"),
    ("PK\3\4\0\0 print 'compressed'", "3"),
    ("#!/usr/bin/env python2\nPK\3\4\0\0", "2.7"),
]


@pytest.mark.parametrize(("source", "python"), WANTED)
def test_the_source_says_which_python_it_is_for(source: str, python: str) -> None:
    assert python_wanted(source.encode()) == python


def test_the_function_stands_behind_the_last_colon(tmp_path: Path) -> None:
    (tmp_path / "a:b.py").touch()
    target = find_target("a:b.py:Class.method", False, str(tmp_path))
    assert (target.program, target.function, target.module) == (str(tmp_path / "a:b.py"), "Class.method", None)


@pytest.mark.parametrize("text", ["prog.py", ":f", "prog.py:", "prog.py:1", "prog.py:f()", "prog.py:a..b"])
def test_a_wrong_form_is_said(tmp_path: Path, text: str) -> None:
    with pytest.raises(Trouble, match="expected PROGRAM:FUNCTION, such as prog.py:function"):
        find_target(text, False, str(tmp_path))


def test_a_modules_file_is_found_in_the_folder_or_left_to_the_worker(tmp_path: Path) -> None:
    (tmp_path / "pack").mkdir()
    (tmp_path / "pack" / "__init__.py").touch()
    assert find_target("pack:f", True, str(tmp_path)).path == str(tmp_path / "pack" / "__init__.py")
    assert find_target("json:loads", True, str(tmp_path)).path is None


def test_a_program_is_a_file_or_a_folder_with_a_main_file(tmp_path: Path) -> None:
    (tmp_path / "app").mkdir()
    (tmp_path / "app" / "__main__.py").touch()
    (tmp_path / "a:b.py").touch()
    found = [find_program(name, False, str(tmp_path)) for name in ("app", "a:b.py")]
    assert [(each.name, each.program, each.path, each.function) for each in found] == [
        ("app", str(tmp_path / "app"), str(tmp_path / "app" / "__main__.py"), None),
        ("a:b.py", str(tmp_path / "a:b.py"), str(tmp_path / "a:b.py"), None),
    ]


def test_a_package_is_run_by_its_main_file_and_an_installed_module_is_left_to_the_worker(tmp_path: Path) -> None:
    (tmp_path / "pack").mkdir()
    for name in ("__init__.py", "__main__.py", "mod.py"):
        (tmp_path / "pack" / name).touch()
    found = {name: find_program(name, True, str(tmp_path)).path for name in ("pack", "pack.mod", "timeit")}
    assert found == {"pack": str(tmp_path / "pack" / "__main__.py"), "pack.mod": str(tmp_path / "pack" / "mod.py"), "timeit": None}


def test_a_local_run_uses_the_python_of_the_path(tmp_path: Path) -> None:
    for name in ("python3", "python2", "python3.9"):
        (tmp_path / name).write_text("#!/bin/sh\n")
        (tmp_path / name).chmod(0o755)
    path = {"PATH": str(tmp_path)}
    wanted = {"3": "python3", "2.7": "python2", "3.9": "python3.9", "": "python3"}
    assert {version: local_python(version, path) for version in wanted} == {version: str(tmp_path / name) for version, name in wanted.items()}
    assert local_python("/opt/python", path) == "/opt/python"
    with pytest.raises(Trouble) as caught:
        local_python("3.8", path)
    assert (caught.value.code, str(caught.value)) == (NO_FILE, "no python3.8 on the PATH; install it or name one with --python")


def test_a_version_switchs_shim_leads_to_the_newest_of_that_version(tmp_path: Path) -> None:
    """A shim answers for the versions that are switched on, and refuses to start others that are there."""
    names = ["shims/python2.7", "shims/python3", "versions/2.7.9/bin/python2.7", "versions/2.7.18/bin/python2.7", "versions/3.9.1/bin/python3"]
    for name in names:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch(0o755)
    path = {"PATH": str(tmp_path / "shims")}
    assert local_python("2.7", path) == str(tmp_path / "versions" / "2.7.18" / "bin" / "python2.7")
    assert local_python("3", path) == str(tmp_path / "shims" / "python3"), "which 3 a plain run has, the switch says"


THREE = b"import a, b.c as d\nfrom e import f\nfrom . import g\nfrom ..h import *\nopen('x.txt')\n"
TWO = b"import a, b.c as d\nfrom e import f\nprint open('x.txt')\n"


def test_names_are_read_by_the_parser_and_in_python_2_by_pattern() -> None:
    assert names_in(THREE).modules == {(0, "a"), (0, "b.c"), (0, "e"), (0, "e.f"), (1, ""), (1, "g"), (2, "h")}
    assert {(0, "a"), (0, "b.c"), (0, "e"), (0, "e.f"), (1, "e.f")} <= names_in(TWO).modules
    assert names_in(THREE).strings == names_in(TWO).strings == {"x.txt"}
