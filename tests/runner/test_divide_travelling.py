"""What travels with a portion, by which rule, and what keeps one with the main program: as far as the source shows."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.pythons import UserPython
from tests.runner.dividing import kept, look, needs, portions

GUARDED = """\
from __future__ import division
import math
import multiprocessing
import numpy as np
import helpers
from helpers import area, SIDE
from parts import deep

K = 3
TABLE = [math.sqrt(x) for x in range(9)]
UNUSED = 4

class Shape(object):
    corners = K
    def size(self):
        return area(self.corners)

def f(x):
    def inner():
        return LATER + helpers.SCALE + np.sin(x)
    return [Shape().size(), TABLE[x], deep.deeper(SIDE), inner()]

def main():
    global LATER
    LATER = {"a": [1, -2.5]}
    print(multiprocessing.Pool().map(f, [1]))

if __name__ == "__main__":
    main()
"""
HELPERS = """\
import os
SIDE = 3
SCALE = 2
def area(n):
    return n * os.getpid() * hidden()
def hidden():
    return COUNT
def count():
    global COUNT
    COUNT += 1
COUNT = 0
"""


@pytest.fixture
def newest(interpreters: tuple[UserPython, ...]) -> UserPython:
    return interpreters[-1]


def test_everything_that_is_read_travels_and_nothing_else(user_python: UserPython, tmp_path: Path) -> None:
    (tmp_path / "parts").mkdir()
    (tmp_path / "parts" / "__init__.py").write_text("")
    found = look(user_python, tmp_path, GUARDED, helpers=HELPERS, **{"parts/deep": "def deeper(x):\n    return 1 / x\n"})
    # The first is the comprehension that makes TABLE.
    main = "spawn" if user_python.version >= (3, 14) else "main"
    assert needs(found, 1)[0] == ("__main__", main)
    assert sorted(needs(found, 1)[1:]) == [
        ("K", "value"),
        ("LATER", "value"),
        ("Shape", "definition"),
        ("TABLE", "undecided"),
        ("helpers", "module"),
        ("helpers.COUNT", "undecided"),
        ("helpers.SCALE", "import"),
        ("helpers.SIDE", "import"),
        ("helpers.area", "definition"),
        ("helpers.hidden", "definition"),
        ("numpy", "library"),
        ("parts.deep", "module"),
        ("parts.deep.deeper", "definition"),
    ]
    lines = {need["name"]: need["line"] for need in found["portions"][1]["travels"]}
    assert (lines["K"], lines["LATER"], lines["helpers.area"], lines["numpy"]) == (9, 25, 4, None)


UNGUARDED = {
    "a portion": "pool.map(f, [1])",
    "print": "print('hello')\nif __name__ == '__main__':\n    pool.map(f, [1])",
    "input": "import sys\nline = input()\nif __name__ == '__main__':\n    pool.map(f, [1])",
    "an end": "import sys\nif not xs: sys.exit('no')\nif __name__ == '__main__':\n    pool.map(f, [1])",
    "a call that does it": "def main():\n    pool.map(f, [1])\nmain()",
    "a loop": "for x in xs:\n    pool.map(f, [x])",
}


@pytest.mark.parametrize("what", UNGUARDED)
def test_of_a_program_that_works_when_imported_only_definitions_and_values_travel(what: str, newest: UserPython, tmp_path: Path) -> None:
    begin = "import multiprocessing as m\nxs = []\npool = m.get_context('fork').Pool()\ndef f(x):\n    return x\n"
    assert needs(look(newest, tmp_path, begin + UNGUARDED[what] + "\n")) == [("__main__", "definitions")]


@pytest.mark.parametrize("guard", ["__name__ == '__main__'", "'__main__' == __name__"])
def test_a_guard_counts_either_way_round(guard: str, newest: UserPython, tmp_path: Path) -> None:
    source = f"import multiprocessing as m\ndef f(x):\n    print(x)\nif {guard}:\n    print(1)\n    m.get_context('fork').Pool().map(f, [])\n"
    assert needs(look(newest, tmp_path, source)) == [("__main__", "main")]


SPAWNING = {
    "a context": "multiprocessing.get_context('spawn').Pool()",
    "a context's keyword": "multiprocessing.get_context(method='forkserver').Pool()",
    "a setting": "multiprocessing.Pool()\nmultiprocessing.set_start_method('spawn')",
}


@pytest.mark.parametrize("how", SPAWNING)
def test_spawned_processes_see_what_importing_shows(how: str, newest: UserPython, tmp_path: Path) -> None:
    source = f"import multiprocessing\ndef f(x):\n    return x\nif __name__ == '__main__':\n    pool = {SPAWNING[how]}\n    pool.map(f, [])\n"
    assert needs(look(newest, tmp_path, source.replace("\nmulti", "\n    multi"))) == [("__main__", "spawn")]


def test_joblib_sends_functions_by_value(newest: UserPython, tmp_path: Path) -> None:
    source = "from joblib import Parallel, delayed\nK = 1\nParallel(n_jobs=2)(delayed(lambda x: x + K)(x) for x in [1])\n"
    found = look(newest, tmp_path, source)
    assert portions(found) == [(3, "joblib.Parallel", "<lambda>")]
    assert needs(found) == [("__main__", "pickle"), ("K", "value")]


def test_the_initializer_travels_too(newest: UserPython, tmp_path: Path) -> None:
    source = """\
    import multiprocessing, concurrent.futures
    import tools
    PLACE = "here"
    def begin(a):
        global STATE
        STATE = tools.make(a)
    def f(x):
        return STATE
    if __name__ == "__main__":
        multiprocessing.get_context("fork").Pool(2, begin, (PLACE,)).map(f, [])
        concurrent.futures.ProcessPoolExecutor(initializer=tools.make, initargs=(1,)).submit(str, 1)
    """
    found = look(newest, tmp_path, source, tools="def make(a):\n    return a\n")
    assert needs(found, 0) == [("__main__", "main"), ("STATE", "undecided"), ("tools", "module"), ("tools.make", "definition")]
    assert needs(found, 1) == [("tools", "module")]


def test_of_imports_that_are_tried_in_turn_one_that_is_there_is_enough(user_python: UserPython, tmp_path: Path) -> None:
    source = """\
    import multiprocessing
    try:
        import cPickle as pickle
    except ImportError:
        import pickle
    try:
        import simplejson as json
    except ImportError:
        import json
    import yaml
    def f(x):
        return pickle.dumps(json.loads(yaml.load(x)))
    multiprocessing.Pool().map(f, [])
    """
    assert needs(look(user_python, tmp_path, source))[1:] == [("yaml", "library")]


HOMEBOUND = {
    "an open file": ("log = open('log')", "log.read()", "an open file, which cannot leave the main program's machine; open it in the function"),
    "a shared lock": ("log = multiprocessing.Lock()", "log.acquire()", "a lock shared by the processes of one machine"),
    "a queue": ("log = multiprocessing.get_context('fork').Queue()", "log.put(1)", "a queue shared by the processes of one machine"),
    "a generator": ("log = (y for y in [1])", "next(log)", "a generator, which cannot leave the main program's machine; make a list of it"),
    "a connection": ("import sqlite3; log = sqlite3.connect('x')", "log.execute('')", "a database connection"),
    "a manager's list": ("log = multiprocessing.Manager().list()", "log.append(x)", "an object of a manager's process"),
}


@pytest.mark.parametrize("what", HOMEBOUND)
def test_what_cannot_leave_keeps_the_portion_and_is_named_with_its_line(what: str, newest: UserPython, tmp_path: Path) -> None:
    made, used, why = HOMEBOUND[what]
    source = f"import multiprocessing\ndef f(x):\n    return g(x)\ndef g(x):\n    return {used}\nif __name__ == '__main__':\n    {made}\n"
    found = look(newest, tmp_path, source + "    multiprocessing.Pool().map(f, [])\n")
    assert portions(found) == []
    [(line, construct, reason)] = kept(found)
    assert (line, construct) == (8, "Pool.map")
    assert reason.startswith("`f` reads `log` (line 7), " + why)


def test_what_an_initializer_is_given_can_keep_it_too(newest: UserPython, tmp_path: Path) -> None:
    source = """\
    from multiprocessing import Lock, Pool
    import other
    def main():
        mine = Lock()
        Pool(initializer=other.begin, initargs=(mine,)).map(other.f, [])
    """
    found = look(newest, tmp_path, source, other="def begin(lock): pass\ndef f(x): pass\n")
    assert [reason.split(",")[0] for _, _, reason in kept(found)] == ["`other.f` reads `mine` (line 4)"]


def test_what_importing_makes_anew_keeps_nothing(newest: UserPython, tmp_path: Path) -> None:
    source = """\
    import multiprocessing, threading
    lock = threading.Lock()
    def f(x):
        with lock, open("x") as file:
            return file
    if __name__ == "__main__":
        multiprocessing.get_context("fork").Pool().map(f, [])
    """
    found = look(newest, tmp_path, source)
    assert needs(found) == [("__main__", "main"), ("lock", "undecided")] and found["kept"] == []
