"""The arithmetic and the tables of ``python -m bench``. How fast anything is is not tested here: it depends on the machine."""

import json
import subprocess
import sys
from collections.abc import Mapping

import pytest
from click.testing import CliRunner

from bench import __main__ as command
from bench import programs
from bench.circumstances import CHECKOUT
from bench.figures import Figure, Kind
from bench.measures import MEASURES, QUICK, Reading
from bench.profiling import listing
from bench.table import figures_table, number, record, spent_table
from bench.usage import Spent, mean_of

SPEED = Kind("speed", "things done", "things/s", goal=1000, more=True, peer="the same")
DELAY = Kind("delay", "waiting", "ms", goal=8)


def test_the_value_of_several_runs_is_their_median() -> None:
    assert Figure(SPEED, (3.0, 900.0, 1000.0), (5.0, 7.0)).value == 900.0
    assert Figure(SPEED, (1.0,), (5.0, 7.0)).peer == 6.0


@pytest.mark.parametrize(
    ("kind", "value", "is_met", "reach"),
    [(SPEED, 1000.0, True, 1.0), (SPEED, 500.0, False, 0.5), (DELAY, 8.0, True, 1.0), (DELAY, 16.0, False, 0.5), (DELAY, 4.0, True, 2.0)],
)
def test_a_goal_is_a_floor_where_more_is_better_and_else_a_ceiling(kind: Kind, value: float, is_met: bool, reach: float) -> None:
    figure = Figure(kind, (value,))
    assert (figure.is_met, figure.reach) == (is_met, reach)


def test_a_ratio_above_one_means_better_than_the_peer_whichever_way_is_better() -> None:
    assert Figure(SPEED, (300.0,), (100.0,)).ratio == 3.0
    assert Figure(DELAY, (300.0,), (100.0,)).ratio == pytest.approx(1 / 3)


def test_without_goal_or_peer_nothing_is_claimed() -> None:
    figure = Figure(Kind("alone", "something", "s"), (1.0,))
    assert (figure.is_met, figure.reach, figure.peer, figure.ratio) == (None, None, None, None)
    assert Figure(DELAY, (0.0,), (1.0,)).ratio is None


@pytest.mark.parametrize(
    ("value", "text"),
    [(0, "0"), (1_234_567, "1,230,000"), (1000, "1,000"), (995.4, "995"), (999.6, "1,000"), (12.34, "12.3"), (0.01234, "0.0123"), (-0.5, "-0.500")],
)
def test_numbers_show_three_figures(value: float, text: str) -> None:
    assert number(value) == text


def test_what_was_spent_is_a_difference_and_a_mean() -> None:
    one = Spent(wall=2.0, server=3.0, client=1.0).since(Spent(server=1.0))
    assert (one.wall, one.server, one.processor) == (2.0, 2.0, 3.0)
    assert mean_of([one, Spent(wall=4.0)]) == Spent(wall=3.0, server=1.0, client=0.5)


def cells_of(table: str) -> list[list[str]]:
    """The table's lines, heads first, cut where its rule says; as a reader of reStructuredText would."""
    lines = table.splitlines()
    assert lines[0] == lines[2] == lines[-1] and set(lines[0]) == {"=", " "}
    cuts = [0, *(place + 2 for place in range(len(lines[0])) if lines[0].startswith("  ", place))]
    return [[line[start:stop].strip() for start, stop in zip(cuts, [*cuts[1:], None])] for line in (lines[1], *lines[3:-1])]


def test_the_table_says_value_spread_goal_verdict_peer_and_ratio() -> None:
    figures = [Figure(SPEED, (800.0, 500.0, 900.0), (400.0,)), Figure(DELAY, (4.0,))]
    heads, first, second = cells_of(figures_table(figures))
    assert heads == ["", "Marx", "from", "to", "goal", "", "peer", "ratio", "what the peer did"]
    assert first == ["things done", "800 things/s", "500", "900", "at least 1,000", "missed (80%)", "400", "2.00", "the same"]
    assert cells_of(figures_table([Figure(DELAY, (8.01,))]))[1][5] == "missed (99%)"
    assert second == ["waiting", "4.00 ms", "4.00", "4.00", "at most 8.00", "met", "", "", ""]


def test_the_table_of_processor_time_says_how_busy_the_machine_was() -> None:
    spent = Spent(wall=2.0, server=1.0, worker=-0.01, runners=1.5, client=0.5)
    assert cells_of(spent_table({"tiny": spent}, cores=2))[1] == ["tiny", "2.00", "1.00", "0.00", "0.00", "0.00", "1.50", "0.50", "75%"]


