"""Portions that no pool asks for: which the source proves to be separable, rule by rule, said by every interpreter without running."""

from __future__ import annotations

import subprocess
from pathlib import Path

from tests.pythons import UserPython
from tests.runner.dividing import SECONDS, ask_many, found
from tests.runner.programs import nastiest
from tests.runner.programs.found import EVERYWHERE, IN_THREE, IN_TWO, PURE
from tests.source import CHECKOUT

GIVEN = "import given\nxs, ys = given.xs, given.ys\n"


def whole(source: str) -> str:
    """A program of a row: with the function and the lists that it uses; imports from the future stay in front."""
    lines = source.splitlines(keepends=True)
    future = [line for line in lines if "__future__" in line]
    return "".join(future) + GIVEN + PURE + "".join(line for line in lines if line not in future) + "\n"


def marked(source: str) -> int:
    """The line that a program asks about."""
    return next(number for number, line in enumerate(source.splitlines(), 1) if "# here" in line)


def test_each_rule_divides_and_keeps_what_it_should_and_says_why(user_python: UserPython, tmp_path: Path) -> None:
    rows = EVERYWHERE + (IN_TWO if user_python.version < (3,) else IN_THREE)
    sources = [whole(source) for _, source, _ in rows]
    wrong = []
    for (rule, _, words), source, answer in zip(rows, sources, ask_many(user_python, tmp_path, sources), strict=True):
        reason = found(answer).get(marked(source), "no site")
        if (reason != "") if words == "" else (words not in reason):
            wrong.append((rule, words, reason))
    assert wrong == []


def test_the_nastiest_programs_stay_or_ask_for_what_only_values_show(user_python: UserPython, tmp_path: Path) -> None:
    rows = nastiest.EVERYWHERE + (nastiest.IN_TWO if user_python.version < (3,) else nastiest.IN_THREE)
    rows = [row for row in rows if ":=" not in row[1] or user_python.version >= (3, 8)]
    sources = [whole(source) for _, source, _, _ in rows]
    wrong = []
    for (what, _, words, asks), source, answer in zip(rows, sources, ask_many(user_python, tmp_path, sources), strict=True):
        line = marked(source)
        reason = found(answer).get(line, "no site")
        asked = "; ".join(text for each in answer["portions"] if each["line"] == line for text in each["conditions"])
        if (words not in reason) if words else (reason != "" or asks not in asked):
            wrong.append((what, words, asks, reason, asked))
    assert wrong == []


CERTAIN = """
N, LEAST, WORDS = 3, 0.5, ["a"]
COUNT = 1
def note():
    global COUNT
    COUNT = 2
def f(x):
    return x * N + LEAST
def g(x):
    return x * COUNT + len(WORDS)
a = [f(x) for x in range(9)]
b = [g(x) for x in WORDS]
"""


def test_people_are_not_told_that_numbers_in_the_source_must_be_numbers(user_python: UserPython, tmp_path: Path) -> None:
    """They are looked at all the same when it runs."""
    certain, looked_at = ask_many(user_python, tmp_path, [CERTAIN])[0]["portions"]
    assert certain["conditions"] == []
    said = " ".join(looked_at["conditions"])
    assert "`COUNT`" in said and "`WORDS`" in said and "the items" in said


TOOLBOX = """
from deap import base
def near(points, x):
    return sum(points) + sum(range(x))
toolbox = base.Toolbox()
toolbox.register("evaluate", near, [1, 2])
a = [toolbox.evaluate(x) for x in (1, 2, 3)]
"""


def test_people_are_told_that_a_toolbox_must_call_what_was_registered(user_python: UserPython, tmp_path: Path) -> None:
    [portion] = ask_many(user_python, tmp_path, [TOOLBOX])[0]["portions"]
    said = " ".join(portion["conditions"])
    assert "`toolbox.evaluate` is what the source registers" in said
    assert "what `toolbox.evaluate` was registered with hold plain data" in said


#: One of so many files of the standard library: all of them take minutes.
SHARE = 60

LIBRARY = """
import json, os, sys
sys.path[:1] = []
sys.path.append(sys.argv.pop())
sys.setrecursionlimit(6000)
from marx.runner.divide.answer import answer
place = os.path.dirname(os.__file__)
files = [os.path.join(folder, name) for folder, _, names in os.walk(place) for name in names if name.endswith(".py")]
files = sorted(path for path in files if "site-packages" not in path)
read = 0
for path in files[int(sys.argv.pop())::int(sys.argv.pop())]:
    answered = answer({"program": path, "module": None, "folders": [], "folder": place, "most_files": 1})
    read += "error" not in answered
sys.stdout.write(json.dumps(read))
"""


def test_the_analysis_ends_and_never_fails_whatever_it_reads(user_python: UserPython, tmp_path: Path) -> None:
    begin = user_python.version[1] % SHARE
    command = [user_python.path, "-S", "-E", "-s", "-B", "-c", LIBRARY, str(SHARE), str(begin), str(CHECKOUT)]
    ended = subprocess.run(command, capture_output=True, cwd=tmp_path, timeout=SECONDS)
    assert (ended.returncode, ended.stderr) == (0, b"")
    assert int(ended.stdout) > 10


#: Prints how many calls an analysis makes, of a loop with few statements and of one with four times as many.
COUNTING = """
import sys
sys.path[:1] = []
sys.path.append(sys.argv.pop())
sys.setrecursionlimit(6000)
from marx.runner.divide.answer import answer
turn = "    v%d = slow(x)\\n    a.v = max(a.v, v%d)\\n    print(v%d)\\n"
def calls(length):
    with open("long.py", "w") as file:
        file.write("def slow(x):\\n    return sum(range(x))\\nclass A(object):\\n    pass\\na = A()\\na.v = 0\\nfor x in range(9):\\n")
        file.write("".join(turn % (n, n, n) for n in range(length)))
    counted = [0]
    def count(frame, event, given):
        counted[0] += event == "call"
    sys.setprofile(count)
    found = answer({"program": "long.py", "module": None, "folders": [], "folder": ".", "most_files": 1})
    sys.setprofile(None)
    assert found["portions"], found
    return counted[0]
sys.stdout.write("%d %d" % (calls(20), calls(80)))
"""


def test_a_loop_with_very_many_statements_is_read_about_as_fast_as_many_loops(user_python: UserPython, tmp_path: Path) -> None:
    command = [user_python.path, "-S", "-E", "-s", "-B", "-c", COUNTING, str(CHECKOUT)]
    ended = subprocess.run(command, capture_output=True, cwd=tmp_path, timeout=SECONDS)
    assert (ended.returncode, ended.stderr) == (0, b"")
    few, many = map(int, ended.stdout.split())
    assert many < 8 * few
