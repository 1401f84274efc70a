"""Sets, and the dictionaries of 2.7, go on in the same order elsewhere: portions whose functions read them leave the main program's machine."""

from __future__ import annotations

import subprocess
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from marx.runner.carry.rebuilding import is_kept, made, recipe_for
from marx.runner.carry.table import Table
from tests.pythons import UserPython
from tests.runner.playing import Lab
from tests.source import CHECKOUT

#: Containers of words that were made of a list, and never had more in them, can be made again: all but a few whose table has just grown.
MANY = """
import random, sys
sys.path.insert(0, sys.argv[1])
from marx.runner.carry.rebuilding import is_kept, made, recipe_for
draw = random.Random(7)
def word():
    return "".join(draw.choice("abcdefghijklmnopqrstuvwxyz") for _ in range(draw.randint(2, 9)))
def dict_of(words):
    return eval("{%s}" % ", ".join("%r: 1" % word for word in words))
def grown_dict(words):
    return dict((word, 1) for word in words)
old = sys.version_info < (3,)
for make in [set, frozenset] + ([dict_of, grown_dict] if old else [lambda words: frozenset(set(words)), lambda words: set(words).copy()]):
    changed = missed = 0
    for count in [3, 8, 21, 22, 60, 90, 200, 400]:
        for _ in range(8):
            one = make([word() for _ in range(count)])
            if not is_kept(one):
                changed += 1
                found = recipe_for(one)
                missed += found is None
                assert found is None or list(made(type(one), *found)) == list(one), (make, count)
    assert changed > 20 and missed < 0.04 * changed, (make, changed, missed)
print("all")
"""

PROGRAM = """
from __future__ import print_function
import multiprocessing
STOP = set("the a an and or of to in is it that this with for on at by from as be are was were will would can could shall should may".split())
GREEK = "alpha beta gamma delta epsilon zeta eta theta iota kappa lambda mu nu xi omicron pi rho sigma tau upsilon phi chi psi".split()
GREEK = frozenset(GREEK if str is bytes else set(GREEK))
CONFIG = dict((word, [word]) for word in sorted(GREEK))
WRITTEN = {"one": 1, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7, "eight": 8, "nine": 9, "ten": 10, "eleven": 11, "twelve": 12}
CONFIG.update(stop=STOP, size=len, same=CONFIG["mu"])
def see(w):
    held = CONFIG["stop"] is STOP, CONFIG["same"] is CONFIG["mu"], CONFIG["size"]("abc")
    return list(STOP), list(GREEK), list(CONFIG), list(WRITTEN), held, w in STOP
def change(w):
    STOP.add(w)
    CONFIG[w] = 1
    return len(STOP), len(CONFIG), len(GREEK)
if __name__ == "__main__":
    pool = multiprocessing.Pool(2)
    print(pool.map(see, ["the", "lab"]))
    print(pool.map(change, ["x"], 1), len(STOP))
    STOP.discard("the")
    print(multiprocessing.Pool(1).map(see, ["the"]))
"""


def test_what_was_made_of_a_list_can_be_made_again(user_python: UserPython) -> None:
    told = subprocess.run([user_python.path, "-c", MANY, CHECKOUT], capture_output=True, text=True, env={"PYTHONHASHSEED": "3"})
    assert told.stdout == "all\n", told.stderr


@given(st.lists(st.integers() | st.text() | st.tuples(st.integers(0, 9), st.booleans()) | st.floats()), st.sampled_from([set, frozenset]))
def test_what_is_found_goes_on_in_the_same_order_and_nothing_is_found_where_hashes_are_not_fixed(elements: list[object], kind: type) -> None:
    for one in (kind(elements), kind(set(elements))):
        found = None if is_kept(one) else recipe_for(one)
        assert found is None or all(left is right for left, right in zip(made(kind, *found), one, strict=True))
    assert recipe_for(kind([*elements, None])) is None and recipe_for(kind([object(), 1])) is None


def test_a_portion_that_reads_them_leaves_the_machine(user_python: UserPython, kit: Path, tmp_path: Path) -> None:
    lab = Lab(user_python, kit, tmp_path)
    plain, run = lab.run_plainly(PROGRAM), lab.run(PROGRAM)
    assert (run.out, run.err, run.code) == (plain.out, plain.err, plain.code)
    assert [portion.place for portion in run.portions] == ["lab", "lab", "lab"], [portion.reason for portion in run.portions]


def test_thousands_of_them_are_not_waited_for() -> None:
    table = Table()
    many = [set(map(str, range(place, place + 60))) for place in range(0, 100_000, 5)]
    table.begin()
    numbers = [table.number_of(one) for one in many]
    kept = [is_kept(one) for one in many]
    assert 0 < len(table.recipes) < 20_000 / 60 + 1 < kept.count(False)
    assert [number is None for number in numbers[:20]] == kept[:20]