def test_the_record_holds_every_run_and_the_circumstances() -> None:
    figure = Figure(SPEED, (1.0, 2.0, 3.0), (4.0,))
    written = json.loads(json.dumps(record([figure], {"speed": Spent(wall=1.0)}, {"commit": "abc"})))
    assert written["commit"] == "abc" and written["processor_seconds"]["speed"]["wall"] == 1.0
    (kept,) = written["figures"]
    assert (kept["name"], kept["runs"], kept["value"], kept["peer_value"], kept["is_met"]) == ("speed", [1.0, 2.0, 3.0], 2.0, 4.0, False)


class Turns:
    """A measure that writes down whose turn it was."""

    name = "turns"
    kinds = [SPEED, DELAY]

    def __init__(self) -> None:
        self.turns: list[str] = []

    def ours(self, lab: object) -> Reading:
        self.turns.append("ours")
        return Reading({"speed": 1.0, "delay": float(len(self.turns))}, Spent(wall=1.0))

    def peer(self) -> Mapping[str, float]:
        self.turns.append("peer")
        return {"speed": 2.0}


def test_both_run_by_turns_and_neither_is_always_first() -> None:
    measure = Turns()
    (speed, delay), spent = command.measure_one(measure, lab=None, runs=3)
    assert measure.turns == ["ours", "peer", "peer", "ours", "ours", "peer"]
    assert (speed.ours, speed.peers) == ((1.0, 1.0, 1.0), (2.0, 2.0, 2.0))
    assert (delay.ours, delay.peers) == ((1.0, 4.0, 5.0), ())
    assert len(spent) == 3


def test_every_line_has_a_name_of_its_own_and_the_goals_are_those_that_were_set() -> None:
    kinds = [kind for measure in MEASURES for kind in measure(1).kinds]
    assert len({kind.name for kind in kinds}) == len(kinds)
    goals = {kind.name: kind.goal for kind in kinds if kind.goal is not None}
    assert goals == {
        "tiny": 2_000_000,
        "fresh": 1_000,
        "latency": 8.0,
        "latency-loop": 8.0,
        "busy": 95.0,
        "big": 50.0,
        "lines": 100_000,
        "cold": 1.0,
        "runner-start": 100.0,
        "memory-range": 74.0,
        "memory-json": 74.0,
    }


def test_quick_measures_the_same_lines() -> None:
    for measure in MEASURES:
        assert [kind.name for kind in measure(QUICK).kinds] == [kind.name for kind in measure(1).kinds]


def test_big_results_differ_so_that_none_is_stored_for_another() -> None:
    assert len({programs.big(x) for x in range(3)}) == 3
    assert len(programs.big(7)) == programs.BIG


def test_the_lines_that_are_counted_are_as_long_as_is_said(capfd: pytest.CaptureFixture[str]) -> None:
    assert programs.chatter(3) == programs.LINES
    lines = capfd.readouterr().out.splitlines(keepends=True)
    assert len(lines) == programs.LINES and {len(line) for line in lines} == {programs.LINE_BYTES}


def test_a_profile_is_of_one_measure() -> None:
    said = CliRunner().invoke(command.bench, ["--profile", "server"])
    assert said.exit_code == 2 and "--only" in said.output


def test_a_profile_names_the_dearest_functions_first_and_where_they_are() -> None:
    accounts = {
        ("/env/lib/python3.11/site-packages/twisted/protocols/amp.py", 5, "send"): (2, 2, 1.0, 4.0),
        (str(CHECKOUT / "marx/core/ranges.py"), 7, "add"): (1000, 1000, 3.0, 3.0),
        ("~", 0, "<built-in method len>"): (10, 10, 0.0, 0.0),
    }
    heads, dearest, second = cells_of(listing(accounts, column=2, functions=2))
    assert heads == ["own s", "share", "with callees", "calls", "us a call", "function"]
    assert dearest == ["3.000", "75.0%", "3.000", "1,000", "3000.0", "marx/core/ranges.py:7 add"]
    assert second[-1] == "twisted/protocols/amp.py:5 send"
    assert cells_of(listing(accounts, column=3, functions=1))[1][-1] == "twisted/protocols/amp.py:5 send"


@pytest.mark.slow
@pytest.mark.needs_bwrap
@pytest.mark.parametrize("name", ["busy", "runner-start"])
def test_it_measures_what_it_says(name: str) -> None:
    ran = subprocess.run([sys.executable, "-m", "bench", "--quick", "--only", name], cwd=CHECKOUT, capture_output=True, text=True)
    assert ran.returncode == 0, ran.stderr
    [line] = [line for line in ran.stdout.splitlines() if "share of the ideal" in line or "its program is loaded" in line]
    assert "met" in line or "missed" in line
