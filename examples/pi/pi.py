#!/usr/bin/env python
"""An estimate of pi by throwing darts. Runs on Python 2.7 and 3.

The item is a seed, so that every throw can be repeated:

    tasker map --local=2 --range 0:40 pi.py:throw                          one JSON line for each seed
    tasker map --local=2 --range 0:40 pi.py:throw | python pi.py estimate  pi, and how far off it may be

Plainly, `python pi.py` is the same loop and prints the same lines.
"""

from __future__ import division, print_function

import json
import math
import random
import sys

SEEDS = range(40)
DARTS = 100000


def throw(seed):
    """Throw DARTS darts at the unit square; how many fell within the quarter circle."""
    draw = random.Random(seed).random
    inside = 0
    for _ in range(DARTS):
        x, y = draw(), draw()
        if x * x + y * y <= 1.0:
            inside += 1
    return {"darts": DARTS, "inside": inside}


def estimate(lines):
    """From the lines of a map: pi, its standard error, and the number of darts it rests on."""
    throws = [json.loads(line)["value"] for line in lines]
    darts = sum(one["darts"] for one in throws)
    share = sum(one["inside"] for one in throws) / darts
    return 4 * share, 4 * math.sqrt(share * (1 - share) / darts), darts


if __name__ == "__main__":
    if sys.argv[1:] == ["estimate"]:
        print("pi is %.5f, give or take %.5f, after %d darts" % estimate(sys.stdin))
    else:
        for index, seed in enumerate(SEEDS):
            print(json.dumps({"index": index, "value": throw(seed)}, sort_keys=True))
