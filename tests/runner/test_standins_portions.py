"""What the stand-ins ask of the lab: portions, their calls, items and ends."""

from __future__ import annotations

import pickle
from pathlib import Path

import pytest

from tests.pythons import UserPython
from tests.runner.playing import Answer, Lab, Portion

POOL = """
from __future__ import print_function
import itertools, multiprocessing, os, sys, time
from multiprocessing import Pool

def square(x):
    return x * x

def cube(x):
    return x * x * x

class Shape(object):
    def __init__(self, side):
        self.side = side

def area(shape):
    return shape.side ** 2
"""
FIRST_LINE = POOL.count("\n") + 2
"""The line of the first statement under the guard of `program`."""


def program(*lines: str) -> str:
    """POOL with statements under its guard."""
    return POOL + 'if __name__ == "__main__":\n' + "".join("    %s\n" % line for line in lines)


@pytest.fixture
def lab(user_python: UserPython, kit: Path, tmp_path: Path) -> Lab:
    """A lab for one interpreter."""
    return Lab(user_python, kit, tmp_path)


def echo(_: Portion, record: bytes) -> Answer:
    """Each item's argument is its result."""
    assert record
    return "pickles", pickle.dumps((True, [1]), 2)


def test_each_map_is_a_portion_of_its_own_that_says_who_asked(lab: Lab) -> None:
    run = lab.run(program("pool = Pool(2)", "pool.map(square, range(4))", "list(pool.imap(cube, range(3)))", "pool.close()", "pool.join()"))
    assert [portion.call for portion in run.portions] == [
        {"file": str(lab.folder / "prog.py"), "line": FIRST_LINE + 1, "kind": "Pool.map", "function": "square"},
        {"file": str(lab.folder / "prog.py"), "line": FIRST_LINE + 2, "kind": "Pool.imap", "function": "cube"},
    ]
    assert [len(portion.records) for portion in run.portions] == [4, 3]
    assert all(portion.is_final for portion in run.portions)


def test_an_item_is_the_function_with_its_arguments(lab: Lab) -> None:
    run = lab.run(program("pool = Pool(2)", "pool.apply(pow, (2, 3))", "pool.apply_async(dict, (), {'a': 1}).get()"))
    assert [pickle.loads(record)[1:] for record in run.portions[0].records] == [((2, 3), {}), ((), {"a": 1})]


def test_a_map_without_a_chunksize_is_cut_as_finely_as_the_lab_may_want_it(lab: Lab) -> None:
    run = lab.run(
        program("pool = Pool(2)", "print(len(pool.map(square, range(25000))), len(pool.map(square, range(100), 30)))", "pool.terminate()")
    )
    assert run.out == "25000 100\n"
    assert [len(portion.records) for portion in run.portions] == [8334, 4]


def test_calls_one_by_one_share_a_portion(lab: Lab) -> None:
    run = lab.run(
        program("pool = Pool(2)", "print([pool.apply_async(f, (3,)).get() for f in (square, cube, square, cube)])", "pool.terminate()")
    )
    assert run.out == "[9, 27, 9, 27]\n"
    assert len(run.portions) <= 2
    assert sum(len(portion.records) for portion in run.portions) == 4


def test_calls_share_no_portion_when_the_program_has_changed_files_between_them(lab: Lab) -> None:
    lab.changes = [True, False]
    run = lab.run(program("pool = Pool(2)", "print([pool.apply(square, (x,)) for x in range(3)])", "pool.terminate()"))
    assert run.out == "[0, 1, 4]\n"
    assert [(len(portion.records), portion.is_final) for portion in run.portions] == [(1, True), (2, True)]


def test_a_pool_without_a_number_has_a_process_for_each_slot_of_the_lab(lab: Lab) -> None:
    run = lab.run(program("pool = Pool()", "print(len(pool._pool), pool._processes, multiprocessing.cpu_count() > 0)", "pool.terminate()"))
    assert run.out == "3 3 True\n"


def test_pools_take_one_state_for_all_calls_of_a_function(lab: Lab) -> None:
    run = lab.run(program("pool = Pool(2)", "print([pool.map(square, [x]) for x in range(3)])", "pool.terminate()"))
    assert run.out == "[[0], [1], [4]]\n"
    assert {portion.state for portion in run.portions} == {1}


def test_items_that_name_a_class_of_the_program_find_it(lab: Lab) -> None:
    run = lab.run(
        program("pool = Pool(2)", "print(pool.map(area, [Shape(2), Shape(3)]), pool.map(str, [1]), pool.map(area, []))", "pool.terminate()")
    )
    assert run.out == "[4, 9] ['1'] []\n"
    assert run.kinds == ["Pool.map"] * 2


def test_an_iterable_is_read_no_further_than_a_window_ahead_of_its_results(lab: Lab) -> None:
    lab.compute = lambda portion, record: ("nothing", b"")
    run = lab.run(
        program("pool = Pool(2)", "taken = []", "it = pool.imap(square, (taken.append(x) or x for x in range(30000)))", *UNTIL_STILL)
    )
    assert run.out == "10001\n"
    assert (len(run.portions[0].records), run.portions[0].is_dropped) == (10000, True)


