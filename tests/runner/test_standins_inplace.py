"""Pools, executors and joblib inside an item: in place, one after the other, as if there were processes."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.pythons import UserPython
from tests.runner.playing import Lab, why_not

NESTED = """
from __future__ import print_function
import multiprocessing, os, sys, time
from multiprocessing import Pool

GIVEN = []

def square(x):
    return x * x

def fail(x):
    raise ValueError(x)

def give(x):
    GIVEN.append(x)

def change(given):
    given.append(1)
    return given

def process(_):
    return os.getpid()

def pools(x):
    pool = Pool(4, give, (x,))
    here = set(pool.map(process, range(3))) == set([os.getpid()])
    found = [pool.map(square, range(x)), list(pool.imap(square, range(x), 2)), sorted(pool.imap_unordered(square, range(x))), pool.apply(square, (x,))]
    try:
        pool.map(fail, [1])
    except ValueError as error:
        found.append(str(error))
    mine = []
    found += [pool.apply_async(change, (mine,)).get(), mine, here, len(pool._pool), pool.map_async(square, [2]).get(), GIVEN]
    pool.close()
    pool.join()
    return found

def executors(x):
    from concurrent.futures import ProcessPoolExecutor, as_completed
    with ProcessPoolExecutor(3) as executor:
        futures = [executor.submit(square, y) for y in range(x)]
        found = [list(executor.map(square, range(x))), sorted(future.result() for future in as_completed(futures))]
        found += [str(executor.submit(fail, 5).exception()), executor.submit(process, 1).result() == os.getpid()]
        found += [type(executor.submit(lambda: 1).exception()).__name__ in ("PicklingError", "AttributeError")]
    return found

def deeper(x):
    return Pool(2).map(pools, [x])

def joblibs(x):
    import joblib
    calls = [joblib.delayed(process)(y) for y in range(x)]
    return [set(joblib.Parallel(n_jobs=n, backend=backend)(calls)) == set([os.getpid()]) for n in (2, -1) for backend in (None, "loky", "multiprocessing")]
"""


def program(*lines: str) -> str:
    """NESTED with statements under its guard."""
    return NESTED + 'if __name__ == "__main__":\n' + "".join("    %s\n" % line for line in lines)


@pytest.fixture
def lab(user_python: UserPython, kit: Path, tmp_path: Path) -> Lab:
    """A lab for one interpreter."""
    return Lab(user_python, kit, tmp_path)


@pytest.fixture
def newest_lab(interpreters: tuple[UserPython, ...], kit: Path, tmp_path: Path) -> Lab:
    """For what only Python 3 has."""
    return Lab(interpreters[-1], kit, tmp_path)


def test_a_pool_in_an_item_works_in_its_process(lab: Lab) -> None:
    run = lab.run(program("pool = Pool(2)", "print(pool.map(pools, [3]))", "pool.terminate()"))
    assert run.out == "[[[0, 1, 4], [0, 1, 4], [0, 1, 4], 9, '1', [1], [], True, 4, [4], [3]]]\n"
    assert [portion.place for portion in run.portions] == ["lab"]


def test_a_pool_in_a_pool_in_an_item_does_too(lab: Lab) -> None:
    run = lab.run(program("pool = Pool(2)", "print(len(pool.map(deeper, [2, 3])))", "pool.terminate()"))
    assert (run.out, run.err) == ("2\n", "")


def test_an_executor_in_an_item_works_in_its_process(newest_lab: Lab) -> None:
    run = newest_lab.run(program("pool = Pool(2)", "print(pool.map(executors, [3]))", "pool.terminate()"))
    assert run.out == "[[[0, 1, 4], [0, 1, 4], '5', True, True]]\n"


def test_joblib_in_an_item_works_in_its_process(lab: Lab) -> None:
    reason = why_not(lab.python, "joblib")
    if reason and os.environ.get("CI") == "true":
        pytest.fail(reason)
    if reason:
        pytest.skip(reason)
    run = lab.run(program("pool = Pool(2)", "print(pool.map(joblibs, [3]))", "pool.terminate()"))
    assert run.out == "[%s]\n" % ([True] * 6)
