"""
What is mapped: the same functions for Marx, which gets this file alone, and for its peer. Standard library only.
"""

from time import process_time

#: Bytes of one big result: a JSON string of so many characters.
BIG = 4_000_000
#: Lines that one call of :func:`chatter` prints, and the bytes of each, its end included.
LINES, LINE_BYTES = 20_000, 100
#: Processor seconds of one call of :func:`busy`.
BUSY_SECONDS = 0.1


def square(x):
    """Next to nothing."""
    return x * x


def busy(x):
    """Pure Python for a tenth of a second of processor time, so that a core which is lent to somebody else shows."""
    until = process_time() + BUSY_SECONDS
    rounds = 0
    while process_time() < until:
        for _ in range(1000):
            rounds += 1
    return x


def big(x):
    """A string of four million characters, another one for each item."""
    return ("%08d" % x) * (BIG // 8)


def chatter(x):
    """Print many lines, then say how many."""
    for number in range(LINES):
        print(("%d %d " % (x, number)).ljust(LINE_BYTES - 1, "."))
    return LINES
