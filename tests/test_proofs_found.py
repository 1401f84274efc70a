"""The proof of found portions at a small scale: what it draws, and that it sees what is wrong."""

from __future__ import annotations

import ast
import json
import os
from collections import Counter
from pathlib import Path
from random import Random
from typing import Any

import pytest

from marx.worker.kit import lay_out_kit
from tests.proofs.ablation import all_judged
from tests.proofs.found import Bench, Plan, benches, tried
from tests.proofs.found_record import Tally, write_record
from tests.proofs.loops.drawing import draw
from tests.proofs.loops.forms import FORMS
from tests.proofs.loops.rules import RULES
from tests.proofs.loops.works import HARMLESS, TRAPS
from tests.pythons import UserPython, found_pythons
from tests.runner.playing import Run, Silence

pytestmark = pytest.mark.slow

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


def test_a_program_that_hangs_is_a_case_and_ends_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    pythons = found_pythons(os.environ)[-1:]
    try_one, numbers = Bench.tried, iter(range(3))

    def tried_or_hung(*asked: Any) -> tuple[list[str], Run]:
        if next(numbers) == 1:
            raise Silence
        return try_one(*asked)

    monkeypatch.setattr(Bench, "tried", tried_or_hung)
    with benches(pythons, "proved") as opened:
        tally = tried(opened, Plan(7, range(3), at_a_time=1))
    assert [name for name, _ in tally.cases] == [f"7-1-{pythons[0].name}-hangs"]
    assert (sum(tally.programs.values()), tally.begun) == (2, 3)


@pytest.mark.parametrize("traps", [True, False])
def test_what_is_sent_without_a_proof_comes_out_differently_only_by_traps(traps: bool) -> None:
    python = found_pythons(os.environ)[-1]
    with benches([python], "numbered") as opened:
        programs = (draw(Random(f"hopeful:{number}"), python.version[:2], traps) for number in range(40 if traps else 8))
        assert any(opened[python].tried(program)[0] for program in programs) == traps


def test_each_rule_stands_in_the_runner_and_has_a_name_of_its_own(tmp_path: Path) -> None:
    kit = lay_out_kit(tmp_path)
    for rule in RULES:
        for file, text, _ in rule.edits:
            assert (kit / "marx" / "runner" / file).read_text().count(text) == 1, (rule.name, file)
    assert len({rule.name for rule in RULES}) == len(RULES)
    assert {rule.by for rule in RULES} <= {each.name for each in (*FORMS, *TRAPS)}


def test_a_rule_that_is_switched_off_is_missed() -> None:
    chosen = Random().sample(RULES, 4)
    verdicts = list(all_judged(chosen, found_pythons(os.environ), False))
    assert [verdict.rule.name for verdict in verdicts if not verdict.how] == []


def test_the_record_adds_a_run_to_those_that_are_there(tmp_path: Path) -> None:
    tally = Tally(programs=Counter({"3.11": 2}), separable=Counter({"map": 3}), divided=Counter({"map": 2}), begun=2, sites=4, items=9)
    for seed in (1, 2):
        write_record(tally, f"--seed {seed}", [UserPython((3, 11, 7), "python")], tmp_path)
    runs = json.loads((tmp_path / "found.json").read_text())["runs"]
    assert [run["asked"] for run in runs] == ["--seed 1", "--seed 2"]
    page = (tmp_path / "found.rst").read_text()
    assert "4 programs in 2 runs" in page
    assert [line.split() for line in page.splitlines() if line.startswith("map ")] == [["map", "4", "6"]]
