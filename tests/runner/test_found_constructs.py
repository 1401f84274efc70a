"""Constructs that only values can settle, with everything that is proved sent away, item by item: each shows what it shows plainly."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.pythons import UserPython
from tests.runner.beginning import Stable
from tests.runner.nasty import same
from tests.runner.programs.constructs_run import EVERYWHERE, FUTURE, IN_THREE, IN_TWO

pytestmark = pytest.mark.slow


@pytest.fixture(params=[0, 1, -1], ids=["first", "second", "newest"])
def python(request: pytest.FixtureRequest, interpreters: tuple[UserPython, ...]) -> UserPython:
    return interpreters[min(request.param, len(interpreters) - 1)]


@pytest.mark.parametrize("what", [*EVERYWHERE, *IN_TWO, *IN_THREE])
def test_what_values_settle_is_divided_where_they_do_and_shows_what_it_shows_plainly(
    what: str, python: UserPython, kit: Path, tmp_path: Path, stables: dict[UserPython, Stable]
) -> None:
    if what in IN_THREE and python.version < (3, 7) or what in IN_TWO and python.version >= (3,):
        pytest.skip("it is written for another Python")
    text = FUTURE + {**EVERYWHERE, **IN_TWO, **IN_THREE}[what]
    found = same(python, kit, tmp_path, stables, text)
    divided = {portion.call["line"] for portion in found.portions if portion.place == "lab" and not portion.is_dropped}
    lines = list(enumerate(text.splitlines(), 1))
    wanted = {mark: {number for number, line in lines if line.endswith(mark)} for mark in ("# divided", "# stays")}
    assert (wanted["# divided"] - divided, wanted["# stays"] & divided) == (set(), set()), [(each.call["line"], each.reason) for each in found.portions]
