"""Loops that collect in what others may hold: divided where it is held by its name alone, and each shows what it shows plainly."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.pythons import UserPython
from tests.runner.beginning import Stable
from tests.runner.nasty import same
from tests.runner.programs.shared import BEGINNING, PROGRAMS


@pytest.mark.parametrize("what", PROGRAMS)
def test_a_loop_collects_in_what_nobody_else_holds(
    what: str, user_python: UserPython, kit: Path, tmp_path: Path, stables: dict[UserPython, Stable]
) -> None:
    statements, reason = PROGRAMS[what]
    found = same(user_python, kit, tmp_path, stables, BEGINNING + statements)
    said = [portion.reason for portion in found.portions if portion.place == "home"]
    assert bool(said) == bool(reason) and reason in "; ".join(said), said


#: What `S` of a function that has ended is, nobody can find: all that can be reached is looked through for it.
ITSELF = """
class E(object):
    pass
E.A = E()
E.name = "A"
def main():
    class S(object):
        n = 0
        def __repr__(self):
            return "S%d" % S.n
    return S()
print(repr(main()))
def f(x):
    return "odd" if x % 2 else E.name
a = []
print(len(a))
for x in range(7):
    a.append(f(x))
print(a)
"""


def test_a_class_that_holds_an_object_of_itself_is_looked_through_once(
    user_python: UserPython, kit: Path, tmp_path: Path, stables: dict[UserPython, Stable]
) -> None:
    same(user_python, kit, tmp_path, stables, BEGINNING + ITSELF)
