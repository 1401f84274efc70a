"""How deep an item may call: as deep elsewhere as in its program, to the very call."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tests.pythons import UserPython
from tests.runner.beginning import Stable
from tests.runner.nasty import same
from tests.runner.playing import Lab

CHECKOUT = Path(__file__).parents[2]
BEGINNING = """\
import itertools
import sys

def calls_left(n=0):
    try:
        return calls_left(n + 1)
    except RuntimeError:
        return n

def near(x):
    return x * 2

def far(x, y=0):
    return calls_left() if x > 2 else x
"""

FORMS = {
    "loop": "got = []\nfor x in range(6):\n    got.append(far(x))",
    "list comprehension": "got = [far(x) for x in range(6)]",
    "set comprehension": "got = sorted({(x, far(x)) for x in range(6)})",
    "dict comprehension": "got = sorted({x: far(x) for x in range(6)}.items())",
    "generator": "got = sum(far(x) for x in range(6))",
    "map": "got = list(map(far, range(6)))",
    "map of two": "got = list(map(far, range(6), range(6)))",
    "starmap": "got = list(itertools.starmap(far, [(x, x) for x in range(6)]))",
    "head": "got = []\nfor x in range(6):\n    v = far(x), sum([x])\n    got.insert(0, v)",
    "argument": "got = []\nfor x in range(6):\n    got.insert(0, (far(x), sum([x])))",
}

# A site of its own for each depth. What the interpreter knows of its limit must be what it would know, so each goes on to that behind its site.
DEPTHS = [700, 780, 840, 900, 940, 950, 960, 970, 980, 985]
SITE = """
def there_{0}(n):
    if n:
        return there_{0}(n - 1)
    return sum([near(x) for x in range(8)]), calls_left()
print(there_{0}({0}))
"""

# Calls itself until it cannot, with sites on the way. The limit is near, so that few of them are divided.
ENDLESS = """
def deeper(n):
    try:
        a = [near(x) for x in range(5)]
        return deeper(n + 1)
    except RuntimeError:
        return n

def walk(n):
    return sum([walk(n + 1) for c in range(4)])

print(deeper(0))
walk(0)
"""

# One in a circle is finalized by whatever allocates next. To finish, each needs a hundred calls, of which the limit leaves plenty.
COLLECTED = """
import gc, sys
sys.path.insert(0, sys.argv[1])
from marx.runner.found.depth import used

finished = []

def deep(n):
    return n and deep(n - 1)

class Circle(object):
    def __init__(self):
        self.itself = self
    def __del__(self):
        deep(100)
        finished.append(used())

before = used()
kept = [Circle() for _ in range(3)]
gc.set_threshold(1)
while kept:
    kept.pop()
    assert used() == before
gc.set_threshold(700)
assert gc.isenabled()
gc.collect()
print(len(finished))
gc.disable()
used()
print(gc.isenabled())
"""


@pytest.mark.parametrize("what", FORMS)
def test_an_item_meets_the_recursion_limit_where_it_does_plainly(
    what: str, user_python: UserPython, kit: Path, tmp_path: Path, stables: dict[UserPython, Stable]
) -> None:
    found = same(user_python, kit, tmp_path, stables, f"{BEGINNING}{FORMS[what]}\nprint(got)\n")
    assert "lab" in {portion.place for portion in found.portions}
    assert found.notes == []


def test_a_limit_where_no_stack_ends_is_not_tried_out(user_python: UserPython, kit: Path, tmp_path: Path, stables: dict[UserPython, Stable]) -> None:
    found = same(user_python, kit, tmp_path, stables, f"{BEGINNING}sys.setrecursionlimit(10 ** 6)\nprint([near(x) for x in range(6)])\n")
    assert "lab" in {portion.place for portion in found.portions}


def test_near_the_limit_what_is_found_stays(user_python: UserPython, kit: Path, tmp_path: Path, stables: dict[UserPython, Stable]) -> None:
    found = same(user_python, kit, tmp_path, stables, BEGINNING + "".join(SITE.format(depth) for depth in DEPTHS))
    assert 1 <= len([portion for portion in found.portions if portion.place == "lab"]) < 5
    assert found.notes == []


def test_calls_without_an_end_end_with_an_error_of_the_program(
    user_python: UserPython, kit: Path, tmp_path: Path, stables: dict[UserPython, Stable]
) -> None:
    lab = Lab(user_python, kit, tmp_path, finding="proved", stable=stables[user_python])
    plain, found = (run(f"{BEGINNING}sys.setrecursionlimit(230)\n{ENDLESS}") for run in (lab.run_plainly, lab.run))
    depths = [int(run.out) for run in (plain, found)]
    # Until 3.8 nobody may go on from the end of calls, so a site meets it where it asks.
    assert 0 <= depths[0] - depths[1] <= (8 if (3,) <= user_python.version < (3, 9) else 0)
    assert (found.code, found.notes) == (plain.code, [])
    ends = [run.err.splitlines()[-1].split(":")[0] for run in (plain, found)]
    assert ends == ["RuntimeError" if user_python.version < (3,) else "RecursionError"] * 2


def test_what_is_collected_meanwhile_has_its_calls(user_python: UserPython) -> None:
    told = subprocess.run([user_python.path, "-c", COLLECTED, str(CHECKOUT)], capture_output=True, text=True)
    # in 2.7 nobody finalizes what is in a circle
    assert (told.stdout.split(), told.stderr, told.returncode) == (["0" if user_python.version[0] == 2 else "3", "False"], "", 0)
