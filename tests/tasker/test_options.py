"""The command line's own two rules."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marx.tasker.cli import tasker
from marx.tasker.options import cores, split_options
from marx.tasker.request import seconds_of

VALUED = frozenset({"--name", "-j"})

SPLITS = [
    (["p:f"], [], ["p:f"]),
    (["--name", "x", "p:f", "--name"], ["--name", "x"], ["p:f", "--name"]),
    (["--name=x", "p:f"], ["--name=x"], ["p:f"]),
    (["--local", "p:f", "--local"], [f"--local={cores()}"], ["p:f", "--local"]),
    (["--name", "--local", "p:f"], ["--name", "--local"], ["p:f"]),
    (["--local=2", "p:f"], ["--local=2"], ["p:f"]),
    (["-j4", "-q", "p:f"], ["-j4", "-q"], ["p:f"]),
    (["-j", "4", "--", "p:f"], ["-j", "4"], ["--", "p:f"]),
    (["--name"], ["--name"], []),
]


@pytest.mark.parametrize(("args", "options", "rest"), SPLITS)
def test_options_end_at_the_first_argument(args: list[str], options: list[str], rest: list[str]) -> None:
    assert split_options(args, VALUED) == (options, rest)


@given(st.lists(st.text(alphabet="-ab=m", max_size=8)))
def test_what_follows_the_target_is_items_whatever_it_looks_like(items: list[str]) -> None:
    parsed = tasker.commands["map"].make_context("map", ["--name", "x", "p:f", *items]).params
    assert (parsed["target"], parsed["strings"], parsed["name"]) == ("p:f", tuple(items), "x")


@given(st.lists(st.text(alphabet="-ab=m", max_size=8)), st.booleans())
def test_what_follows_a_program_or_module_is_its_own_whatever_it_looks_like(arguments: list[str], is_module: bool) -> None:
    options = ["--name", "x", *(["-m"] if is_module else [])]
    parsed = tasker.commands["run"].make_context("run", [*options, "prog", *arguments]).params
    assert (parsed["target"], parsed["arguments"], parsed["name"], parsed["is_module"]) == ("prog", tuple(arguments), "x", is_module)


@pytest.mark.parametrize(("text", "seconds"), [("90", 90), ("30s", 30), ("10m", 600), ("2h", 7200), ("1.5h", 5400), ("1d", 86400)])
def test_durations(text: str, seconds: float) -> None:
    assert seconds_of(text) == seconds


@pytest.mark.parametrize("text", ["", "soon", "-1s", "1w", "1 2"])
def test_what_is_no_duration_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is not a duration such as 30s, 10m or 2h"):
        seconds_of(text)
