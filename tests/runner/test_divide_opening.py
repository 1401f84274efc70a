"""Which files the source is seen to open, and where it reads standard input."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.pythons import UserPython
from tests.runner.dividing import look


@pytest.fixture
def newest(interpreters: tuple[UserPython, ...]) -> UserPython:
    return interpreters[-1]


def opens(answer: dict) -> list[tuple[int, str, bool]]:
    return [(each["line"], each["path"], each["writes"]) for each in answer["opens"]]


def test_files_are_seen_where_constants_name_them(user_python: UserPython, tmp_path: Path) -> None:
    found = look(
        user_python,
        tmp_path,
        """\
        import io, os, codecs, gzip, glob
        import os.path as osp
        from os.path import dirname, join
        HERE = dirname(osp.abspath(__file__))
        DATA = "../data"
        NAME = os.sep
        open("plain.txt")
        open(os.path.join(DATA, "in" + ".csv"), "r")
        io.open(join(HERE, "beside"), mode="wb")
        codecs.open("%s" % DATA)
        gzip.open(NAME)
        glob.glob(DATA + "/*.csv")
        os.makedirs("out")
        def f(name):
            open(name)
            with open(u"deep/er", "a") as out: pass
        open(os.path.join(os.getcwd(), "x"))
        open(DATA if HERE else NAME)
        """,
    )
    assert opens(found) == [
        (7, "plain.txt", False),
        (8, "../data/in.csv", False),
        (9, str(tmp_path / "beside"), True),
        (12, "../data/*.csv", False),
        (13, "out", True),
        (16, "deep/er", True),
        (17, str(tmp_path / "x"), False),
    ]


def test_pathlib_and_formatted_texts(newest: UserPython, tmp_path: Path) -> None:
    found = look(
        newest,
        tmp_path,
        """\
        import pathlib
        from pathlib import Path
        import pandas as pd, numpy as np
        YEAR = "2025"
        HERE = Path(__file__).resolve().parent
        (HERE.parent / "data" / f"{YEAR}.csv").read_text()
        Path("out", "a.txt").write_text("x")
        with pathlib.Path("in").open("w"): ...
        pd.read_csv(f"../rain/{YEAR}.csv")
        np.loadtxt(HERE / f"{YEAR!r}")
        Path.cwd().joinpath("z").read_bytes()
        "text".open()
        """,
    )
    assert opens(found) == [
        (6, str(tmp_path.parent / "data" / "2025.csv"), False),
        (7, "out/a.txt", True),
        (8, "in", True),
        (9, "../rain/2025.csv", False),
        (11, str(tmp_path / "z"), False),
        (12, "text", False),
    ]


def test_a_path_that_is_made_of_itself_is_not_shown(newest: UserPython, tmp_path: Path) -> None:
    assert opens(look(newest, tmp_path, "a = b + 'x'\nb = a + 'y'\nopen(a)\n" + "c = " + "'x' + " * 900 + "'x'\nopen(c)\n")) == []


def test_who_reads_standard_input(user_python: UserPython, tmp_path: Path) -> None:
    two = user_python.version < (3,)
    found = look(
        user_python,
        tmp_path,
        f"""\
        import sys, fileinput
        from sys import stdin as lines
        {"raw_input" if two else "input"}()
        for line in sys.stdin: pass
        lines.readline()
        for line in fileinput.input(): pass
        class sys2: stdin = 1
        sys2.stdin
        """,
    )
    assert [each["line"] for each in found["stdin"]] == [3, 4, 5, 6]


def test_a_function_of_ones_own_named_open_opens_nothing(newest: UserPython, tmp_path: Path) -> None:
    found = look(newest, tmp_path, "def open(x): pass\ndef input(): pass\nopen('../a')\ninput()\n")
    assert (found["opens"], found["stdin"]) == ([], [])
