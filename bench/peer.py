"""
The peer: ``concurrent.futures.ProcessPoolExecutor`` with as many workers as the lab has slots, on the same functions.
"""

from __future__ import annotations

import multiprocessing
import os
import sys
import threading
import time
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from statistics import median
from typing import Any, Callable, Iterator

from bench import programs
from bench.usage import memory_of

WORKERS = 2
#: Items in a chunk of a large map: of 5,000, 20,000, 62,500 and 125,000 the one that was fastest, or within 2 % of it.
CHUNK = 20_000


@contextmanager
def warm_pool(**options: Any) -> Iterator[ProcessPoolExecutor]:
    """A pool whose processes are there."""
    with ProcessPoolExecutor(WORKERS, **options) as pool:
        for _ in pool.map(programs.square, range(WORKERS)):
            pass
        yield pool


def seconds_of_map(function: Callable[[int], Any], count: int, chunk: int = 1, **options: Any) -> float:
    """From the call to the last result of one map."""
    with warm_pool(**options) as pool:
        began = time.perf_counter()
        assert sum(1 for _ in pool.map(function, range(count), chunksize=chunk)) == count
        return time.perf_counter() - began


def seconds_of_fresh_map(count: int) -> float:
    """The same with a process for each item, forked from a server, which is the fastest way that this pool has."""
    return seconds_of_map(programs.square, count, mp_context=multiprocessing.get_context("forkserver"), max_tasks_per_child=1)


def median_seconds_of_one(times: int, pause: float = 0.0) -> float:
    """One item answered by a warm pool, ``pause`` seconds after the last."""
    with warm_pool() as pool:
        return median(_seconds_of_one(pool, item, pause) for item in range(times))


def median_seconds_of_new_pool(times: int) -> float:
    """One item answered by a pool that is made for it."""
    seconds = []
    for item in range(times):
        began = time.perf_counter()
        with ProcessPoolExecutor(WORKERS) as pool:
            pool.submit(programs.square, item).result()
            seconds.append(time.perf_counter() - began)
    return median(seconds)


def _seconds_of_one(pool: ProcessPoolExecutor, item: int, pause: float) -> float:
    time.sleep(pause)
    began = time.perf_counter()
    pool.submit(programs.square, item).result()
    return time.perf_counter() - began


def seconds_of_lines(count: int) -> float:
    """``count`` items print into one pipe, and a thread reads it, until all lines are there; whose a line is nobody knows."""
    readable, writable = os.pipe()
    with open(readable, "rb") as source:
        came = threading.Event()
        reader = threading.Thread(target=_read_lines, args=(source, count * programs.LINES, came))
        with warm_pool(initializer=print_into, initargs=(writable,)) as pool:
            os.close(writable)
            reader.start()
            began = time.perf_counter()
            for _ in pool.map(programs.chatter, range(count)):
                pass
            came.wait()
            seconds = time.perf_counter() - began
        reader.join()
    return seconds


def print_into(descriptor: int) -> None:
    """In a pool's process: let standard output go there, line by line, as an item's does."""
    os.dup2(descriptor, 1)
    sys.stdout = open(1, "w", buffering=1, closefd=False)


def _read_lines(source: Any, expected: int, came: threading.Event) -> None:
    lines = 0
    while lines < expected:
        lines += source.read1(1 << 16).count(b"\n")
    came.set()


def bytes_of_waiting(count: int) -> int:
    """Memory that ``count`` submitted items take while they wait behind others."""
    readable, writable = os.pipe()
    with warm_pool() as pool:
        for _ in range(WORKERS):
            pool.submit(os.read, readable, 1)
        before = memory_of(os.getpid())
        waiting = [pool.submit(programs.square, item) for item in range(count)]
        grown = memory_of(os.getpid()) - before
        del waiting
        pool.shutdown(wait=False, cancel_futures=True)
        os.write(writable, b"." * WORKERS)
    os.close(readable)
    os.close(writable)
    return grown
