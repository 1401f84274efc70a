"""Sites that are divided, and what happens where the proof is wrong: the program shows what it shows plainly.

The sites are marked in these programs, with ``# site``: nobody has proved anything.
"""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from tests.pythons import UserPython
from tests.runner.beginning import Stable
from tests.runner.playing import Lab, Portion, Run

FUTURE = "from __future__ import print_function, division\n"

KINDS = """
def f(x):
    return x * x
K = 3
print([f(x) + K for x in range(6)])  # site
def main(n):
    out, total, seen, table = [], 0.5, set(), {}
    for i in range(n):  # site
        v = f(i) / 7.0
        if i == 2:
            continue
        out.append(v)
        total += v
        print("item", i)
        seen.add(i)
        table[i] = [v]
    print(out, total, sorted(seen), table, i, v)
    print({f(x) for x in range(5)})  # site
    print({x: f(x) for x in range(5) if x != 3})  # site
    print(sum(f(x) for x in range(7)))  # site
    print(list(map(f, range(5))))  # site
main(8)
"""
ALL_KINDS = ["list comprehension", "for loop", "set comprehension", "dict comprehension", "generator expression", "map"]


@pytest.fixture
def lab(user_python: UserPython, kit: Path, tmp_path: Path, stables: dict[UserPython, Stable], interpreters: tuple[UserPython, ...]) -> Lab:
    """A lab for one interpreter, in which marked sites are divided. How processes begin is the same for all, so that only the newest starts them."""
    stable = None if user_python == interpreters[-1] else stables[user_python]
    return Lab(user_python, kit, tmp_path, finding="marked", stable=stable)


def same(lab: Lab, text: str) -> Run:
    """Run a program both ways, and compare."""
    text = FUTURE + text
    plain, found = lab.run_plainly(text), lab.run(text)
    assert (found.out, found.err, found.code) == (plain.out, plain.err, plain.code)
    return found


def test_nothing_that_the_program_has_exchanged_is_called_by_what_is_imported_meanwhile(lab: Lab) -> None:
    run = same(
        lab,
        """
import math
seen = []
def counted(name):
    real = getattr(math, name)
    def count(*values):
        seen.append((name, values))
        return real(*values)
    return count
for name in ("sqrt", "log", "exp", "floor", "ceil"):
    setattr(math, name, counted(name))
def f(x):
    return {x: set([x])}
print([f(x) for x in range(6)])  # site
print(seen)
""",
    )
    assert run.kinds == ["list comprehension"]


def test_every_kind_of_site_is_divided(lab: Lab) -> None:
    run = same(lab, KINDS)
    assert run.kinds == ALL_KINDS
    assert [len(portion.records) for portion in run.portions] == [5, 7, 4, 4, 6, 4]
    assert run.notes == []


def test_what_an_item_writes_within_its_line_ends_no_word_of_it(user_python: UserPython, kit: Path, tmp_path: Path, stables: dict[UserPython, Stable]) -> None:
    """In 2.7 ``print`` puts a space between two words unless something else was written in between."""
    lab = Lab(user_python, kit, tmp_path, finding="marked", stable=stables[user_python])
    printed = "print x, repr(f(x))" if user_python.version < (3,) else "print(x, repr(f(x)))"
    text = "import sys\ndef f(x):\n    sys.stdout.write('%%d ' %% x)\n    return x\nfor x in range(6):  # site\n    %s\n" % printed
    plain, found = lab.run_plainly(text), lab.run(text)
    assert (found.out, found.err, found.code) == (plain.out, plain.err, plain.code)
    assert found.kinds == ["for loop"]


def test_what_no_runner_can_give_is_no_wrong_proof_and_says_why(lab: Lab) -> None:
    def too_large(portion: Portion, record: bytes) -> tuple[str, bytes]:
        return "entries", json.dumps({"error": {"type": "ResultTooLarge", "message": "the result is too long"}}).encode()

    run = same(replace(lab, compute=too_large), "print([x * 2 for x in range(6)])  # site\n")
    assert [portion.reason for portion in run.portions] == ["", "the rest is computed in place, since the result is too long"]
    assert run.notes == []


RAISING = """
def g(x):
    print("g", x)
    if x == 4:
        raise ValueError(x)
    return x
out = []
try:
    {site}
except ValueError as error:
    print("caught", error)
print(out)
{site}
"""


