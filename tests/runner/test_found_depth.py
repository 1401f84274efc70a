"""How deep an item may call: as deep elsewhere as in its program, to the very call."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.pythons import UserPython
from tests.runner.beginning import Stable
from tests.runner.nasty import same

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
