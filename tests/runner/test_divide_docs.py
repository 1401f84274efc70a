"""docs/dividing.rst promises: each of its examples is read by every interpreter, and comes out as the page says."""

from __future__ import annotations

import re
import textwrap
from pathlib import Path

from tests.pythons import UserPython
from tests.runner.dividing import ask_many, found
from tests.source import CHECKOUT

PAGE = CHECKOUT / "docs" / "dividing.rst"
BLOCK = re.compile(r"^\.\. code-block:: (python3?)\n\n((?:(?:    .*)?\n)+)", re.MULTILINE)
FIRST = "from given import items, words\ndef step(x):\n    return sum([x * x, 1])\n"


def examples() -> list[tuple[str, str]]:
    """(language, program) of each example, with what the page says that all of them have."""
    blocks = [(language, textwrap.dedent(text)) for language, text in BLOCK.findall(PAGE.read_text())]
    return [(language, _behind_the_future(text)) for language, text in blocks]


def _behind_the_future(text: str) -> str:
    future = "".join(line for line in text.splitlines(keepends=True) if "__future__" in line)
    return future + FIRST + text.replace(future, "") if future else FIRST + text


def test_the_page_has_examples_of_both_verdicts() -> None:
    together = "".join(text for _, text in examples())
    assert together.count("# divided") >= 15
    assert together.count("# stays") >= 15
    assert len(examples()) == PAGE.read_text().count("code-block::")


def test_every_example_is_divided_or_stays_as_the_page_says(user_python: UserPython, tmp_path: Path) -> None:
    programs = [text for language, text in examples() if language == "python" or user_python.version >= (3,)]
    wrong = []
    for program, answer in zip(programs, ask_many(user_python, tmp_path, programs), strict=True):
        verdicts = found(answer)
        for number, line in enumerate(program.splitlines(), 1):
            said = re.search("# (divided|stays)", line)
            if said and (verdicts.get(number, "no site") == "") != (said.group(1) == "divided"):
                wrong.append((line, verdicts.get(number, "no site")))
    assert wrong == []


def test_each_sentence_that_the_page_quotes_is_said_of_an_example(user_python: UserPython, tmp_path: Path) -> None:
    sentences = re.findall(r"^\*Because:\* (.*?)\.(?:\s|$)", PAGE.read_text(), re.MULTILINE | re.DOTALL)
    quoted = [" ".join(each.replace("``", "`").split()) for each in sentences]
    programs = [text for language, text in examples() if language == "python" or user_python.version >= (3,)]
    said = "\n".join(reason for answer in ask_many(user_python, tmp_path, programs) for reason in found(answer).values())
    assert len(quoted) >= 7
    assert [each for each in quoted if each not in said] == []