@pytest.mark.parametrize(
    "site",
    [
        "print([g(x) for x in range(8)])",
        "print(sum(g(x) for x in range(8)))",
        "print(list(map(g, range(8))))",
        "print({x: g(x) for x in range(8)})",
        "for x in range(8): out.append(1); g(x); out.append(2)",
    ],
)
def test_everything_up_to_the_first_that_raises_is_seen(lab: Lab, site: str) -> None:
    run = same(lab, RAISING.replace("{site}", site + "  # site"))
    assert "g 4" in run.out and "g 5" not in run.out and "ValueError: 4" in run.err
    assert [portion.is_dropped for portion in run.portions] == [True, True]


WRONG = {
    "counts": ("N = [0]\ndef f(x):\n    N.append(x)\n    return len(N)", "N"),
    "rebinds": ("N = 0\ndef f(x):\n    global N\n    N += 1\n    return N", "N"),
    "keeps on a function": ("def f(x):\n    f.n = getattr(f, 'n', 0) + 1\n    return f.n", "f.n"),
    "keeps on a class": ("class C(object):\n    n = 0\ndef f(x):\n    C.n += 1\n    return C.n", "C.n"),
    "keeps in a default": ("def f(x, seen=[]):\n    seen.append(x)\n    return len(seen)", "f(0)"),
    "keeps in an object": ("class C(object):\n    pass\nc = C()\nc.n = 0\ndef f(x):\n    c.n += x\n    return c.n", "c.n"),
    "gives what is held": ("HELD = [1]\ndef f(x):\n    return HELD", "HELD, got[0] is HELD, [one is HELD for one in got]"),
    "gives its item": ("ITEMS = [[0], [1], [2], [3]]\ndef f(x):\n    return ITEMS[x % 4]", "[one is ITEMS[k % 4] for k, one in enumerate(got)]"),
    "draws": ("import random\nrandom.seed(3)\ndef f(x):\n    return random.random()", "random.random()"),
    "draws later": ("import random\nrandom.seed(3)\ndef f(x):\n    return random.random() if x == 4 else x", "random.random()"),
    "sets a variable": ("import os\ndef f(x):\n    os.environ['SEEN'] = os.environ.get('SEEN', '') + 'x'\n    return 1", "os.environ['SEEN']"),
    "allows a deeper recursion": ("import sys\ndef f(x):\n    if x == 3:\n        sys.setrecursionlimit(2003)\n    return x", "sys.getrecursionlimit()"),
    "goes elsewhere": ("import os\nos.path.isdir('sub') or os.mkdir('sub')\ndef f(x):\n    os.path.isdir('sub') and os.chdir('sub')\n    return x", "os.getcwd()[-3:]"),
    "says on standard error": ("import sys\ndef f(x):\n    sys.stderr.write('at %d\\n' % x)\n    return x", "1"),
    "replaces its output": ("import sys\ndef f(x):\n    sys.stdout = sys.__stdout__ if x else sys.stdout\n    return x", "1"),
    "warns": ("import warnings\ndef f(x):\n    warnings.warn('once')\n    return x", "1"),
    "takes the next": ("IT = iter(range(100))\ndef f(x):\n    return next(IT)", "next(IT)"),
    "exits": ("import sys\ndef f(x):\n    if x == 3:\n        sys.exit(5)\n    return x", "1"),
    "leaves half a line": ("import sys\ndef f(x):\n    sys.stdout.write('%d,' % x)\n    return x", "1"),
    "gives a function": ("def f(x):\n    return lambda: x", "[one() for one in got]"),
    "gives an iterator": ("def f(x):\n    return iter([x])", "[next(one) for one in got]"),
    "gives a sentinel": ("NO = object()\ndef f(x):\n    return NO", "[one is NO for one in got]"),
    "draws in an object": ("import random\nR = random.Random(1)\ndef f(x):\n    return R.random()", "R.random()"),
    "cannot be said": ("def f(x):\n    print(u'\\xe9' if x == 3 else 'e')\n    return x", "1"),
    "starts a thread": ("import threading\ndef f(x):\n    t = threading.Thread(target=int)\n    t.daemon = True\n    t.start()\n    t.join()\n    return x", "1"),
}


SITES = {
    "list": "got = [f(x) for x in range(8)]  # site",
    "loop": "got = []\nfor x in range(8):  # site\n    got.append(f(x))",
    "sum": "total, got = 0, []\nfor x in range(8):  # site\n    total += 1\n    got += [f(x)]",
}
#: These end the program, or leave it unable to go on.
LAST = ["exits", "cannot be said", "goes elsewhere", "replaces its output"]


