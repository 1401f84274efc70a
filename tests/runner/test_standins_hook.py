"""How the stand-ins come to the libraries, in whatever way a program imports them, and where they keep away."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.pythons import UserPython
from tests.runner.playing import Lab

SQUARE = """
from __future__ import print_function
import sys

def square(x):
    return x * x

"""

POOLS = [
    "from multiprocessing import Pool; pool = Pool(2)",
    "import multiprocessing as mp; pool = mp.Pool(2)",
    "import multiprocessing.pool; pool = multiprocessing.pool.Pool(2)",
    "from multiprocessing.pool import Pool; pool = Pool(2)",
    "from multiprocessing.pool import *; pool = Pool(2)",
    "pool = __import__('multiprocessing').Pool(processes=2)",
    "import importlib; pool = importlib.import_module('multiprocessing.pool').Pool(2)",
    "import multiprocessing.pool as library\n    class Mine(library.Pool): pass\n    pool = Mine(2)",
]

NEW_POOLS = [
    "import multiprocessing; pool = multiprocessing.get_context().Pool(2)",
    "import multiprocessing; pool = multiprocessing.get_context('fork').Pool(2)",
    "import multiprocessing; multiprocessing.set_start_method('spawn'); pool = multiprocessing.Pool(2)",
    "from multiprocessing import get_context; pool = get_context('forkserver').Pool(2)",
    "from multiprocessing.pool import Pool; import multiprocessing; pool = Pool(2, context=multiprocessing.get_context('spawn'))",
]

EXECUTORS = [
    "from concurrent.futures import ProcessPoolExecutor; pool = ProcessPoolExecutor(2)",
    "import concurrent.futures; pool = concurrent.futures.ProcessPoolExecutor(2)",
    "import concurrent.futures.process as library; pool = library.ProcessPoolExecutor(2)",
    "from concurrent.futures.process import ProcessPoolExecutor; pool = ProcessPoolExecutor(2)",
    "from concurrent import futures; pool = futures.ProcessPoolExecutor(max_workers=2)",
]


def program(*lines: str) -> str:
    """SQUARE with statements under its guard."""
    return SQUARE + 'if __name__ == "__main__":\n' + "".join("    %s\n" % line for line in lines)


@pytest.fixture
def lab(user_python: UserPython, kit: Path, tmp_path: Path) -> Lab:
    """A lab for one interpreter."""
    return Lab(user_python, kit, tmp_path)


@pytest.fixture
def newest_lab(interpreters: tuple[UserPython, ...], kit: Path, tmp_path: Path) -> Lab:
    """For what only Python 3 has."""
    return Lab(interpreters[-1], kit, tmp_path)


@pytest.mark.parametrize("way", POOLS)
def test_a_pool_is_met_in_whatever_way_it_is_imported(lab: Lab, way: str) -> None:
    run = lab.run(program(way, "print(pool.map(square, range(3)))", "pool.close(); pool.join()"))
    assert (run.out, run.kinds) == ("[0, 1, 4]\n", ["Pool.map"])


@pytest.mark.parametrize("way", NEW_POOLS)
def test_a_pool_of_a_context_is_met_too(newest_lab: Lab, way: str) -> None:
    run = newest_lab.run(program(way, "print(pool.map(square, range(3)))", "pool.close(); pool.join()"))
    assert (run.out, run.kinds, run.stayed) == ("[0, 1, 4]\n", ["Pool.map"], [])


@pytest.mark.parametrize("way", EXECUTORS)
def test_an_executor_is_met_in_whatever_way_it_is_imported(newest_lab: Lab, way: str) -> None:
    run = newest_lab.run(program(way, "print(list(pool.map(square, range(3))))", "pool.shutdown()"))
    assert (run.out, run.kinds) == ("[0, 1, 4]\n", ["ProcessPoolExecutor.map"])


def test_a_program_that_uses_no_pool_loads_nothing_of_ours_for_it(lab: Lab) -> None:
    lines = ["import multiprocessing", "multiprocessing.Process(target=square, args=(2,)).start()"]
    run = lab.run(program(*lines, "print([name for name in sys.modules if 'standins.pool' in name or 'origins' in name])"))
    assert (run.out, run.portions) == ("[]\n", [])


def test_a_librarys_module_looks_as_it_always_does(lab: Lab) -> None:
    text = program(
        "import inspect, multiprocessing.pool as library",
        "print(type(getattr(library, '__loader__', None)).__name__, library.__name__, library.__file__)",
        "print(inspect.getsource(library).count('class Pool(object)'), library.Pool.__name__, library.Pool.__module__)",
        "print(library.Pool.map.__name__, library.Pool.__init__.__name__, library.Pool.__doc__ == library.Pool.__doc__.strip('x'))",
        "print(getattr(inspect, 'signature', lambda _: '(same)')(library.Pool))",
    )
    assert lab.run(text).out == lab.run_plainly(text).out


def test_processes_that_the_program_forks_have_the_real_classes(lab: Lab) -> None:
    lines = ["import os", "from multiprocessing import Pool", "child = os.fork()"]
    lines += [
        "if child: os.waitpid(child, 0)",
        "pool = Pool(2)",
        "print(pool._pool[0].pid is None, pool.map(square, [3]))",
        "pool.terminate()",
    ]
    run = lab.run(program(*lines))
    assert sorted(run.out.splitlines()) == ["False [9]", "True [9]"]
    assert run.code == 0


def test_a_fork_that_ends_by_itself_waits_for_nothing_of_its_parents(newest_lab: Lab) -> None:
    lines = ["import os", "from concurrent.futures import ProcessPoolExecutor", "executor = ProcessPoolExecutor(1)"]
    lines += ["import time", "future = executor.submit(time.sleep, 0.5)", "child = os.fork()"]
    lines += ["if not child: sys.exit(7)", "print(os.waitpid(child, 0)[1] >> 8, future.result())", "executor.shutdown()"]
    assert newest_lab.run(program(*lines)).out == "7 None\n"


def test_a_joblib_that_we_do_not_know_is_left_alone_and_the_task_is_told(lab: Lab) -> None:
    (lab.folder / "joblib").mkdir()
    (lab.folder / "joblib" / "__init__.py").write_text("")
    (lab.folder / "joblib" / "parallel.py").write_text("BACKENDS = {}\n")
    run = lab.run(program("import joblib.parallel", "print(joblib.parallel.BACKENDS)"))
    assert (run.out, run.err) == ("{}\n", "")
    [note] = run.notes
    assert note.startswith("joblib.parallel is not one that Marx knows, so its work stays on one machine: ")


def test_a_library_that_fails_to_import_fails_as_ever(lab: Lab) -> None:
    (lab.folder / "joblib").mkdir()
    (lab.folder / "joblib" / "__init__.py").write_text("")
    (lab.folder / "joblib" / "parallel.py").write_text("raise ImportError('not today')\n")
    run = lab.run(program("try: import joblib.parallel", "except ImportError as error: print(error)"))
    assert (run.out, run.notes) == ("not today\n", [])


def test_a_library_that_was_imported_before_us_is_changed_at_once(newest_lab: Lab) -> None:
    lines = ["import multiprocessing.pool as library", "from marx.runner.standins import hook", "sys.meta_path.pop(0)"]
    lines += ["sys.modules.pop('multiprocessing.pool')", "import multiprocessing.pool", "hook.install()"]
    run = newest_lab.run(program(*lines, "pool = multiprocessing.Pool(2)", "print(pool.map(square, [2]))", "pool.terminate()"))
    assert (run.out, run.kinds) == ("[4]\n", ["Pool.map"])


def test_warnings_about_pools_that_are_forgotten_are_the_librarys(newest_lab: Lab) -> None:
    text = program(
        "import warnings",
        "warnings.simplefilter('always', ResourceWarning)",
        "from multiprocessing import Pool",
        "pool = Pool(2)",
        "del pool",
    )
    said = [run.err.count("unclosed running multiprocessing pool") for run in (newest_lab.run(text), newest_lab.run_plainly(text))]
    assert said[0] == said[1] > 0


def test_a_traceback_of_a_failed_map_is_the_one_of_a_plain_run(lab: Lab) -> None:
    text = program("from multiprocessing import Pool", "pool = Pool(1)", "pool.map(square, ['a'], 1)")
    assert lab.run(text).err == lab.run_plainly(text).err
