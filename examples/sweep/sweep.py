#!/usr/bin/env python3
"""Which infection and recovery rates explain the influenza of 1978? Runs on Python 3.6 and newer, and no 2.7.

In January 1978 influenza went through an English boarding school of 763 boys; observed.csv says how many lay in bed
each day (British Medical Journal, 4 March 1978, page 587). The item is one line of grid.jsonl, a pair of rates; the
model is in sir.py beside this file.

    tasker map --local=2 --items grid.jsonl sweep.py:misfit
    tasker map --local=2 --items grid.jsonl sweep.py:misfit | python3 sweep.py best

Plainly, `python3 sweep.py` is the same loop over the same grid, and prints the same lines.
"""

import csv
import json
import math
import sys
from itertools import islice
from pathlib import Path
from typing import Dict, Iterable, List

from sir import Outbreak

HERE = Path(__file__).resolve().parent
BOYS = 763


def observed() -> List[int]:
    """How many boys lay in bed on each day of the outbreak."""
    with open(HERE / "observed.csv", newline="") as table:
        return [int(row["in_bed"]) for row in csv.DictReader(table)]


def misfit(rates: Dict[str, float]) -> Dict[str, float]:
    """How far a simulation with these rates is from what was observed, in boys a day (root mean square)."""
    in_bed = observed()
    outbreak = Outbreak(population=BOYS, sick=in_bed[0], **rates)
    simulated = list(islice(outbreak.sick_by_day(), len(in_bed)))
    squares = [(there - here) ** 2 for there, here in zip(in_bed, simulated)]
    return {**rates, "reproduction": outbreak.reproduction, "peak": max(simulated), "off_by": math.sqrt(math.fsum(squares) / len(squares))}


def best(lines: Iterable[str]) -> str:
    """A sentence about the pair of rates that fits best, from the lines of a map."""
    fit = min((json.loads(line)["value"] for line in lines), key=lambda value: value["off_by"])
    return (
        f"infection {fit['infection']:.2f} and recovery {fit['recovery']:.2f} a day fit best, "
        f"off by {fit['off_by']:.1f} boys a day: each sick boy infected {fit['reproduction']:.1f} others"
    )


if __name__ == "__main__":
    if sys.argv[1:] == ["best"]:
        print(best(sys.stdin))
    else:
        with open(HERE / "grid.jsonl") as grid:
            for index, line in enumerate(grid):
                print(json.dumps({"index": index, "value": misfit(json.loads(line))}))
