"""Role portion: a state is put up once, and each item is called as the library calls it."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from marx.worker.messages import LoadFailed
from tests.pythons import UserPython
from tests.runner.portions import PortionDriver, Taken, pack_of, take

Take = Callable[[str], Taken]
Begin = Callable[..., PortionDriver]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The program's."""
    (tmp_path / "work").mkdir()
    return tmp_path / "work"


@pytest.fixture
def taken(user_python: UserPython, kit: Path, folder: Path) -> Take:
    """What a program leaves that calls `state_of`."""
    return lambda text: take(user_python, kit, folder, text)


@pytest.fixture
def begin(user_python: UserPython, kit: Path, folder: Path) -> Iterator[Begin]:
    """Starts a portion's runner."""
    with ExitStack() as stack:
        yield lambda taken, **more: stack.enter_context(PortionDriver(user_python, kit, folder, taken, **more))


@pytest.fixture
def start(begin: Begin) -> Begin:
    """The same for a state that can be put up."""

    def start_one(taken: Taken | None, **more: Any) -> PortionDriver:
        driver = begin(taken, **more)
        driver.loaded()
        return driver

    return start_one


def test_items_see_the_state_and_their_results_are_pickles(taken: Take, start: Begin) -> None:
    program = taken("def f(x): return x * N, [x]\nif __name__ == '__main__':\n    N = 7\n    state_of([(f, (n,)) for n in range(5)])\n")
    assert start(program).give(program.pack) == [(True, (n * 7, [n])) for n in range(5)]


def test_a_pack_may_be_cut_into_chunks(taken: Take, start: Begin) -> None:
    program = taken("def f(x): return x\nstate_of([(f, (n,)) for n in range(5)])\n")
    driver = start(program)
    driver.give_pack(program.pack)
    assert [result["value"] for result in driver.run(3, 2).results] == [(True, 3), (True, 4)]
    assert [result["value"] for result in driver.run(0, 1).results] == [(True, 0)]


def test_each_chunk_begins_with_the_state_as_it_was_taken(taken: Take, start: Begin) -> None:
    program = taken("SEEN = []\ndef f(x):\n    SEEN.append(x)\n    return SEEN\nstate_of([(f, (n,)) for n in range(4)])\n")
    driver = start(program)
    driver.give_pack(program.pack)
    first = [result["value"] for result in driver.run(0, 2).results]
    assert first == [(True, [0]), (True, [0, 1])]
    assert driver.run(2, 1).results[0]["value"] == (True, [2])


def test_an_exception_comes_with_the_traceback_that_a_pool_sends(taken: Take, start: Begin, user_python: UserPython) -> None:
    program = taken("def f(x):\n    raise KeyError('of %d' % x)\nstate_of([(f, (3,))])\n")
    [(succeeded, error)] = start(program).give(program.pack)
    assert (succeeded, type(error), error.args) == (False, KeyError, ("of 3",))
    if user_python.version > (3,):
        text = str(error.__cause__)
        assert "multiprocessing" in text and "in f" in text and "marx" not in text


def test_a_result_that_cannot_be_pickled_is_an_error_that_names_it(taken: Take, start: Begin) -> None:
    program = taken("def f(x): return lambda: x\nstate_of([(f, (3,)), (f, (4,))])\n")
    for succeeded, error in start(program).give(program.pack):
        assert (succeeded, type(error).__name__) == (False, "MaybeEncodingError")
        assert "<lambda>" in str(error)


def test_an_item_that_ends_the_process_of_a_pool_fails(taken: Take, start: Begin) -> None:
    program = taken("import sys\ndef f(x): sys.exit('no %d' % x)\nstate_of([(f, (3,)), (f, (4,))])\n")
    outcomes = start(program).give(program.pack)
    assert [(succeeded, type(error), error.args) for succeeded, error in outcomes] == [(False, SystemExit, (f"no {n}",)) for n in (3, 4)]


def test_an_executor_is_told_of_everything_that_was_raised(taken: Take, start: Begin, user_python: UserPython) -> None:
    if user_python.version < (3,):
        pytest.skip("2.7 has no executors of its own")
    program = taken("import sys\ndef f(x):\n    if x: sys.exit('no')\n    return x\nstate_of([(f, (0,)), (f, (1,))], style='executor')\n")
    good, (succeeded, error) = start(program).give(program.pack)
    assert good == (True, 0)
    assert (succeeded, type(error)) == (False, SystemExit)
    assert "process.py" in str(error.__cause__)


