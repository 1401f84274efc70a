"""Programs see of pools, executors and joblib what the libraries show: each section of three programs, run plainly and under the stand-ins."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.pythons import UserPython
from tests.runner.playing import Comparisons, section_names, why_not

pytestmark = pytest.mark.slow

PROGRAMS = Path(__file__).parent / "programs"
POOLS, EXECUTORS, JOBLIBS = (PROGRAMS / name for name in ("pools.py", "executors.py", "joblibs.py"))


@pytest.fixture(scope="session")
def comparisons(kit: Path, tmp_path_factory: pytest.TempPathFactory) -> Comparisons:
    """The two runs of each program by each interpreter."""
    return Comparisons(kit, tmp_path_factory.mktemp("compared"))


def demand(python: UserPython, module: str) -> None:
    """Skip a test whose interpreter lacks a module; CI must have it."""
    reason = why_not(python, module, "futures" if module == "concurrent.futures" else None)
    if reason and os.environ.get("CI") == "true":
        pytest.fail(reason)
    if reason:
        pytest.skip(reason)


@pytest.mark.parametrize("section", section_names(POOLS))
def test_a_pool_shows_a_program_what_the_library_shows(comparisons: Comparisons, user_python: UserPython, section: str) -> None:
    plain, played = comparisons.sections(user_python, POOLS, section)
    assert played == plain


@pytest.mark.parametrize("section", section_names(EXECUTORS))
def test_an_executor_shows_a_program_what_the_library_shows(comparisons: Comparisons, user_python: UserPython, section: str) -> None:
    demand(user_python, "concurrent.futures")
    plain, played = comparisons.sections(user_python, EXECUTORS, section)
    assert played == plain


@pytest.mark.parametrize("section", section_names(JOBLIBS))
def test_joblib_shows_a_program_what_it_always_shows(comparisons: Comparisons, user_python: UserPython, section: str) -> None:
    demand(user_python, "joblib")
    plain, played = comparisons.sections(user_python, JOBLIBS, section)
    assert played == plain


@pytest.mark.parametrize(("program", "module"), [(POOLS, "multiprocessing"), (EXECUTORS, "concurrent.futures"), (JOBLIBS, "joblib")])
def test_nothing_else_is_printed_and_the_exit_code_is_the_same(
    comparisons: Comparisons, user_python: UserPython, program: Path, module: str
) -> None:
    demand(user_python, module)
    plain, played = comparisons.runs(user_python, program)
    # The backport of concurrent.futures for 2.7 complains of a broken pipe now and then, at its own end.
    assert (played.code, played.err) in [(plain.code, plain.err), (plain.code, "")]
    assert played.portions


def test_what_can_be_carried_goes_to_the_lab(comparisons: Comparisons, user_python: UserPython) -> None:
    _, played = comparisons.runs(user_python, POOLS)
    home = [portion for portion in played.portions if portion.place == "home"]
    assert all("Lock" in portion.reason or "Queue" in portion.reason for portion in home)
    assert len(home) <= 4 < len(played.portions)


def test_each_portion_in_the_lab_is_ended_or_dropped(comparisons: Comparisons, user_python: UserPython) -> None:
    _, played = comparisons.runs(user_python, POOLS)
    left = [portion.call for portion in played.portions if portion.place == "lab" and not (portion.is_final or portion.is_dropped)]
    assert left == []
