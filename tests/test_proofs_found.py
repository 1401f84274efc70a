"""The proof of found portions at a small scale: what it draws, and that it sees what is wrong."""

from __future__ import annotations

import ast
import os
from random import Random

import pytest

from tests.proofs.found import Plan, benches, tried
from tests.proofs.loops.drawing import Program, Site, draw
from tests.proofs.loops.forms import FORMS
from tests.proofs.loops.works import HARMLESS, TRAPS
from tests.pythons import found_pythons

PROGRAMS = 10


def test_every_drawn_program_is_one_and_every_form_and_work_is_drawn() -> None:
    seen = set()
    for number in range(6000):
        program = draw(Random(number), (3, 11) if number % 2 else (2, 7))
        if number % 2:
            ast.parse(program.text())
        assert set(program.lines().values()) <= set(program.sites)
        seen |= {name for site in program.sites for name in (site.form.name, site.work.name)}
    assert seen == {each.name for each in (*FORMS, *HARMLESS, *TRAPS)}


def test_drawn_programs_show_what_they_show_plainly() -> None:
    seed = Random().randrange(10**6)
    pythons = found_pythons(os.environ)
    with benches([pythons[0], pythons[-1]], "proved") as opened:
        tally = tried(opened, Plan(seed, range(PROGRAMS), started=3))
    assert tally.cases == [], f"python -m tests.proofs.found --seed {seed}"
    assert tally.items


@pytest.mark.parametrize("traps", [True, False])
def test_what_is_sent_without_a_proof_comes_out_differently_only_by_traps(traps: bool) -> None:
    python = found_pythons(os.environ)[-1]
    with benches([python], "numbered") as opened:
        programs = (draw(Random(f"hopeful:{number}"), python.version[:2], traps) for number in range(8))
        assert any(opened[python].tried(program)[0] for program in programs) == traps


CHECKS = {
    "what the state consists of": ("serving.py", "if changed:", "if False:", "global list through a helper"),
    "the environment": ("serving.py", "if _surroundings(self._given.may_draw) != before:", "if False:", "environment alone"),
    "the random state": ("serving.py", "drawing.getstate(),", "None,", "shuffle later"),
    "standard error": ("serving.py", 'self._printing.why_not = "it writes to standard error"', "pass", "standard error"),
    "results that are held": ("serving.py", "if inside.changeable & (", "if set() & (", "gives what is held"),
    "what an item raises": ("serving.py", 'raise _Stays("it raises %s" % type(error).__name__)', "return []", "raises"),
    "rehearsal": ("division.py", "not _is_sure(is_rehearsed, outcome[1], self._draws)", "False", "process number"),
}
"""Each check at run time: its file, its text, what it is without it, and the work that then goes wrong where nothing was proved."""


@pytest.mark.parametrize("check", CHECKS)
def test_each_check_at_run_time_that_is_switched_off_is_missed(check: str) -> None:
    file, text, without, name = CHECKS[check]
    python = found_pythons(os.environ)[-1]
    form = next(each for each in FORMS if each.name == "list comprehension")
    work = next(each for each in TRAPS if each.name == name)
    program = Program("", (Site(1, form, work, "module", "range(7)"),))
    with benches([python], "numbered") as opened:
        assert opened[python].tried(program)[0] == []
        with opened[python].exchanged("found/" + file, text, without):
            assert opened[python].tried(program)[0] != []