@pytest.mark.parametrize("form", ["list", "loop", pytest.param("sum", marks=pytest.mark.slow)])
def test_a_wrong_proof_costs_time_alone(lab: Lab, form: str) -> None:
    parts = [
        "print('== %s')\n%s\n%s\nprint(%s)\nprint(len(got))\n" % (what, before, SITES[form], after)
        for what, (before, after) in WRONG.items()
        if what not in LAST
    ]
    run = same(lab, "".join(parts))
    assert len(run.portions) == len(parts)
    assert len(run.notes) + len(run.stayed) >= len(parts) - 3, (run.notes, run.stayed)  # what raises is no mistake


@pytest.mark.parametrize("what", LAST)
def test_nor_does_one_that_ends_the_program(lab: Lab, what: str) -> None:
    before, after = WRONG[what]
    same(lab, "%s\n%s\nprint(%s)\nprint(len(got))\n" % (before, SITES["list"], after))


ITEMS = {
    "sets": "[set([k * 8, 1, k]) for k in range(6)]",
    "objects": "[P(k) for k in range(6)]",
    "records": "[R(k, [k]) for k in range(6)]",
    "texts": "[u'a', 'b', u'c', b'd', 'e', u'f']",
    "pairs": "zip('abcdef', range(6))",
    "numbered": "enumerate([[1], [2], [3], [4], [5]])",
    "keys": "{1: 2, 3: 4, 5: 6, 7: 8}",
    "values": "{1: [2], 3: [4], 5: [6], 7: [8]}.values()",
    "files": "[open(__file__), 1, 2, 3, 4]",
    "functions": "[len, str, repr, f, P]",
    "generator": "(k for k in range(6))",
    "held": "HELD",
    "odd": "[1.5, float('inf'), -0.0, 2 ** 80, 1j, None, True, Ellipsis]",
}


def test_items_of_all_kinds_are_gone_over(lab: Lab) -> None:
    loops = "".join("for got in [f(x) for x in %s]:  # site\n    print(got)\n" % items for items in ITEMS.values())
    run = same(lab, GOING_OVER % loops)
    assert len(run.portions) == len(ITEMS) + 1
    assert [portion.place for portion in run.portions].count("lab") >= len(ITEMS) - 3


GOING_OVER = """
import collections
R = collections.namedtuple("R", "a b")
class P(object):
    def __init__(self, n):
        self.n = n
    def __repr__(self):
        return "P(%%r)" %% self.n
HELD = [[k] for k in range(5)]
def f(x):
    return type(x).__name__, len(repr(x)) > 3, sorted(x) if isinstance(x, set) else 0
%s
out = {}
for x in HELD:  # site
    out[len(out)] = (f(x), x)
print([out[k][1] is HELD[k] for k in range(5)])
"""


CLOSURES = """
class Base(object):
    __scale = 3
    def run(self, n):
        plus = [n]
        def inner(y):
            return y * self.__scale + plus[0]
        return [inner(x) + self.__scale for x in range(n)]  # site
print(Base().run(7))

def outer(k):
    def step(x):
        return x + k
    total = 0
    for x in range(6):  # site
        def twice(y):
            return step(y) * 2
        total += twice(x)
    again = [[step(a) for a in range(b)] for b in range(5)]  # site
    return total, again, list(map(lambda v: step(v), range(5)))  # site
print(outer(10))

def nested(n):
    return sum([n * m for m in range(4)])
grid = []
for row in range(5):  # site
    grid.append([nested(col) for col in range(row)])  # site
print(grid, row)

def recursive(n):
    return n if n < 2 else recursive(n - 1) + recursive(n - 2)
count, best = 0, [0]
for n in range(9):  # site
    if n % 2:
        count += recursive(n)
else:
    print("through")
print(count, n)
"""


def test_names_of_every_place_are_read(lab: Lab) -> None:
    run = same(lab, CLOSURES)
    assert len(run.portions) == 7 and run.notes == []


def test_where_the_lab_goes_away_the_rest_is_computed_in_place(lab: Lab) -> None:
    lab.hangs_up_after = 3
    same(lab, KINDS)


GIVEN = """
def each(f, xs):
    return [f(x) for x in xs]
def make(k, seen):
    def step(x):
        return x + k
    def note(x, held=seen):
        held.append(x + k)
        return len(held)
    def either(x, other=[K()]):
        return x + other[0] + k
    return step, note, either
class K(object):
    n = 0
    def __radd__(self, other):
        K.n += 1
        return other
seen = []
step, note, either = make(3, seen)
print(each(step, range(6)), [step(x) for x in range(6)], each(lambda x: x * 2, range(6)))
print(each(note, range(6)), [note(x) for x in range(6)], seen)
print(each(either, range(6)), [either(x) for x in range(6)], K.n)
print(each(step, [True, 1, 2.5, 3]), [step(x) for x in [True, 1, 2.5, 3]])
"""