def test_an_item_that_dies_costs_itself_alone(taken: Take, start: Begin) -> None:
    program = taken("import os\ndef f(x):\n    if x == 1: os._exit(9)\n    return x\nstate_of([(f, (n,)) for n in range(3)])\n")
    driver = start(program)
    driver.give_pack(program.pack)
    outcome = driver.run(0, 3)
    assert (outcome.ended.outcome, outcome.ended.exit, outcome.ended.item) == ("died", 9, 1)


def test_a_long_result_comes_in_parts(taken: Take, start: Begin) -> None:
    program = taken("def f(x): return 'x' * x\nstate_of([(f, (n,)) for n in (1, 3000000, 2)])\n")
    assert [len(value) for _, value in start(program).give(program.pack)] == [1, 3000000, 2]


def test_a_result_beyond_the_limit_is_an_entry(taken: Take, start: Begin) -> None:
    program = taken("def f(x): return 'x' * x\nstate_of([(f, (n,)) for n in (1, 300000, 2)])\n")
    driver = start(program, max_value=100_000)
    driver.give_pack(program.pack)
    results = driver.run(0, 3).results
    assert results[1]["error"]["type"] == "ResultTooLong"
    assert [results[place]["value"] for place in (0, 2)] == [(True, "x"), (True, "xx")]


def test_output_belongs_to_items_and_loading_prints_nothing(taken: Take, start: Begin) -> None:
    program = taken("print('top')\ndef f(x):\n    print('item %d' % x)\n    return x\nstate_of([(f, (n,)) for n in range(2)])\n")
    driver = start(program)
    driver.give_pack(program.pack)
    fence = driver.give_chunk(0, 2)
    driver.hear_chunk(fence)
    assert driver.printed(fence) == {0: b"item 0\n", 1: b"item 1\n"}
    assert driver.strays() == b""


def test_the_initializer_is_called_once(taken: Take, start: Begin) -> None:
    text = """
    def begin(n, log):
        global STARTED
        STARTED = n
        log.append(n)
    def f(x): return STARTED + x, LOG
    LOG = []
    if __name__ == "__main__":
        state_of([(f, (1,)), (f, (2,))], initializer=begin, initargs=(40, LOG))
    """
    program = taken(text)
    assert start(program).give(program.pack) == [(True, (41, [40])), (True, (42, [40]))]


def test_an_initializer_that_raises_is_told_as_a_state_that_cannot_be_put_up(taken: Take, begin: Begin) -> None:
    program = taken("def begin(): raise KeyError('no')\ndef f(x): return x\nstate_of([(f, (1,))], initializer=begin)\n")
    failed = begin(program).load_failed()
    assert (failed.what, failed.message) == ("state", "the initializer raises KeyError: 'no'")


def test_a_module_that_is_missing_here_is_named(taken: Take, begin: Begin, folder: Path) -> None:
    (folder / "lib.py").write_text("N = 1\n")
    program = taken("import lib\ndef f(x): return lib.N\nif __name__ == '__main__':\n    state_of([(f, (1,))])\n")
    (folder / "lib.py").unlink()
    failed = begin(program).load_failed()
    assert failed.what == "state"
    assert failed.message.startswith("module lib cannot be imported here: No module named")


def test_a_module_that_differs_here_is_given_the_state_that_was_taken(taken: Take, start: Begin, folder: Path) -> None:
    (folder / "lib.py").write_text("N = 1\ndef f(x): return x + N\n")
    program = taken("import lib\nif __name__ == '__main__':\n    state_of([(lib.f, (1,))])\n")
    (folder / "lib.py").write_text("N = 2\ndef f(x): return 'other'\n")
    assert start(program).give(program.pack) == [(True, 2)]


def test_what_a_class_that_only_its_source_makes_lost_is_noticed(taken: Take, begin: Begin, folder: Path) -> None:
    (folder / "lib.py").write_text("class Meta(type): pass\nC = Meta('C', (object,), {'n': 1})\n")
    program = taken("import lib\ndef f(x): return lib.C.n\nif __name__ == '__main__':\n    state_of([(f, (1,))])\n")
    (folder / "lib.py").write_text("class Meta(type): pass\n")
    failed = begin(program).load_failed()
    assert failed.what == "state" and "C" in failed.message


def test_bytes_that_are_no_state_are_refused(begin: Begin, folder: Path) -> None:
    (folder / "nothing").write_bytes(b"marx state 1 python 9.9\n")
    failed = begin(Taken(folder, folder / "nothing", b"")).load_failed()
    assert failed.what == "state" and "9.9" in failed.message


