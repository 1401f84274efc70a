"""Functions typed at a prompt, carried as source."""

from __future__ import annotations

import linecache
from typing import Any

import pytest

from marx.tasker.shell import _value_of
from marx.tasker.typed import NotCarried, source_of


def typed(*inputs: str) -> dict[str, Any]:
    """What is there after these inputs at the prompt."""
    namespace: dict[str, Any] = {"__name__": "__console__"}
    for number, text in enumerate(inputs):
        filename = f"<input {id(namespace)}-{number}>"
        linecache.cache[filename] = (len(text), None, text.splitlines(keepends=True), filename)
        exec(compile(text, filename, "exec"), namespace)
    return namespace


def carried(name: str, *inputs: str) -> Any:
    """The function as it is after being sent: its source run in an empty module."""
    namespace = typed(*inputs)
    sent: dict[str, Any] = {"__name__": "elsewhere"}
    exec(source_of(namespace[name], namespace), sent)
    return sent[name]


def test_a_function_brings_what_it_names() -> None:
    inputs = (
        "import math\nimport os.path as path\nfrom collections import Counter",
        "SCALE = 2.5\nNAMES = {'a': [1, (2, None)]}",
        "def inner(x):\n    return x * SCALE",
        "class Point:\n    def __init__(self, x):\n        self.x = inner(x)",
        "def f(x, root=math.sqrt):\n"
        "    return [root(x), Point(x).x, NAMES['a'], path.join('a', 'b'), Counter('aab')['a'], [inner(y) for y in range(2)]]",
    )
    assert carried("f", *inputs)(16) == [4.0, 40.0, [1, (2, None)], "a/b", 2, [0.0, 2.5]]


def test_functions_may_name_themselves_and_each_other() -> None:
    even = "def even(n):\n    return n == 0 or odd(n - 1)"
    odd = "def odd(n):\n    return n != 0 and even(n - 1)"
    assert carried("even", even, odd)(10) is True


@pytest.mark.parametrize(
    ("inputs", "why"),
    [
        (("f = lambda x: x",), "is not a function made with def"),
        (("f = len",), "is not a function made with def"),
        (("def make(n):\n    def f(x):\n        return x + n\n    return f", "f = make(1)"), "f uses variables of a function around it"),
        (("import io\nlog = io.StringIO()", "def f(x):\n    return log.write(x)"), "it uses log, a StringIO, which cannot be written as source"),
    ],
)
def test_what_cannot_be_carried_is_said(inputs: tuple[str, ...], why: str) -> None:
    namespace = typed(*inputs)
    with pytest.raises(NotCarried) as caught:
        source_of(namespace["f"], namespace)
    assert why in str(caught.value)


def test_a_result_is_its_value_or_what_stands_for_it() -> None:
    assert [_value_of({"index": 0, "value": None}), _value_of({"index": 1, "repr": "<x>"})] == [None, {"repr": "<x>"}]
