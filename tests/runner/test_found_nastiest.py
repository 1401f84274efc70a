"""The nastiest programs that were thought of, with everything that is proved sent away, item by item: each shows what it shows plainly."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.pythons import UserPython
from tests.runner.beginning import Stable
from tests.runner.nasty import same
from tests.runner.programs.nastiest_run import EVERYWHERE, FUTURE, IN_THREE, IN_TWO

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("what", [*EVERYWHERE, *IN_TWO, *IN_THREE])
def test_the_nastiest_programs_show_what_they_show_plainly(
    what: str, user_python: UserPython, kit: Path, tmp_path: Path, stables: dict[UserPython, Stable]
) -> None:
    program, least = {**EVERYWHERE, **IN_TWO, **IN_THREE}[what]
    if what in (IN_THREE if user_python.version < (3,) else IN_TWO):
        pytest.skip("it is written for another Python")
    text = program if what in IN_TWO else FUTURE + program
    found = same(user_python, kit, tmp_path, stables, text)
    divided = {portion.call["line"] for portion in found.portions if portion.place == "lab" and not portion.is_dropped}
    assert len(divided) >= least, [portion.reason for portion in found.portions]
