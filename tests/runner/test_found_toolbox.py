"""Programs that evaluate by a toolbox of deap's, with everything that is proved sent away: each shows what it shows plainly."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.pythons import UserPython
from tests.runner.playing import Lab
from tests.runner.programs.toolbox import AWAY, BEGINNING, BOTH, HOME, NOBODY, PROGRAMS

pytestmark = pytest.mark.slow

SITE_PACKAGES = Path(__file__).parent / "programs" / "mapping" / "site-packages"


@pytest.fixture(params=[0, -1], ids=["oldest", "newest"])
def lab(request: pytest.FixtureRequest, interpreters: tuple[UserPython, ...], kit: Path, tmp_path: Path) -> Lab:
    python = interpreters[request.param]
    return Lab(python, kit, tmp_path, finding="proved", environ={"PYTHONPATH": str(SITE_PACKAGES)})


@pytest.mark.parametrize("what", PROGRAMS)
def test_what_a_toolbox_evaluates_shows_what_it_shows_plainly(what: str, lab: Lab) -> None:
    statements, fate = PROGRAMS[what]
    plain, found = lab.run_plainly(BEGINNING + statements), lab.run(BEGINNING + statements)
    assert (found.out, found.err, found.code) == (plain.out, plain.err, plain.code) == (plain.out, "", 0)
    places = {portion.place for portion in found.portions} | {"home" for _ in found.notes}
    assert {frozenset(): NOBODY, frozenset(["lab"]): AWAY, frozenset(["home"]): HOME}.get(frozenset(places), BOTH) == fate, found.stayed