def test_what_a_function_asks_of_its_parameters_is_asked_of_what_it_is_given(lab: Lab) -> None:
    lab.finding = "proved"
    run = same(lab, GIVEN)
    away = [portion.call["line"] for portion in run.portions if portion.place == "lab" and not portion.is_dropped]
    assert sorted(set(away)) == [4, 21, 24]
    assert run.notes == []


TEE = """
import sys
class Tee(object):
    flushed = 0
    def write(self, text):
        kept.write(text)
    def flush(self):
        Tee.flushed += 1
kept, sys.stdout = sys.stdout, Tee()
def f(x):
    return [x, x]
got = []
for x in range(6):
    got.append(f(x))
sys.stdout = kept
print(got, Tee.flushed)
"""


def test_to_say_that_a_site_stays_flushes_nothing_of_the_programs(lab: Lab) -> None:
    lab.finding = "proved"
    assert "replaced its output" in same(lab, TEE).stayed[0]


PRAGMAS = """
import random
def f(x):
    return random.random() * 0 + x
def g(x):
    return x * x
print([f(x) for x in range(6)])
print([f(x) for x in range(6)])  # marx: divide
print([g(x) for x in range(6)])  # marx: keep
print([g(x) for x in range(6)])
"""


def test_the_person_can_say_what_is_divided_and_is_told_where_that_is_not_proved(lab: Lab) -> None:
    lab.finding = "proved"
    run = same(lab, PRAGMAS)
    assert [portion.call["line"] for portion in run.portions] == [9, 11]
    [note] = run.notes
    assert "line 9" in note and "random" in note


@pytest.mark.slow
def test_what_is_no_gain_is_told_to_who_asks_and_not_to_the_terminal(lab: Lab) -> None:
    lab.finding, lab.slots = "timed", 8
    ran = lab.run(
        """
        import os
        import time
        pid = os.getpid()

        def slower_elsewhere(x):
            time.sleep(0.1 if os.getpid() == pid else 2 * (x < 3))
            return x

        print([slower_elsewhere(x) for x in range(16)])  # site
        """
    )
    assert (ran.out, ran.err, ran.notes) == ("%s\n" % list(range(16)), "", [])
    assert [portion.place for portion in ran.portions] == ["lab", "home"]
    assert ran.stayed == ["the rest is computed in place, since what its items give takes longer to bring here than to compute"]


@pytest.mark.slow
def test_of_a_long_loop_it_is_told_why_its_short_heads_stay(lab: Lab) -> None:
    lab.finding = "judged"
    ran = lab.run(
        """
        import sys
        import time

        def step(x):
            return sum(range(x))

        for x in range(4):
            y = step(x)
            sys.stdout.write("%d\\n" % y)
            time.sleep(0.1)

        for x in range(40):
            y = step(x)
            sys.stdout.write("%d\\n" % y)
        """
    )
    assert ran.code == 0, ran.err
    assert [(portion.call["line"], portion.place) for portion in ran.portions] == [(8, "home")]
    assert ran.stayed == ["what of each turn can be computed elsewhere takes little of its time"]


#: Each site stands in a loop of its own, and Marx is asked for it so often.
HOT = """
import sys
B = sys.modules.get("builtins") or sys.modules["__builtin__"]
asked, real = [], {}
def counting(name):
    real[name] = getattr(B, name)
    def counted(*given):
        asked.append(name)
        return real[name](*given)
    setattr(B, name, counted)
for name in ("__marx_each__", "__marx_join__", "__marx_open__", "__marx_chain__"):
    counting(name)
def f(x):
    return x + 1
def hot(items):
    del asked[:]
    for k in range(2000):
        SITE  # site
    return len(asked)
print(hot((1, 2, 3, 4)), hot((1, 2)))
"""


@pytest.mark.parametrize("site", ["got = [f(x) for x in items]", "got = {f(x) for x in items}", "got = sum(f(x) for x in items)", "got = list(map(f, items))", "for x in items: f(x)", "for k, x in enumerate(items): f(x)"])
def test_a_hot_site_that_stays_is_hardly_ever_asked(lab: Lab, site: str) -> None:
    lab.finding = "timed"
    found = lab.run(HOT.replace("SITE", site))
    assert found.code == 0, found.err
    few_long, few_short = map(int, found.out.replace("(", "").replace(")", "").replace(",", "").split())
    assert 3 < few_long < 200
    assert few_short < 400
