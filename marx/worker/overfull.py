"""Run inside a sandbox and a cgroup, by `containing.py`, to take more than may be had there: processes, and memory that is no process's.

Not imported: its source is passed to the worker's own Python with `-c`, with what may be had as arguments: bytes and
processes. Prints how many processes there could be, and "all" if it got twice the memory; it should not live that long.
"""

import os
import signal
import sys

PART = 1 << 20


def make_processes(most: int) -> int:
    """As many as there can be, up to twice as many as may be."""
    made: list[int] = []
    try:
        while len(made) < 2 * most:
            child = os.fork()
            if not child:
                signal.pause()
            made.append(child)
    except OSError:
        pass
    for child in made:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
    return len(made)


def take_memory(most: int) -> None:
    """In a file that is in memory."""
    held = os.memfd_create("overfull")
    for _ in range(2 * most // PART):
        os.write(held, b"x" * PART)


if __name__ == "__main__":
    os.write(1, b"%d " % make_processes(int(sys.argv[2])))
    take_memory(int(sys.argv[1]))
    os.write(1, b"all")
