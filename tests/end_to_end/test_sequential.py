"""A program that knows of no pool: its loop runs in a lab of two workers, and it shows what it shows plainly."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.end_to_end.lab import Lab
from tests.proofs.crowd import OnATerminal, WarmTasker
from tests.proofs.ways import Call, plain_environ
from tests.pythons import UserPython

STORY = """\
def collatz(n):
    count = 0
    while n != 1:
        n = n * 3 + 1 if n % 2 else n // 2
        count += 1
    return count

def longest(start, stop):
    best = 0
    for n in range(start, stop):
        best = max(best, collatz(n))
    return best

results = []
total = 0
for block in range(1, 21):
    found = longest(block * 10, block * 10 + 10)
    print("block %d: %d" % (block, found))
    results.append(found)
    total += found
print(max(results), total, block)
"""


@pytest.fixture
def tasker(lab: Lab) -> Iterator[WarmTasker]:
    """One that has everything sent that is proved, worth it or not, one item a chunk."""
    warm = WarmTasker(lab.person("grace"), every=True)
    yield warm
    warm.close()


def test_a_sequential_script_is_divided(lab: Lab, tasker: WarmTasker, user_python: UserPython, tmp_path: Path) -> None:
    place, aside = lab.folder / f"story-{user_python.name}", tmp_path / "aside"
    place.mkdir()
    aside.mkdir()
    (place / "prog.py").write_text(STORY)
    call = Call(place, user_python.path, ["prog.py"])
    plain = OnATerminal(plain_environ(tmp_path)).run(call, aside)
    assert tasker.run(call, aside) == plain
    person = lab.person("grace")
    newest = json.loads(person.tasker("list", "--json").out)[0]["id"]
    shown = json.loads(person.tasker("show", "--json", newest).out)
    [loop, *_] = shown["portions"]
    assert (loop["call"]["line"], loop["call"]["kind"], loop["place"], loop["done"]) == (16, "for loop", "lab", 19)
