"""`tasker divide --html`: one page that needs nothing else, shows the whole source, and says beside each portion what happens to it and why."""

from __future__ import annotations

import re
import sys
from html import unescape
from typing import Any

import pytest
import pytest_twisted

from marx.tasker.divided import Chosen, Division
from marx.tasker.divided_html import coloured, html_page
from marx.tasker.exits import USAGE
from tests.tasker.conftest import Person

LOOPS = """\
import random
seen = []

def step(x):
    return x * 2

def tell(x):
    seen.append(x)
    return x

first = [step(x) for x in [1, 2]]
second = [tell(x) for x in first if x < 3 and "<b>" not in str(x)]
third = [step(x) + random.random() for x in first]  # marx: divide
"""


@pytest.fixture
def work(person: Person) -> Person:
    """Ada, in a folder with a program that has loops."""
    (person.folder / "prog.py").write_text(LOOPS)
    return person


async def page_of(person: Person, *options: str) -> str:
    code = await person.types("divide", "--python", sys.executable, *options, "prog.py")
    assert (code, person.err) == (0, "")
    return person.out


def shown(page: str) -> str:
    """The source as the page shows it."""
    lines = re.findall(r'<pre class="[^"]*" style="[^"]*">(.*?)</pre>', page, re.DOTALL)
    return "".join(unescape(re.sub("<[^>]*>", "", line)) + "\n" for line in lines)


@pytest_twisted.ensureDeferred
async def test_the_page_shows_the_source_and_what_happens_to_each_portion(work: Person) -> None:
    page = await page_of(work, "--html")
    assert shown(page) == LOOPS
    notes = [" ".join(unescape(re.sub("<[^>]*>", " ", note)).split()) for note in re.findall(r'<div class="note .*?</div>', page, re.DOTALL)]
    assert len(notes) == 3
    assert notes[0].startswith("decided when it runs · list comprehension of step if the items hold plain data")
    assert notes[1].startswith("stays · the comprehension calls tell , which changes seen (line 8) → return the value")
    assert notes[2].startswith("divided on your word") and "random generator" in notes[2]


@pytest_twisted.ensureDeferred
async def test_the_page_needs_nothing_of_the_network_and_runs_nothing(work: Person) -> None:
    page = await page_of(work, "--html")
    assert re.findall(r"(?:https?:)?//|url\(|<script|<link|<img|@import", page) == []
    assert "default-src 'none'" in page


@pytest_twisted.ensureDeferred
async def test_a_page_and_json_at_once_are_a_mistake(work: Person) -> None:
    assert await work.types("divide", "--html", "--json", "prog.py") == USAGE


def row(**more: Any) -> dict[str, Any]:
    return {"file": "/home/ada/prog.py", "line": 1, "end": 2, **more}


def page(*kept: dict[str, Any], text: str = "a\nb\n", name: str = "prog.py") -> str:
    found = Division(name, "/home/ada", Chosen("2.7", "/usr/bin/python2", "as --python says"), (), (), kept)
    return html_page(found, {"/home/ada/prog.py": text})


def test_names_and_sources_cannot_become_part_of_the_page() -> None:
    bad = "<script>alert(1)</script>"
    whole = page(row(construct="map", reason=bad, hint=bad), text=f"'''{bad}\n{bad}'''\n", name=bad)
    assert "<script" not in whole
    assert shown(whole) == f"'''{bad}\n{bad}'''\n"


def test_lines_belong_to_the_innermost_portion_around_them() -> None:
    whole = page(row(construct="for loop", reason="a", end=3), row(construct="map", reason="b", line=2, end=2), text="1\n2\n3\n4\n")
    classes = re.findall(r'<pre class="([^"]*)"', whole)
    assert classes == ["c in kept first", "c in kept first", "c in kept", "c"]


def test_every_line_has_its_row_and_notes_may_make_the_last_of_theirs_higher() -> None:
    whole = page(row(construct="map", reason="a", line=2), row(construct="map", reason="b", line=5), row(construct="map", reason="c", line=6), text="1\n" * 9)
    heights = re.findall(r"style=\"grid-template-rows: ([^\"]*)\"", whole)
    assert heights == ["repeat(3, 19px) minmax(19px, auto) minmax(19px, auto) repeat(3, 19px) minmax(19px, auto)"]
    assert re.findall(r'class="notes" style="grid-row: (\d+ / \d+)"', whole) == ["2 / 5", "5 / 6", "6 / 10"]


def test_a_source_of_any_kind_keeps_its_lines() -> None:
    for text in ("", "\n", "a", "a\n\n", "print 'x'\n", "'''\n", "x = '\\\n'\n", "é = \"\t\"\n\x0c\ny = 1\n"):
        lines = ["".join(unescape(re.sub("<[^>]*>", "", line))) for line in coloured(text)]
        assert lines == (text[:-1] if text.endswith("\n") else text).split("\n")


def test_a_file_that_is_gone_is_left_out() -> None:
    division = Division("prog.py", "/home/ada", Chosen("3.11", "", ""), (), (), (row(construct="map", reason="a"),))
    assert "<pre" not in html_page(division, {})

