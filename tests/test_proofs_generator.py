"""Generated programs: the same for the same seed, right in their language, made of everything that the tables hold, and made smaller one thing at a time."""

import ast
import random
import re
import subprocess
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.proofs.generator.aspects import Aspect
from tests.proofs.generator.calls import CALLS
from tests.proofs.generator.dialects import Dialect
from tests.proofs.generator.drawing import Taste, draw
from tests.proofs.generator.drawn import Drawn
from tests.proofs.generator.effects import EFFECTS
from tests.proofs.generator.extras import EXTRAS
from tests.proofs.generator.failures import FAILURES
from tests.proofs.generator.pools import POOLS
from tests.proofs.generator.rendering import rendered
from tests.proofs.generator.state import STATE
from tests.proofs.generator.values import VALUES
from tests.pythons import UserPython

VERSIONS = [(2, 7), *((3, minor) for minor in range(6, 15))]
TASTES = st.sampled_from(VERSIONS).map(lambda version: Taste(version, with_backport=True))
EVERYTHING = [*POOLS, *CALLS, *STATE, *VALUES, *EFFECTS, *FAILURES, *EXTRAS]


def program(drawn: Drawn) -> str:
    return rendered(drawn).files["prog.py"]


def test_a_seed_says_which_program_it_is() -> None:
    one, same, other = (draw(random.Random(seed), Taste((3, 11))) for seed in ("1:5", "1:5", "1:6"))
    assert program(one) == program(same) != program(other)


def test_no_two_things_bear_one_name() -> None:
    names = Counter(thing.name for thing in EVERYTHING)
    assert [name for name, count in names.items() if count > 1] == []


@pytest.mark.parametrize("version", VERSIONS, ids=lambda version: "%d.%d" % version)
def test_everything_that_suits_a_version_is_drawn_for_it_and_nothing_else(version: tuple[int, int]) -> None:
    made_of = Counter(
        name for number in range(2500) for name in draw(random.Random(f"seen:{number}"), Taste(version, with_backport=True)).constructs()
    )
    suiting = {thing.name for thing in EVERYTHING if thing.since <= version <= thing.until}
    assert suiting - set(made_of) == set()
    assert {thing.name for thing in EVERYTHING} & set(made_of) == suiting


@given(st.randoms(use_true_random=False), TASTES)
def test_what_is_drawn_for_3_is_right_python_of_that_version(drawing: random.Random, taste: Taste) -> None:
    text = program(draw(drawing, taste))
    if taste.version >= (3,):
        ast.parse(text, feature_version=taste.version)


@given(st.randoms(use_true_random=False), TASTES)
def test_no_placeholder_is_left_in_a_program(drawing: random.Random, taste: Taste) -> None:
    for name, text in rendered(draw(drawing, taste)).files.items():
        assert not re.search(r"_[NP]\b|#N|\b(POOL|ITEMS|CHUNKS|F)\b|\b(say|complain)\(", name + text)


def test_what_is_drawn_compiles_in_its_interpreter(user_python: UserPython, tmp_path: Path) -> None:
    for number in range(60):
        drawn = draw(random.Random(f"compiled:{number}"), Taste(user_python.version[:2], with_backport=True))
        (tmp_path / f"p{number}.py").write_text(program(drawn), encoding="utf-8")
    compiled = subprocess.run([user_python.path, "-m", "compileall", "-q", "."], cwd=tmp_path, capture_output=True, text=True)
    assert compiled.returncode == 0, compiled.stdout + compiled.stderr


@given(st.randoms(use_true_random=False), TASTES)
def test_a_smaller_program_has_nothing_that_the_larger_one_lacks(drawing: random.Random, taste: Taste) -> None:
    drawn = draw(drawing, taste)
    had = {*drawn.constructs(), "plain function", "guarded", "with block"}
    for smaller in drawn.smaller():
        assert set(smaller.constructs()) <= had
        assert weight(smaller) < weight(drawn)
        assert not any(portion.continues and before.end for before, portion in zip(smaller.portions, smaller.portions[1:]))


def weight(drawn: Drawn) -> int:
    """What shrinking makes less of, so that it ends."""
    portions = sum(
        portion.count + bool(portion.chunks) + len(portion.aspects) + (portion.wrapper != "plain function") + 10 for portion in drawn.portions
    )
    return portions + len(drawn.extras) + (drawn.shape == "guarded main()") + bool(drawn.arguments or drawn.stdin)


def test_a_portion_goes_on_only_with_a_pool_that_is_there() -> None:
    for number in range(500):
        portions = draw(random.Random(f"going on:{number}"), Taste((3, 12))).portions
        assert not portions[0].continues
        for before, portion in zip(portions, portions[1:]):
            assert portion.continues == (before.end == "")


@pytest.mark.parametrize(
    ("dialect", "line", "expected"),
    [
        (Dialect((3, 8)), "say('a', x)", "print('a', x)"),
        (Dialect((2, 7), print_statement=True), "    say('a', x)", "    print 'a', x"),
        (Dialect((2, 7), print_statement=True), "complain('a')", "print >>sys.stderr, 'a'"),
        (Dialect((2, 7)), "complain('a')", "print('a', file=sys.stderr)"),
        (Dialect((3, 8)), "essay(x)", "essay(x)"),
    ],
)
def test_what_a_program_says_is_printed_in_its_dialect(dialect: Dialect, line: str, expected: str) -> None:
    assert dialect.translated(line) == expected
    assert bool(dialect.future) == (dialect.is_two and not dialect.print_statement)


def test_a_numbered_aspect_shares_no_name_with_that_of_another_portion() -> None:
    aspect = Aspect("one", top="K_N = 1", body="out.append('~#N', K_N)", files={"h_N.py": "x_N = 1\n"}, rebinds=("K_N",))
    two = aspect.numbered(2)
    assert (two.name, two.top, two.body) == ("one", "K_2 = 1", "out.append('~2', K_2)")
    assert (dict(two.files), two.rebinds) == ({"h_2.py": "x_2 = 1\n"}, ("K_2",))
