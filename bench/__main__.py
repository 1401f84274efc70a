"""
``python -m bench``: what may be typed. Runs Marx and its peer by turns and prints a table with goals and ratios.
"""

from __future__ import annotations

import json
import signal
import sys
from collections import defaultdict
from pathlib import Path
from typing import Mapping, Sequence

import click

from bench.circumstances import circumstances, sentence
from bench.figures import Figure
from bench.lab import BenchLab, warm_lab
from bench.measures import MEASURES, NAMES, QUICK, Measure
from bench.profiling import profile
from bench.table import figures_table, number, record, spent_table
from bench.usage import Spent, mean_of


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--only", "only", multiple=True, type=click.Choice(NAMES), help="Only this measure; may be repeated.")
@click.option("--runs", type=click.IntRange(min=1), default=5, show_default=True, help="Runs of each measure, of which the median counts.")
@click.option("--quick", is_flag=True, help="A tenth of everything, once: to see that it works.")
@click.option("--record", "record_file", type=click.Path(path_type=Path), metavar="FILE", help="Write everything as JSON, too.")
@click.option("--profile", "profiled", type=click.Choice(["server", "worker"]), help="Run this daemon under cProfile instead; with one --only.")
@click.option("--functions", type=click.IntRange(min=1), default=15, show_default=True, help="How many functions --profile shows.")
def bench(only: Sequence[str], runs: int, quick: bool, record_file: Path | None, profiled: str | None, functions: int) -> None:
    """Measure Marx on a lab of two slots on this machine, beside concurrent.futures.ProcessPoolExecutor with two workers."""
    shrink = QUICK if quick else 1
    measures: list[Measure] = [measure(shrink) for measure in MEASURES if not only or measure.name in only]
    if profiled is not None:
        if len(measures) != 1:
            raise click.UsageError(f"--profile needs one measure: --only {'|'.join(NAMES)}")
        click.echo(profile(profiled, measures[0], functions))
        return
    around = {**circumstances(), "runs": 1 if quick else runs, "quick": quick}
    click.echo(sentence(around))
    figures, spent, broken = measure_all(measures, around["runs"])
    click.echo(f"\n{figures_table(figures)}")
    if spent:
        click.echo(f"\nProcessor seconds of one run (mean):\n\n{spent_table(spent, around['cores'])}")
    if record_file is not None:
        record_file.write_text(json.dumps(record(figures, spent, around), indent=1) + "\n")
    if broken:
        raise click.ClickException(f"not measured: {', '.join(broken)}")


def measure_all(measures: Sequence[Measure], runs: int) -> tuple[list[Figure], dict[str, Spent], list[str]]:
    """All of them in one warm lab, and the names of those that broke, which costs the others nothing. Each is said as it is done."""
    figures: list[Figure] = []
    spent: dict[str, Spent] = {}
    broken: list[str] = []
    with warm_lab() as lab:
        for measure in measures:
            try:
                measured, used = measure_one(measure, lab, runs)
            except Exception as error:
                broken.append(measure.name)
                click.echo(f"{measure.name} broke: {error}", err=True)
                continue
            figures += measured
            spent.update({measure.name: mean_of(used)} if used else {})
            click.echo("; ".join(f"{figure.kind.name} {number(figure.value)} {figure.kind.unit}" for figure in measured), err=True)
    return figures, spent, broken


def measure_one(measure: Measure, lab: BenchLab, runs: int) -> tuple[list[Figure], list[Spent]]:
    """Ours and the peer's by turns, so that both see the same machine; who comes first changes from run to run."""
    ours: dict[str, list[float]] = defaultdict(list)
    peers: dict[str, list[float]] = defaultdict(list)
    spent: list[Spent] = []

    def run_ours() -> None:
        reading = measure.ours(lab)
        _add(ours, reading.values)
        spent.extend([reading.spent] if reading.spent else [])

    def run_peer() -> None:
        _add(peers, measure.peer())

    for run in range(runs):
        for turn in (run_ours, run_peer) if run % 2 == 0 else (run_peer, run_ours):
            turn()
    return [Figure(kind, tuple(ours[kind.name]), tuple(peers[kind.name])) for kind in measure.kinds], spent


def _add(values: dict[str, list[float]], read: Mapping[str, float]) -> None:
    for name, value in read.items():
        values[name].append(value)


if __name__ == "__main__":
    # So that the daemons end with it, and their folder goes.
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(128 + number))
    bench(prog_name="python -m bench")
