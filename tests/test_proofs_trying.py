"""The test of the test: a Marx that goes wrong in one thing is found out, and the program that shows it is made small."""

import os
import random
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from tests.proofs.crowd import OnATerminal
from tests.proofs.differential_record import Case, Tally, write_cases, write_record
from tests.proofs.generator.drawing import Taste, draw
from tests.proofs.generator.drawn import Drawn
from tests.proofs.outcomes import Outcome
from tests.proofs.trying import Bench, Trial
from tests.proofs.ways import Call, TookTooLong, plain_environ
from tests.pythons import UserPython, found_pythons


class Wrong(OnATerminal):
    """Plain Python whose outcome is ``spoiled`` afterwards, as if it were Marx's."""

    def __init__(self, home: Path, spoiled: Callable[[Outcome], Outcome]) -> None:
        super().__init__(plain_environ(home))
        self._spoiled = spoiled

    def run(self, call: Call, aside: Path) -> Outcome:
        return self._spoiled(super().run(call, aside))


@pytest.fixture(scope="module")
def python() -> UserPython:
    return found_pythons(os.environ)[-1]


@pytest.fixture
def bench(tmp_path: Path, python: UserPython) -> Callable[[Callable[[Outcome], Outcome]], Bench]:
    plainly = OnATerminal(plain_environ(tmp_path))
    return lambda spoiled: Bench(tmp_path, python, plainly, Wrong(tmp_path, spoiled))


def first_with(construct: str, python: UserPython) -> Drawn:
    """A program that always comes out the same: no Pool whose processes end after an item, which may wait for ever in join."""
    drawn = (draw(random.Random(f"first:{number}"), Taste(python.version[:2])) for number in range(5000))
    steady = (one for one in drawn if not any(portion.pool.fresh or not portion.count for portion in one.portions))
    return next(one for one in steady if construct in one.constructs() and len(one.portions) > 1)


def test_a_program_that_comes_out_the_same_is_no_finding(bench, python: UserPython) -> None:
    trial = bench(lambda outcome: outcome).tried(first_with("print", python))
    assert (trial.found, trial.unstable) == ((), False)
    assert trial.plain_seconds > 0 and trial.marx_seconds > 0


@pytest.mark.slow
def test_a_line_that_is_lost_is_found_and_its_program_made_small(bench, python: UserPython) -> None:
    def without_items_lines(outcome: Outcome) -> Outcome:
        kept = [line for line in outcome.stdout.splitlines(keepends=True) if b" item " not in line]
        return replace(outcome, stdout=b"".join(kept))

    trying = bench(without_items_lines)
    drawn = first_with("print", python)
    trial = trying.tried(drawn)
    smallest, shown = trying.shrunk(drawn, trial)
    assert trial.found and shown.found and not shown.unstable
    assert "print" in set(smallest.constructs())
    [portion] = smallest.portions
    assert [aspect.name for aspect in portion.aspects] == ["print"]
    assert (smallest.extras, smallest.arguments) == ((), ())


def test_a_program_that_plain_python_runs_now_so_now_so_is_no_finding(tmp_path: Path, python: UserPython) -> None:
    runs = iter(range(100))
    chance = Wrong(tmp_path, lambda outcome: replace(outcome, stdout=outcome.stdout + b"%d" % next(runs)))
    trial = Bench(tmp_path, python, chance, chance).tried(first_with("print", python))
    assert trial.found and trial.unstable


def test_a_run_that_does_not_end_is_a_finding(tmp_path: Path, python: UserPython) -> None:
    def endless(_: Outcome) -> Outcome:
        raise TookTooLong("it did not end")

    plainly = OnATerminal(plain_environ(tmp_path))
    trial = Bench(tmp_path, python, plainly, Wrong(tmp_path, endless)).tried(first_with("print", python))
    assert (trial.found, trial.unstable) == (("it did not end",), False)


def test_a_terminal_shows_what_was_printed_byte_for_byte(tmp_path: Path, python: UserPython) -> None:
    (tmp_path / "work").mkdir()
    (tmp_path / "work" / "p.py").write_text("import sys\nprint(sys.stdin.read(), sys.stdout.isatty())\nsys.stderr.write('e\\n')\nsys.exit(4)\n")
    call = Call(tmp_path / "work", python.path, ["p.py"], b"x\ty")
    outcome = OnATerminal(plain_environ(tmp_path)).run(call, tmp_path)
    assert (outcome.code, outcome.stdout, outcome.stderr) == (4, b"x\ty True\n", b"e\n")


def test_what_was_tried_is_counted_and_recorded(tmp_path: Path, python: UserPython) -> None:
    drawn = first_with("print", python)
    tally = Tally(seconds=2.0)
    tally.count(python.name, drawn, Trial((), False, 0.1, 0.3))
    tally.count(python.name, drawn, Trial(("stdout differs",), False, 0.1, 0.3))
    tally.count(python.name, drawn, Trial(("stdout differs",), True, 0.1, 0.3))
    assert "3 programs in 2 s (1.5 a second; 100 ms plainly and 300 ms under Marx each)" in tally.sentence()
    assert "1 different, 1 without one outcome" in tally.sentence()
    assert tally.constructs["print"] == 3
    write_record(tally, "--seed 7 --programs 3", [python], tmp_path / "record")
    page = (tmp_path / "record" / "differential.rst").read_text()
    assert "--seed 7 --programs 3" in page and tally.sentence() in page


def test_a_record_keeps_the_runs_before_and_counts_all_of_them(tmp_path: Path, python: UserPython) -> None:
    for seed, found in ((7, ("stdout differs",)), (8, ())):
        tally = Tally(seconds=2.0)
        tally.count(python.name, first_with("print", python), Trial(found, False, 0.1, 0.3))
        write_record(tally, f"--seed {seed}", [python], tmp_path)
    page = (tmp_path / "differential.rst").read_text()
    assert "2 programs in 2 runs" in page and "1 different" in page
    assert page.index("--seed 7") < page.index("--seed 8")


def test_a_case_is_kept_as_a_folder_that_can_be_run_by_hand(tmp_path: Path, python: UserPython) -> None:
    write_cases([Case("7-1-3.11", first_with("print", python), ("stdout differs",))], tmp_path)
    assert "A program that was drawn." in (tmp_path / "7-1-3.11" / "prog.py").read_text()
    assert (tmp_path / "7-1-3.11.txt").read_text() == "stdout differs\n"
