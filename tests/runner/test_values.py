"""Outcomes as lines of JSON, packs as values: the parts that need no process."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marx.runner.failures import LONGEST_TEXT, Failure, present_failure, shortened
from marx.runner.items import Items, values_of
from marx.runner.pipe import FrameError
from marx.runner.values import flat_lines, lines_of, too_long
from tests.pythons import UserPython

flat = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text()
nested = st.recursive(flat, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=8)


@given(st.lists(flat, min_size=1))
def test_flat_values_are_a_line_each_in_one_call(values: list[object]) -> None:
    lines = flat_lines(values)
    assert lines is not None
    assert [json.loads(line) for line in lines.split(b"\n")] == values


@given(st.lists(nested, min_size=1))
def test_other_values_are_the_same_lines(values: list[object]) -> None:
    looked_at: list[int] = []
    shown = lines_of(values, looked_at.append)
    assert [json.loads(line) for line in shown.lines] == values
    assert (shown.codec, shown.failed, looked_at) == ("values", [], list(range(len(values))))
    if flat_lines(values) is not None:
        assert flat_lines(values) == b"\n".join(shown.lines)


@pytest.mark.parametrize("value", [float("nan"), float("-inf"), b"x", [1], {}, (), object(), pytest.param(10**5000, id="huge")])
def test_what_may_need_more_than_one_line_is_not_flat(value: object) -> None:
    assert flat_lines([1, value]) is None


def test_one_value_that_json_cannot_hold_makes_entries_of_all() -> None:
    shown = lines_of([1, {2}, Failure({"type": "E", "message": "m", "traceback": "t"})], lambda place: None)
    assert (shown.codec, shown.failed) == ("entries", [2])
    error = {"type": "E", "message": "m", "traceback": "t"}
    assert [json.loads(line) for line in shown.lines] == [{"value": 1}, {"repr": "{2}"}, {"error": error}]


def test_a_result_that_is_too_long_says_by_how_much() -> None:
    assert "20 bytes long, and the limit is 10" in json.loads(too_long(20, 10))["error"]["message"]


def test_a_long_text_loses_its_middle() -> None:
    assert shortened("x" * LONGEST_TEXT) == "x" * LONGEST_TEXT
    cut = shortened("a" * LONGEST_TEXT + "b" * LONGEST_TEXT)
    assert cut.startswith("aaa") and cut.endswith("bbb") and f"{LONGEST_TEXT} characters left out" in cut


def test_a_cause_of_an_exception_is_told_too() -> None:
    try:
        try:
            json.loads("{")
        except ValueError as error:
            raise KeyError("outer") from error
    except KeyError:
        entry = present_failure().entry
    assert (entry["type"], entry["message"]) == ("KeyError", "'outer'")
    assert "JSONDecodeError" in entry["traceback"] and "direct cause" in entry["traceback"]


@given(st.lists(st.lists(flat, min_size=1, max_size=5), min_size=1, max_size=5), st.data())
def test_any_stretch_of_the_items_comes_out_of_their_packs(packs: list[list[object]], data: st.DataObject) -> None:
    items, first = Items(), 100
    for values in packs:
        payload = b"\n".join(json.dumps(value).encode() for value in values)
        items.keep({"portion": 1, "first": first, "count": len(values), "codec": "json"}, payload)
        first += len(values)
    start = data.draw(st.integers(100, first - 1))
    stop = data.draw(st.integers(start, first))
    assert list(values_of(items.covering(1, start, stop))) == [value for values in packs for value in values][start - 100 : stop - 100]


@pytest.mark.parametrize(("first", "stop"), [(0, 4), (3, 5), (2, 3)])
def test_items_that_were_never_sent_are_refused(first: int, stop: int) -> None:
    items = Items()
    items.keep({"portion": 0, "first": 0, "count": 2, "codec": "range", "args": [0, 1]}, b"")
    items.keep({"portion": 0, "first": 3, "count": 1, "codec": "range", "args": [0, 1]}, b"")
    with pytest.raises(FrameError):
        items.covering(0, first, stop)


@pytest.mark.parametrize(("count", "total"), [(3, 3), (2, 4)])
def test_a_pack_that_is_not_what_it_says_is_refused(count: int, total: int) -> None:
    items = Items()
    items.keep({"portion": 0, "first": 0, "count": count, "codec": "json", "total": total}, b"1\n2")
    with pytest.raises(FrameError):
        items.covering(0, 0, 2)


def test_a_python_without_ctypes_does_without_the_kernels_help(kit: Path, user_python: UserPython) -> None:
    program = (
        "import sys; sys.modules['ctypes'] = None; sys.path.insert(0, %r)\n"
        "from marx.runner import kernel\n"
        "kernel.hide_memory(); kernel.show_memory(); kernel.die_with_parent(); kernel.flush_c_output()\n"
        "assert not kernel.adopt_orphans()" % str(kit)
    )
    assert subprocess.run([user_python.path, "-c", program]).returncode == 0
