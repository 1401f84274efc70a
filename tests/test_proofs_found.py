"""The proof of found portions at a small scale: what it draws, and that it sees what is wrong."""

from __future__ import annotations

import ast
import os
from random import Random

import pytest

from tests.proofs.found import benches, tried
from tests.proofs.loops.drawing import draw
from tests.proofs.loops.forms import FORMS
from tests.proofs.loops.works import HARMLESS, TRAPS
from tests.pythons import found_pythons

PROGRAMS = 10


def test_every_drawn_program_is_one_and_every_form_and_work_is_drawn() -> None:
    seen = set()
    for number in range(3000):
        program = draw(Random(number), (3, 11))
        ast.parse(program.text())
        assert set(program.lines().values()) <= set(program.sites)
        seen |= {name for site in program.sites for name in (site.form.name, site.work.name)}
    assert seen == {each.name for each in (*FORMS, *HARMLESS, *TRAPS)}


def test_drawn_programs_show_what_they_show_plainly() -> None:
    seed = Random().randrange(10**6)
    pythons = found_pythons(os.environ)
    with benches([pythons[0], pythons[-1]], "proved") as opened:
        tally = tried(opened, seed, range(PROGRAMS), 2, True)
    assert tally.cases == [], f"python -m tests.proofs.found --seed {seed}"
    assert tally.items


@pytest.mark.parametrize("traps", [True, False])
def test_what_is_sent_without_a_proof_comes_out_differently_only_by_traps(traps: bool) -> None:
    python = found_pythons(os.environ)[-1]
    with benches([python], "numbered") as opened:
        different = 0
        for number in range(8):
            program = draw(Random(f"hopeful:{number}"), python.version[:2], traps)
            different += bool(opened[python].tried(program)[0])
    assert bool(different) == traps
