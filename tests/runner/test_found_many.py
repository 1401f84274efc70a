"""Sites that go over more items than memory holds, or than can be counted: each shows what it shows plainly, and takes no more memory for it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from tests.pythons import UserPython
from tests.runner.beginning import Stable
from tests.runner.nasty import same
from tests.runner.playing import Lab

pytestmark = pytest.mark.slow

#: Both are left by an exception, long before their end.
MANY = """\
import resource

def f(x):
    if x == 600000:
        raise KeyError(x)
    return x & 3

def largest():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10

many = %s
before = largest()
for numbered in (False, True):
    total = 0
    try:
        if numbered:
            for k, x in enumerate(many):  # site
                total += f(x)
        else:
            for x in many:  # site
                total += f(x)
    except KeyError as error:
        print(error)
print(largest() - before < 300)
"""

LARGE = """\
import resource

def f(text):
    total = len(text)
    for k in range(400000):
        total += k % 3
    return total

texts = ["x" * (20 << 20)] * 30
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10
for text in texts:  # site
    f(text)
print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10) - before < 200)
"""

#: What stays of a turn takes longer than its head.
LONG_RESULTS = """\
import resource

def f(x):
    return str(x % 10) * (8 << 20)

got = []
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10
for x in range(70):
    v = f(x), sum([x])
    got.insert(0, len(v[0]))
    for k in range(400000):
        pass
print(set(got), len(got), (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10) - before < 400)
"""

#: As far as can be told without going through all of it.
LARGE_STATE = """\
DATA = {"texts": ["x" * (20 << 20)] * 60}

def f(x):
    return len(DATA["texts"][x % 60]) + x

print([f(x) for x in range(6)])  # site
"""

#: No number of C's says how many these are.
ENDLESS = """\
def f(x):
    return x & 3

def first(n):
    for x in range(n):
        v = f(x), sum([x])
        if v[0] > 2:
            return v

print(first(10 ** 25), [k for k, x in zip(range(10 ** 22), "abcdef")])
got = []
for x in range(10 ** 20):
    got.insert(0, (f(x), sum([x])))
    if x > 5:
        break
print(got)
"""


@pytest.fixture
def lab(user_python: UserPython, kit: Path, tmp_path: Path, stables: dict[UserPython, Stable]) -> Lab:
    return Lab(user_python, kit, tmp_path, stable=stables[user_python])


@pytest.mark.parametrize(("finding", "why"), [("marked", "it goes over more than 2000000 items"), ("timed", "longer than computing them")])
def test_items_are_not_taken_where_they_are_too_many_or_too_short(lab: Lab, finding: str, why: str) -> None:
    text = MANY % ("xrange(10 ** 12)" if lab.python.version < (3,) else "range(10 ** 12)")
    found = replace(lab, finding=finding).run(text)
    assert (found.out, found.err, found.code) == ("600000\n600000\nTrue\n", "", 0)
    assert [portion.place for portion in found.portions] == ["home", "home"]
    assert all(why in portion.reason for portion in found.portions), found.portions


def test_large_items_are_not_all_pickled_to_see_that_they_stay(lab: Lab) -> None:
    found = replace(lab, finding="timed").run(LARGE)
    assert (found.out, found.err, found.code) == ("True\n", "", 0)
    assert ["longer than computing them" in portion.reason for portion in found.portions] == [True]


@pytest.mark.parametrize("which", [0, -1], ids=["oldest", "newest"])
def test_results_do_not_pile_up_before_a_slow_rest(which: int, interpreters: tuple[UserPython, ...], kit: Path, tmp_path: Path, stables: dict[UserPython, Stable]) -> None:
    found = same(interpreters[which], kit, tmp_path, stables, LONG_RESULTS)
    assert "True" in found.out
    assert [len(portion.records) for portion in found.portions if portion.place == "lab"] == [69]


def test_what_is_larger_than_a_gigabyte_is_not_copied(lab: Lab) -> None:
    found = replace(lab, finding="proved").run(LARGE_STATE)
    assert (found.out, found.err, found.code) == (str([(20 << 20) + x for x in range(6)]) + "\n", "", 0)
    assert found.stayed == ["what its items read is larger than 1024 MB"]


def test_a_range_that_cannot_be_counted_is_gone_over(lab: Lab) -> None:
    text = ENDLESS
    if lab.python.version < (3,):
        text = text.replace("10 ** 2", "10 ** 1").replace("range(", "xrange(").replace("zip(", "__import__('itertools').izip(")
    plain, found = lab.run_plainly(text), replace(lab, finding="proved").run(text)
    assert (found.out, found.err, found.code) == (plain.out, plain.err, plain.code) == (plain.out, "", 0)
