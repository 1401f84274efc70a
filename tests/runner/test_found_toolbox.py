"""Programs that evaluate by a toolbox of deap's, and maps that are consumed one by one, with everything that is proved sent away."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.pythons import UserPython
from tests.runner.playing import SITE_PACKAGES, Lab, Run
from tests.runner.programs import lazily, toolbox
from tests.runner.programs.toolbox import AWAY, BOTH, HOME, NOBODY

pytestmark = pytest.mark.slow


@pytest.fixture(params=[0, -1], ids=["oldest", "newest"])
def python(request: pytest.FixtureRequest, interpreters: tuple[UserPython, ...]) -> UserPython:
    return interpreters[request.param]


@pytest.fixture
def in_three(python: UserPython, interpreters: tuple[UserPython, ...], kit: Path, tmp_path: Path) -> Lab:
    """The oldest, or the newest, of Python 3: in 2.7 a map is a list."""
    return lab_of(python if python.version[0] > 2 else next(each for each in interpreters if each.version[0] > 2), kit, tmp_path)


@pytest.fixture
def lab(python: UserPython, kit: Path, tmp_path: Path) -> Lab:
    return lab_of(python, kit, tmp_path)


def lab_of(python: UserPython, kit: Path, tmp_path: Path) -> Lab:
    """A lab in which deap, or what stands in for it, can be imported."""
    return Lab(python, kit, tmp_path, finding="proved", environ={"PYTHONPATH": str(SITE_PACKAGES)})


@pytest.mark.parametrize("what", toolbox.PROGRAMS)
def test_what_a_toolbox_evaluates_shows_what_it_shows_plainly(what: str, lab: Lab) -> None:
    statements, fate = toolbox.PROGRAMS[what]
    found = same(lab, toolbox.BEGINNING + statements)
    assert fate_of(found) == fate, found.stayed


@pytest.mark.parametrize("what", lazily.PROGRAMS)
def test_a_map_that_is_consumed_one_by_one_shows_what_it_shows_plainly(what: str, in_three: Lab) -> None:
    statements, fate = lazily.PROGRAMS[what]
    found = same(in_three, lazily.BEGINNING + statements)
    if fate == lazily.IN_TWELVE:
        fate = AWAY if in_three.python.version >= (3, 12) else NOBODY
    assert fate_of(found) == fate, found.stayed


def same(lab: Lab, text: str) -> Run:
    """The run divided, which has shown what the plain one shows."""
    plain, found = lab.run_plainly(text), lab.run(text)
    assert (found.out, found.err, found.code) == (plain.out, plain.err, plain.code) == (plain.out, "", 0)
    return found


def fate_of(run: Run) -> str:
    """What became of the portions."""
    places = {portion.place for portion in run.portions} | {"home" for _ in run.notes}
    return {frozenset(): NOBODY, frozenset(["lab"]): AWAY, frozenset(["home"]): HOME}.get(frozenset(places), BOTH)