UNTIL_STILL = [
    "while len(taken) < 10001: time.sleep(0.01)",
    "time.sleep(0.5)",
    "print(len(taken))",
    "pool.terminate()",
]


def test_what_a_terminated_pool_still_had_out_is_dropped(lab: Lab) -> None:
    begun = set()

    def compute(portion: Portion, record: bytes) -> Answer:
        begun.add(portion.number)
        if len(begun) == 2:
            (lab.folder / "both").touch()
        return "nothing", b""

    lab.compute = compute
    run = lab.run(
        program(
            "pool = Pool(2)",
            "result = pool.map_async(square, range(5))",
            "pool.apply_async(cube, (1,))",
            "while not os.path.exists('both'): time.sleep(0.01)",
            "pool.terminate()",
        )
    )
    assert [portion.is_dropped for portion in run.portions] == [True, True]


def test_an_item_that_died_is_an_error_that_says_of_which_call(lab: Lab) -> None:
    def compute(portion: Portion, record: bytes) -> Answer:
        if portion.records.index(record) == 1:
            return "entries", b'{"error": {"type": "Died", "message": "its runner was killed by signal 9"}}'
        return echo(portion, record)

    lab.compute = compute
    text = program(
        "pool = Pool(2)",
        "try: pool.map(square, range(3), 1)",
        "except multiprocessing.ProcessError as error: print(error)",
        "pool.terminate()",
    )
    run = lab.run(text)
    where = "Pool.map at %s, line %d" % (lab.folder / "prog.py", FIRST_LINE + 1)
    assert run.out == "an item of %s has no result: its runner was killed by signal 9\n" % where


def test_a_value_that_cannot_be_sent_is_named_with_the_line_that_sends_it(lab: Lab) -> None:
    text = program(
        "pool = Pool(2)",
        "try: pool.map(len, [[1], [2, lambda: 3]])",
        "except Exception as error: print(type(error).__name__)",
        "pool.terminate()",
    )
    run = lab.run(text)
    assert run.out in ("PicklingError\n", "AttributeError\n")
    [note] = run.notes
    assert "Pool.map at %s, line %d" % (lab.folder / "prog.py", FIRST_LINE + 1) in note
    assert "its arguments[0][1] (<function <lambda>" in note


def test_large_items_and_results_travel_whole(lab: Lab) -> None:
    run = lab.run(program("pool = Pool(2)", "print([len(x) for x in pool.map(bytes, [b'x' * 3000000, b'y'])])", "pool.terminate()"))
    assert run.out == "[3000000, 1]\n"
    assert len(run.portions[0].records[0]) > 3000000


def test_results_in_any_order_come_out_in_the_order_of_items(lab: Lab) -> None:
    held: list[bytes] = []

    def compute(portion: Portion, record: bytes) -> Answer:
        held.append(record)
        return "pickles", pickle.dumps((True, len(held)), 2)

    lab.compute = compute
    run = lab.run(
        program(
            "pool = Pool(2)", "print(list(pool.imap(square, range(4))), sorted(pool.imap_unordered(square, range(3))))", "pool.terminate()"
        )
    )
    assert run.out == "[1, 2, 3, 4] [5, 6, 7]\n"


def test_a_result_that_cannot_be_loaded_is_an_error_of_its_item(lab: Lab) -> None:
    lab.compute = lambda portion, record: ("pickles", b"no pickle at all")
    run = lab.run(
        program("pool = Pool(2)", "try: pool.map(square, [1])", "except Exception as error: print('an error')", "pool.terminate()")
    )
    assert run.out == "an error\n"


def test_the_program_goes_on_at_home_when_its_keeper_has_gone(lab: Lab) -> None:
    lab.hangs_up_after = 2
    run = lab.run(
        program("pool = Pool(2)", "print(pool.map(square, range(5)), pool.map(cube, range(3)), Pool(1).map(cube, [2]))", "pool.terminate()")
    )
    assert run.out == "[0, 1, 4, 9, 16] [0, 1, 8] [8]\n"


def test_a_pool_that_is_never_closed_ends_with_the_program(lab: Lab) -> None:
    run = lab.run(program("pool = Pool(2)", "print(pool.map(square, [3]))", "sys.exit(5)"))
    assert (run.out, run.err, run.code) == ("[9]\n", "", 5)


def test_many_pools_leave_neither_processes_nor_descriptors(lab: Lab) -> None:
    lines = [
        "import os",
        "def count(): return len(os.listdir('/proc/self/fd')), open('/proc/self/task/%d/children' % os.getpid()).read().split()",
    ]
    lines += ["for _ in range(8): pool = Pool(2); pool.map(square, range(3)); pool.terminate(); pool.join()", "deadline = time.time() + 10"]
    lines += [
        "while time.time() < deadline and (count()[0] > 20 or count()[1]): time.sleep(0.05)",
        "print(count()[0] <= 20, len(count()[1]))",
    ]
    run = lab.run(program(*lines))
    assert run.out == "True 0\n"
