"""What programs do with joblib, section by section: a plain run and one under the stand-ins must print the same."""

from __future__ import print_function

import os
import sys
import time

import joblib
from joblib import Parallel, delayed, parallel_backend

SECTIONS = []
VERSION = tuple(int(part) for part in joblib.__version__.split(".")[:2])
FACTOR = 7


def section(function):
    SECTIONS.append(function)
    return function


def since(*version):
    return section if VERSION >= version else lambda function: function


class Point(object):
    def __init__(self, x):
        self.x = x

    def moved(self, by):
        return self.x + by


def times(x, factor=None):
    return x * (FACTOR if factor is None else factor)


def point(x):
    return Point(x)


def even_only(x):
    if x % 2:
        raise ValueError("%d is odd" % x)
    return x


def nested(x):
    return Parallel(n_jobs=2)(delayed(times)(y) for y in range(x))


def nested_pool(x):
    import multiprocessing

    pool = multiprocessing.pool.ThreadPool(1)
    return pool.map(abs, range(x))


def wait_seconds(seconds):
    time.sleep(seconds)
    return seconds


def process_of(_):
    return os.getpid()


@section
def calls():
    print(Parallel(n_jobs=-1)(delayed(times)(x) for x in range(20)))
    print(Parallel(n_jobs=2)([delayed(times)(2, factor=3), delayed(abs)(-4), delayed(Point(3).moved)(4), delayed(lambda x: x + 1)(1)]))
    print(Parallel(n_jobs=2)([]), Parallel(n_jobs=2, batch_size=4)(delayed(times)(x) for x in range(10)))
    print(Parallel(n_jobs=2, pre_dispatch="all")(delayed(times)(x) for x in range(10)))


@section
def values_of_the_programs_classes():
    points = Parallel(n_jobs=2)(delayed(point)(x) for x in range(3))
    print([type(one) is Point for one in points], [one.x for one in points])


@section
def in_place():
    here = os.getpid()
    print([Parallel(n_jobs=n)(delayed(process_of)(x) for x in range(2)) == [here, here] for n in (1, None)])


@section
def several_calls_in_one_with():
    with Parallel(n_jobs=2) as parallel:
        print([parallel(delayed(times)(x) for x in range(count)) for count in range(4)])


@section
def errors():
    for attempt in range(2):
        try:
            Parallel(n_jobs=2)(delayed(even_only)(x) for x in range(20))
        except ValueError as error:
            print(type(error).__name__, "odd" in str(error))
    with Parallel(n_jobs=2) as parallel:
        try:
            parallel(delayed(even_only)(x) for x in [1])
        except ValueError as error:
            print(type(error).__name__)
        print(parallel(delayed(even_only)(x) for x in [0, 2]))


@since(1, 0)
def causes():
    try:
        Parallel(n_jobs=2)(delayed(even_only)(x) for x in [1])
    except ValueError as error:
        print(type(error.__cause__).__name__, "in even_only" in str(error.__cause__))


@section
def values_that_do_not_pickle():
    try:
        Parallel(n_jobs=2)(delayed(times)(x) for x in [open(os.devnull)])
    except Exception as error:
        print(type(error).__name__)
    try:
        Parallel(n_jobs=2)(delayed(open)(x) for x in [os.devnull])
    except Exception as error:
        print(type(error).__name__)


@section
def iterables_that_fail():
    def failing():
        yield delayed(times)(1)
        raise KeyError("the iterable")

    try:
        Parallel(n_jobs=2)(failing())
    except KeyError as error:
        print("KeyError", error)


@section
def others():
    seen = []
    Parallel(n_jobs=2, backend="threading")(delayed(seen.append)(x) for x in range(3))
    Parallel(n_jobs=2, prefer="threads")(delayed(seen.append)(x) for x in range(3))
    Parallel(n_jobs=2, require="sharedmem")(delayed(seen.append)(x) for x in range(3))
    with parallel_backend("threading", n_jobs=2):
        Parallel()(delayed(seen.append)(x) for x in range(3))
    print(sorted(seen))
    print(Parallel(n_jobs=2, backend="loky")(delayed(times)(x) for x in range(3)))
    print(Parallel(n_jobs=2, backend="multiprocessing")(delayed(times)(x) for x in range(3)))
    with parallel_backend("loky", n_jobs=2):
        print(Parallel()(delayed(times)(x) for x in range(3)))


@since(1, 3)
def configurations():
    from joblib import parallel_config

    with parallel_config(n_jobs=2):
        print(Parallel()(delayed(times)(x) for x in range(3)), joblib.effective_n_jobs(2))
    with parallel_config(backend="threading", n_jobs=2):
        print(len(set(Parallel()(delayed(process_of)(x) for x in range(3)))))


@since(1, 4)
def generators():
    for kind in ("generator", "generator_unordered"):
        results = Parallel(n_jobs=2, return_as=kind)(delayed(times)(x) for x in range(20))
        print(type(results).__name__, sorted(results))
    results = Parallel(n_jobs=2, return_as="generator")(delayed(even_only)(x) for x in [0, 2, 3, 4])
    try:
        print(next(results), list(results))
    except ValueError as error:
        print(error)


@section
def laziness():
    taken = []
    Parallel(n_jobs=1, pre_dispatch=2)(delayed(times)(taken.append(x) or 1) for x in range(5))
    print(taken)


@section
def timeouts():
    try:
        Parallel(n_jobs=2, timeout=0.05)(delayed(wait_seconds)(0.8) for _ in range(2))
    except Exception as error:
        print(type(error).__name__)


@section
def nested_calls():
    print(Parallel(n_jobs=2)(delayed(nested)(x) for x in range(4)))
    print(Parallel(n_jobs=2)(delayed(nested_pool)(x) for x in range(3)))


@section
def counts():
    print(joblib.effective_n_jobs(1), joblib.effective_n_jobs(3))
    try:
        Parallel(n_jobs=0)(delayed(times)(x) for x in range(2))
    except ValueError as error:
        print(error)


if __name__ == "__main__":
    wanted = sys.argv[1:]
    for section in SECTIONS:
        if not wanted or section.__name__ in wanted:
            print("== " + section.__name__)
            sys.stdout.flush()
            section()
    sys.stdout.flush()
