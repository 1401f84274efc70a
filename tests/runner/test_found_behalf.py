"""Maps that a library makes of a program's functions, with everything that is proved sent away: each shows what it shows plainly."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.pythons import UserPython
from tests.runner.playing import SITE_PACKAGES, Lab, Run
from tests.runner.programs.behalf import AWAY, BEGINNING, CHANGED_CLASS, FORMS, HAZARDS, HOME, NOBODY, PARTLY

pytestmark = pytest.mark.slow

PROGRAMS = {**FORMS, **HAZARDS}
Runs = dict[UserPython, tuple[Run, Run]]


@pytest.fixture(scope="module")
def runs(interpreters: tuple[UserPython, ...], kit: Path, tmp_path_factory: pytest.TempPathFactory) -> Runs:
    """All of them as one program, run plainly and divided."""
    text = BEGINNING + "".join("print(%r)\n%s\n" % ("== " + what, statements) for what, (statements, _) in PROGRAMS.items())
    found = {}
    for python in interpreters:
        lab = Lab(python, kit, tmp_path_factory.mktemp("behalf"), finding="proved", environ={"PYTHONPATH": str(SITE_PACKAGES)})
        found[python] = lab.run_plainly(text), lab.run(text)
    return found


def fate_of(run: Run, function: str) -> str:
    """What became of the items of a function."""
    portions = [portion for portion in run.portions if portion.call["function"].split(".")[-1] == function]
    places = {portion.place for portion in portions}
    assert all(Path(portion.call["file"]).is_relative_to(SITE_PACKAGES) for portion in portions)
    return {frozenset(): NOBODY, frozenset(["lab"]): AWAY, frozenset(["home"]): HOME}.get(frozenset(places), PARTLY)


@pytest.mark.parametrize("what", PROGRAMS)
def test_what_a_library_maps_shows_what_it_shows_plainly(what: str, user_python: UserPython, runs: Runs) -> None:
    plain, found = runs[user_python]
    assert found.sections[what] == plain.sections[what]
    assert (found.err, found.code) == (plain.err, plain.code)


@pytest.mark.parametrize("what", PROGRAMS)
def test_it_is_divided_where_that_makes_no_difference(what: str, user_python: UserPython, runs: Runs) -> None:
    found = runs[user_python][1]
    for function, fates in PROGRAMS[what][1].items():
        fate = fates if isinstance(fates, str) else fates[user_python.version[0] == 2]
        assert (function, fate_of(found, function)) == (function, fate), found.stayed


def test_no_proof_turns_out_wrong(user_python: UserPython, runs: Runs) -> None:
    assert runs[user_python][1].notes == []


def test_individuals_of_a_class_that_was_changed_stay(user_python: UserPython, kit: Path, tmp_path: Path) -> None:
    lab = Lab(user_python, kit, tmp_path, finding="proved", environ={"PYTHONPATH": str(SITE_PACKAGES)})
    plain, found = lab.run_plainly(CHANGED_CLASS), lab.run(CHANGED_CLASS)
    assert (found.out, found.err, found.code) == (plain.out, plain.err, plain.code)
    assert [(portion.place, portion.call["function"]) for portion in found.portions] == [("home", "judged")]
