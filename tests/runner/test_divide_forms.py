"""Programs in the forms that only some Pythons have: print statements, patterns, generics; and programs started by a module's name."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.pythons import UserPython
from tests.runner.dividing import ask, look, needs, portions, write


@pytest.fixture
def newest(interpreters: tuple[UserPython, ...]) -> UserPython:
    return interpreters[-1]


def test_the_print_statement_and_other_old_forms(interpreters: tuple[UserPython, ...], tmp_path: Path) -> None:
    two = next((python for python in interpreters if python.name == "2.7"), None)
    if two is None:
        pytest.skip("no Python 2.7 was found on this machine")
    found = look(
        two,
        tmp_path,
        """\
        # -*- coding: latin-1 -*-
        from multiprocessing import Pool
        def f((a, b), *c):
            print >>out, `a`, b <> 0777,
            exec "x = 1" in {}
            raise ValueError, "x"
        try:
            pool = Pool()
        except (IOError, OSError), (number, text):
            pass
        print pool.map(f, [(1, 2)])
        """,
    )
    assert portions(found) == [(11, "Pool.map", "f")]


def test_a_loop_that_executes_text_is_looked_at(user_python: UserPython, tmp_path: Path) -> None:
    """In 2.7 that is a statement, which has a body that is no list of statements."""
    found = look(user_python, tmp_path, "import re\nmade = []\nfor x in range(3):\n    exec(str(x))\n    made.append(x and re.escape(str(x)))\n")
    [kept] = found["kept"]
    assert (kept["line"], kept["construct"]) == (3, "for loop")


def test_the_newest_forms(newest: UserPython, tmp_path: Path) -> None:
    if newest.version < (3, 12):
        pytest.skip("needs Python 3.12 or newer")
    found = look(
        newest,
        tmp_path,
        """\
        from multiprocessing import Pool
        type Few[T] = list[T]
        def f[T](x: T, /, *, y: int = 0) -> T: ...
        async def g():
            async with a as b, c as (d, *e): ...
            async for h in b: ...
        match [1]:
            case [first, *rest] | {"a": first, **rest}: ...
            case Pool(x=1) as whole: ...
        if (pool := Pool()):
            print(f"{pool.map(f, [n := 1])!r:>{10}}")
        named: Pool = Pool()
        def outer():
            inner: int
            mine = None
            def set_it():
                nonlocal mine
                mine = named
            mine.map(f, [])
            mine += 1
        try: ...
        except* OSError as group: ...
        """,
    )
    assert portions(found) == [(11, "Pool.map", "f"), (19, "Pool.map", "f")]


def test_a_module_that_was_started_by_name_finds_its_neighbours(newest: UserPython, tmp_path: Path) -> None:
    sources = {
        "pack/__init__.py": "",
        "pack/__main__.py": "from .work import run\nfrom . import tools as t\nrun(t.f)\n",
        "pack/work.py": "from pack.tools import POOL\ndef run(f):\n    POOL.map(f, [])\n",
        "pack/tools.py": "import multiprocessing\nPOOL = multiprocessing.Pool()\ndef f(x):\n    return x\n",
    }
    write(tmp_path, dict(sources))
    found = ask(newest, tmp_path, "pack/__main__.py", module="pack")
    assert [(Path(each["file"]).name, each["line"], each["function"]) for each in found["portions"]] == [("work.py", 3, "pack.tools.f")]
    assert needs(found) == [("pack.tools", "module")]
