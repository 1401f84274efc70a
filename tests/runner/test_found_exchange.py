"""A program whose sites are all decided to be computed in place shows what it shows plainly."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.pythons import UserPython
from tests.runner.playing import Lab
from tests.runner.test_bootstrap import DUMP

#: With what 2.7 has loaded where modules are exchanged.
SEEN = "import json, seen_by\nif str is bytes: import marshal, imp, _collections, _functools\nimport json"
LOOPS = Path(__file__).parent / "programs" / "loops.py"
SITES = "\nlook = [mark for mark in range(3)]\nfor mark in range(2): look.append(mark)\nprint(look)\nimport sys as seen\n"
EXCHANGED = "print('marx.runner.found' in seen.modules)\n"


@pytest.fixture
def lab(user_python: UserPython, kit: Path, tmp_path: Path) -> Lab:
    """A lab for one interpreter, in which everything counts as a site."""
    return Lab(user_python, kit, tmp_path, finding="every")


def compare(lab: Lab, *words: str) -> str:
    """Run the words both ways; what both print."""
    plain, found = lab.run_words_plainly(*words), lab.run_words(*words)
    assert found.err == plain.err
    assert found.out == plain.out
    assert found.code == plain.code
    return plain.out


def test_every_loop_shows_what_it_shows_plainly(lab: Lab) -> None:
    (lab.folder / "prog.py").write_text(LOOPS.read_text())
    out = compare(lab, "prog.py")
    assert "fails_in_comprehension Traceback" in out and "ValueError: at 3" in out


def test_the_code_is_exchanged(lab: Lab) -> None:
    assert lab.run(SITES + EXCHANGED).out.endswith("True\n")
    assert lab.run("import sys as seen\n" + EXCHANGED).out == "False\n"


@pytest.mark.parametrize("way", ["plain", "dotted", "above", "absolute", "linked", "module", "package", "inner"])
def test_a_program_sees_the_surroundings_of_a_plain_run(lab: Lab, way: str) -> None:
    package = lab.folder / "pkg"
    package.mkdir()
    for name in ("prog.py", "pkg/tool.py", "pkg/__main__.py"):
        (lab.folder / name).write_text(DUMP.replace("import json", SEEN, 1) + SITES)
    (package / "__init__.py").write_text("import sys\n" + "mark = [one for one in range(2)]\n")
    (lab.folder / "seen_by.py").write_text("held = [one for one in range(2)]\nwhere = __file__, __name__\nprint(where, sorted(vars()))\n")
    (lab.folder / "link.py").symlink_to("pkg/tool.py")
    (package / "seen_by.py").write_text((lab.folder / "seen_by.py").read_text())
    words = {
        "plain": ["prog.py"],
        "dotted": ["./prog.py", "x"],
        "above": ["pkg/../prog.py"],
        "absolute": [str(lab.folder / "prog.py"), "-x"],
        "linked": ["link.py"],
        "module": ["-m", "pkg.tool"],
        "package": ["-m", "pkg"],
        "inner": ["pkg/tool.py"],
    }
    compare(lab, *words[way])


def test_what_fails_in_a_module_is_told_of_as_plainly(lab: Lab) -> None:
    (lab.folder / "near.py").write_text("def f(x):\n    return 1 // x\n\n\nmade = [f(x) for x in (1, 0)]\n")
    (lab.folder / "prog.py").write_text("import near\n")
    assert "ZeroDivisionError" in lab.run_words_plainly("prog.py").err
    compare(lab, "prog.py")

