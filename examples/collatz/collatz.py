#!/usr/bin/env python
"""Which number below a limit takes longest to reach 1 by the rule of Collatz? Runs on Python 2.7 and 3.

    python collatz.py [LIMIT [PIECES]]
"""

from __future__ import print_function

import sys
from multiprocessing import Pool

LIMIT = 60000
PIECES = 24


def chain(number):
    """How many steps a number takes to 1."""
    steps = 0
    while number != 1:
        number = number // 2 if number % 2 == 0 else 3 * number + 1
        steps += 1
    return steps


def longest(bounds):
    """The number of a range that takes the most steps, as (steps, number); the smallest of several."""
    first, last = bounds
    steps, number = max((chain(number), -number) for number in range(first, last))
    return steps, -number


def pieces(limit, count):
    """The numbers from 1 to limit in that many ranges."""
    size = -(-limit // count)
    return [(first, min(first + size, limit + 1)) for first in range(1, limit + 1, size)]


def main():
    limit = int(sys.argv[1]) if len(sys.argv) > 1 else LIMIT
    count = int(sys.argv[2]) if len(sys.argv) > 2 else PIECES
    pool = Pool(4)
    record = 0
    for steps, number in pool.imap(longest, pieces(limit, count)):
        if steps > record:
            record = steps
            print("%d takes %d steps" % (number, steps))
    totals = pool.map(chain, [27, 97, 871, 6171])
    pool.close()
    pool.join()
    print("old acquaintances: %s" % ", ".join(map(str, totals)))


if __name__ == "__main__":
    main()