def test_without_a_state_items_bring_what_they_need(start: Begin, user_python: UserPython, folder: Path) -> None:
    driver = start(None)
    assert driver.give(pack_of([(os.getcwd, (), {}), (divmod, (7, 2), {})])) == [(True, str(folder)), (True, (3, 1))]
    [(succeeded, error)] = driver.give(pack_of([(int, ("x",), {})], 2))
    assert (succeeded, type(error)) == (False, ValueError)


def test_files_that_items_make_come_before_their_results(taken: Take, start: Begin, folder: Path) -> None:
    program = taken("def f(x):\n    with open('made-%d' % x, 'w') as made: made.write('x' * x)\nstate_of([(f, (n,)) for n in (1, 2)])\n")
    driver = start(program, roots=[str(folder)])
    driver.give_pack(program.pack)
    assert driver.run(0, 2).files == {"made-1": b"x", "made-2": b"xx"}


def test_what_the_worker_changes_meanwhile_is_no_change_of_items(taken: Take, start: Begin, folder: Path) -> None:
    program = taken("def f(x): return open('given').read()\nstate_of([(f, (1,))])\n")
    driver = start(program, roots=[str(folder)])
    (folder / "given").write_text("by the worker")
    driver.look_again()
    driver.give_pack(program.pack)
    outcome = driver.run(0, 1)
    assert outcome.results == [{"value": (True, "by the worker")}]
    assert outcome.files == {}


def test_items_that_share_random_numbers_draw_others_in_each_and_the_same_again(taken: Take, start: Begin) -> None:
    program = taken("import random\ndef f(x): return random.random()\nstate_of([(f, (n,)) for n in range(3)])\n")
    driver = start(program)
    driver.give_pack(program.pack)
    together = [result["value"] for result in driver.run(0, 3).results]
    alone = [driver.run(n, 1).results[0]["value"] for n in range(3)]
    assert together == alone and len(set(together)) == 3


def test_an_item_is_in_a_process_of_the_library(taken: Take, start: Begin) -> None:
    text = """
    import multiprocessing
    def f(x):
        process = multiprocessing.current_process()
        parent = getattr(multiprocessing, "parent_process", lambda: 1)()
        return process.name, process.daemon, process._identity, parent is not None
    state_of([(f, (1,))])
    """
    program = taken(text)
    [(_, (name, daemon, identity, has_parent))] = start(program).give(program.pack)
    assert name in ("ForkPoolWorker-1", "PoolWorker-1")
    assert (daemon, identity, has_parent) == (True, (1,), True)


def test_where_a_fork_is_not_safe_each_chunk_gets_an_interpreter_with_the_state(taken: Take, start: Begin) -> None:
    text = """
    import threading
    def begin():
        thread = threading.Thread(target=threading.Event().wait)
        thread.daemon = True
        thread.start()
    def f(x): return x * N
    if __name__ == "__main__":
        N = 5
        state_of([(f, (n,)) for n in range(3)], initializer=begin)
    """
    program = taken(text)
    driver = start(program)
    assert driver.give(program.pack) == [(True, 0), (True, 5), (True, 10)]
    driver.give_pack(program.pack)
    assert driver.run(2, 1).results == [{"value": (True, 10)}]


def test_spawn_shows_the_program_as_mp_main_without_its_guard(taken: Take, start: Begin, user_python: UserPython) -> None:
    if user_python.version < (3,):
        pytest.skip("2.7 only forks")
    text = """
    N = 1
    def f(x): return N, __name__, __import__("sys").modules["__main__"].__name__, x
    if __name__ == "__main__":
        N = 2
        state_of([(f, (3,))], method="spawn")
    """
    program = taken(text)
    assert start(program).give(program.pack) == [(True, (1, "__mp_main__", "__mp_main__", 3))]


def test_a_spawned_program_that_fails_when_it_is_imported_is_not_loaded(taken: Take, begin: Begin, user_python: UserPython) -> None:
    if user_python.version < (3,):
        pytest.skip("2.7 only forks")
    program = taken("def f(x): return x\nif __name__ == '__main__':\n    state_of([(f, (1,))], method='spawn')\nraise KeyError('no')\n")
    failed = begin(program).load_failed()
    assert isinstance(failed, LoadFailed)
    assert (failed.what, failed.message) == ("state", "KeyError: 'no'")
