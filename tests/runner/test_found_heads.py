"""Loops of which only the beginning of each turn is divided, with everything that is proved sent away: each shows what it shows plainly."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.pythons import UserPython
from tests.runner.beginning import Stable
from tests.runner.nasty import same
from tests.runner.programs.heads import BEGINNING, CHANGED, HANDED, KEPT, PROGRAMS

pytestmark = pytest.mark.slow


@pytest.fixture(params=[0, -1], ids=["oldest", "newest"])
def python(request: pytest.FixtureRequest, interpreters: tuple[UserPython, ...]) -> UserPython:
    return interpreters[request.param]


@pytest.mark.parametrize("what", PROGRAMS)
def test_a_loop_whose_turns_begin_elsewhere_shows_what_it_shows_plainly(
    what: str, python: UserPython, kit: Path, tmp_path: Path, stables: dict[UserPython, Stable]
) -> None:
    statements, fate = PROGRAMS[what]
    found = same(python, kit, tmp_path, stables, BEGINNING + statements)
    assert found.notes == []
    said = [portion.reason for portion in found.portions if portion.place == "home"]
    is_changed = any("the rest of a turn changes" in reason or "held by the program" in reason for reason in said)
    heads = [portion for portion in found.portions if portion.place == "lab" and portion.is_dropped]
    assert fate == (CHANGED if is_changed else HANDED if heads else KEPT), said
