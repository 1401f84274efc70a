"""Portions that no pool asks for: which the source proves to be separable, rule by rule, said by every interpreter without running."""

from __future__ import annotations

from pathlib import Path

from tests.pythons import UserPython
from tests.runner.dividing import ask_many, found
from tests.runner.programs.found import EVERYWHERE, IN_THREE, IN_TWO, PURE

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
