"""Random numbers: other ones for each item, the same however the items are cut, the same in every Python."""

from __future__ import annotations

from pathlib import Path

import pytest

from marx.runner.seeds import item_seed, seeder
from tests.pythons import UserPython
from tests.runner.conftest import Start
from tests.runner.driving import Driver

IMPORTED = "import random\ndef f(x): return [random.random(), random.getrandbits(40)]"
FROM = "from random import random\ndef f(x): return [random()]"
LAZY = "def f(x):\n    import random\n    return [random.random()]"
NORMAL = "import random\ndef f(x): return [random.gauss(0, 1)]"


def drawn(runner: Driver, cuts: list[int]) -> list[object]:
    runner.give_range(12)
    found: list[object] = []
    for first, stop in zip(cuts, cuts[1:]):
        found += runner.run(first, stop - first).values
    return found


@pytest.mark.parametrize("program", [IMPORTED, FROM, LAZY, NORMAL])
def test_they_are_the_same_however_items_are_cut_and_differ_from_item_to_item(start: Start, program: str) -> None:
    runner = start(program)
    whole = drawn(runner, [0, 12])
    assert len({str(value) for value in whole}) == 12
    assert drawn(runner, [0, 1, 2, 5, 12]) == whole
    assert drawn(runner, [0, 6, 7, 8, 9, 12]) == whole


def test_they_depend_on_the_tasks_seed_and_the_portion(start_some: Start) -> None:
    one, other = start_some(IMPORTED, seed=1), start_some(IMPORTED, seed=2**70 + 2)
    assert drawn(one, [0, 12]) != drawn(other, [0, 12])
    for portion in (1, 2):
        one.give_range(3, portion=portion)
    assert one.run(0, 3, portion=1).values != one.run(0, 3, portion=2).values


def test_they_are_the_same_in_every_python(kit: Path, interpreters: tuple[UserPython, ...], tmp_path: Path) -> None:
    program = tmp_path / "program.py"
    program.write_text(IMPORTED)
    found = []
    for python in interpreters:
        with Driver(python, kit, program) as runner:
            runner.loaded()
            found.append(drawn(runner, [0, 12]))
    assert all(numbers == found[0] for numbers in found)


def test_a_module_of_the_program_that_draws_is_enough(start: Start, tmp_path: Path) -> None:
    (tmp_path / "inner.py").write_text("def draw():\n    import random\n    return random.random()")
    runner = start("import inner\ndef f(x): return inner.draw()")
    assert drawn(runner, [0, 12]) == drawn(runner, [0, 5, 12])


def test_what_the_standard_library_imports_for_itself_costs_items_nothing(start_some: Start) -> None:
    runner = start_some("import sys, tempfile\ndef f(x): return sys.modules['ran' + 'dom'].random()")
    whole = drawn(runner, [0, 12])
    assert whole[0] == drawn(runner, [0, 1])[0]
    assert len(set(whole)) == 12


def test_numpys_generator_is_seeded_where_it_is_imported(start_some: Start, tmp_path: Path) -> None:
    package = tmp_path / "numpy"
    package.mkdir()
    (package / "__init__.py").write_text("from numpy import random")
    (package / "random.py").write_text(
        "from __future__ import absolute_import\nfrom random import Random\nshared = Random()\nrandom = shared.random\n"
        "def seed(number):\n    assert 0 <= number < 2 ** 32\n    shared.seed(number)"
    )
    runner = start_some("import numpy\ndef f(x): return numpy.random.random()")
    assert drawn(runner, [0, 12]) == drawn(runner, [0, 5, 6, 12])


def test_an_items_seed_is_what_it_always_was() -> None:
    assert item_seed(2**64 + 1, 0, 1) == item_seed(1, 0, 1) != item_seed(1, 0, 0)
    assert item_seed(12345, 3, 10**12) == 3238832301317420352


def test_every_generator_gets_an_items_seed() -> None:
    got: list[int] = []
    assert seeder([], 1, 0) is None
    seed_item = seeder([got.append, got.append], 1, 0)
    assert seed_item is not None
    seed_item(5)
    assert got == [item_seed(1, 0, 5)] * 2
