"""
Figures as text: a table that reStructuredText takes as it stands, and a record for programs. Pure.
"""

from __future__ import annotations

from dataclasses import asdict
from typing import Any, Mapping, Sequence

from bench.figures import Figure
from bench.usage import Spent

_HEADS = ("", "Marx", "from", "to", "goal", "", "peer", "ratio", "what the peer did")
_SPENT_HEADS = ("", "clock", "server", "its threads", "worker", "its threads", "runners", "client", "of both cores")


def figures_table(figures: Sequence[Figure]) -> str:
    """One line a figure: our median, the least and the most of the runs, goal, whether it is met, the peer's median, ratio."""
    return table(_HEADS, [_row(figure) for figure in figures])


def _row(figure: Figure) -> tuple[str, ...]:
    kind, ratio = figure.kind, figure.ratio
    bound = "" if kind.goal is None else f"{'at least' if kind.more else 'at most'} {number(kind.goal)}"
    # Rounded down: what is missed by a hair is not reached to 100 %.
    verdict = {True: "met", False: f"missed ({int(100 * (figure.reach or 0))}%)", None: ""}[figure.is_met]
    return (
        kind.what,
        f"{number(figure.value)} {kind.unit}",
        number(min(figure.ours)),
        number(max(figure.ours)),
        bound,
        verdict,
        "" if figure.peer is None else number(figure.peer),
        "" if ratio is None else number(ratio),
        kind.peer,
    )


def spent_table(spent: Mapping[str, Spent], cores: int) -> str:
    """One line a measure: where the processor seconds of one run went, and how much of the machine they were."""
    return table(_SPENT_HEADS, [_spent_row(name, one, cores) for name, one in spent.items()])


def _spent_row(name: str, spent: Spent, cores: int) -> tuple[str, ...]:
    share = f"{spent.processor / spent.wall / cores:.0%}" if spent.wall else ""
    # A difference of two counts in steps of 10 ms may come out just below zero.
    return (name, *(f"{max(0.0, seconds):.2f}" for seconds in asdict(spent).values()), share)


def number(value: float) -> str:
    """Three figures: 1,234,000; 12.3; 0.123."""
    if value == 0:
        return "0"
    places = max(0, 2 - _magnitude(value))
    return f"{round(value, 2 - _magnitude(value)):,.{places}f}"


def _magnitude(value: float) -> int:
    """The power of ten that the first figure stands for."""
    return int(f"{value:e}".rpartition("e")[2])


def table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A simple table of reStructuredText."""
    widths = [max(1, *map(len, column)) for column in zip(heads, *rows)]
    rule = "  ".join("=" * width for width in widths)
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths)).rstrip() for row in (heads, *rows)]
    return "\n".join([rule, lines[0], rule, *lines[1:], rule])


def record(figures: Sequence[Figure], spent: Mapping[str, Spent], circumstances: Mapping[str, Any]) -> dict[str, Any]:
    """Everything as one JSON object; ``circumstances`` (commit, machine, date, runs) stand at the top."""
    return {
        **circumstances,
        "figures": [
            {
                **asdict(figure.kind),
                "value": figure.value,
                "runs": list(figure.ours),
                "peer_value": figure.peer,
                "peer_runs": list(figure.peers),
                "ratio": figure.ratio,
                "is_met": figure.is_met,
            }
            for figure in figures
        ],
        "processor_seconds": {name: asdict(one) for name, one in spent.items()},
    }
