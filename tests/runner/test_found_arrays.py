"""Loops that fill arrays, with everything that is proved sent away, item by item: each shows what it shows plainly."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.pythons import UserPython
from tests.runner.beginning import Preloaded
from tests.runner.nasty import same
from tests.runner.playing import Lab
from tests.runner.test_standins_joblib import demand

# Each item of each is a process that imports numpy.
pytestmark = pytest.mark.slow

BEGINNING = """from __future__ import print_function
import numpy
import numpy as np

def f(x):
    return x * 2 / 7.0

def shown(*arrays):
    for each in arrays:
        print(each.dtype, each.shape, each.flags.f_contiguous, each.tolist())
"""

#: {what: (statements, whether its loop is divided)}
PROGRAMS = {
    "by index": ("r = np.zeros(6)\nfor i in range(6):\n    r[i] = f(i)\nshown(r)", True),
    "by its own size": ("r = numpy.empty(6)\nfor i in range(len(r)):\n    r[i] = f(i)\nshown(r)", True),
    "by its own shape": ("r = np.ones((2, 6))\nfor i in range(r.shape[1]):\n    r[:, i] = [f(i), i]\nshown(r)", True),
    "two loops within each other": ("r = np.zeros((4, 3))\nfor i in range(4):\n    for j in range(3):\n        r[i, j] = f(i) + j\nshown(r)", True),
    "rows": ("r = np.zeros((4, 3))\nfor i in range(4):\n    r[i] = np.arange(3) * f(i)\nshown(r)", True),
    "columns of an array in Fortran's order": ("r = np.zeros((3, 5), order='F')\nfor i in range(5):\n    r[:, i] = np.arange(3) * f(i)\nshown(r)", True),
    "behind what is there already": ("r = np.zeros(6)\nr[0] = 7\nfor i in range(1, 6):\n    r[i] = f(i)\nshown(r)", True),
    "numbers that become others": ("r = np.zeros(6, int)\ns = np.zeros(6, np.float32)\nfor i in range(6):\n    r[i] = f(i)\n    s[i] = f(i)\nshown(r, s)", True),
    "truths and complex numbers": ("r = np.zeros(5, bool)\ns = np.empty(5, complex)\nfor i in range(5):\n    r[i] = f(i) > 0.7\n    s[i] = complex(i, f(i))\nshown(r, s)", True),
    "no numbers and endless ones": ("r = np.zeros(5)\nfor i in range(5):\n    r[i] = [float('nan'), float('-inf'), -0.0, f(i), 1e-320][i]\nprint(repr(r.tobytes()))", True),
    "places of rows": ("r = np.zeros((4, 3))\nfor i in range(4):\n    for j in range(3):\n        r[i][j] = f(i) + j\n    r[i][1:] = i\nshown(r)", True),
    "several parts at once": ("r = np.zeros((5, 6))\nfor i in range(5):\n    r[i, ::2] = f(i)\n    r[i, 1] = i\n    r[..., 5] = 3\nshown(r)", True),
    "parts and all behind dots": ("r = np.zeros((5, 2, 3))\nfor i in range(5):\n    r[i, ...] = f(i)\nshown(r)", True),
    "from the end": ("r = np.zeros(5)\nfor i in range(5):\n    r[-i - 1] = f(i)\nshown(r)", True),
    "one place again and again": ("r = np.zeros(2)\nfor i in range(7):\n    r[i % 2] = f(i)\nshown(r)", True),
    "a slice of a list": ("r = [0] * 6\nfor i in range(3):\n    r[i:i + 1] = [f(i), i]\nprint(r)", True),  # f(i) is
    "behind its end": ("r = np.zeros(4)\ntry:\n    for i in range(6):\n        r[i] = f(i)\nexcept IndexError as e:\n    print(e)\nshown(r)", True),
    "behind its end, uncaught": ("r = np.zeros(4)\nfor i in range(6):\n    r[i] = f(i)\n", True),
    "what does not fit": ("r = np.zeros((4, 2))\nfor i in range(4):\n    r[i] = [f(i)] * (i + 1 if i > 1 else 2)\n", True),
    "what is no number": ("r = np.zeros(4)\nfor i in range(4):\n    r[i] = 'x' if i == 3 else f(i)\n", True),
    "objects": ("r = np.empty(4, object)\nfor i in range(4):\n    r[i] = [f(i)]\nprint(r.tolist())", False),
    "fields": ("r = np.zeros(4, [('a', int), ('b', float)])\nfor i in range(4):\n    r[i] = (i, f(i))\nprint(r.tolist())", False),
    "by a list of places": ("r = np.zeros(8)\nfor i in range(4):\n    r[[i, i + 4]] = f(i)\nshown(r)", True),
    "by an array of truths": ("r = np.zeros(8)\nm = np.arange(8)\nfor i in range(4):\n    r[m == i] = f(i)\nshown(r)", True),
    "read in the loop": ("r = np.zeros(6)\nfor i in range(1, 6):\n    r[i] = f(i) + r[i - 1]\nshown(r)", True),  # f(i) is
    "read by what is called": ("r = np.zeros(6)\ndef g(i):\n    return r.sum() + f(i)\nfor i in range(6):\n    r[i] = g(i)\nshown(r)", False),
    "a window onto another": ("s = np.zeros((2, 6))\nr = s[1]\nfor i in range(6):\n    r[i] = f(i)\nshown(r, s)", False),
    "another window onto it": ("r = np.zeros(6)\ns = r[1:]\nfor i in range(6):\n    r[i] = f(i) + s[0]\nshown(r, s)", False),
    "gone through": ("r = np.zeros(6)\nfor i, x in enumerate(r):\n    r[i] = f(i) + x\nshown(r)", False),
    "used between": ("r = np.zeros(6)\nprint(r.sum())\nfor i in range(6):\n    r[i] = f(i)\nshown(r)", True),
    "made by arithmetic": ("a = np.ones((2, 3))\nr = a * 2\nfor i in range(2):\n    for j in range(3):\n        r[i, j] = f(i) + j\nshown(r)", True),
    "that another looks onto, used between": ("r = np.zeros(6)\nb = r[:3]\nprint(b.sum())\nfor i in range(6):\n    r[i] = f(i) + b[0]\nshown(r)", False),
    "a window onto another": ("b = np.zeros(6)\nr = b[1:]\nfor i in range(5):\n    r[i] = f(i)\nshown(r)", False),
    "objects with a number of their own, put where others were": ("class N(object):\n    def __float__(self):\n        print('asked')\n        return 2.0\nr = np.zeros(4)\nprint(r.sum())\nfor i in range(4):\n    r[i] = N()\nshown(r)", True),  # sent, and refused there
    "one that cannot be written": ("r = np.zeros(4)\nr.setflags(write=False)\nfor i in range(4):\n    r[i] = f(i)\n", False),
    "where zeros is another function": ("ONE = numpy.ones(4)\nnp.zeros = lambda n: ONE\nr = np.zeros(4)\nfor i in range(4):\n    r[i] = f(i) + ONE[0]\nshown(r)", False),
    "objects with a number of their own": ("class N(object):\n    def __float__(self):\n        print('asked')\n        return 2.0\nr = np.zeros(4)\nfor i in range(4):\n    r[i] = N()\nshown(r)", False),
}


@pytest.fixture(params=[0, -1], ids=["oldest", "newest"])
def python(request: pytest.FixtureRequest, interpreters: tuple[UserPython, ...]) -> UserPython:
    demand(interpreters[request.param], "numpy")
    return interpreters[request.param]


@pytest.fixture(scope="module")
def stables(kit: Path, interpreters: tuple[UserPython, ...]) -> Iterator[dict[UserPython, Preloaded]]:
    pythons = {interpreters[0], interpreters[-1]}
    made = {python: Preloaded(python.path, kit, Lab(python, kit, kit).surroundings, ["numpy"]) for python in pythons}
    yield made
    for stable in made.values():
        stable.close()


@pytest.mark.parametrize("what", PROGRAMS)
def test_a_loop_that_fills_an_array_shows_what_it_shows_plainly(
    what: str, python: UserPython, kit: Path, tmp_path: Path, stables: dict[UserPython, Preloaded]
) -> None:
    statements, is_divided = PROGRAMS[what]
    found = same(python, kit, tmp_path, stables, BEGINNING + statements)
    assert any(portion.place == "lab" for portion in found.portions) == is_divided, [portion.reason for portion in found.portions]
